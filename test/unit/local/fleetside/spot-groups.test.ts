/** Groups of several types and markets, and what the Spot market does to them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { onDemandOf, typesFor } from '../../../../local/services/autoscaling/allocation.ts';
import { FleetRegion } from './fleet-region.ts';

describe('a distribution', () => {
  it.each([
    [0, 1, 50, 0],
    [1, 1, 0, 1],
    [4, 1, 0, 1],
    [3, 1, 50, 2],
    [4, 1, 50, 3],
    [10, 0, 25, 3],
    [10, 20, 0, 10],
  ])('of %d with a base of %d and %d %% above it has %d On-Demand', (capacity, base, percent, onDemand) => {
    const distribution = { OnDemandBaseCapacity: base, OnDemandPercentageAboveBaseCapacity: percent };
    expect(onDemandOf(capacity, distribution)).toBe(onDemand);
  });

  it('is all On-Demand where nothing is said', () => {
    expect(onDemandOf(5, undefined)).toBe(5);
  });

  it('has the types in the order of the overrides, or the smallest first', () => {
    const LaunchTemplate = {
      Overrides: [{ InstanceType: 'm7i.large' }, { InstanceType: 't3.nano' }, { InstanceType: 'c7i.large' }],
    };
    const given = ['m7i.large', 't3.nano', 'c7i.large'];
    const small = ['t3.nano', 'c7i.large', 'm7i.large'];
    const by = (SpotAllocationStrategy: string) =>
      typesFor({ LaunchTemplate, InstancesDistribution: { SpotAllocationStrategy } }, 'spot');
    expect(typesFor({ LaunchTemplate }, 'on-demand')).toEqual(given);
    expect(by('capacity-optimized-prioritized')).toEqual(given);
    expect(by('lowest-price')).toEqual(small);
    expect(by('price-capacity-optimized')).toEqual(small);
    expect(typesFor({}, 'spot')).toEqual([undefined]);
  });
});

describe('a group that asks for Spot', () => {
  let fleet: FleetRegion;
  let templateId: string;

  beforeEach(async () => {
    fleet = await FleetRegion.create();
    templateId = await fleet.template('web');
  });

  afterEach(() => fleet.region.close());

  const members = async () => (await fleet.describe('web'))?.Instances ?? [];

  /** Lifecycles by instance: `spot` or `on-demand`. */
  async function markets(): Promise<string[]> {
    const { all } = fleet.region.parts.ec2.instances;
    return (await members()).map((one) => all.get(one.InstanceId ?? '')?.spec.market ?? '').sort();
  }

  async function mixed(more: object = {}): Promise<void> {
    await fleet.call('autoscaling', 'CreateAutoScalingGroup', {
      AutoScalingGroupName: 'web',
      MinSize: 0,
      MaxSize: 8,
      DesiredCapacity: 4,
      AvailabilityZones: ['us-east-1a', 'us-east-1b'],
      MixedInstancesPolicy: {
        LaunchTemplate: {
          LaunchTemplateSpecification: { LaunchTemplateId: templateId, Version: '1' },
          Overrides: [{ InstanceType: 't3.nano' }, { InstanceType: 't3a.nano' }],
        },
        InstancesDistribution: { OnDemandBaseCapacity: 1, OnDemandPercentageAboveBaseCapacity: 0 },
      },
      ...more,
    });
    await fleet.seconds(20);
  }

  async function aSpot(): Promise<string> {
    const { all } = fleet.region.parts.ec2.instances;
    const ids = (await members()).map((one) => one.InstanceId ?? '');
    return ids.find((id) => all.get(id)?.spec.market === 'spot') ?? '';
  }

  it('has its base On-Demand and the rest on the Spot market, also while it shrinks', async () => {
    await mixed();
    expect(await markets()).toEqual(['on-demand', 'spot', 'spot', 'spot']);
    for (const [desired, left] of [
      [2, ['on-demand', 'spot']],
      [1, ['on-demand']],
      [3, ['on-demand', 'spot', 'spot']],
    ] as const) {
      await fleet.call('autoscaling', 'SetDesiredCapacity', {
        AutoScalingGroupName: 'web',
        DesiredCapacity: desired,
      });
      await fleet.seconds(20);
      expect(await markets()).toEqual(left);
    }
  });

  it('replaces an On-Demand Instance by one, and a Spot Instance by one, launching first or not', async () => {
    await mixed({ InstanceMaintenancePolicy: { MinHealthyPercentage: 100, MaxHealthyPercentage: 200 } });
    for (const { InstanceId } of await members()) {
      await fleet.call('autoscaling', 'SetInstanceHealth', {
        InstanceId,
        HealthStatus: 'Unhealthy',
        ShouldRespectGracePeriod: false,
      });
    }
    await fleet.seconds(60);
    expect(await markets()).toEqual(['on-demand', 'spot', 'spot', 'spot']);
  });

  it('says what the Spot market lacked, and does not fall back to On-Demand', async () => {
    fleet.region.parts.ec2.outages.withhold({ market: 'spot' });
    await mixed();
    expect(await markets()).toEqual(['on-demand']);
    const failed = (await fleet.activities('web')).find((one) => one.StatusCode === 'Failed');
    expect(failed?.StatusMessage).toBe(
      'Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity available that matches your request. Launching EC2 instance failed.',
    );
  });

  it('says that a quota is exhausted', async () => {
    fleet.region.parts.ec2.quotas.spotStandard.value = 0;
    await mixed();
    const failed = (await fleet.activities('web')).filter((one) => one.StatusCode === 'Failed');
    expect(failed[0]?.StatusMessage).toBe(
      'Could not launch Spot Instances. MaxSpotInstanceCountExceeded - Max spot instance count exceeded. Launching EC2 instance failed.',
    );
  });

  it('replaces what was interrupted when it is gone', async () => {
    await mixed();
    const id = await aSpot();
    fleet.region.parts.ec2.outages.interruptSpot(id);
    await fleet.seconds(119);
    expect((await members()).map((one) => one.InstanceId)).toContain(id);
    expect(await members()).toHaveLength(4);
    await fleet.seconds(30);
    expect((await members()).map((one) => one.InstanceId)).not.toContain(id);
    expect(await markets()).toEqual(['on-demand', 'spot', 'spot', 'spot']);
    const causes = (await fleet.activities('web')).map((one) => one.Cause).join('\n');
    expect(causes).toContain('EC2 health check indicating it has been terminated or stopped');
    expect(causes).toContain('launched in response to an unhealthy instance needing to be replaced');
  });

  it('with Capacity Rebalancing replaces what is at risk, launching first', async () => {
    await mixed({ CapacityRebalance: true });
    const id = await aSpot();
    fleet.region.parts.ec2.outages.recommendRebalance(id);
    await fleet.seconds(2);
    expect((await members()).map((one) => one.LifecycleState ?? '').sort()).toEqual([
      ...Array<string>(4).fill('InService'),
      'Pending',
    ]);
    await fleet.seconds(20);
    expect((await members()).map((one) => one.InstanceId)).not.toContain(id);
    expect(await markets()).toEqual(['on-demand', 'spot', 'spot', 'spot']);
  });

  it('with Capacity Rebalancing does not wait when the notice has come', async () => {
    await mixed({ CapacityRebalance: true });
    const id = await aSpot();
    fleet.region.parts.ec2.outages.interruptSpot(id);
    await fleet.seconds(10);
    expect((await members()).map((one) => one.InstanceId)).not.toContain(id);
    expect(await members()).toHaveLength(4);
  });

  it('without it heeds no recommendation', async () => {
    await mixed();
    const before = (await members()).map((one) => one.InstanceId);
    fleet.region.parts.ec2.outages.recommendRebalance(await aSpot());
    await fleet.seconds(600);
    expect((await members()).map((one) => one.InstanceId)).toEqual(before);
  });

  it('takes no launch template that asks for Spot by itself', async () => {
    const { LaunchTemplateVersions } = await fleet.call('ec2', 'DescribeLaunchTemplateVersions', {
      LaunchTemplateId: templateId,
    });
    await fleet.call('ec2', 'CreateLaunchTemplateVersion', {
      LaunchTemplateId: templateId,
      LaunchTemplateData: {
        ...LaunchTemplateVersions[0].LaunchTemplateData,
        InstanceMarketOptions: { MarketType: 'spot' },
      },
    });
    const LaunchTemplateSpecification = { LaunchTemplateId: templateId, Version: '2' };
    const MixedInstancesPolicy = { LaunchTemplate: { LaunchTemplateSpecification } };
    await expect(mixed({ MixedInstancesPolicy })).rejects.toThrow('Incompatible launch template');
    await fleet.group('web', templateId, { LaunchTemplate: LaunchTemplateSpecification });
    await fleet.seconds(10);
    expect(await markets()).toEqual(['spot']);
  });
});
