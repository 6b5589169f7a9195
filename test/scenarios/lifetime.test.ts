/** What the spec says of instances, as Auto Scaling was asked for it; and that a weekly replacement loses nobody. */
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { healthyIn, healthyTargets } from './kit/sizes.ts';

const week = 7 * 86_400;
const rollout = { steps: [{ weight: 100 }], drainSeconds: 20, keepWarmSeconds: 0 };

describe.skipIf(notPackaged !== undefined)('the instances of a fleet', () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  it('are of the types and the share that the spec names, bounded in age, and scaled in the slot that serves', async () => {
    fleet = await Fleet.create({
      instances: { types: ['t3.small', 't3.micro'], spotPercent: 50, minimum: 2, desired: 3, maximum: 6 },
      scaling: { cpuPercent: 60, requestsPerTarget: 100 },
      rollout,
    });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    const { fixed, live } = await fleet.item();
    expect(live).toMatchObject({ release: 2, slot: 'green' });
    const { AutoScalingGroups } = await fleet.world.call('autoscaling', 'DescribeAutoScalingGroups', {
      AutoScalingGroupNames: [live?.groupName],
    });
    expect(AutoScalingGroups).toMatchObject([
      {
        MaxInstanceLifetime: week,
        InstanceMaintenancePolicy: { MinHealthyPercentage: 100, MaxHealthyPercentage: 200 },
        CapacityRebalance: true,
        MixedInstancesPolicy: {
          LaunchTemplate: { Overrides: [{ InstanceType: 't3.small' }, { InstanceType: 't3.micro' }] },
          InstancesDistribution: {
            OnDemandBaseCapacity: 1,
            OnDemandPercentageAboveBaseCapacity: 50,
            OnDemandAllocationStrategy: 'prioritized',
            SpotAllocationStrategy: 'capacity-optimized-prioritized',
          },
        },
        TargetGroupARNs: [fixed.greenArn],
      },
    ]);
    const { ScalingPolicies } = await fleet.world.call('autoscaling', 'DescribePolicies', {
      AutoScalingGroupName: live?.groupName,
    });
    const { LoadBalancers } = await fleet.world.call('elasticloadbalancing', 'DescribeLoadBalancers', {});
    const resource = (arn: string) => arn.slice(arn.lastIndexOf(':') + 1).replace('loadbalancer/', '');
    const label = `${resource(LoadBalancers[0].LoadBalancerArn)}/${resource(fixed.greenArn)}`;
    const asked = ScalingPolicies.map(
      (policy: { TargetTrackingConfiguration: unknown }) => policy.TargetTrackingConfiguration,
    );
    expect(asked).toHaveLength(2);
    expect(asked).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          PredefinedMetricSpecification: { PredefinedMetricType: 'ASGAverageCPUUtilization' },
          TargetValue: 60,
        }),
        expect.objectContaining({
          PredefinedMetricSpecification: {
            PredefinedMetricType: 'ALBRequestCountPerTarget',
            ResourceLabel: label,
          },
          TargetValue: 100,
        }),
      ]),
    );
  });

  it('are replaced before EC2 takes a Spot Instance back, and none fails', async () => {
    fleet = await Fleet.create({
      instances: { spotPercent: 100, minimum: 2, desired: 2, maximum: 4 },
      rollout,
    });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    const { Reservations } = await fleet.world.call('ec2', 'DescribeInstances', {
      Filters: [{ Name: 'instance-lifecycle', Values: ['spot'] }],
    });
    const id = Reservations[0].Instances[0].InstanceId;
    fleet.world.region.parts.ec2.outages.recommendRebalance(id);
    for (let passed = 0; passed < 3 * minute; passed += 1) {
      await fleet.world.seconds(1);
      expect(await healthyIn(fleet, 'blue')).toBeGreaterThanOrEqual(2);
    }
    expect((await fleet.members()).flatMap(({ instances }) => instances)).not.toContain(id);
  });

  it.each([1, 2])(
    'are replaced after a week, launching before terminating: never fewer than %d are healthy',
    async (size) => {
      fleet = await Fleet.create({ instances: { minimum: 1, desired: size, maximum: 4 }, rollout });
      expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
      const before = await healthyTargets(fleet, 'blue');
      expect(before).toHaveLength(size);
      await makeOld(week - 60);
      let fewest = size;
      let since: number | undefined;
      for (let second = 0; second < 600; second += 1) {
        const healthy = await healthyTargets(fleet, 'blue');
        fewest = Math.min(fewest, healthy.length);
        if (second < 55) expect(healthy).toEqual(before);
        if (since === undefined && healthy.every((id) => !before.includes(id))) since = second;
        await fleet.world.seconds(1);
      }
      expect(fewest).toBe(size);
      expect(since).toBeGreaterThanOrEqual(60);
      expect(await fleet.groups()).toEqual([{ name: 'flt-web-v1-r1', minimum: 1, desired: size }]);
      expect(await healthyTargets(fleet, 'blue')).toHaveLength(size);
    },
  );

  /** AWS takes no lifetime of less than a day; a week of sweeps is what other tests live through. */
  async function makeOld(seconds: number): Promise<void> {
    const { autoscaling } = fleet.world.region.parts;
    const record = autoscaling.state.groups.get('flt-web-v1-r1');
    const now = fleet.world.clock.now();
    for (const member of record?.members.values() ?? [])
      Object.assign(member, { launchedAt: now - seconds * 1_000 });
    // The lifetime that the group has already: said again, so that its timers are set anew.
    await fleet.world.call('autoscaling', 'UpdateAutoScalingGroup', {
      AutoScalingGroupName: 'flt-web-v1-r1',
      MaxInstanceLifetime: record?.maxLifetimeSeconds,
    });
  }
});
