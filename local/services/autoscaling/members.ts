/** Operations on the instances of groups, their target groups and their processes. */
import type {
  ActivitiesType,
  ActivityType,
  AttachLoadBalancerTargetGroupsType,
  AutoScalingInstancesType,
  DescribeAutoScalingInstancesType,
  DescribeLoadBalancerTargetGroupsRequest,
  DescribeLoadBalancerTargetGroupsResponse,
  DescribeScalingActivitiesType,
  DetachLoadBalancerTargetGroupsType,
  DisableMetricsCollectionQuery,
  EnableMetricsCollectionQuery,
  ScalingProcessQuery,
  SetInstanceHealthQuery,
  SetInstanceProtectionQuery,
  TerminateInstanceInAutoScalingGroupType,
} from '@aws-sdk/client-auto-scaling';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { page } from '../paging.ts';
import { at } from './activities.ts';
import { describeDetails } from './describe.ts';
import { checkTargetGroups } from './groups.ts';
import type { Reconciler } from './reconciler.ts';
import type { AutoScalingState, GroupRecord } from './state.ts';
import { badToken, describeAccess, validation } from './state.ts';

/** https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html */
const limits = { targetGroups: 50, targetGroupsPerCall: 10 };

const processes = [
  'Launch',
  'Terminate',
  'AddToLoadBalancer',
  'AlarmNotification',
  'AZRebalance',
  'HealthCheck',
  'InstanceRefresh',
  'ReplaceUnhealthy',
  'ScheduledActions',
];

export function memberOperations(state: AutoScalingState, reconciler: Reconciler) {
  /** @throws ValidationError */
  const known = (instanceId: string | undefined) => {
    const found = state.memberOf(instanceId ?? '');
    if (found !== undefined) return found;
    throw validation(
      `Instance Id not found - No managed instance found for instance ID: ${instanceId ?? ''}`,
    );
  };
  const onMember = (operation: string, instanceId: string | undefined) =>
    state.access(operation, state.memberOf(instanceId ?? '')?.group.name);

  const DescribeAutoScalingInstances: Operation<DescribeAutoScalingInstancesType, AutoScalingInstancesType> =
    {
      access: describeAccess('DescribeAutoScalingInstances'),
      run(input) {
        const found = [...state.groups.values()].flatMap((group) =>
          [...group.members.values()]
            .filter(
              (member) =>
                !input.InstanceIds?.length || input.InstanceIds.includes(member.instance.instanceId),
            )
            .map((member) => describeDetails(state, group, member)),
        );
        const shown = page(
          found,
          (one) => one.InstanceId ?? '',
          input.MaxRecords ?? 50,
          input.NextToken,
          badToken,
        );
        return { AutoScalingInstances: [...shown.items], NextToken: shown.nextToken };
      },
    };

  const DescribeScalingActivities: Operation<DescribeScalingActivitiesType, ActivitiesType> = {
    access: describeAccess('DescribeScalingActivities'),
    run(input) {
      const { AutoScalingGroupName: name } = input;
      if (name !== undefined && input.IncludeDeletedGroups !== true) state.group(name);
      const current = [...state.groups.values()].flatMap((group) => group.activities);
      const all = input.IncludeDeletedGroups === true ? [...current, ...state.pastActivities] : current;
      const found = all.filter(
        (activity) =>
          (name === undefined || activity.AutoScalingGroupName === name) &&
          (!input.ActivityIds?.length || input.ActivityIds.includes(activity.ActivityId)),
      );
      const shown = page(found, (one) => one.ActivityId, input.MaxRecords ?? 100, input.NextToken, badToken);
      return { Activities: shown.items.map((one) => ({ ...one })), NextToken: shown.nextToken };
    },
  };

  const TerminateInstanceInAutoScalingGroup: Operation<
    TerminateInstanceInAutoScalingGroupType,
    ActivityType
  > = {
    access: (input) => [onMember('TerminateInstanceInAutoScalingGroup', input.InstanceId)],
    run(input) {
      const { group, member } = known(input.InstanceId);
      if (input.ShouldDecrementDesiredCapacity === undefined) {
        throw validation('ShouldDecrementDesiredCapacity is required');
      }
      if (input.ShouldDecrementDesiredCapacity) {
        if (group.desired - 1 < group.min) {
          throw validation(
            `Currently, desired capacity equals to min size ${group.min}. Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.`,
          );
        }
        group.desired -= 1;
      }
      const after = input.ShouldDecrementDesiredCapacity ? ', shrinking the capacity' : '';
      reconciler.terminate(
        group,
        member,
        at(
          state,
          `instance ${member.instance.instanceId} was taken out of service in response to a user request${after}.`,
        ),
      );
      reconciler.retryNow(group);
      return { Activity: group.activities[0] };
    },
  };

  const SetInstanceHealth: Operation<SetInstanceHealthQuery, object> = {
    access: (input) => [onMember('SetInstanceHealth', input.InstanceId)],
    run(input) {
      const { group, member } = known(input.InstanceId);
      if (input.HealthStatus === 'Healthy') {
        if (member.lifecycle === 'InService') {
          member.health = 'Healthy';
          member.replace = undefined;
        }
        return {};
      }
      if (input.HealthStatus !== 'Unhealthy') throw validation('HealthStatus must be Healthy or Unhealthy');
      const young =
        member.inServiceAt === undefined ||
        state.context.clock.now() < member.inServiceAt + group.graceSeconds * 1_000;
      if (input.ShouldRespectGracePeriod !== false && young) return {};
      reconciler.unhealthy(
        group,
        member,
        at(state, 'an instance was taken out of service in response to a user health-check.'),
      );
      return {};
    },
  };

  const SetInstanceProtection: Operation<SetInstanceProtectionQuery, object> = {
    access: (input) => [state.access('SetInstanceProtection', input.AutoScalingGroupName)],
    run(input) {
      const group = state.group(input.AutoScalingGroupName);
      const members = (input.InstanceIds ?? []).map((id) => {
        const member = group.members.get(id);
        if (member === undefined)
          throw validation(`The instance ${id} is not part of Auto Scaling group ${group.name}.`);
        return member;
      });
      for (const member of members) member.protectedFromScaleIn = input.ProtectedFromScaleIn === true;
      reconciler.kick(group);
      return {};
    },
  };

  const AttachLoadBalancerTargetGroups: Operation<AttachLoadBalancerTargetGroupsType, object> = {
    access: (input) => [state.access('AttachLoadBalancerTargetGroups', input.AutoScalingGroupName)],
    run(input) {
      const group = state.group(input.AutoScalingGroupName);
      const arns = checkTargetGroups(state, input.TargetGroupARNs);
      if (arns.length > limits.targetGroupsPerCall)
        throw validation(`At most ${limits.targetGroupsPerCall} target groups a call`);
      const added = arns.filter((one) => !group.targetGroupArns.includes(one));
      if (group.targetGroupArns.length + added.length > limits.targetGroups) {
        throw new AwsError(
          'LimitExceeded',
          `At most ${limits.targetGroups} target groups can be attached to a group`,
        );
      }
      for (const one of added) {
        group.targetGroupArns.push(one);
        group.detaching.delete(one);
        reconciler.attach(group, one);
      }
      return {};
    },
  };

  const DetachLoadBalancerTargetGroups: Operation<DetachLoadBalancerTargetGroupsType, object> = {
    access: (input) => [state.access('DetachLoadBalancerTargetGroups', input.AutoScalingGroupName)],
    run(input) {
      const group = state.group(input.AutoScalingGroupName);
      for (const one of input.TargetGroupARNs ?? []) {
        const index = group.targetGroupArns.indexOf(one);
        if (index < 0)
          throw validation(`Trying to remove Target Groups that are not part of the group: ${one}`);
        group.targetGroupArns.splice(index, 1);
        reconciler.detach(group, one);
      }
      return {};
    },
  };

  /** https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LoadBalancerTargetGroupState.html */
  const stateOf = (group: GroupRecord, targetGroupArn: string): string => {
    const targets = [...(state.elbv2.state.targetGroups.get(targetGroupArn)?.targets.values() ?? [])];
    const inService = [...group.members.values()].filter((member) => member.lifecycle === 'InService');
    const own = inService.map((member) => targets.find((target) => target.id === member.instance.instanceId));
    if (own.some((target) => target === undefined)) return 'Adding';
    return own.some((target) => target?.health.State === 'healthy') ? 'InService' : 'Added';
  };

  const DescribeLoadBalancerTargetGroups: Operation<
    DescribeLoadBalancerTargetGroupsRequest,
    DescribeLoadBalancerTargetGroupsResponse
  > = {
    access: describeAccess('DescribeLoadBalancerTargetGroups'),
    run(input) {
      const group = state.group(input.AutoScalingGroupName);
      const rows = [
        ...group.targetGroupArns.map((one) => ({
          LoadBalancerTargetGroupARN: one,
          State: stateOf(group, one),
        })),
        ...[...group.detaching].map((one) => ({ LoadBalancerTargetGroupARN: one, State: 'Removing' })),
      ];
      const shown = page(
        rows,
        (row) => row.LoadBalancerTargetGroupARN,
        input.MaxRecords ?? 100,
        input.NextToken,
        badToken,
      );
      return { LoadBalancerTargetGroups: [...shown.items], NextToken: shown.nextToken };
    },
  };

  const named = (input: ScalingProcessQuery): readonly string[] => {
    for (const name of input.ScalingProcesses ?? []) {
      if (!processes.includes(name)) throw validation(`${name} is not a valid scaling process`);
    }
    return input.ScalingProcesses?.length ? input.ScalingProcesses : processes;
  };

  const SuspendProcesses: Operation<ScalingProcessQuery, object> = {
    access: (input) => [state.access('SuspendProcesses', input.AutoScalingGroupName)],
    run(input) {
      const group = state.group(input.AutoScalingGroupName);
      const words = `User suspended at ${new Date(state.context.clock.now()).toISOString().slice(0, 19)}Z`;
      for (const name of named(input)) if (!group.suspended.has(name)) group.suspended.set(name, words);
      return {};
    },
  };

  const ResumeProcesses: Operation<ScalingProcessQuery, object> = {
    access: (input) => [state.access('ResumeProcesses', input.AutoScalingGroupName)],
    run(input) {
      const group = state.group(input.AutoScalingGroupName);
      for (const name of named(input)) group.suspended.delete(name);
      // Instances that came meanwhile are not added to their target groups now; AWS leaves that to the caller.
      reconciler.retryNow(group);
      return {};
    },
  };

  const EnableMetricsCollection: Operation<EnableMetricsCollectionQuery, object> = {
    access: (input) => [state.access('EnableMetricsCollection', input.AutoScalingGroupName)],
    run(input) {
      const group = state.group(input.AutoScalingGroupName);
      if (input.Granularity !== '1Minute') throw validation('Granularity must be 1Minute');
      const all = [
        'GroupMinSize',
        'GroupMaxSize',
        'GroupDesiredCapacity',
        'GroupInServiceInstances',
        'GroupTotalInstances',
      ];
      for (const metric of input.Metrics?.length ? input.Metrics : all) group.metrics.add(metric);
      return {};
    },
  };

  const DisableMetricsCollection: Operation<DisableMetricsCollectionQuery, object> = {
    access: (input) => [state.access('DisableMetricsCollection', input.AutoScalingGroupName)],
    run(input) {
      const group = state.group(input.AutoScalingGroupName);
      for (const metric of input.Metrics?.length ? input.Metrics : [...group.metrics])
        group.metrics.delete(metric);
      return {};
    },
  };

  return {
    DescribeAutoScalingInstances,
    DescribeScalingActivities,
    TerminateInstanceInAutoScalingGroup,
    SetInstanceHealth,
    SetInstanceProtection,
    AttachLoadBalancerTargetGroups,
    DetachLoadBalancerTargetGroups,
    DescribeLoadBalancerTargetGroups,
    SuspendProcesses,
    ResumeProcesses,
    EnableMetricsCollection,
    DisableMetricsCollection,
  };
}
