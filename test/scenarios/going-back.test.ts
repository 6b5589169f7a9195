/** Going back: the release that returns has the greater of both sizes, healthy, before traffic returns to it. */
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { Invariants, wordsOfViolation } from './kit/invariants.ts';
import { healthyIn, setSize, untilWeight } from './kit/sizes.ts';

const [live, candidate] = ['flt-web-v1-r1', 'flt-web-v2-r2'] as const;

describe.skipIf(notPackaged !== undefined)('a release to which traffic returns', () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  /** Two of each: a first release, and a second on its way or promoted. */
  async function second(steps: readonly object[]) {
    fleet = await Fleet.create({
      instances: { minimum: 1, desired: 2, maximum: 6 },
      rollout: { steps: steps as never, drainSeconds: 0, keepWarmSeconds: 3600 },
    });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    return fleet.ask(await fleet.image('two'));
  }

  const sizeOf = async (name: string) => (await fleet.groups()).find((group) => group.name === name);

  it.each([
    ['grew during the rollout', 4, 2, 4],
    ['shrank during the rollout', 1, 2, 2],
    ['is smaller than the candidate, which grew', 2, 4, 4],
  ])(
    'and %s: it has that many before the abort moves a weight',
    async (_, liveSize, candidateSize, wanted) => {
      const answer = await second([{ weight: 50, bakeSeconds: 1200 }, { weight: 100 }]);
      await untilWeight(fleet, 'green', 50);
      await setSize(fleet, candidate, candidateSize);
      await setSize(fleet, live, liveSize);
      await fleet.world.seconds(60);
      await fleet.order('abort');
      await untilWeight(fleet, 'blue', 100);
      expect(await healthyIn(fleet, 'blue')).toBe(wanted);
      expect(await healthyIn(fleet, 'green')).toBe(candidateSize);
      expect(await fleet.ended(answer)).toMatchObject({ error: 'GateAborted' });
      // Back within the bounds that it had; what carries today's load is not taken away.
      expect(await fleet.groups()).toEqual([{ name: live, minimum: Math.min(1, wanted), desired: wanted }]);
    },
  );

  it.each([
    ['is smaller than live, which grew', 2, 4, 4],
    ['shrank while it was warm', 1, 3, 3],
    ['is larger than live', 3, 2, 3],
  ])(
    'and was warm and %s: it has that many before the rollback moves a weight',
    async (_, warmSize, liveSize, wanted) => {
      const answer = await second([{ weight: 100 }]);
      expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
      await setSize(fleet, candidate, liveSize);
      await setSize(fleet, live, warmSize);
      await fleet.world.seconds(60);
      const back = await fleet.rollBack();
      await untilWeight(fleet, 'blue', 100);
      expect(await healthyIn(fleet, 'blue')).toBe(wanted);
      expect(await fleet.ended(back)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await sizeOf(live)).toEqual({ name: live, minimum: 1, desired: wanted });
      expect(await sizeOf(candidate)).toMatchObject({ desired: liveSize });
    },
  );

  it('by hand, since live answers nobody: a rollback completes it', async () => {
    let ill = false;
    fleet = await Fleet.create({
      rollout: { steps: [{ weight: 100 }], drainSeconds: 0, keepWarmSeconds: 3600 },
    });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    const two = await fleet.image('two', { healthy: () => !ill });
    expect(await fleet.deploy(two)).toMatchObject({ status: 'SUCCEEDED' });
    ill = true;
    await fleet.world.seconds(60);
    await fleet.setWeights({ blue: 100, green: 0 });
    // Until each copy of the rule shows it.
    await fleet.world.seconds(5);
    expect(await fleet.planBack()).toMatchObject({
      outcome: 'planned',
      plan: { notes: ['the rule gives v1 all traffic already, which was set by hand'] },
    });
    expect(await fleet.ended(await fleet.rollBack())).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    expect(await fleet.item()).toMatchObject({
      ...{ live: { release: 1 }, warm: { release: 2 }, lease: null },
      weights: { blue: 100, green: 0 },
    });
  });

  it('by hand: a rollback that is undone leaves the traffic where the person led it', async () => {
    const answer = await second([{ weight: 100 }]);
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
    const { warm } = await fleet.item();
    // Live has grown, and the one that returns cannot: the rollback fails before its step.
    await setSize(fleet, candidate, 4);
    await fleet.world.seconds(60);
    fleet.world.region.parts.ec2.outages.withhold({});
    await fleet.setWeights({ blue: 100, green: 0 });
    await fleet.world.seconds(5);
    expect(await fleet.ended(await fleet.rollBack())).toMatchObject({
      status: 'FAILED',
      error: expect.stringMatching(/^Candidate/),
    });
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    // As it was before: lineage tells what is live, and the next plan of the person's weights.
    expect(await fleet.item()).toMatchObject({
      ...{ live: { release: 2 }, candidate: null, warm, lease: null, pins: [] },
      weights: { blue: 0, green: 100 },
    });
    // Once its step has followed, the weights are the rollback's, and go back with it.
    fleet.world.region.parts.ec2.outages.release({});
    const again = await fleet.rollBack();
    for (let passed = 0; passed < 600 && (await fleet.item()).weights.blue < 100; passed += 1)
      await fleet.world.seconds(1);
    expect(await fleet.item()).toMatchObject({ candidate: { release: 1 }, weights: { blue: 100, green: 0 } });
    await fleet.order('abort');
    expect(await fleet.ended(again)).toMatchObject({ error: 'GateAborted' });
    expect(await fleet.weights()).toEqual({ blue: 0, green: 100 });
  });

  it('and was promoted with other scaling policies: it has those of the spec, and no other', async () => {
    const scaledBy = async (): Promise<string[]> => {
      const answer = await fleet.world.call('autoscaling', 'DescribePolicies', {
        AutoScalingGroupName: live,
      });
      return answer.ScalingPolicies.map(({ PolicyName }: { PolicyName: string }) => PolicyName).sort();
    };
    const spec = {
      instances: { minimum: 1, desired: 2, maximum: 6 },
      rollout: { steps: [{ weight: 100 }], drainSeconds: 0, keepWarmSeconds: 3600 },
    };
    fleet = await Fleet.create({ ...spec, scaling: { cpuPercent: 50 } });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await scaledBy()).toEqual(['cpu']);
    await fleet.apply({ ...spec, scaling: { requestsPerTarget: 100 } });
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.ended(await fleet.rollBack())).toMatchObject({ status: 'SUCCEEDED' });
    expect(await scaledBy()).toEqual(['requests']);
    const { MetricAlarms } = await fleet.world.call('monitoring', 'DescribeAlarms', {
      AlarmNamePrefix: `TargetTracking-${live}-`,
    });
    for (const { MetricName } of MetricAlarms) expect(MetricName).toBe('RequestCountPerTarget');
  });

  it.each(['fails for want of capacity', 'is aborted'])(
    'and was warm is warm again where the way back %s: its time and its instances stay, and it is retired',
    async (how) => {
      const answer = await second([{ weight: 100 }]);
      expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
      const { warm } = await fleet.item();
      // Live has grown, so that the one that returns must grow, too.
      await setSize(fleet, candidate, 4);
      await fleet.world.seconds(60);
      fleet.world.region.parts.ec2.outages.withhold({});
      const before = (await fleet.members()).find(({ name }) => name === live)?.instances;
      const back = await fleet.rollBack();
      if (how === 'is aborted') {
        await fleet.world.seconds(4);
        await fleet.order('abort');
      }
      expect(await fleet.ended(back)).toMatchObject({
        status: 'FAILED',
        error: how === 'is aborted' ? 'GateAborted' : expect.stringMatching(/^Candidate/),
      });
      expect(await fleet.item()).toMatchObject({
        ...{ live: { release: 2 }, candidate: null, warm, lease: null, pins: [] },
        weights: { blue: 0, green: 100 },
      });
      expect(await fleet.release(1)).toMatchObject({ state: 'warm' });
      expect((await fleet.members()).find(({ name }) => name === live)?.instances).toEqual(before);
      expect(await fleet.read('api-read', '/rollouts/web-3')).toMatchObject({
        card: { undone: expect.arrayContaining([`the group ${live} is kept warm again`]) },
      });

      fleet.world.region.parts.ec2.outages.release({});
      const again = await fleet.rollBack();
      expect(again).toMatchObject({ release: 1 });
      expect(await fleet.ended(again)).toMatchObject({ status: 'SUCCEEDED' });
    },
  );

  it.each([
    ['while what the first left is warm', 3600, 0],
    ['once what the first left is retired', 60, 10 * 60],
  ])(
    'goes further back the second time, %s; what was left is gone forward to by its number',
    async (_, keepWarmSeconds, pause) => {
      fleet = await Fleet.create({ rollout: { steps: [{ weight: 100 }], drainSeconds: 0, keepWarmSeconds } });
      const invariants = await Invariants.over([fleet]);
      for (const name of ['one', 'two', 'three'])
        expect(await fleet.deploy(await fleet.image(name))).toMatchObject({ status: 'SUCCEEDED' });
      for (const [target, left] of [
        [2, 3],
        [1, 2],
      ] as const) {
        const back = await fleet.rollBack();
        expect(back).toMatchObject({ release: target });
        expect(await fleet.ended(back)).toMatchObject({ status: 'SUCCEEDED' });
        expect(await fleet.item()).toMatchObject({ live: { release: target }, warm: { release: left } });
        expect(await fleet.read('api-read', '/fleets/web')).toMatchObject({
          warm: { release: left, leftAt: expect.any(String) },
        });
        await fleet.world.seconds(pause);
      }
      await expect(fleet.rollBack()).rejects.toThrow(
        'passed over: v2 (a rollback left it), v3 (a rollback left it); to go forward to v2: flotilla deploy --fleet web --release 2',
      );

      const forward = await fleet.ask({ kind: 'release', number: 3 });
      expect(await fleet.ended(forward)).toMatchObject({ status: 'SUCCEEDED' });
      const { releases } = (await fleet.read('api-read', '/lineage/web/v3')) as { releases: object[] };
      expect(releases[0]).not.toHaveProperty('leftAt');
      // What a deploy took the place of was left by no rollback.
      expect(await fleet.planBack()).toMatchObject({ outcome: 'planned', release: 1 });
      await fleet.world.seconds(10 * 60);
      expect(invariants.atRest({ web: { live: 3, desired: 2 } }).map(wordsOfViolation)).toEqual([]);
      invariants.end();
    },
  );

  it('and was warm is retired once its time is over, though its time came while it was on its way back', async () => {
    fleet = await Fleet.create({
      rollout: { steps: [{ weight: 100 }], drainSeconds: 0, keepWarmSeconds: 120 },
    });
    for (const name of ['one', 'two'])
      expect(await fleet.deploy(await fleet.image(name))).toMatchObject({ status: 'SUCCEEDED' });
    await setSize(fleet, candidate, 4);
    await fleet.world.seconds(60);
    fleet.world.region.parts.ec2.outages.withhold({});
    expect(await fleet.ended(await fleet.rollBack())).toMatchObject({ status: 'FAILED' });
    expect(await fleet.item()).toMatchObject({ warm: { release: 1 } });
    await fleet.world.seconds(15 * 60);
    expect(await fleet.item()).toMatchObject({ live: { release: 2 }, warm: null, lease: null });
    expect((await fleet.groups()).map(({ name }) => name)).toEqual([candidate]);
  });
});
