/** A candidate's slot that does not become empty: its rollout waits no longer than an undo would. In virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { phases } from '../../src/fleet/phases.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const [former, serving] = ['flt-web-v1-r1', 'flt-web-v2-r2'] as const;

describe.skipIf(notPackaged !== undefined)('a slot that does not become empty', { timeout: 120_000 }, () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  it('ends the rollout once patience is over, and the next one goes on when it is empty', async () => {
    const steps = [{ weight: 100 }];
    fleet = await Fleet.create({ rollout: { steps, keepWarmSeconds: 7200, drainSeconds: 5 } });
    for (const name of ['one', 'two'])
      expect(await fleet.deploy(await fleet.image(name))).toMatchObject({ status: 'SUCCEEDED' });
    const processes = { AutoScalingGroupName: former, ScalingProcesses: ['Terminate'] };
    await fleet.world.call('autoscaling', 'SuspendProcesses', processes);

    const three = await fleet.image('three');
    const stuck = await fleet.ask(three);
    await fleet.world.seconds(15 * minute);
    expect(await fleet.rollout(3)).toMatchObject({ phase: phases.emptying });
    await fleet.world.seconds(10 * minute);
    expect(await fleet.rollout(3)).toMatchObject({ phase: phases.undoing });
    await fleet.world.call('autoscaling', 'ResumeProcesses', processes);
    expect(await fleet.ended(stuck)).toMatchObject({
      error: 'SlotOccupied',
      cause: expect.stringContaining(`2 instances of ${former} still drain or end`),
    });
    expect(await fleet.item()).toMatchObject({
      live: { release: 2 },
      candidate: null,
      lease: null,
      pins: [],
    });
    expect((await fleet.groups()).map(({ name }) => name)).toEqual([serving]);

    // The release is not to blame: nobody has to force it.
    expect(await fleet.deploy(three)).toMatchObject({ status: 'SUCCEEDED' });
  });
});
