/** A fleet that is down: its release answers nobody any more. What is deployed then must not make it worse. */
import { afterEach, describe, expect, it } from 'vitest';
import { unrest } from './kit/at-rest.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { healthyIn } from './kit/sizes.ts';

describe.skipIf(notPackaged !== undefined)('a fleet that is down', () => {
  let fleet: Fleet;
  let ill = false;
  afterEach(async () => {
    await fleet?.world.close();
  });

  async function create(keepWarmSeconds: number, weights: readonly number[] = [100]): Promise<void> {
    ill = false;
    fleet = await Fleet.create({
      instances: { minimum: 1, desired: 1, maximum: 2 },
      rollout: { steps: weights.map((weight) => ({ weight })), drainSeconds: 0, keepWarmSeconds },
    });
  }

  /** Deploys what falls ill, and waits until the load balancer says so. */
  async function fallIll(name: string, slot: 'blue' | 'green'): Promise<void> {
    expect(await fleet.deploy(await fleet.image(name, { healthy: () => !ill }))).toMatchObject({
      status: 'SUCCEEDED',
    });
    ill = true;
    await fleet.world.seconds(2 * minute);
    expect(await healthyIn(fleet, slot)).toBe(0);
  }

  it('is free again after a fix that failed, and takes the next one', async () => {
    await create(300);
    await fallIll('one', 'blue');
    const two = await fleet.image('two', { healthy: false });
    expect(await fleet.deploy(two)).toMatchObject({ error: 'CandidateUnhealthy' });
    expect(await fleet.item()).toMatchObject({
      live: { release: 1 },
      candidate: null,
      lease: null,
      pins: [],
    });
    expect((await fleet.groups()).map(({ name }) => name)).toEqual(['flt-web-v1-r1']);

    expect(await fleet.deploy(await fleet.image('three'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 3 }, lease: null });
    ill = false;
    await fleet.world.seconds(10 * minute);
    expect(await unrest([fleet])).toEqual([]);
  });

  it('is mended in one step where it is asked for more, at a word', async () => {
    await create(0, [50, 100]);
    await fallIll('one', 'blue');
    const two = await fleet.image('two');
    expect(await fleet.deploy(two)).toMatchObject({
      error: 'PlanRefused',
      cause: expect.stringContaining('force it to give v2 all of it in one step'),
    });
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, lease: null });
    expect(await fleet.ended(await fleet.ask(two, { force: true }))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 3 } });
    ill = false;
    await fleet.world.seconds(10 * minute);
    expect(await unrest([fleet])).toEqual([]);
  });

  it('keeps a warm release that is healthy, and goes back to it', async () => {
    await create(3_600);
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    await fallIll('two', 'green');
    const three = await fleet.image('three');
    const cure = 'v1, which is warm and healthy, would have to leave; make v1 live first';
    const refused = await fleet.plan(three);
    expect(refused).toMatchObject({ outcome: 'refused', reasons: [expect.stringContaining(cure)] });
    const end = await fleet.ended(await fleet.ask(three, { force: true }));
    expect(end).toMatchObject({ error: 'PlanRefused', cause: expect.stringContaining(cure) });
    expect(await fleet.item()).toMatchObject({ warm: { release: 1 }, lease: null });

    expect(await fleet.ended(await fleet.rollBack())).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, lease: null });
    expect(await healthyIn(fleet, 'blue')).toBe(1);
  });

  describe('since somebody deleted its group', () => {
    async function deleteGroup(AutoScalingGroupName: string): Promise<void> {
      const call = { AutoScalingGroupName, ForceDelete: true };
      await fleet.world.call('autoscaling', 'DeleteAutoScalingGroup', call);
      await fleet.world.seconds(2 * minute);
      expect((await fleet.groups()).map(({ name }) => name)).not.toContain(AutoScalingGroupName);
    }

    it('goes back to its warm release, and from there forward to the one without a group', async () => {
      await create(600);
      for (const name of ['one', 'two'])
        expect(await fleet.deploy(await fleet.image(name))).toMatchObject({ status: 'SUCCEEDED' });
      await deleteGroup('flt-web-v2-r2');
      expect(await fleet.ended(await fleet.rollBack())).toMatchObject({ status: 'SUCCEEDED' });
      expect(await fleet.item()).toMatchObject({ live: { release: 1 }, warm: { release: 2 }, lease: null });
      const forward = await fleet.ask({ kind: 'release', number: 2 });
      expect(await fleet.ended(forward)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await fleet.item()).toMatchObject({
        live: { release: 2, groupName: 'flt-web-v2-r4' },
        ...{ warm: { release: 1 }, lease: null },
      });
      // It was launched anew, and not retired on its way.
      expect(await fleet.events('release-2/retiring')).toEqual([]);
      await fleet.world.seconds(20 * minute);
      expect(await unrest([fleet])).toEqual([]);
    });

    it('has its image deployed anew, at a word', async () => {
      await create(0, [50, 100]);
      const one = await fleet.image('one');
      expect(await fleet.deploy(one)).toMatchObject({ status: 'SUCCEEDED' });
      await deleteGroup('flt-web-v1-r1');
      expect(await fleet.ask(one)).toMatchObject({
        outcome: 'already-live',
        message: expect.stringContaining('to launch it anew, force a deploy of its image'),
      });
      expect(await fleet.ended(await fleet.ask(one, { force: true }))).toMatchObject({ status: 'SUCCEEDED' });
      expect(await fleet.item()).toMatchObject({ live: { release: 2 }, lease: null });
      expect(await healthyIn(fleet, 'green')).toBe(1);
      await fleet.world.seconds(10 * minute);
      expect(await unrest([fleet])).toEqual([]);
    });
  });
});
