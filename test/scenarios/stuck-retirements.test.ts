/** A retirement that cannot end says so, is tried again until it does, and leaves no group behind. In virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const [former, serving] = ['flt-web-v1-r1', 'flt-web-v2-r2'] as const;

describe.skipIf(notPackaged !== undefined)('a retirement that cannot end', { timeout: 120_000 }, () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  /** The second release is live, and the first one warm for two minutes. */
  async function promoted(): Promise<void> {
    const steps = [{ weight: 100 }];
    fleet = await Fleet.create({ rollout: { steps, keepWarmSeconds: 120, drainSeconds: 5 } });
    for (const name of ['one', 'two'])
      expect(await fleet.deploy(await fleet.image(name))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ warm: { release: 1 }, lease: null });
  }

  const names = async () => (await fleet.groups()).map(({ name }) => name);
  const kinds = async () => (await fleet.events('release-1/')).map(({ kind }) => kind);
  const retirement = () =>
    fleet.execution(
      `arn:aws:states:us-east-1:000000000000:execution:${fleet.world.stackName}-retire-release:web-v1-2`,
    );

  it('for a group whose instances stay says so once patience is over, and ends when they go', async () => {
    await promoted();
    const processes = { AutoScalingGroupName: former, ScalingProcesses: ['Terminate'] };
    await fleet.world.call('autoscaling', 'SuspendProcesses', processes);
    await fleet.world.seconds(10 * minute);
    expect(await fleet.item()).toMatchObject({ lease: { purpose: 'retirement', state: 'held' } });
    await fleet.world.seconds(15 * minute);
    expect(await fleet.read('api-read', '/fleets/web')).toMatchObject({
      state: 'needs-attention',
      live: { release: 2, weight: 100 },
      needsAttention: [
        expect.stringContaining(
          `the retirement of v1 could not be finished: 2 instances of ${former} still drain or end. Cure that`,
        ),
      ],
    });
    expect(await retirement()).toMatchObject({ status: 'FAILED', error: 'RetirementIncomplete' });
    expect((await kinds()).filter((kind) => kind === 'retirement-needs-attention')).toHaveLength(1);

    await fleet.world.call('autoscaling', 'ResumeProcesses', processes);
    await fleet.world.seconds(5 * minute);
    expect(await names()).toEqual([serving]);
    expect(await fleet.item()).toMatchObject({ live: { release: 2 }, warm: null, lease: null });
    expect(await kinds()).toContain('retirement-ended');
  });

  it('for want of a right keeps the fleet until the group is gone, and says what is wanting', async () => {
    await promoted();
    const denied = 'User is not authorized to perform: autoscaling:UpdateAutoScalingGroup';
    fleet.world.region.faults.inject({
      ...{ kind: 'fail', action: 'autoscaling:UpdateAutoScalingGroup', times: 4 },
      ...{ code: 'AccessDenied', message: denied, status: 403 },
    });
    await fleet.world.seconds(5 * minute);
    expect(await retirement()).toMatchObject({ status: 'FAILED', error: 'AwsDenied' });
    expect(await fleet.item()).toMatchObject({
      warm: null,
      lease: { purpose: 'retirement', state: 'needs-attention', reason: expect.stringContaining(denied) },
    });
    expect(await names()).toContain(former);

    await fleet.world.seconds(6 * minute);
    expect(await names()).toEqual([serving]);
    expect(await fleet.item()).toMatchObject({ warm: null, lease: null });
    // Nothing of it stands in the way of the way back.
    expect(await fleet.ended(await fleet.rollBack())).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('since the guard refuses it gives the fleet back at once, and keeps the release warm', async () => {
    await promoted();
    const { outages } = fleet.world.region.parts.ec2;
    outages.withhold({});
    for (const { name, instances } of await fleet.members())
      if (name === serving) for (const id of instances) outages.kill(id);
    await fleet.world.seconds(3 * minute);
    expect(await retirement()).toMatchObject({ status: 'FAILED', error: 'GuardRefused' });
    expect(await fleet.item()).toMatchObject({ warm: { release: 1 }, lease: null });
    expect(await names()).toContain(former);
  });
});
