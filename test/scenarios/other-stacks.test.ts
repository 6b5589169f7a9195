/** Two stacks in one account name their groups alike: each keeps lineage of its own instances. */
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

describe.skipIf(notPackaged !== undefined)('an instance that is launched', () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  it('is in the lineage of the stack that its group belongs to, and in no other', async () => {
    fleet = await Fleet.create({ instances: { minimum: 1, desired: 2, maximum: 2 } });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    // Where the group was not described yet, Lambda calls again a minute later.
    await fleet.world.seconds(90);
    const [group] = await fleet.members();
    const launched = async () =>
      (await fleet.events('release-')).flatMap(({ kind, data }) =>
        kind === 'instance-launched' ? [data.instance] : [],
      );
    expect(new Set(await launched())).toEqual(new Set(group?.instances));

    const { fixed } = await fleet.item();
    const ours = await fleet.world.call('autoscaling', 'DescribeAutoScalingGroups', {});
    await fleet.world.call('autoscaling', 'CreateAutoScalingGroup', {
      AutoScalingGroupName: 'flt-web-v7-r12',
      LaunchTemplate: { LaunchTemplateId: fixed.launchTemplateId, Version: '$Latest' },
      ...{ MinSize: 1, MaxSize: 1, VPCZoneIdentifier: ours.AutoScalingGroups[0].VPCZoneIdentifier },
      Tags: [{ Key: 'flotilla:stack', Value: 'another', PropagateAtLaunch: true }],
    });
    await fleet.world.seconds(240);
    const other = (await fleet.members()).find(({ name }) => name === 'flt-web-v7-r12');
    expect(other?.instances).toHaveLength(1);
    expect(await launched()).toHaveLength(2);
  });
});
