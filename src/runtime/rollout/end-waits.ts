/** Ending the wait of rollouts that stand in a fleet's queue for longer than its spec lets them. */
import type { Table } from '../../aws/table.ts';
import { rolloutId } from '../../contracts/ids.ts';
import { type FleetItem, rolloutItem } from '../../contracts/items.ts';
import { attentionWords } from '../../fleet/attention.ts';
import { phases } from '../../fleet/phases.ts';
import { keys } from '../../lineage/keys.ts';
import { changeFleet, type Time } from './hold.ts';
import { fleetEvent, rolloutKey, updateRollout } from './record.ts';

/**
 * Nothing runs for a rollout in the queue, so that the sweeper has to end its wait: with `LeaseTimeout`, as the execution
 * of one that has begun does by itself. Safe to repeat.
 * @returns what was done.
 */
export async function endWaits(fleet: FleetItem, table: Table, { clock }: Time): Promise<string[]> {
  const { lockWaitSeconds } = fleet.spec.rollout;
  const ended: string[] = [];
  for (const number of fleet.queue) {
    const rollout = await table.get(keys.rollout(fleet.fleet, number), rolloutItem);
    if (rollout?.status !== 'queued') continue;
    const waited = (clock.now().getTime() - Date.parse(rollout.requestedAt)) / 1000;
    if (waited < lockWaitSeconds) continue;
    const after = await changeFleet(table, fleet.fleet, clock, (item, now) => {
      // Free by now, or its turn came: then it runs, and ends by itself.
      if (item.lease === null || !item.queue.includes(number)) return undefined;
      const trouble = attentionWords(item);
      const message = `${rolloutId(item.fleet, number)} waited ${Math.round(waited)} s for the fleet, which ${
        trouble === undefined
          ? `the ${item.lease.purpose} of v${item.lease.release} holds`
          : `needs attention: ${trouble}`
      }`;
      return {
        fleet: {
          ...item,
          queue: item.queue.filter((one) => one !== number),
          orders: item.orders.filter((order) => order.rollout !== number),
        },
        writes: [
          updateRollout(item.fleet, number, {
            status: 'failed',
            phase: phases.ended,
            endedAt: now,
            error: { name: 'LeaseTimeout', message },
          }),
        ],
        events: [
          fleetEvent({
            fleet: item.fleet,
            key: rolloutKey(number, 'waited-too-long'),
            kind: 'rollout-failed',
            at: now,
            data: { rollout: number, release: rollout.release, error: 'LeaseTimeout', message },
          }),
        ],
      };
    });
    if (!after.queue.includes(number)) ended.push(`ended the wait of rollout ${number}`);
  }
  return ended;
}
