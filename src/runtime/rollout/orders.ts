/** Reading the orders of people (and alarms) at the borders between two states. */
import type { Alarms } from '../../aws/alarms.ts';
import type { AlarmWatch } from '../../contracts/fleet-spec.ts';
import type { FleetItem } from '../../contracts/items.ts';
import { FlotillaError } from '../../errors.ts';
import { ringingEvidence } from '../../fleet/evidence.ts';
import { type AlarmVerdict, alarmVerdict } from '../../fleet/gates.ts';
import { describeOrder, endingOrder, errorOfOrder, pauseOf } from '../../fleet/orders.ts';

/** @throws FlotillaError `GateAborted`, `GateRejected` or `AlarmRang` where an order ends the rollout. */
export function refuseIfEnded(fleet: Pick<FleetItem, 'fleet' | 'orders'>, rollout: number): void {
  const order = endingOrder(fleet, rollout);
  if (order === undefined) return;
  throw new FlotillaError(errorOfOrder(order), describeOrder(order), {
    fleet: fleet.fleet,
    rollout,
    ...(order.alarm === undefined ? {} : { alarms: [order.alarm] }),
  });
}

/**
 * Asked before the weights change, and before the promotion.
 * @throws FlotillaError `RolloutPaused`: the machine waits until the pause is taken back, and asks again.
 */
export function refuseIfPaused(fleet: Pick<FleetItem, 'fleet' | 'orders'>, rollout: number): void {
  const pause = pauseOf(fleet, rollout);
  if (pause === undefined) return;
  throw new FlotillaError('RolloutPaused', describeOrder(pause), { fleet: fleet.fleet, rollout });
}

/**
 * Alarms are read when a gate is entered and left, because their events are edges and best effort.
 * @returns `unknown` where one has no data and the spec does not say what that means: lineage tells the two apart.
 * @throws FlotillaError `AlarmRang`; `AlarmMissing` where none rings, but nobody would hear it.
 */
export async function refuseIfRinging(
  fleet: Pick<FleetItem, 'fleet'>,
  rollout: number,
  watched: readonly Pick<AlarmWatch, 'name' | 'missingData'>[],
  alarms: Alarms,
): Promise<AlarmVerdict['verdict']> {
  const seen = await alarms.describe(watched.map(({ name }) => name));
  const verdict = alarmVerdict(watched, seen);
  if (!('missing' in verdict)) return verdict.verdict;
  const reasons = [...verdict.ringing, ...verdict.missing];
  throw new FlotillaError(verdict.verdict === 'ringing' ? 'AlarmRang' : 'AlarmMissing', reasons.join('; '), {
    fleet: fleet.fleet,
    rollout,
    reasons,
    alarms: ringingEvidence(
      watched.map(({ name }) => name),
      seen,
    ),
  });
}
