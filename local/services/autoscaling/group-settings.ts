/** What may be said of a group, checked; and who may say it. */
import type { InstancesDistribution, UpdateAutoScalingGroupType } from '@aws-sdk/client-auto-scaling';
import type { Call } from '../../service.ts';
import { AwsError } from '../../service.ts';
import type { Ec2 } from '../ec2/ec2.ts';
import { launchAccess } from '../ec2/launch.ts';
import { findTemplate, findVersion } from '../ec2/template-lookup.ts';
import type { GroupRecord } from './state.ts';
import { terminationPolicies, validation } from './state.ts';

/** Sets what the input names, after checking it. @throws ValidationError */
export function applySettings(ec2: Ec2, group: GroupRecord, input: UpdateAutoScalingGroupType): void {
  if (input.LaunchTemplate !== undefined && input.MixedInstancesPolicy !== undefined) {
    throw validation('Only one of LaunchTemplate and MixedInstancesPolicy may be given');
  }
  const specification =
    input.LaunchTemplate ?? input.MixedInstancesPolicy?.LaunchTemplate?.LaunchTemplateSpecification;
  if (specification !== undefined) {
    try {
      const record = findTemplate(ec2.state, specification);
      const version = findVersion(record, specification.Version);
      const { LaunchTemplateId, LaunchTemplateName } = record.template;
      const known = { LaunchTemplateId, LaunchTemplateName, Version: specification.Version ?? '$Default' };
      if (version.LaunchTemplateData?.ImageId === undefined) {
        throw new AwsError(
          'ValidationError',
          'You must use a valid fully-formed launch template. The request must contain the parameter ImageId',
        );
      }
      if (input.LaunchTemplate !== undefined) {
        group.template = known;
        group.mixed = undefined;
      } else {
        const policy = input.MixedInstancesPolicy;
        if (version.LaunchTemplateData.InstanceMarketOptions !== undefined) {
          throw validation(
            'Incompatible launch template: You cannot use a launch template that is set to request Spot Instances (InstanceMarketOptions) when you configure an Auto Scaling group with a mixed instances policy. Add a different launch template to the group and try again.',
          );
        }
        checkDistribution(policy?.InstancesDistribution);
        group.mixed = {
          ...policy,
          LaunchTemplate: { ...policy?.LaunchTemplate, LaunchTemplateSpecification: known },
        };
        group.template = undefined;
      }
    } catch (error) {
      if (!(error instanceof AwsError) || error.code === 'ValidationError') throw error;
      throw validation(`You must use a valid fully-formed launch template. ${error.message}`);
    }
  } else if (input.MixedInstancesPolicy !== undefined) {
    throw validation('MixedInstancesPolicy must contain a launch template');
  }
  if (input.InstanceMaintenancePolicy !== undefined) {
    const { MinHealthyPercentage: least, MaxHealthyPercentage: most } = input.InstanceMaintenancePolicy;
    const cleared = least === -1 && most === -1;
    if (!cleared) {
      if (least === undefined || most === undefined) {
        throw validation('MinHealthyPercentage and MaxHealthyPercentage must be given together');
      }
      if (least < 0 || least > 100 || most < 100 || most > 200 || most - least > 100) {
        throw validation(
          'MinHealthyPercentage must be 0 to 100, MaxHealthyPercentage 100 to 200, and they differ by at most 100',
        );
      }
    }
    group.maintenance = cleared ? undefined : { MinHealthyPercentage: least, MaxHealthyPercentage: most };
  }
  const lifetime = input.MaxInstanceLifetime;
  if (lifetime !== undefined && lifetime !== 0 && (lifetime < 86_400 || lifetime > 31_536_000)) {
    throw validation(`MaxInstanceLifetime must be between 86400 and 31536000 seconds, or 0`);
  }
  if (lifetime !== undefined) group.maxLifetimeSeconds = lifetime === 0 ? undefined : lifetime;
  if (input.VPCZoneIdentifier !== undefined) {
    const subnets = input.VPCZoneIdentifier.split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '');
    for (const subnet of subnets) {
      if (ec2.network.subnet(subnet) === undefined)
        throw validation(`The subnet ID '${subnet}' does not exist`);
    }
    group.subnetIds = subnets;
  } else if (input.AvailabilityZones?.length) {
    group.subnetIds = input.AvailabilityZones.map((zone) => {
      const subnet = ec2.network.subnets.find((one) => one.zone === zone);
      if (subnet === undefined) throw validation(`Invalid availability zones: [${zone}]`);
      return subnet.subnetId;
    });
  }
  if (input.HealthCheckType !== undefined) {
    const kinds = input.HealthCheckType.split(',');
    if (kinds.some((kind) => kind !== 'EC2' && kind !== 'ELB')) {
      throw validation(`Unsupported health check type ${input.HealthCheckType} in the local region`);
    }
    group.healthCheckType = kinds.includes('ELB') ? 'ELB' : 'EC2';
  }
  if (input.HealthCheckGracePeriod !== undefined) group.graceSeconds = input.HealthCheckGracePeriod;
  if (input.DefaultInstanceWarmup !== undefined) {
    group.warmupSeconds = input.DefaultInstanceWarmup < 0 ? undefined : input.DefaultInstanceWarmup;
  }
  if (input.DefaultCooldown !== undefined) group.cooldownSeconds = input.DefaultCooldown;
  if (input.NewInstancesProtectedFromScaleIn !== undefined)
    group.protectNew = input.NewInstancesProtectedFromScaleIn;
  if (input.TerminationPolicies?.length) {
    group.terminationPolicies = input.TerminationPolicies.map((name) => {
      const found = terminationPolicies.find((one) => one === name);
      if (found !== undefined) return found;
      throw validation(`The termination policy ${name} is not known to the local region`);
    });
  }
  if (input.CapacityRebalance !== undefined) group.capacityRebalance = input.CapacityRebalance;
  if (input.DeletionProtection !== undefined) group.deletionProtection = input.DeletionProtection;
  if ((input.DesiredCapacityType ?? 'units') !== 'units')
    throw validation('The local region counts capacity in units only');

  const [min, max] = [input.MinSize ?? group.min, input.MaxSize ?? group.max];
  if (min < 0 || max < min)
    throw validation(`Max bound, ${max}, must be greater than or equal to min bound, ${min}`);
  if (input.DesiredCapacity !== undefined && input.DesiredCapacity < min) {
    throw validation(
      `Desired capacity:${input.DesiredCapacity} must be between the specified min size:${min} and max size:${max}`,
    );
  }
  if (input.DesiredCapacity !== undefined && input.DesiredCapacity > max) {
    throw validation(
      `Desired capacity:${input.DesiredCapacity} must be between the specified min size:${min} and max size:${max}`,
    );
  }
  group.min = min;
  group.max = max;
  // A desired capacity outside new bounds moves to the nearer one.
  group.desired = Math.min(max, Math.max(min, input.DesiredCapacity ?? group.desired));
}

const strategies = {
  OnDemandAllocationStrategy: ['prioritized', 'lowest-price'],
  SpotAllocationStrategy: [
    'lowest-price',
    'capacity-optimized',
    'capacity-optimized-prioritized',
    'price-capacity-optimized',
  ],
} as const;

/** https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstancesDistribution.html @throws ValidationError */
function checkDistribution(distribution: InstancesDistribution | undefined): void {
  const { OnDemandBaseCapacity: base = 0, OnDemandPercentageAboveBaseCapacity: percent = 100 } =
    distribution ?? {};
  if (base < 0) throw validation('OnDemandBaseCapacity must not be negative');
  if (percent < 0 || percent > 100)
    throw validation('OnDemandPercentageAboveBaseCapacity must be between 0 and 100');
  for (const name of ['OnDemandAllocationStrategy', 'SpotAllocationStrategy'] as const) {
    const said = distribution?.[name];
    if (said !== undefined && !strategies[name].some((one) => one === said))
      throw validation(`${name} must be one of ${strategies[name].join(', ')}`);
  }
}

/**
 * Whoever points a group at a launch template must be allowed to launch from it.
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html
 */
export function authorizeLaunch(ec2: Ec2, group: GroupRecord, call: Call): void {
  const template = group.template ?? group.mixed?.LaunchTemplate?.LaunchTemplateSpecification;
  const Tags = [...group.tags].flatMap(([Key, tag]) => (tag.propagate ? [{ Key, Value: tag.value }] : []));
  const asked = {
    LaunchTemplate: template,
    ...(group.subnetIds[0] === undefined ? {} : { SubnetId: group.subnetIds[0] }),
    ...(Tags.length === 0 ? {} : { TagSpecifications: [{ ResourceType: 'instance' as const, Tags }] }),
  };
  for (const access of launchAccess(ec2.state, asked)) call.authorize(access);
}
