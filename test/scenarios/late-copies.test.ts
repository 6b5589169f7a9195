/** What AWS shows may be some seconds old: nothing that was done a moment ago is missed, or undone, for that. */
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

describe.skipIf(notPackaged !== undefined)('a rollout whose functions fail in the midst of a call', () => {
  const candidate = 'flt-web-v2-r2';
  const seeds = [1, 2, 3, 4, 5, 6];
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  async function live(seed: number): Promise<void> {
    fleet = await Fleet.create({}, { seed });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
  }

  function crashAfter(name: string, action: string): void {
    fleet.world.region.faults.inject({ kind: 'crash', function: `flotilla-${name}`, when: 'after', action });
  }

  async function until(done: () => Promise<boolean>, withinSeconds = 2 * minute): Promise<void> {
    // Looked at often: a crashed function is repeated within a second.
    for (let passed = 0; passed < withinSeconds; passed += 0.1) {
      if (await done()) return;
      await fleet.world.seconds(0.1);
    }
    throw new Error('it never came');
  }

  const stands = async (): Promise<boolean> => (await fleet.groups()).some(({ name }) => name === candidate);

  it.each(seeds)(
    'adopts the group that it made, though its making was never answered (seed %i)',
    async (seed) => {
      await live(seed);
      fleet.world.region.faults.inject({
        kind: 'lose-answer',
        action: 'autoscaling:CreateAutoScalingGroup',
      });
      expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
      expect(await fleet.groups()).toContainEqual({ name: candidate, minimum: 1, desired: 2 });
    },
  );

  it.each(seeds)('adopts the group that a function made before it crashed (seed %i)', async (seed) => {
    await live(seed);
    crashAfter('launch-candidate', 'autoscaling:CreateAutoScalingGroup');
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.groups()).toContainEqual({ name: candidate, minimum: 1, desired: 2 });
  });

  it.each(seeds)('leaves no group when it is aborted the moment after (seed %i)', async (seed) => {
    await live(seed);
    crashAfter('launch-candidate', 'autoscaling:CreateAutoScalingGroup');
    const answer = await fleet.ask(await fleet.image('two'));
    await until(stands);
    await fleet.order('abort');
    expect(await fleet.ended(answer)).toMatchObject({ status: 'FAILED', error: 'GateAborted' });
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v1-r1', minimum: 1, desired: 2 }]);
  });

  it.each(seeds)('empties no group that got traffic a moment before an abort (seed %i)', async (seed) => {
    await live(seed);
    crashAfter('shift-traffic', 'elasticloadbalancing:ModifyRule');
    const answer = await fleet.ask(await fleet.image('two'));
    await until(async () => (await fleet.weights()).green > 0);
    await fleet.order('abort');
    await until(async () => {
      const group = (await fleet.groups()).find(({ name }) => name === candidate);
      const { green } = await fleet.weights();
      if (green > 0) expect(group).toMatchObject({ desired: 2 });
      return (await fleet.execution(answer.executionArn ?? '')).status !== 'RUNNING';
    }, 10 * minute);
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v1-r1', minimum: 1, desired: 2 }]);
  });
});

describe.skipIf(notPackaged !== undefined)(
  'a rollout that is asked for the moment after its fleet was made',
  () => {
    let fleet: Fleet;
    afterEach(() => fleet?.world.close());

    const missing = (times: number) =>
      fleet.world.region.faults.inject({
        kind: 'fail',
        action: 'elasticloadbalancing:DescribeTargetGroupAttributes',
        code: 'TargetGroupNotFound',
        status: 400,
        times,
      });

    it('waits until the load balancer shows what was made', async () => {
      fleet = await Fleet.create();
      missing(3);
      expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    });

    it('is refused once the fleet is old enough that what is not shown is gone', async () => {
      fleet = await Fleet.create();
      await fleet.world.seconds(2 * minute);
      missing(1);
      const end = await fleet.deploy(await fleet.image('one'));
      expect(end).toMatchObject({ status: 'FAILED', error: 'PlanRefused' });
      expect(end.cause).toContain('the target group of blue is gone (arn:');
    });
  },
);

it.skipIf(notPackaged !== undefined)(
  'a fleet is applied though a copy does not show the rule that a listing has shown',
  async () => {
    const fleet = await Fleet.create();
    try {
      await fleet.world.seconds(minute);
      fleet.world.region.faults.inject({
        kind: 'fail',
        action: 'elasticloadbalancing:DescribeRules',
        code: 'RuleNotFound',
        status: 400,
        // The first lists the listener's rules; the second, for what a killed call left, those of each listener.
        nth: 3,
      });
      await fleet.apply({ instances: { minimum: 1, desired: 1, maximum: 4 } });
      expect(fleet.world.region.faults.list()).toEqual([]);
      expect((await fleet.item()).spec.instances.desired).toBe(1);
    } finally {
      await fleet.world.close();
    }
  },
);
