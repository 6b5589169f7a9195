/**
 * Making a candidate as large as its next share of the traffic wants: with the weights where it follows them, and
 * after live where that was scaled up meanwhile. It is never made smaller, and its minimum is its size. Live, which
 * is looked at for that, is held at its own.
 */
import type { Groups } from '../../aws/groups.ts';
import type { Instances } from '../../aws/instances.ts';
import { type HeldCall, isJustSeen, type JustSeen, type RolloutPlan } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { lostPin, sizeForShare } from '../../fleet/capacity.ts';
import { healthVerdict } from '../../fleet/health.ts';
import type { ActivityView, GroupView, TargetView } from '../../fleet/world.ts';
import { unhealthy } from './check-health.ts';
import type { Hold } from './hold.ts';
import { fleetEvent, rolloutKey } from './record.ts';

export interface GrowthView {
  readonly targets: readonly TargetView[];
  readonly activities: readonly ActivityView[];
}

/**
 * Lets pass a candidate that is large enough for `share` per cent, and healthy at that size if it had to grow. What
 * is to be awaited is an error, so that the state is tried again; how long, the health deadline says.
 * @throws FlotillaError `CandidateGrowing` (try again), `CandidateUnhealthy`, `CandidateLaunchFailed`, `LeaseLost`,
 * `DeadlineNear`.
 */
export async function growForShare(
  call: HeldCall & {
    readonly plan: RolloutPlan;
    readonly step: number;
    readonly share: number;
    readonly justSeen: JustSeen;
  },
  hold: Hold,
  deps: { readonly groups: Groups; readonly instances: Instances },
  seen: GrowthView,
): Promise<void> {
  const { plan } = call;
  const { live } = hold.fleet;
  if (isLargeEnough(call, hold)) return;
  const groups = await deps.groups.describeAll([plan.groupName, ...(live === null ? [] : [live.groupName])]);
  const group = groups.find(({ name }) => name === plan.groupName);
  if (group === undefined) {
    throw new FlotillaError('CandidateUnhealthy', `The group ${plan.groupName} is gone`, {
      group: plan.groupName,
    });
  }
  const liveGroup = groups.find(({ name }) => name === live?.groupName);
  if (liveGroup !== undefined) await keepPinned(liveGroup, hold, deps.groups);
  const wanted = sizeForShare(plan.mode, call.share, plannedSize(plan), liveGroup);
  if (group.desired < wanted) await grow(call, hold, deps.groups, group, wanted);
  const growth = hold.fleet.candidate?.growth;
  if (growth !== undefined && !growth.proven)
    await proveSize(call, hold, deps.instances, group, wanted, seen);
}

/** Both serve from here on: whatever landed since live was pinned, it is not scaled in. */
async function keepPinned(live: GroupView, hold: Hold, groups: Groups): Promise<void> {
  const pin = hold.fleet.pins.find(({ groupName }) => groupName === live.name);
  const minimum = lostPin(pin?.pinned, live);
  if (minimum === undefined) return;
  await hold.before();
  await groups.resize(live.name, { minimum });
}

/** Whether what was seen a moment ago says so, and that live is pinned; what is older says nothing. */
function isLargeEnough(
  {
    plan,
    share,
    justSeen,
  }: { readonly plan: RolloutPlan; readonly share: number; readonly justSeen: JustSeen },
  hold: Hold,
): boolean {
  if (!isJustSeen(justSeen, hold.now())) return false;
  if (hold.fleet.candidate?.growth?.proven === false) return false;
  const live = justSeen.live ?? undefined;
  // A live group that was not shown is asked for again.
  if (live === undefined && hold.fleet.live !== null) return false;
  const pin = hold.fleet.pins.find(({ groupName }) => groupName === hold.fleet.live?.groupName);
  if (live !== undefined && lostPin(pin?.pinned, live) !== undefined) return false;
  return justSeen.candidate >= sizeForShare(plan.mode, share, plannedSize(plan), live);
}

const plannedSize = (plan: RolloutPlan): number => Math.max(plan.wholeSize, plan.capacity.desired);

/** The size is written down before it is set: a try that finds it set knows since when. */
async function grow(
  call: HeldCall & { readonly plan: RolloutPlan; readonly step: number; readonly share: number },
  hold: Hold,
  groups: Groups,
  group: GroupView,
  wanted: number,
): Promise<void> {
  if (hold.fleet.candidate?.growth?.to !== wanted) {
    await hold.change((item, now) =>
      item.candidate === null
        ? undefined
        : {
            fleet: {
              ...item,
              candidate: { ...item.candidate, growth: { to: wanted, since: now, proven: false } },
            },
            events: [
              fleetEvent({
                fleet: item.fleet,
                key: rolloutKey(call.rollout, `grown-${call.step}-to-${wanted}`),
                kind: 'candidate-grown',
                at: now,
                execution: call.execution,
                data: {
                  rollout: call.rollout,
                  step: call.step,
                  share: call.share,
                  from: group.desired,
                  to: wanted,
                },
              }),
            ],
          },
    );
  }
  await hold.before();
  await groups.resize(group.name, {
    minimum: wanted,
    desired: wanted,
    maximum: Math.max(group.maximum, wanted),
  });
}

async function proveSize(
  call: HeldCall,
  hold: Hold,
  instances: Instances,
  group: GroupView,
  wanted: number,
  seen: GrowthView,
): Promise<void> {
  const since = Date.parse(hold.fleet.candidate?.growth?.since ?? '');
  const verdict = healthVerdict({
    wanted,
    group,
    targets: seen.targets,
    activities: seen.activities.filter(({ startedAt }) => startedAt >= since),
    waitedSeconds: (hold.now().getTime() - since) / 1000,
    deadlineSeconds: hold.fleet.spec.healthCheck.deadlineSeconds,
  });
  switch (verdict.verdict) {
    case 'failed':
      throw await unhealthy(
        { ...call, groupName: group.name },
        verdict,
        { spec: hold.fleet.spec, targets: seen.targets, activities: seen.activities },
        instances,
      );
    case 'waiting':
      throw new FlotillaError(
        'CandidateGrowing',
        `${verdict.healthy} of ${wanted} instances are healthy: ${verdict.reasons.join('; ')}`,
        { fleet: call.fleet, group: group.name },
      );
    case 'healthy':
  }
}
