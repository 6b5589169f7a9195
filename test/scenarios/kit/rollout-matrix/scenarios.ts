/** The rollouts that the matrix breaks at every point: how each begins, what is done, and where it may end. */

import type { FleetSpecInput } from '../../../../src/contracts/fleet-spec.ts';
import type { RolloutTarget } from '../../../../src/contracts/request.ts';
import { createFunction } from '../../../support/functions.ts';
import { putAlarm } from '../alarm.ts';
import type { Fleet } from '../fleet.ts';
import { makeListener } from '../listener.ts';
import { allEnded, baking, insist, led, nextImage, resting, stopAll } from './acts.ts';

export interface Scenario {
  /** Beside what every fleet of the matrix has. */
  readonly spec?: Partial<FleetSpecInput>;
  /** Each run has a fleet of its own; otherwise the next run goes on with the fleet of the one before. */
  readonly newFleet?: true;
  /** Once in a region. */
  setUp?(fleet: Fleet): Promise<void>;
  /** Before the fault, with nothing else going on. */
  begin?(fleet: Fleet): Promise<void>;
  /**
   * What is broken, from the first call to the last.
   * @returns false where it did not come to what `staysLive` and `desired` speak of: a gate may open late, and never show
   */
  act(fleet: Fleet): Promise<unknown>;
  /** After the run, back to where the next may begin. */
  tidy?(fleet: Fleet): Promise<void>;
  /** Whatever breaks, the release of before stays live, unless `act` says that it did not come to it. */
  readonly staysLive?: true;
  /** The functions whose calls are broken; unless told otherwise all that a rollout waits for, and its states. */
  readonly breaks?: RegExp;
  /** Instances of live in the end; two unless told otherwise, as each fleet begins. */
  readonly desired?: number | 'any';
}

const steps = [{ weight: 25, bakeSeconds: 20 }, { weight: 100 }];

/** One spec for all: short times, because waiting shows nothing. */
export const matrixSpec = {
  healthCheck: { path: '/health', deadlineSeconds: 60, gracePeriodSeconds: 20 },
  instances: { minimum: 1, desired: 2, maximum: 4 },
  rollout: { steps, keepWarmSeconds: 60, drainSeconds: 5 },
} satisfies Partial<FleetSpecInput>;

async function deployed(fleet: Fleet, target?: RolloutTarget): Promise<void> {
  const answer = await fleet.ask(target ?? (await nextImage(fleet)));
  const { status, cause } = await fleet.ended(answer);
  if (status !== 'SUCCEEDED') throw new Error(`the beginning of a scenario failed: ${cause}`);
}

async function deploy(fleet: Fleet): Promise<void> {
  await insist(fleet, await nextImage(fleet));
  await allEnded(fleet);
}

export const scenarios = {
  'first deploy': { newFleet: true, act: deploy },
  'second deploy': { act: deploy },
  'by a test listener': {
    async setUp(fleet) {
      const { world } = fleet;
      const testListenerArn = await makeListener(world);
      await fleet.apply({
        ...matrixSpec,
        rule: { hosts: ['web.example.com'], testListenerArn },
        rollout: {
          ...matrixSpec.rollout,
          // So long that it is asked whether requests arrived.
          steps: [{ weight: 25, bakeSeconds: 300 }, { weight: 100 }],
          smokeTest: { path: '/health', status: 200 },
        },
      });
    },
    act: deploy,
  },
  'hooks, approval and a pause': {
    async setUp(fleet) {
      const { world } = fleet;
      for (const name of ['early', 'late']) {
        const Resource = await createFunction(
          world.region,
          name,
          "export const handler = async () => ({ verdict: 'go' });",
        );
        await world.call('lambda', 'TagResource', { Resource, Tags: { 'flotilla:hook': world.stackName } });
      }
      const arnOf = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
      await fleet.apply({
        ...matrixSpec,
        rollout: {
          ...matrixSpec.rollout,
          steps: [{ weight: 25, bakeSeconds: 20, approval: true, approvalSeconds: 600 }, { weight: 100 }],
          hooks: { beforeTraffic: arnOf('early'), afterTraffic: arnOf('late') },
        },
      });
    },
    async act(fleet) {
      await insist(fleet, await nextImage(fleet));
      await led(fleet);
    },
  },
  'unhealthy candidate': {
    staysLive: true,
    async act(fleet) {
      await insist(fleet, await nextImage(fleet, { healthy: false }));
      await allEnded(fleet);
    },
  },
  'alarm during bake': {
    staysLive: true,
    spec: { rollout: { ...matrixSpec.rollout, alarms: [{ name: 'errors', missingData: 'quiet' }] } },
    async setUp({ world }) {
      await putAlarm(world, 'errors');
    },
    async act(fleet) {
      await insist(fleet, await nextImage(fleet));
      const rang = await baking(fleet);
      if (rang) await setAlarm(fleet, 'ALARM');
      await allEnded(fleet);
      return rang;
    },
    tidy: (fleet) => setAlarm(fleet, 'OK'),
  },
  'abort at a gate': {
    staysLive: true,
    async act(fleet) {
      await insist(fleet, await nextImage(fleet));
      // Who asked twice, because the first answer was lost, aborts twice.
      let aborted = false;
      while (await baking(fleet)) {
        await fleet.order('abort');
        aborted = true;
      }
      await allEnded(fleet);
      return aborted;
    },
  },
  rollback: {
    begin: deployed,
    async act(fleet) {
      await fleet.rollBack().catch(() => fleet.rollBack().catch(() => undefined));
      await allEnded(fleet);
    },
  },
  supersede: {
    spec: { rollout: { ...matrixSpec.rollout, whenBusy: 'supersede' } },
    async act(fleet) {
      await insist(fleet, await nextImage(fleet));
      await baking(fleet);
      await insist(fleet, await nextImage(fleet));
      await allEnded(fleet);
    },
  },
  retirement: {
    begin: deployed,
    async act(fleet) {
      await fleet.world.seconds(60);
      await allEnded(fleet, 'retire-release');
    },
  },
  'early retirement': { begin: deployed, act: deploy },
  'scale-out of live': {
    desired: 3,
    async act(fleet) {
      const { live } = await fleet.item();
      await insist(fleet, await nextImage(fleet));
      // Where a gate opened late, the release that was live may be so no longer.
      const came = await baking(fleet);
      if (came && live !== null) await setSize(fleet, live.groupName, 3);
      await allEnded(fleet);
      return came;
    },
    async tidy(fleet) {
      const { live } = await fleet.item();
      if (live === null) return;
      await setSize(fleet, live.groupName, 2);
      await fleet.world.seconds(60);
    },
  },
  'asked by the API': {
    breaks: /^api-rollouts$/,
    staysLive: true,
    async act(fleet) {
      const target = await nextImage(fleet);
      await fleet.askByApi(target).catch(() => fleet.askByApi(target).catch(() => undefined));
      let aborted = false;
      while (await baking(fleet)) {
        // A bake that was nearly over may have ended meanwhile.
        await fleet.orderByApi('abort').then(
          () => (aborted = true),
          () => undefined,
        );
      }
      await allEnded(fleet);
      return aborted;
    },
  },
  'needs attention': {
    breaks: /^record-failure$/,
    staysLive: true,
    async act(fleet) {
      const { faults } = fleet.world.region;
      await insist(fleet, await nextImage(fleet));
      const came = await baking(fleet);
      if (came) {
        // As where somebody took the right away; by the time that the sweeper tries again, it is given back.
        faults.inject({
          ...{ kind: 'fail', action: 'autoscaling:DeleteAutoScalingGroup', times: 1 },
          ...{ code: 'AccessDenied', status: 403 },
        });
        await fleet.order('abort');
      }
      await allEnded(fleet);
      await resting(fleet);
      return came;
    },
  },
  'recovery by event': {
    breaks: /^recover-rollout$/,
    staysLive: true,
    act: (fleet) => stoppedWhileBaking(fleet),
  },
  'recovery by the sweeper': {
    breaks: /^sweep$/,
    staysLive: true,
    act: (fleet) =>
      stoppedWhileBaking(fleet, () => {
        fleet.world.region.faults.inject({ kind: 'drop-event', source: 'aws.states', times: 1 });
      }),
  },
} satisfies Record<string, Scenario>;

export type ScenarioName = keyof typeof scenarios;

/** What recovers is broken then: the second fault in a row. */
async function stoppedWhileBaking(fleet: Fleet, before: () => void = () => undefined): Promise<boolean> {
  await insist(fleet, await nextImage(fleet));
  const came = await baking(fleet);
  if (came) {
    before();
    stopAll(fleet);
  }
  await resting(fleet);
  return came;
}

async function setAlarm({ world }: Fleet, state: 'ALARM' | 'OK'): Promise<void> {
  await world.call('monitoring', 'SetAlarmState', {
    AlarmName: 'errors',
    StateValue: state,
    StateReason: 'as the scenario wants it',
  });
}

async function setSize({ world }: Fleet, groupName: string, desired: number): Promise<void> {
  await world.call('autoscaling', 'SetDesiredCapacity', {
    AutoScalingGroupName: groupName,
    DesiredCapacity: desired,
  });
}
