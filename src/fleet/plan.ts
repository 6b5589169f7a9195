/**
 * The plan of a rollout: made once, before anything is changed, from the world as it is. It is refused with all its
 * reasons at once, each with what would cure it.
 */

import { releaseLabel, type SlotColour } from '../contracts/ids.ts';
import type { FleetItem, ImageItem, ReleaseItem } from '../contracts/items.ts';
import type { PlannedStep, RolloutPlan } from '../contracts/rollout.ts';
import { candidateCapacity, pinFor, sizeForShare } from './capacity.ts';
import { failedWords } from './failed-before.ts';
import { alarmVerdict, watchedAt } from './gates.ts';
import { servingVerdict } from './health.ts';
import { judgeHooks, type SeenHook } from './hooks.ts';
import { judgeQuotas, type QuotaWorld } from './quotas.ts';
import { alreadyLiveWords, vetoedWords } from './request.ts';
import { describeTestRule, leadsTo, testWeights } from './test-listener.ts';
import { formatWeights, idleSlot, sameWeights, weightsFor } from './traffic.ts';
import {
  type AlarmView,
  type GroupView,
  healthyCount,
  type RuleView,
  type SlotSettings,
  type SlotViews,
} from './world.ts';

export interface RolloutWorld {
  readonly fleet: FleetItem;
  readonly release: ReleaseItem;
  readonly image: Pick<ImageItem, 'state'> | undefined;
  readonly rollout: number;
  readonly kind: RolloutPlan['kind'];
  /** Whoever asked accepts a vetoed image or a release that failed before. */
  readonly force: boolean;
  /** Undefined where the rule is gone. */
  readonly rule: RuleView | undefined;
  /** That of the test listener; null where the fleet has none, undefined where it is gone. */
  readonly testRule: RuleView | undefined | null;
  readonly settings: Readonly<Record<SlotColour, SlotSettings>>;
  readonly slots: SlotViews;
  /** Every Auto Scaling group that carries the fleet's tags. */
  readonly groups: readonly GroupView[];
  readonly alarms: readonly AlarmView[];
  readonly quotas: QuotaWorld;
  readonly hooks: readonly SeenHook[];
  /** Whose tag the hooks carry. */
  readonly stack: string;
}

export type PlanVerdict =
  | { readonly verdict: 'go'; readonly plan: RolloutPlan }
  | {
      readonly verdict: 'refused';
      readonly reasons: readonly string[];
      /** What could not be checked. */
      readonly notes: readonly string[];
    };

/** `flt-web-v7-r12`: the name is the idempotency, since CreateAutoScalingGroup has no token. */
export function groupName(fleet: string, release: number, rollout: number): string {
  return `flt-${fleet}-${releaseLabel(release)}-r${rollout}`;
}

/** The parts of a group's name; undefined where it is none of ours. */
export function parseGroupName(
  name: string,
): { readonly fleet: string; readonly release: number; readonly rollout: number } | undefined {
  const match = /^flt-([a-z][a-z0-9-]*)-v([1-9]\d*)-r([1-9]\d*)$/.exec(name);
  if (match === null) return undefined;
  const [, fleet = '', release, rollout] = match;
  return { fleet, release: Number(release), rollout: Number(rollout) };
}

const atOnce: PlannedStep = { weight: 100, bakeSeconds: 0, approval: false, approvalSeconds: 60 };

/**
 * The steps of a rollout: the spec's; but one step where nothing serves (yet, or any more: no share could stay there),
 * or where a rollback returns to what is still warm.
 */
function plannedSteps(
  { spec }: Pick<FleetItem, 'spec'>,
  goesBackWarm: boolean,
  serves: boolean,
): PlannedStep[] {
  return !serves || goesBackWarm ? [atOnce] : spec.rollout.steps;
}

function plannedPin(liveGroup: GroupView | undefined): RolloutPlan['pin'] {
  if (liveGroup === undefined) return null;
  const pin = pinFor(liveGroup);
  return pin === undefined ? null : { groupName: liveGroup.name, ...pin };
}

/** Plans a rollout, or says everything that stands against it. */
export function planRollout(world: RolloutWorld): PlanVerdict {
  const { fleet, release, rule } = world;
  const { live, warm } = fleet;
  const reasons: string[] = [];
  const slot = idleSlot(live);
  const shown = (name: string | undefined) => world.groups.find((group) => group.name === name);
  // A warm group that somebody deleted brings nothing back, though it shows until its instances are gone: its release is
  // launched anew.
  const stands = warm !== null && warm.slot === slot && shown(warm.groupName)?.deleting === false;
  const returning = stands && warm.release === release.number ? warm : undefined;
  const way: RolloutPlan['way'] = returning === undefined ? 'launch' : 'warm';
  // Going back to what served before is one change of weights, and waits for nobody. A deploy takes a warm group up, too,
  // and goes by the spec: its steps were made for a release that goes forward, however often it has served.
  const goesBackWarm = way === 'warm' && world.kind === 'rollback';
  const serves = live !== null && healthyCount(world.slots[live.slot]) > 0;
  const steps = plannedSteps(fleet, goesBackWarm, serves);
  // Whoever goes back does so because live is not well, and has said so: in need nobody asks for more.
  const urgent = world.force || world.kind === 'rollback';
  const name = returning?.groupName ?? groupName(fleet.fleet, release.number, world.rollout);

  // It may have become live, or stayed so, while its rollout waited.
  if (live?.release === release.number) reasons.push(alreadyLiveWords(release));
  if (fleet.candidate !== null && fleet.candidate.groupName !== name) {
    reasons.push(`${fleet.candidate.groupName} is still the candidate; recovery has not ended`);
  }
  if (!world.force) {
    if (world.image?.state === 'vetoed') reasons.push(vetoedWords);
    if (release.state === 'failed') reasons.push(failedWords(release, release.number));
  }
  // Somebody saved the service by hand, and the rollout completes it: no weight is left to move, nor moved back.
  const movedByHand =
    way === 'warm' &&
    steps[0]?.weight === 100 &&
    rule !== undefined &&
    sameWeights(rule.weights, weightsFor(slot, 100));
  if (rule === undefined) {
    reasons.push('the listener rule is gone; apply the fleet again');
  } else {
    if (rule.foreign.length > 0) {
      reasons.push(
        `the rule also forwards to ${rule.foreign.join(', ')}; take it out, or apply the fleet again`,
      );
    }
    if (rule.sticky) reasons.push("the rule's action is sticky, which defeats weights; turn it off");
    if (!movedByHand && !sameWeights(rule.weights, fleet.weights)) {
      reasons.push(
        `the rule has ${formatWeights(rule.weights)} and lineage expects ${formatWeights(fleet.weights)}; set it back, or apply the fleet again`,
      );
    }
  }
  const tested = fleet.testTraffic?.slot ?? null;
  if (world.testRule !== null && (world.testRule === undefined || !leadsTo(world.testRule, tested))) {
    reasons.push(
      `${describeTestRule(world.testRule)} and lineage expects ${formatWeights(testWeights(tested))}; set it back, or apply the fleet again`,
    );
  }
  for (const colour of ['blue', 'green'] as const) {
    if (!world.settings[colour].exists) {
      reasons.push(
        `the target group of ${colour} is gone (${fleet.fixed[`${colour}Arn`]}); apply the fleet again`,
      );
    }
    if (world.settings[colour].sticky) {
      reasons.push(`${colour} keeps clients on one target, which defeats weights; turn stickiness off`);
    }
  }
  const watched = watchedAt(fleet.spec.rollout.alarms, { kind: world.kind, step: 0, steps: steps.length });
  const alarms = alarmVerdict(watched, world.alarms);
  if ('missing' in alarms) {
    const { ringing, missing } = alarms;
    reasons.push(...ringing.map((reason) => `${reason}; wait until it is quiet`), ...missing);
  }

  const known = [live?.groupName, warm?.groupName, name];
  for (const group of world.groups) {
    if (!known.includes(group.name)) {
      reasons.push(
        `group ${group.name} is left over from rollout ${group.rollout}; the sweeper removes it, or delete it`,
      );
    }
  }
  const ownMembers = new Set(
    world.groups
      .filter(({ name: own }) => known.includes(own))
      .flatMap(({ members }) => members.map(({ id }) => id)),
  );
  for (const colour of ['blue', 'green'] as const) {
    for (const target of world.slots[colour].targets) {
      // One that drains has left its group already.
      if (ownMembers.has(target.id) || target.state.endsWith('draining')) continue;
      reasons.push(`${colour} holds ${target.id}, which is in no group of the fleet; deregister it`);
    }
  }

  const liveGroup = shown(live?.groupName);
  // A fleet that is down is deployed to all the more: what is not healthy cannot lose anything.
  if (serves) {
    if (liveGroup === undefined) {
      reasons.push(
        `the group of live, ${live.groupName}, is gone, though live still answers; look at its history in EC2`,
      );
    } else {
      const serving = servingVerdict(liveGroup.desired, world.slots[live.slot].targets);
      if (!serving.ok && !urgent) {
        reasons.push(`live is not well (${serving.reasons[0]}); wait until it is, or force it`);
      }
    }
  }

  const whole = candidateCapacity(fleet.spec.instances, liveGroup);
  const mode = fleet.spec.rollout.capacity;
  const first = sizeForShare(mode, steps[0]?.weight ?? 100, whole.desired, undefined);
  const evict =
    warm !== null && way === 'launch' ? { release: warm.release, groupName: warm.groupName } : null;
  // The guard would not let it go, force or not.
  const liveDown = live !== null && !serves;
  const { steps: wished } = fleet.spec.rollout;
  // It may be a moment's illness: to go past the steps is a person's word.
  if (liveDown && wished.length > 1 && !urgent) {
    reasons.push(
      `live has no healthy target, with which a share of the traffic could stay; force it to give ${releaseLabel(release.number)} all of it in one step`,
    );
  }
  if (liveDown && evict !== null && healthyCount(world.slots[slot]) > 0) {
    const able = releaseLabel(evict.release);
    reasons.push(
      `live has no healthy target, and ${able}, which is warm and healthy, would have to leave; make ${able} live first (flotilla deploy --fleet ${fleet.fleet} --release ${evict.release} --force)`,
    );
  }
  const evicted = shown(evict?.groupName);
  const { types, spotPercent } = fleet.spec.instances;
  const quotas = judgeQuotas(
    {
      types,
      spotPercent,
      count: whole.desired,
      already: shown(name)?.desired ?? 0,
      newGroup: shown(name) === undefined,
      leaving: evicted?.members.map(({ id }) => id) ?? [],
      groupsLeaving: evicted === undefined ? 0 : 1,
      serving: liveGroup?.desired ?? 0,
    },
    world.quotas,
  );
  const hooks = judgeHooks(goesBackWarm ? [] : world.hooks, world.stack);
  reasons.push(...quotas.reasons, ...hooks.reasons);
  const notes = [
    ...(liveDown && wished.length > 1
      ? ['live has no healthy target: all traffic goes over in one step']
      : []),
    ...(liveDown && liveGroup === undefined
      ? [`the group of live, ${live.groupName}, is gone: the spec says how many instances are launched`]
      : []),
    ...(movedByHand
      ? [`the rule gives ${releaseLabel(release.number)} all traffic already, which was set by hand`]
      : []),
    ...(alarms.verdict === 'unknown'
      ? alarms.reasons.map((reason) => `${reason}: not known to be quiet`)
      : []),
    ...quotas.notes,
    ...hooks.notes,
  ];
  if (reasons.length > 0) return { verdict: 'refused', reasons, notes };

  return {
    verdict: 'go',
    plan: {
      kind: world.kind,
      way,
      release: release.number,
      imageId: release.imageId,
      slot,
      groupName: name,
      mode,
      wholeSize: whole.desired,
      capacity: { ...whole, minimum: first, desired: first },
      pin: plannedPin(liveGroup),
      steps,
      evict,
      smokeTest: fleet.spec.rollout.smokeTest !== undefined,
      testTraffic: fleet.fixed.test !== undefined && !goesBackWarm,
      ...(fleet.spec.rollout.hooks === undefined || goesBackWarm ? {} : { hooks: fleet.spec.rollout.hooks }),
      notes,
    },
  };
}
