/** Asking the load balancer, and Auto Scaling where it knows why, how the candidate is. */
import type { Groups } from '../../aws/groups.ts';
import type { Instances } from '../../aws/instances.ts';
import type { LoadBalancer } from '../../aws/load-balancer.ts';
import { together } from '../../aws/together.ts';
import type { FleetItem } from '../../contracts/items.ts';
import type { HeldCall, HookView, JustSeen, RolloutPlan } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { describeHealthCheck, failedChecks, failedLaunches } from '../../fleet/evidence.ts';
import {
  type HealthVerdict,
  healthVerdict,
  healthyLooks,
  instanceIn,
  lately,
  servingVerdict,
} from '../../fleet/health.ts';
import { phases } from '../../fleet/phases.ts';
import type { ActivityView, TargetView } from '../../fleet/world.ts';
import { type HandedFleet, type Hold, handOver } from './hold.ts';
import { digestOf, slotArns } from './look.ts';
import { refuseIfEnded } from './orders.ts';
import { fleetEvent, rolloutKey, updateRollout } from './record.ts';
import { type SmokeQuestions, smokeQuestionsFor } from './smoke-test.ts';

export interface HealthDeps {
  readonly balancer: LoadBalancer;
  readonly groups: Groups;
  readonly instances: Instances;
}

/** Lines of an instance's console that go into a failure. */
export const consoleLines = 20;
/** Of a large fleet whose every instance fails, the first ones tell it all. */
const reasonsKept = 20;
/** Characters of console: the Cause of an execution holds 32,768, and other things want room too. */
const consoleCharacters = 3_000;

export interface HealthLook {
  readonly verdict: 'healthy' | 'waiting';
  /** Looks in a row that found the candidate healthy. */
  readonly looks: number;
  readonly healthy: number;
  readonly wanted: number;
  readonly reasons: readonly string[];
  /** For the fleet's hooks; null until the candidate is healthy, or where there is none. */
  readonly hook: HookView | null;
  /** Of the smoke test; null likewise. */
  readonly smoke: SmokeQuestions | null;
  /** Digest of the slot's targets, for whoever looks at them next. */
  readonly seen: string;
  /** For the first step, which comes right after. */
  readonly justSeen: JustSeen;
  readonly held: HandedFleet;
}

/**
 * One look; `looks` in a row before it found the candidate healthy.
 * @throws FlotillaError `CandidateUnhealthy` or `CandidateLaunchFailed` with reasons, instance and console,
 * `GateAborted`, `LeaseLost`.
 */
export async function checkHealth(
  call: HeldCall & { readonly plan: RolloutPlan; readonly launchedAt: string; readonly looks: number },
  hold: Hold,
  deps: HealthDeps,
): Promise<HealthLook> {
  const { plan, rollout } = call;
  const { fleet } = hold;
  refuseIfEnded(fleet, rollout);
  const at = hold.now().toISOString();
  const [groups, targets, activities] = await together([
    deps.groups.describeAll([plan.groupName, ...(fleet.live === null ? [] : [fleet.live.groupName])]),
    deps.balancer.targets(slotArns(fleet)[plan.slot]),
    deps.groups.activities(plan.groupName),
  ]);
  const group = groups.find(({ name }) => name === plan.groupName);
  const live = groups.find(({ name }) => name === fleet.live?.groupName);
  const justSeen: JustSeen = {
    candidate: group?.desired ?? 0,
    live: live === undefined ? null : { minimum: live.minimum, desired: live.desired },
    targets: targets.length > targetsHanded ? null : targets.map(({ id, state }) => ({ id, state })),
    at,
  };
  const began = Date.parse(call.launchedAt);
  const wanted = Math.max(plan.capacity.desired, group?.desired ?? 0);
  const verdict = healthVerdict({
    wanted,
    group,
    targets,
    // A warm group has a past; what counts is what happened since it was taken up.
    activities: activities.filter(({ startedAt }) => plan.way === 'launch' || startedAt >= began),
    waitedSeconds: (hold.now().getTime() - began) / 1000,
    deadlineSeconds: fleet.spec.healthCheck.deadlineSeconds,
  });
  if (verdict.verdict === 'failed') {
    const seen = { spec: fleet.spec, targets, activities };
    throw await unhealthy({ ...call, groupName: plan.groupName }, verdict, seen, deps.instances);
  }
  const seen = digestOf(targets);
  if (verdict.verdict === 'waiting')
    return { ...verdict, wanted, looks: 0, hook: null, smoke: null, seen, justSeen, held: handOver(fleet) };
  const looks = call.looks + 1;
  // A warm group has proven itself already.
  if (looks < healthyLooks && plan.way === 'launch') {
    return {
      verdict: 'waiting',
      healthy: verdict.healthy,
      wanted,
      looks,
      reasons: ['healthy; looking once more'],
      hook: null,
      smoke: null,
      seen,
      justSeen,
      held: handOver(fleet),
    };
  }

  await hold.change((item, now) => ({
    fleet: item,
    writes: [
      updateRollout(call.fleet, rollout, {
        phase: plan.smokeTest || plan.testTraffic ? phases.smoke : phases.shifting,
      }),
    ],
    events: [
      fleetEvent({
        fleet: call.fleet,
        key: rolloutKey(rollout, 'healthy'),
        kind: 'candidate-healthy',
        at: now,
        execution: call.execution,
        data: {
          rollout,
          healthy: verdict.healthy,
          wanted,
          seconds: Math.round((Date.parse(now) - began) / 1000),
        },
      }),
    ],
  }));
  const hook = plan.hooks === undefined ? null : await hookView(call, hold, targets, deps.instances);
  const smoke = plan.smokeTest ? await smokeQuestionsFor(fleet.spec, targets, deps.instances) : null;
  const held = handOver(hold.fleet);
  const { healthy } = verdict;
  return { verdict: 'healthy', healthy, wanted, looks, reasons: [], hook, smoke, seen, justSeen, held };
}

/** Targets that are handed to the next state: what passes between states is bounded. */
const targetsHanded = 50;

/** Instances that a hook is told of: its payload is bounded, however large the candidate is. */
const hookTargets = 20;

async function hookView(
  { fleet, rollout, plan }: HeldCall & { readonly plan: RolloutPlan },
  hold: Hold,
  targets: readonly TargetView[],
  instances: Instances,
): Promise<HookView> {
  const healthy = targets.filter(({ state }) => state === 'healthy').map(({ id }) => id);
  const addresses = await instances.addresses(healthy.slice(0, hookTargets));
  return {
    fleet,
    rollout,
    release: plan.release,
    imageId: plan.imageId,
    slot: plan.slot,
    targetGroupArn: slotArns(hold.fleet)[plan.slot],
    port: hold.fleet.spec.port,
    targets: [...addresses].map(([instance, address]) => ({ instance, address })),
  };
}

/** The failure as a person wants to read it: the cause first, then the last words of the most telling instance. */
export async function unhealthy(
  call: { readonly fleet: string; readonly rollout: number; readonly groupName: string },
  verdict: Extract<HealthVerdict, { verdict: 'failed' }>,
  seen: {
    readonly spec: FleetItem['spec'];
    readonly targets: readonly TargetView[];
    readonly activities: readonly ActivityView[];
  },
  instances: Instances,
): Promise<FlotillaError> {
  let console: { instance: string; lines: string[] } | undefined;
  for (const instance of verdict.instances.slice(0, 3)) {
    const lines = await instances.consoleTail(instance, consoleLines);
    if (lines.length === 0) continue;
    console = { instance, lines };
    break;
  }
  return new FlotillaError(verdict.error, verdict.reasons.slice(0, 6).join('; '), {
    fleet: call.fleet,
    rollout: call.rollout,
    group: call.groupName,
    reasons: verdict.reasons.slice(0, reasonsKept),
    healthCheck: describeHealthCheck(seen.spec),
    checks: failedChecks(seen.targets),
    launches: failedLaunches(seen.activities),
    instance: console?.instance ?? verdict.instances[0],
    console: console?.lines.join('\n').slice(-consoleCharacters),
  });
}

/**
 * Asks whether a candidate that was healthy still is. A balancer sends requests to a slot even when all of its targets
 * fail, so that nobody but the control plane takes the traffic away.
 * @throws FlotillaError `CandidateUnhealthy` with reasons, instance and console.
 */
export async function refuseIfFailing(
  candidate: {
    readonly fleet: string;
    readonly rollout: number;
    readonly groupName: string;
    /** Per cent of the traffic that it has. */
    readonly share: number;
  },
  seen: {
    readonly spec: FleetItem['spec'];
    readonly wanted: number;
    readonly targets: readonly TargetView[];
    readonly activities: readonly ActivityView[];
    readonly now: Date;
  },
  instances: Instances,
): Promise<void> {
  const recent = lately(seen.activities, seen.now, seen.spec.healthCheck.deadlineSeconds);
  const { ok, healthy, reasons } = servingVerdict(seen.wanted, seen.targets, recent);
  if (ok) return;
  const ill = seen.targets.filter(({ state }) => state !== 'healthy').map(({ id }) => id);
  const others = recent.flatMap(({ description }) => instanceIn(description) ?? []);
  const [first = 'no targets', ...rest] = reasons;
  const when = candidate.share > 0 ? ` while it had ${candidate.share} % of the traffic` : '';
  throw await unhealthy(
    candidate,
    {
      verdict: 'failed',
      error: 'CandidateUnhealthy',
      healthy,
      reasons: [`It was healthy and then failed${when}: ${first}`, ...rest],
      instances: [...new Set([...ill, ...others])],
    },
    seen,
    instances,
  );
}
