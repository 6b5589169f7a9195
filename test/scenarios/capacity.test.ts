/** How large candidate and live are while both serve. */
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { healthyIn, setSize, untilWeight } from './kit/sizes.ts';

const steps = [
  { weight: 10, bakeSeconds: 60 },
  { weight: 50, bakeSeconds: 60 },
  { weight: 100, bakeSeconds: 60 },
];
const follow = {
  instances: { minimum: 1, desired: 4, maximum: 8 },
  rollout: { steps, capacity: 'follow' as const, drainSeconds: 20, keepWarmSeconds: 600 },
};

describe.skipIf(notPackaged !== undefined)('the sizes in a rollout', () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  async function live(spec: Parameters<typeof Fleet.create>[0]): Promise<void> {
    fleet = await Fleet.create(spec);
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
  }

  /** Waits for the weight, then tells the sizes of live and candidate. */
  async function sizesAt(weight: number) {
    await untilWeight(fleet, 'green', weight);
    return fleet.groups();
  }

  it('follow the weights where the spec says so, each proven before its share', async () => {
    await live(follow);
    const answer = await fleet.ask(await fleet.image('two'));
    for (const [weight, size] of [
      [10, 1],
      [50, 2],
      [100, 4],
    ] as const) {
      expect(await sizesAt(weight)).toEqual([
        { name: 'flt-web-v1-r1', minimum: 4, desired: 4 },
        { name: 'flt-web-v2-r2', minimum: size, desired: size },
      ]);
      expect(await healthyIn(fleet, 'green')).toBe(size);
    }
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.groups()).toContainEqual({ name: 'flt-web-v2-r2', minimum: 1, desired: 4 });
  });

  it('are those of live, which was scaled up meanwhile, at the next border', async () => {
    await live({ ...follow, rollout: { ...follow.rollout, capacity: 'full' } });
    const answer = await fleet.ask(await fleet.image('two'));
    expect(await sizesAt(10)).toContainEqual({ name: 'flt-web-v2-r2', minimum: 4, desired: 4 });
    await setSize(fleet, 'flt-web-v1-r1', 6);
    expect(await sizesAt(50)).toContainEqual({ name: 'flt-web-v2-r2', minimum: 6, desired: 6 });
    expect(await healthyIn(fleet, 'green')).toBe(6);
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.groups()).toContainEqual({ name: 'flt-web-v2-r2', minimum: 1, desired: 6 });
  });

  it('grow beyond the maximum of the spec rather than serve with less than live', async () => {
    await live(follow);
    const answer = await fleet.ask(await fleet.image('two'));
    await sizesAt(50);
    await setSize(fleet, 'flt-web-v1-r1', 10);
    expect(await sizesAt(100)).toContainEqual({ name: 'flt-web-v2-r2', minimum: 10, desired: 10 });
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('undo a rollout whose candidate cannot grow, at the health deadline, with the reasons', async () => {
    await live(follow);
    const answer = await fleet.ask(await fleet.image('two'));
    await sizesAt(10);
    fleet.world.region.parts.ec2.quotas.onDemandStandard.value = 10;
    const end = await fleet.ended(answer);
    expect(end).toMatchObject({ status: 'FAILED', error: 'CandidateLaunchFailed' });
    expect(end.cause).toContain('more vCPU capacity than your current vCPU limit');
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v1-r1', minimum: 1, desired: 4 }]);
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
  });

  it('undo a deploy of a warm release that cannot grow as soon as no launch can succeed, with the reasons', async () => {
    await live(follow);
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.ended(await fleet.rollBack())).toMatchObject({ status: 'SUCCEEDED' });
    const answer = await fleet.ask({ kind: 'release', number: 2 });
    await sizesAt(10);
    await setSize(fleet, 'flt-web-v1-r1', 6);
    await sizesAt(50);
    // So many as run now, each with two.
    fleet.world.region.parts.ec2.quotas.onDemandStandard.value = 20;
    const end = await fleet.ended(answer);
    expect(end).toMatchObject({ status: 'FAILED', error: 'CandidateLaunchFailed' });
    expect(end.cause).toContain('more vCPU capacity than your current vCPU limit');
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, warm: { release: 2 }, lease: null });
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
  });

  it('let a person abort while the candidate grows', async () => {
    await live(follow);
    const answer = await fleet.ask(await fleet.image('two'));
    await sizesAt(10);
    // Who is there stays well; who is launched from now on is not.
    fleet.world.region.parts.ec2.instances.machines = () => ({ healthy: () => false });
    for (let passed = 0; (await fleet.groups()).every(({ desired }) => desired !== 2); passed += 1) {
      if (passed > 200) throw new Error('it did not grow');
      await fleet.world.seconds(1);
    }
    await fleet.order('abort');
    const end = await fleet.ended(answer, 5 * minute);
    expect(end).toMatchObject({ status: 'FAILED', error: 'GateAborted' });
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v1-r1', minimum: 1, desired: 4 }]);
  });

  it('keep live as large as it was, whatever its scaling policy says', async () => {
    await live({ ...follow, scaling: { requestsPerTarget: 100 } });
    const long = [{ weight: 10, bakeSeconds: 40 * minute }, { weight: 100 }];
    await fleet.apply({
      ...follow,
      scaling: { requestsPerTarget: 100 },
      rollout: { ...follow.rollout, steps: long },
    });
    const answer = await fleet.ask(await fleet.image('two'));
    await sizesAt(10);
    await idle(30);
    expect(await fleet.groups()).toContainEqual({ name: 'flt-web-v1-r1', minimum: 4, desired: 4 });
    await fleet.order('abort');
    await fleet.ended(answer);
    // Its minimum is the spec's again, and the same policy shrinks it.
    await idle(30);
    const [alone] = await fleet.groups();
    expect(alone?.minimum).toBe(1);
    expect(alone?.desired).toBeLessThan(4);
  });

  /** So many minutes with hardly any request to live. */
  async function idle(minutes: number): Promise<void> {
    const { fixed } = await fleet.item();
    const { metrics } = fleet.world.region.parts.elbv2.state.group(fixed.blueArn);
    for (let passed = 0; passed < minutes; passed += 1) {
      metrics?.requestsPerTarget.add(fleet.world.clock.now(), 1);
      await fleet.world.seconds(60);
    }
  }
});
