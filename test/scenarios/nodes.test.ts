/** No node of the load balancer may answer 503 for a fleet that is said to be live, however late it hears of things. */
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { NodeWatch } from './kit/nodes.ts';

/** Nothing drains: a target that leaves is gone at once. */
const one = {
  instances: { minimum: 1, desired: 1, maximum: 2 },
  rollout: {
    steps: [
      { weight: 10, bakeSeconds: 60 },
      { weight: 100, bakeSeconds: 60 },
    ],
    ...{ keepWarmSeconds: 600, drainSeconds: 0 },
  },
};

describe.skipIf(notPackaged !== undefined)('each node of the load balancer', { timeout: 120_000 }, () => {
  let fleet: Fleet;
  let watch: NodeWatch | undefined;
  afterEach(async () => {
    watch?.stop();
    await fleet?.world.close();
  });

  /** The first release, and a look at the nodes from the moment on in which its execution has succeeded. */
  async function live(seed = 7, spec: Parameters<typeof Fleet.create>[0] = one): Promise<void> {
    fleet = await Fleet.create(spec, { seed });
    const answer = await fleet.ask(await fleet.image('one'));
    for (let status = 'RUNNING'; status === 'RUNNING'; ) {
      await fleet.world.seconds(0.2);
      ({ status } = await fleet.execution(answer.executionArn ?? ''));
      expect(status).not.toBe('FAILED');
    }
    watch = await NodeWatch.over(fleet);
    // Targets are heard of at once, and rules as late as the product reckons with.
    Object.assign(fleet.world.region.context.lag.bounds, { rulesMs: 9_900, targetsMs: 1 });
  }

  it.each([7, 8, 9])(
    'has somebody to send requests to when the first release is live (seed %d)',
    async (seed) => {
      await live(seed);
      await fleet.world.seconds(10);
      expect([...(watch?.refused ?? [])]).toEqual([]);
    },
  );

  it('has somebody through a rollout, a rollback to the warm release, and a retirement', async () => {
    await live();
    await fleet.deploy(await fleet.image('two'));
    await fleet.ended(await fleet.rollBack());
    await fleet.world.seconds(12 * minute);
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, warm: null, lease: null });
    expect([...(watch?.refused ?? [])]).toEqual([]);
  });

  it('has somebody where what was live leaves as soon as its successor is', async () => {
    await live(7, { ...one, rollout: { ...one.rollout, steps: [{ weight: 100 }], keepWarmSeconds: 0 } });
    await fleet.deploy(await fleet.image('two'));
    await fleet.world.seconds(5 * minute);
    expect(await fleet.item()).toMatchObject({ live: { release: 2 }, warm: null, lease: null });
    expect([...(watch?.refused ?? [])]).toEqual([]);
  });

  it('has somebody while a candidate with traffic fails, is replaced, fails again, and is rolled back', async () => {
    await live();
    const end = await fleet.deploy(
      await fleet.image('two', { healthy: (sinceStart) => sinceStart < 45_000 }),
    );
    expect(end).toMatchObject({ status: 'FAILED', error: 'CandidateUnhealthy' });
    expect([...(watch?.refused ?? [])]).toEqual([]);
  });
});
