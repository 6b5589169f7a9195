/** A fleet that is removed takes its warm release along: what was to happen to that later finds nothing to do. */
import { afterEach, describe, expect, it } from 'vitest';
import { Doors } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const arn = 'arn:aws:states:us-east-1:000000000000';

describe.skipIf(notPackaged !== undefined)('a fleet that was removed', () => {
  let doors: Doors;
  afterEach(async () => {
    await doors?.world.close();
  });

  /** A fleet with a live release, and a warm one that retire-release waits for. */
  async function withWarmRelease(): Promise<void> {
    doors = await Doors.open({
      rollout: { steps: [{ weight: 100 }], keepWarmSeconds: 600, drainSeconds: 0 },
    });
    for (const name of ['one', 'two']) await doors.deploy(name);
    await doors.until(async () => ((await doors.fleet()).lease === null ? true : undefined));
    expect((await doors.fleet()).warm).toMatchObject({ release: 1 });
  }

  async function remove(): Promise<string> {
    const { body } = await doors.api('DELETE /fleets/web?force=true&confirm=web');
    return body.outcome;
  }

  const retirement = () =>
    doors.world.call('states', 'DescribeExecution', {
      executionArn: `${arn}:execution:flotilla-retire-release:web-v1-2`,
    });

  it('leaves nothing to retire when the time to stay warm is over', async () => {
    await withWarmRelease();
    await doors.until(async () => ((await remove()) === 'removed' ? true : undefined));
    expect(await retirement()).toMatchObject({ status: 'RUNNING' });
    await doors.world.seconds(700);
    expect(await retirement()).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('leaves nothing to retire for who waited until the removal gave the fleet back', async () => {
    await withWarmRelease();
    const { warm } = await doors.fleet();
    const warmFor = (Date.parse(warm.keepUntil) - doors.world.clock.now()) / 1000;
    await doors.world.seconds(warmFor - 60);
    const denied = { code: 'AccessDenied', status: 403, message: 'Not now' };
    doors.world.region.faults.inject({
      kind: 'fail',
      action: 'elasticloadbalancing:DeleteTargetGroup',
      ...denied,
    });
    expect(await remove()).toBeUndefined();
    expect((await doors.fleet()).lease).toMatchObject({ purpose: 'removal' });
    await doors.world.seconds(90);
    expect(await retirement()).toMatchObject({ status: 'RUNNING' });
    await doors.until(async () => ((await remove()) === 'removed' ? true : undefined));
    await doors.world.seconds(120);
    expect(await retirement()).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('is held by nobody when the end of an execution is told late', async () => {
    doors = await Doors.open();
    const event = {
      detail: {
        executionArn: `${arn}:execution:flotilla-swap-fleet:gone-1`,
        input: JSON.stringify({ fleet: 'gone', rollout: 1 }),
      },
    };
    expect(await doors.world.invoke('recover-rollout', event)).toEqual({ outcome: 'not-held' });
  });
});
