import type {
  AutoScalingGroup,
  AutoScalingInstanceDetails,
  Instance,
  TagDescription,
} from '@aws-sdk/client-auto-scaling';
import { zoneId } from '../ec2/network.ts';
import type { AutoScalingState, GroupRecord, Member } from './state.ts';

export function describeGroup(state: AutoScalingState, group: GroupRecord): AutoScalingGroup {
  const { network } = state.ec2;
  return {
    AutoScalingGroupName: group.name,
    AutoScalingGroupARN: group.arn,
    LaunchTemplate: group.template,
    MixedInstancesPolicy: group.mixed,
    MinSize: group.min,
    MaxSize: group.max,
    DesiredCapacity: group.desired,
    DefaultCooldown: group.cooldownSeconds,
    AvailabilityZones: [...new Set(group.subnetIds.map((id) => network.subnet(id)?.zone ?? ''))],
    LoadBalancerNames: [],
    TargetGroupARNs: [...group.targetGroupArns],
    TrafficSources: group.targetGroupArns.map((Identifier) => ({ Identifier, Type: 'elbv2' })),
    HealthCheckType: group.healthCheckType,
    HealthCheckGracePeriod: group.graceSeconds,
    Instances: [...group.members.values()].map((member) => describeMember(state, member)),
    CreatedTime: new Date(group.createdAt),
    SuspendedProcesses: [...group.suspended].map(([ProcessName, SuspensionReason]) => ({
      ProcessName,
      SuspensionReason,
    })),
    VPCZoneIdentifier: group.subnetIds.join(','),
    EnabledMetrics: [...group.metrics].map((Metric) => ({ Metric, Granularity: '1Minute' })),
    Status: group.deleting ? 'Delete in progress' : undefined,
    Tags: describeTags(group),
    TerminationPolicies: [...group.terminationPolicies],
    NewInstancesProtectedFromScaleIn: group.protectNew,
    ServiceLinkedRoleARN: `arn:aws:iam::${state.context.accountId}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling`,
    MaxInstanceLifetime: group.maxLifetimeSeconds,
    CapacityRebalance: group.capacityRebalance,
    DefaultInstanceWarmup: group.warmupSeconds,
    InstanceMaintenancePolicy: group.maintenance,
    DeletionProtection: group.deletionProtection,
  };
}

function describeMember(state: AutoScalingState, member: Member): Instance {
  const { instance } = member;
  return {
    InstanceId: instance.instanceId,
    InstanceType: instance.spec.type.name,
    AvailabilityZone: instance.spec.subnet.zone,
    AvailabilityZoneId: zoneId(state.context, instance.spec.subnet.zone),
    LifecycleState: member.lifecycle,
    HealthStatus: member.health,
    LaunchTemplate: member.template,
    ProtectedFromScaleIn: member.protectedFromScaleIn,
  };
}

/** The same with the group's name; health is in capitals here, as AWS has it. */
export function describeDetails(
  state: AutoScalingState,
  group: GroupRecord,
  member: Member,
): AutoScalingInstanceDetails {
  const { LifecycleState, HealthStatus: _health, ...rest } = describeMember(state, member);
  return {
    ...rest,
    AutoScalingGroupName: group.name,
    LifecycleState,
    HealthStatus: member.health.toUpperCase(),
  };
}

export function describeTags(group: GroupRecord): TagDescription[] {
  return [...group.tags].map(([Key, tag]) => ({
    ResourceId: group.name,
    ResourceType: 'auto-scaling-group',
    Key,
    Value: tag.value,
    PropagateAtLaunch: tag.propagate,
  }));
}
