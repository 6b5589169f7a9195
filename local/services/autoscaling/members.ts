/** Operations on the instances of groups. */
import type {
  ActivitiesType,
  AutoScalingInstancesType,
  DescribeAutoScalingInstancesType,
  DescribeScalingActivitiesType,
  SetInstanceHealthQuery,
  SetInstanceProtectionQuery,
} from '@aws-sdk/client-auto-scaling';
import type { Operation } from '../../service.ts';
import { page } from '../paging.ts';
import { tookOut } from './causes.ts';
import { describeDetails } from './describe.ts';
import type { Reconciler } from './reconciler.ts';
import type { AutoScalingState, MutableActivity } from './state.ts';
import { badToken, describeAccess, validation } from './state.ts';

/** The group and the record of an instance. @throws ValidationError */
export function known(state: AutoScalingState, instanceId: string | undefined) {
  const found = state.memberOf(instanceId ?? '');
  if (found !== undefined) return found;
  throw validation(`Instance Id not found - No managed instance found for instance ID: ${instanceId ?? ''}`);
}

/** A right on the group of an instance. */
export function onMember(state: AutoScalingState, operation: string, instanceId: string | undefined) {
  return state.access(operation, state.memberOf(instanceId ?? '')?.group.name);
}

/**
 * "Activities are sorted by start time. Activities still in progress are described first." Which way is left open: the
 * newest come first here. https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html
 */
function inProgressFirst(one: MutableActivity, other: MutableActivity): number {
  const ended = Number(one.EndTime !== undefined) - Number(other.EndTime !== undefined);
  return ended || Number(other.StartTime) - Number(one.StartTime);
}

export function memberOperations(state: AutoScalingState, reconciler: Reconciler) {
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
      const found = all
        .filter(
          (activity) =>
            (name === undefined || activity.AutoScalingGroupName === name) &&
            (!input.ActivityIds?.length || input.ActivityIds.includes(activity.ActivityId)),
        )
        .sort(inProgressFirst);
      const shown = page(found, (one) => one.ActivityId, input.MaxRecords ?? 100, input.NextToken, badToken);
      return { Activities: shown.items.map((one) => ({ ...one })), NextToken: shown.nextToken };
    },
  };

  const SetInstanceHealth: Operation<SetInstanceHealthQuery, object> = {
    access: (input) => [onMember(state, 'SetInstanceHealth', input.InstanceId)],
    run(input) {
      const { group, member } = known(state, input.InstanceId);
      if (input.HealthStatus === 'Healthy') {
        if (member.lifecycle === 'InService') {
          member.health = 'Healthy';
          member.replace = undefined;
        }
        return {};
      }
      if (input.HealthStatus !== 'Unhealthy') throw validation('HealthStatus must be Healthy or Unhealthy');
      const young = state.context.clock.now() < reconciler.health.graceEnds(group, member);
      if (input.ShouldRespectGracePeriod !== false && young) return {};
      // This counts while the process HealthCheck is suspended too.
      reconciler.health.unhealthy(group, member, tookOut.user);
      return {};
    },
  };

  const SetInstanceProtection: Operation<SetInstanceProtectionQuery, object> = {
    access: (input) => [state.access('SetInstanceProtection', input.AutoScalingGroupName)],
    run(input) {
      const group = state.changeable(input.AutoScalingGroupName);
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

  return {
    DescribeAutoScalingInstances,
    DescribeScalingActivities,
    SetInstanceHealth,
    SetInstanceProtection,
  };
}
