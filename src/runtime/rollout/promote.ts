/** Promotion: the one moment from which rolling back means a rollout of its own. */
import type * as z from 'zod';
import { scalingMetrics } from '../../aws/groups.ts';
import type { FleetItem } from '../../contracts/items.ts';
import { FlotillaError } from '../../errors.ts';
import { promotedBounds } from '../../fleet/capacity.ts';
import { phases } from '../../fleet/phases.ts';
import { formatWeights, sameWeights, stepWeights } from '../../fleet/traffic.ts';
import { type HandedFleet, type Hold, handOver } from './hold.ts';
import { refuseIfEnded, refuseIfPaused } from './orders.ts';
import { fleetEvent, rolloutKey, updateRelease, updateRollout } from './record.ts';
import { scaleGroup } from './scaling.ts';
import { leaveGate, type ShiftDeps, shiftInput } from './shift.ts';
import { closeTestTraffic } from './test-traffic.ts';

export const promoteInput = shiftInput;

/** What schedule-retirement needs; null where nothing was live before. */
export interface Promoted {
  readonly live: number;
  readonly warm: { readonly release: number; readonly keepUntil: string } | null;
  readonly held: HandedFleet;
}

/**
 * Promotes the candidate. The calls to AWS come first and can be repeated; the write of the item is the promotion.
 * @throws FlotillaError `TrafficNotArriving` (try again), `TrafficChangedByHand`, `CandidateUnhealthy`, `AlarmRang`,
 * `AlarmMissing`, `GateAborted`, `RolloutPaused`, `LeaseLost`, `DeadlineNear`.
 */
export async function promote(
  call: z.infer<typeof promoteInput>,
  hold: Hold,
  deps: ShiftDeps,
): Promise<Promoted> {
  const { plan, rollout } = call;
  const { candidate, live } = hold.fleet;
  if (candidate === null && live?.groupName === plan.groupName) return promotedAs(hold.fleet);

  const world = await leaveGate(call, hold, deps, call.step);
  const wanted = stepWeights(plan.slot, 100, live !== null);
  if (!sameWeights(world.rule.weights, wanted)) {
    throw new FlotillaError(
      'TrafficChangedByHand',
      `The rule has ${formatWeights(world.rule.weights)}; the promotion wants ${formatWeights(wanted)}`,
      { fleet: call.fleet, rollout, ruleArn: hold.fleet.fixed.ruleArn },
    );
  }
  const group = await deps.groups.describe(plan.groupName);
  if (group === undefined) {
    throw new FlotillaError('CandidateUnhealthy', `The group ${plan.groupName} is gone`, {
      group: plan.groupName,
    });
  }
  const bounds = promotedBounds(hold.fleet.spec.instances, group);
  if (group.minimum !== bounds.minimum || group.maximum !== bounds.maximum) {
    await hold.before();
    await deps.groups.resize(plan.groupName, bounds);
  }
  const scaled = await scaleGroup(plan, hold, deps);
  // A warm release's group has what it was once promoted with.
  for (const metric of plan.way === 'warm' ? scalingMetrics : []) {
    if (scaled.includes(metric)) continue;
    await hold.before();
    await deps.groups.removeScaling(plan.groupName, metric);
  }
  const testTraffic = await closeTestTraffic(hold, deps.balancer);

  await hold.change((item, now) => {
    // What was ordered meanwhile is read in the item that makes it too late.
    refuseIfEnded(item, rollout);
    refuseIfPaused(item, rollout);
    return {
      fleet: {
        ...item,
        live: { release: plan.release, slot: plan.slot, groupName: plan.groupName },
        candidate: null,
        warm:
          item.live === null
            ? null
            : {
                ...item.live,
                keepUntil: new Date(Date.parse(now) + item.spec.rollout.keepWarmSeconds * 1000).toISOString(),
                successorHeldAt: group.desired,
              },
        served: true,
        gate: null,
        ...(testTraffic === undefined ? {} : { testTraffic: { slot: null, since: now } }),
        // The former live group keeps its pinned minimum: that is what keeps it warm at full size. It goes with it.
        pins: item.pins.filter(({ groupName }) => groupName !== item.live?.groupName),
      },
      writes: [
        updateRelease(item.fleet, plan.release, { state: 'live', servedAt: now }),
        ...(item.live === null
          ? []
          : [
              updateRelease(item.fleet, item.live.release, {
                state: 'warm',
                ...(plan.kind === 'rollback' ? { leftAt: now } : {}),
              }),
            ]),
        updateRollout(item.fleet, rollout, { phase: phases.promoting }),
      ],
      events: [
        fleetEvent({
          fleet: item.fleet,
          key: rolloutKey(rollout, 'promoted'),
          kind: 'release-promoted',
          at: now,
          execution: call.execution,
          data: {
            rollout,
            release: plan.release,
            former: item.live?.release ?? null,
            groupName: plan.groupName,
            desired: group.desired,
            minimum: bounds.minimum,
            ...(testTraffic === undefined ? {} : { testTraffic }),
            provenBefore: world.proven.proof,
            alarmsBefore: world.alarms,
          },
        }),
      ],
    };
  });
  return promotedAs(hold.fleet);
}

function promotedAs(fleet: FleetItem): Promoted {
  const { live, warm } = fleet;
  return {
    live: live?.release ?? 0,
    warm: warm === null ? null : { release: warm.release, keepUntil: warm.keepUntil },
    held: handOver(fleet),
  };
}
