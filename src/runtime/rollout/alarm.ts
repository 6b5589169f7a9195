/** An alarm's event, turned into an order to abort. */
import type { AlarmEvidence } from '../../contracts/failure-card.ts';
import { rolloutId } from '../../contracts/ids.ts';
import { fleetItem, refItem } from '../../contracts/items.ts';
import { isFlotillaError } from '../../errors.ts';
import { keys } from '../../lineage/keys.ts';
import { giveOrder, type OrderDeps } from '../give-order.ts';

/** Aborts each rollout that watches the alarm. Repeating it finds nothing left to abort. */
export async function alarmRang(
  evidence: AlarmEvidence,
  deps: OrderDeps,
): Promise<{ aborted: readonly string[] }> {
  const { name: alarm, reason } = evidence;
  const { pk } = keys.ref(`alarm/${alarm}`, 'fleet', '');
  const watchers = await deps.table.queryAll(pk, 'fleet#', refItem);
  const aborted: string[] = [];
  for (const { to } of watchers) {
    const fleet = await deps.table.get(keys.fleet(to), fleetItem);
    const lease = fleet?.lease;
    if (lease?.purpose !== 'rollout' || lease.state !== 'held') continue;
    if (!fleet?.spec.rollout.alarms.some(({ name }) => name === alarm)) continue;
    try {
      await giveOrder(
        {
          fleet: to,
          rollout: lease.rollout,
          verb: 'abort',
          by: { principal: alarm, through: 'alarm' },
          reason: reason.slice(0, 1000),
          alarm: evidence,
        },
        deps,
      );
      aborted.push(rolloutId(to, lease.rollout));
    } catch (error) {
      // Ended, or promoted, a moment ago: there is nothing to abort any more.
      if (!isFlotillaError(error) || error.name !== 'RequestRefused') throw error;
    }
  }
  return { aborted };
}
