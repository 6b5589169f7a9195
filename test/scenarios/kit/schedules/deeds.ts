/** What may happen to two fleets in the course of a schedule, as data, and how each is done. */
import fc from 'fast-check';
import type { MachineScript } from '../../../../local/machines/scripted.ts';
import type { RolloutTarget } from '../../../../src/contracts/request.ts';
import type { Verb } from '../../../../src/fleet/orders.ts';
import type { Fleet } from '../fleet.ts';
import { nextImage } from '../rollout-matrix/acts.ts';

type Candidate = 'well' | 'never healthy' | 'ill after a while';

export type Deed =
  /** Two deployers at once ask for two images. */
  | { readonly do: 'deploy'; readonly fleet: 0 | 1; readonly candidates: readonly Candidate[] }
  | { readonly do: 'roll back'; readonly fleet: 0 | 1 }
  | { readonly do: 'order'; readonly fleet: 0 | 1; readonly verb: Verb }
  /** `which` counts modulo those that run. */
  | { readonly do: 'kill an instance'; readonly which: number }
  | { readonly do: 'interrupt a spot instance'; readonly which: number }
  | { readonly do: 'ring the alarm' }
  | { readonly do: 'quiet the alarm' }
  | { readonly do: 'scale live by hand'; readonly fleet: 0 | 1 }
  | { readonly do: 'change the weights by hand'; readonly fleet: 0 | 1; readonly blue: number }
  | { readonly do: 'lead the test rule by hand'; readonly blue: number }
  | { readonly do: 'throttle'; readonly action: string; readonly times: number }
  | { readonly do: 'lose an answer'; readonly action: string; readonly nth: number }
  /** `by` counts modulo the functions there are; `nth` counts the calls that the function makes. */
  | {
      readonly do: 'make a call late';
      readonly by: number;
      readonly nth: number;
      readonly seconds: number;
    }
  | {
      readonly do: 'kill a function';
      readonly by: number;
      readonly when: 'before' | 'after';
      readonly nth: number;
    }
  | { readonly do: 'lose events'; readonly times: number }
  | { readonly do: 'deliver events twice'; readonly times: number }
  | { readonly do: 'stop an execution'; readonly which: number }
  /** Time jumps: nothing happens for long. */
  | { readonly do: 'nothing' };

export interface Happening {
  /** Seconds after the one before. */
  readonly after: number;
  readonly deed: Deed;
}

const fleet = fc.constantFrom(0 as const, 1 as const);
const which = fc.nat(20);
const services = ['autoscaling:*', 'dynamodb:*', 'ec2:*', 'elasticloadbalancing:*', 'states:*'] as const;
/** The functions that rollouts are made of, and those that mend what they leave. */
const mortal = [
  'acquire-lease',
  'check-health',
  'check-retirement',
  'empty-slot',
  'handle-alarm',
  'hold-at-gate',
  'launch-candidate',
  'plan-rollout',
  'promote-release',
  'prove-traffic',
  'record-failure',
  'recover-rollout',
  'release-lease',
  'remove-group',
  'report-outcome',
  'request-rollout',
  'roll-back',
  'schedule-retirement',
  'shift-traffic',
  'sweep',
] as const;
const candidate = fc.constantFrom<Candidate>('well', 'well', 'well', 'never healthy', 'ill after a while');

const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('deploy' as const),
      fleet,
      candidates: fc.array(candidate, { minLength: 1, maxLength: 2 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('roll back' as const), fleet }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('order' as const),
      fleet,
      verb: fc.constantFrom<Verb>('abort', 'promote', 'approve', 'reject', 'pause', 'resume'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kill an instance' as const), which }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('interrupt a spot instance' as const), which }) },
  { weight: 1, arbitrary: fc.constant({ do: 'ring the alarm' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'quiet the alarm' as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('scale live by hand' as const), fleet }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('change the weights by hand' as const),
      fleet,
      blue: fc.constantFrom(0, 30, 100),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('lead the test rule by hand' as const),
      blue: fc.constantFrom(0, 100),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('throttle' as const),
      action: fc.constantFrom(...services),
      times: fc.integer({ min: 1, max: 30 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('lose an answer' as const),
      action: fc.constantFrom(...services),
      nth: fc.integer({ min: 1, max: 20 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('make a call late' as const),
      by: which,
      nth: fc.integer({ min: 1, max: 4 }),
      seconds: fc.integer({ min: 1, max: 60 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('kill a function' as const),
      by: which,
      when: fc.constantFrom('before' as const, 'after' as const),
      nth: fc.integer({ min: 1, max: 4 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('lose events' as const, 'deliver events twice' as const),
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop an execution' as const), which }) },
  { weight: 1, arbitrary: fc.constant({ do: 'nothing' as const }) },
);

/** Most things happen while a rollout goes on; a jump of the clock past all that waits is seldom. */
const after = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 40 }) },
  { weight: 1, arbitrary: fc.integer({ min: 40, max: 200 }) },
  { weight: 1, arbitrary: fc.constantFrom(400, 400, 3_600) },
);

/** Begins with a deploy: where nothing is under way, nothing is interleaved. */
export const schedule: fc.Arbitrary<readonly Happening[]> = fc
  .tuple(fleet, candidate, fc.array(fc.record({ after, deed }), { minLength: 2, maxLength: 7 }))
  .map(([first, one, rest]) => [
    { after: 0, deed: { do: 'deploy', fleet: first, candidates: [one] } },
    ...rest,
  ]);

export const alarmName = 'errors';

/** What one schedule's programs are ill of, until they are cured. */
export interface Illness {
  cured: boolean;
}

const scripts: Readonly<Record<Candidate, (illness: Illness) => MachineScript>> = {
  well: () => ({}),
  'never healthy': (illness) => ({ healthy: () => illness.cured }),
  'ill after a while': (illness) => ({ healthy: (sinceStart) => illness.cured || sinceStart < 35_000 }),
};

/** The images that a schedule deploys: made before anything is broken, as the breaking is not meant for them. */
export async function imagesOf(
  happenings: readonly Happening[],
  fleets: readonly [Fleet, Fleet],
  illness: Illness,
): Promise<ReadonlyMap<Deed, readonly RolloutTarget[]>> {
  const images = new Map<Deed, readonly RolloutTarget[]>();
  for (const { deed } of happenings) {
    if (deed.do !== 'deploy') continue;
    const targets: RolloutTarget[] = [];
    for (const kind of deed.candidates)
      targets.push(await nextImage(fleets[deed.fleet], scripts[kind](illness)));
    images.set(deed, targets);
  }
  return images;
}

/**
 * Does it. What is refused (an order that is not legal now, a person's call that AWS throttles) is refused, and the
 * person lets it be.
 */
export async function perform(
  deed: Deed,
  fleets: readonly [Fleet, Fleet],
  images: readonly RolloutTarget[],
): Promise<void> {
  await attempt(deed, fleets, images).catch(() => undefined);
}

async function attempt(
  deed: Deed,
  fleets: readonly [Fleet, Fleet],
  images: readonly RolloutTarget[],
): Promise<void> {
  const [{ world }] = fleets;
  const { faults, parts } = world.region;
  switch (deed.do) {
    case 'deploy':
      await Promise.allSettled(images.map((target) => fleets[deed.fleet].ask(target)));
      return;
    case 'roll back':
      await fleets[deed.fleet].rollBack();
      return;
    case 'order':
      await fleets[deed.fleet].order(deed.verb);
      return;
    case 'kill an instance':
      return toOneOf(await instances(world, 'on-demand'), deed.which, (instance) =>
        faults.inject({ kind: 'kill-instance', instance }),
      );
    case 'interrupt a spot instance':
      return toOneOf(await instances(world, 'spot'), deed.which, (instance) =>
        faults.inject({ kind: 'interrupt-spot', instance }),
      );
    case 'ring the alarm':
      return fleets[0].alarm(alarmName, 'ALARM');
    case 'quiet the alarm':
      return fleets[0].alarm(alarmName, 'OK');
    case 'scale live by hand':
      return scaleLive(fleets[deed.fleet]);
    case 'change the weights by hand':
      return changeWeights(fleets[deed.fleet], deed.blue);
    case 'lead the test rule by hand': {
      const { fixed } = await fleets[1].item();
      return fleets[1].setWeights({ blue: deed.blue, green: 100 - deed.blue }, fixed.test?.ruleArn);
    }
    case 'throttle':
      faults.inject({ kind: 'throttle', action: deed.action, times: deed.times });
      return;
    case 'lose an answer':
      faults.inject({ kind: 'lose-answer', action: deed.action, nth: deed.nth });
      return;
    case 'make a call late': {
      const { nth, seconds } = deed;
      // Never a person's: time passes here only where no person waits.
      return toOneOf(mortal, deed.by, (by) =>
        faults.inject({ kind: 'delay', action: '*', by, nth, seconds }),
      );
    }
    case 'kill a function': {
      const { when, nth } = deed;
      return toOneOf(mortal, deed.by, (name) =>
        faults.inject({ kind: 'crash', function: `${world.stackName}-${name}`, when, nth }),
      );
    }
    case 'lose events':
      faults.inject({ kind: 'drop-event', times: deed.times });
      return;
    case 'deliver events twice':
      faults.inject({ kind: 'double-event', times: deed.times });
      return;
    case 'stop an execution': {
      const running = parts.states.executions().filter(({ status }) => status === 'RUNNING');
      return toOneOf(running.map(({ init }) => init.arn).sort(), deed.which, (execution) =>
        faults.inject({ kind: 'stop-execution', execution }),
      );
    }
    case 'nothing':
  }
}

/** Does it to one of them. */
function toOneOf(ids: readonly string[], which: number, act: (id: string) => unknown): void {
  const id = ids[which % ids.length];
  if (id !== undefined) act(id);
}

async function instances(world: Fleet['world'], market: 'spot' | 'on-demand'): Promise<string[]> {
  const { Reservations } = await world.call('ec2', 'DescribeInstances', {
    Filters: [{ Name: 'instance-state-name', Values: ['running'] }],
  });
  return Reservations.flatMap(
    ({ Instances }: { Instances: { InstanceId: string; InstanceLifecycle?: string }[] }) => Instances,
  )
    .filter(
      (one: { InstanceLifecycle?: string }) => (one.InstanceLifecycle === 'spot') === (market === 'spot'),
    )
    .map(({ InstanceId }: { InstanceId: string }) => InstanceId)
    .sort();
}

/** As somebody does in the console who sees load; up to what the fleet may have. */
async function scaleLive(fleet: Fleet): Promise<void> {
  const { live } = await fleet.item();
  if (live === null) return;
  const group = (await fleet.groups()).find(({ name }) => name === live.groupName);
  if (group === undefined || group.desired >= 3) return;
  await fleet.world.call('autoscaling', 'SetDesiredCapacity', {
    AutoScalingGroupName: live.groupName,
    DesiredCapacity: group.desired + 1,
  });
}

/** Between the two releases, where two serve: whoever sends traffic to an empty slot by hand has it so. */
async function changeWeights(fleet: Fleet, blue: number): Promise<void> {
  const { weights } = await fleet.item();
  if (weights.blue === 0 || weights.green === 0) return;
  await fleet.setWeights({ blue, green: 100 - blue });
}
