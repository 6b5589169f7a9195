/** Operations on the target groups of groups. */
import type {
  AttachLoadBalancerTargetGroupsType,
  DescribeLoadBalancerTargetGroupsRequest,
  DescribeLoadBalancerTargetGroupsResponse,
  DetachLoadBalancerTargetGroupsType,
} from '@aws-sdk/client-auto-scaling';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { page } from '../paging.ts';
import type { AutoScalingState, GroupRecord } from './state.ts';
import { badToken, describeAccess, validation } from './state.ts';
import { attach, detach } from './traffic.ts';

/** https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html */
const limits = { targetGroups: 50, targetGroupsPerCall: 10 };

/** @throws ValidationError for one that does not exist */
export function checkTargetGroups(
  state: AutoScalingState,
  arns: readonly string[] | undefined,
): readonly string[] {
  for (const one of arns ?? []) {
    if (state.elbv2.state.targetGroups.has(one)) continue;
    throw validation('Provided Target Groups may not be valid. Please ensure they exist and try again.');
  }
  return arns ?? [];
}

export function targetGroupOperations(state: AutoScalingState) {
  const AttachLoadBalancerTargetGroups: Operation<AttachLoadBalancerTargetGroupsType, object> = {
    access: (input) => [state.access('AttachLoadBalancerTargetGroups', input.AutoScalingGroupName)],
    run(input) {
      const group = state.changeable(input.AutoScalingGroupName);
      const arns = checkTargetGroups(state, input.TargetGroupARNs);
      if (arns.length > limits.targetGroupsPerCall)
        throw validation(`At most ${limits.targetGroupsPerCall} target groups a call`);
      const added = [...new Set(arns)].filter((one) => !group.targetGroupArns.includes(one));
      if (group.targetGroupArns.length + added.length > limits.targetGroups) {
        throw new AwsError(
          'LimitExceeded',
          `At most ${limits.targetGroups} target groups can be attached to a group`,
        );
      }
      for (const one of added) {
        group.targetGroupArns.push(one);
        group.detaching.delete(one);
        attach(state, group, one);
      }
      return {};
    },
  };

  const DetachLoadBalancerTargetGroups: Operation<DetachLoadBalancerTargetGroupsType, object> = {
    access: (input) => [state.access('DetachLoadBalancerTargetGroups', input.AutoScalingGroupName)],
    run(input) {
      const group = state.changeable(input.AutoScalingGroupName);
      const removed = new Set(input.TargetGroupARNs);
      for (const one of removed) {
        if (group.targetGroupArns.includes(one)) continue;
        throw validation(`Trying to remove Target Groups that are not part of the group: ${one}`);
      }
      for (const one of removed) {
        group.targetGroupArns.splice(group.targetGroupArns.indexOf(one), 1);
        detach(state, group, one);
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
        ...[...group.detaching].flatMap(([one, until]) =>
          until > state.context.clock.now() ? [{ LoadBalancerTargetGroupARN: one, State: 'Removing' }] : [],
        ),
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

  return {
    AttachLoadBalancerTargetGroups,
    DetachLoadBalancerTargetGroups,
    DescribeLoadBalancerTargetGroups,
  };
}
