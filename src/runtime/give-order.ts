/** Giving an order to a rollout: kept first, then told to the gate, if the rollout waits at one. */
import type { Executions } from '../aws/executions.ts';
import type { Table } from '../aws/table.ts';
import { rolloutId } from '../contracts/ids.ts';
import { type Actor, type Order, rolloutItem } from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { describeOrder, errorOfOrder, judgeOrder, type Verb } from '../fleet/orders.ts';
import { phaseKey, phases } from '../fleet/phases.ts';
import { keys } from '../lineage/keys.ts';
import type { Clock } from './clock.ts';
import { changeFleet } from './rollout/hold.ts';
import { fleetEvent, rolloutKey, updateRollout } from './rollout/record.ts';

export interface OrderDeps {
  readonly table: Table;
  readonly executions: Executions;
  readonly clock: Pick<Clock, 'now'>;
}

export interface GivenOrder {
  readonly fleet: string;
  readonly rollout: number;
  readonly verb: Verb;
  readonly by: Actor;
  readonly reason?: string;
}

export interface OrderAnswer {
  /** `now`: carried out; `kept`: at the next border between two states. */
  readonly outcome: 'now' | 'kept';
  readonly message: string;
}

/**
 * Gives an order. Safe to repeat.
 * @throws FlotillaError `RolloutNotFound`, `FleetNotFound`, `RequestRefused` (with the orders that are legal now).
 */
export async function giveOrder(given: GivenOrder, deps: OrderDeps): Promise<OrderAnswer> {
  const { fleet: name, rollout: number, verb, by } = given;
  const rollout = await deps.table.get(keys.rollout(name, number), rolloutItem);
  const id = rolloutId(name, number);
  if (rollout === undefined)
    throw new FlotillaError('RolloutNotFound', `There is no rollout ${id}`, { rollout: id });
  const phase = phaseKey(rollout.phase);
  const verdict = judgeOrder(verb, phase);
  if (verdict.verdict === 'refused') {
    throw new FlotillaError('RequestRefused', verdict.reasons.join('; '), {
      rollout: id,
      phase: rollout.phase,
    });
  }

  const fleet = await changeFleet(deps.table, name, deps.clock, (item, now) => {
    const order: Order = {
      verb,
      rollout: number,
      by,
      at: now,
      ...(given.reason === undefined ? {} : { reason: given.reason }),
    };
    const waiting = phase === 'queued';
    return {
      fleet: {
        ...item,
        orders: waiting ? item.orders : [...item.orders, order],
        queue: waiting ? item.queue.filter((one) => one !== number) : item.queue,
      },
      writes: waiting
        ? [updateRollout(name, number, { status: 'aborted', phase: phases.ended, endedAt: now })]
        : [],
      events: [
        fleetEvent({
          fleet: name,
          key: rolloutKey(number, `ordered-${verb}-at-${item.revision}`),
          kind: 'order-given',
          at: now,
          by,
          data: { rollout: number, verb, reason: given.reason },
        }),
      ],
    };
  });
  if (phase === 'queued') return { outcome: 'now', message: `${id} was taken out of the queue.` };
  const { gate } = fleet;
  const order = fleet.orders.findLast((one) => one.rollout === number && one.verb === verb);
  if (gate?.rollout !== number || order === undefined || !opens(verb, gate.waitsFor)) {
    return { outcome: 'kept', message: `${id} reads the order (${verb}) at its next step.` };
  }
  const delivered =
    verb === 'abort' || verb === 'reject'
      ? await deps.executions.fail(gate.token, errorOfOrder(order), describeOrder(order))
      : await deps.executions.succeed(gate.token, { ended: verb });
  return delivered === 'delivered'
    ? { outcome: 'now', message: `${id}: ${verb}.` }
    : { outcome: 'kept', message: `${id} has left the gate; it reads the order at its next step.` };
}

/** Whether an order ends this kind of waiting. An approval given during the bake before it does not cut the bake short. */
export function opens(verb: Verb, waitsFor: 'time' | 'approval'): boolean {
  return verb === 'approve' ? waitsFor === 'approval' : verb !== 'pause' && verb !== 'resume';
}
