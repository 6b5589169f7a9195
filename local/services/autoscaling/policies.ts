/** Scaling policies and tags of groups. */
import type {
  Alarm,
  CreateOrUpdateTagsType,
  DeletePolicyType,
  DeleteTagsType,
  DescribePoliciesType,
  DescribeTagsType,
  PoliciesType,
  PolicyARNType,
  PutScalingPolicyType,
  TagsType,
} from '@aws-sdk/client-auto-scaling';
import { arn } from '../../context.ts';
import type { Operation } from '../../service.ts';
import { requestTagContext } from '../ec2/tag-store.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { describeTags } from './describe.ts';
import type { AutoScalingState, GroupRecord, PolicyAlarm } from './state.ts';
import { badToken, describeAccess, validation } from './state.ts';
import type { TargetTracking } from './target-tracking.ts';

export function policyOperations(state: AutoScalingState, tracking: TargetTracking) {
  const { context } = state;

  /** The label names a target group that is attached to the group, and its load balancer. */
  const checkLabel = (group: GroupRecord, label: string): void => {
    const attached = group.targetGroupArns.some((one) => {
      const targetGroup = state.elbv2.state.targetGroups.get(one);
      const balancer = state.elbv2.state.loadBalancerOf(one);
      return (
        targetGroup !== undefined &&
        balancer !== undefined &&
        label === `${balancer.fullName}/${targetGroup.fullName}`
      );
    });
    if (attached) return;
    throw validation(
      `The resource label ${label} names no target group that is attached to the Auto Scaling group and used by the load balancer`,
    );
  };

  const PutScalingPolicy: Operation<PutScalingPolicyType, PolicyARNType> = {
    access: (input) => [state.access('PutScalingPolicy', input.AutoScalingGroupName)],
    run(input) {
      onlySupported(
        'PutScalingPolicy',
        input,
        [
          'AutoScalingGroupName',
          'PolicyName',
          'PolicyType',
          'TargetTrackingConfiguration',
          'EstimatedInstanceWarmup',
          'Enabled',
        ],
        'ValidationError',
      );
      const group = state.changeable(input.AutoScalingGroupName);
      const name = input.PolicyName ?? '';
      if (name === '') throw validation('PolicyName is required');
      const configuration = input.TargetTrackingConfiguration;
      if (input.PolicyType !== 'TargetTrackingScaling' || configuration === undefined) {
        throw validation('The local region has scaling policies of the type TargetTrackingScaling only');
      }
      const metric = configuration.PredefinedMetricSpecification;
      if (metric?.PredefinedMetricType === 'ALBRequestCountPerTarget')
        checkLabel(group, metric.ResourceLabel ?? '');
      else if (metric?.PredefinedMetricType !== 'ASGAverageCPUUtilization') {
        throw validation(
          'The local region tracks ALBRequestCountPerTarget and ASGAverageCPUUtilization only',
        );
      }
      if (configuration.TargetValue === undefined || configuration.TargetValue <= 0)
        throw validation('TargetValue must be positive');
      const former = group.policies.get(name);
      const policyArn =
        former?.arn ??
        arn(
          context,
          'autoscaling',
          `scalingPolicy:${context.random.uuid()}:autoScalingGroupName/${group.name}:policyName/${name}`,
        );
      if (former !== undefined) tracking.dropAlarms(former);
      const definition = structuredClone(input);
      const alarms = tracking.makeAlarms(group, policyArn, definition);
      group.policies.set(name, { arn: policyArn, madeAt: context.clock.now(), alarms, definition });
      return { PolicyARN: policyArn, Alarms: alarms.map(describeAlarm) };
    },
  };

  const DescribePolicies: Operation<DescribePoliciesType, PoliciesType> = {
    access: describeAccess('DescribePolicies'),
    run(input) {
      const found = [...state.groups.values()]
        .filter(
          (group) => input.AutoScalingGroupName === undefined || group.name === input.AutoScalingGroupName,
        )
        .flatMap((group) => [...group.policies.values()])
        .filter((policy) => {
          const { PolicyName: name = '', PolicyType: type = '' } = policy.definition;
          const names = input.PolicyNames;
          if (names?.length && !names.includes(name) && !names.includes(policy.arn)) return false;
          return !input.PolicyTypes?.length || input.PolicyTypes.includes(type);
        });
      const shown = page(found, (policy) => policy.arn, input.MaxRecords ?? 50, input.NextToken, badToken);
      return {
        ScalingPolicies: shown.items.map((policy) => ({
          ...policy.definition,
          PolicyARN: policy.arn,
          Enabled: policy.definition.Enabled ?? true,
          Alarms: policy.alarms.map(describeAlarm),
        })),
        NextToken: shown.nextToken,
      };
    },
  };

  const DeletePolicy: Operation<DeletePolicyType, object> = {
    access: (input) => [state.access('DeletePolicy', input.AutoScalingGroupName)],
    run(input) {
      const wanted = input.PolicyName ?? '';
      for (const group of state.groups.values()) {
        if (input.AutoScalingGroupName !== undefined && group.name !== input.AutoScalingGroupName) continue;
        for (const [name, policy] of group.policies) {
          if (name !== wanted && policy.arn !== wanted) continue;
          state.changeable(group.name);
          group.policies.delete(name);
          tracking.dropAlarms(policy);
          return {};
        }
      }
      throw validation(`Policy not found: ${wanted}`);
    },
  };

  const CreateOrUpdateTags: Operation<CreateOrUpdateTagsType, object> = {
    access: (input) =>
      (input.Tags ?? []).map((tag) =>
        state.access('CreateOrUpdateTags', tag.ResourceId, requestTagContext([tag])),
      ),
    run(input) {
      for (const tag of input.Tags ?? []) {
        if (tag.ResourceType !== 'auto-scaling-group')
          throw validation('ResourceType must be auto-scaling-group');
        if (!tag.Key) throw validation('A tag needs a key');
        state.changeable(tag.ResourceId);
      }
      for (const tag of input.Tags ?? []) {
        const propagate = tag.PropagateAtLaunch === true;
        state.group(tag.ResourceId).tags.set(tag.Key ?? '', { value: tag.Value ?? '', propagate });
      }
      return {};
    },
  };

  const DeleteTags: Operation<DeleteTagsType, object> = {
    access: (input) => (input.Tags ?? []).map((tag) => state.access('DeleteTags', tag.ResourceId)),
    run(input) {
      for (const tag of input.Tags ?? []) state.changeable(tag.ResourceId);
      for (const tag of input.Tags ?? []) state.group(tag.ResourceId).tags.delete(tag.Key ?? '');
      return {};
    },
  };

  const DescribeTags: Operation<DescribeTagsType, TagsType> = {
    access: describeAccess('DescribeTags'),
    run(input) {
      const found = [...state.groups.values()].flatMap(describeTags).filter((tag) =>
        (input.Filters ?? []).every(({ Name: name = '', Values: values = [] }) => {
          if (name === 'auto-scaling-group') return values.includes(tag.ResourceId ?? '');
          if (name === 'key') return values.includes(tag.Key ?? '');
          if (name === 'value') return values.includes(tag.Value ?? '');
          if (name === 'propagate-at-launch') return values.includes(`${tag.PropagateAtLaunch}`);
          throw validation(`Filter ${name} is not valid`);
        }),
      );
      const keyOf = (tag: (typeof found)[number]): string => `${tag.ResourceId}/${tag.Key}`;
      const shown = page(found, keyOf, input.MaxRecords ?? 50, input.NextToken, badToken);
      return { Tags: [...shown.items], NextToken: shown.nextToken };
    },
  };

  return { PutScalingPolicy, DescribePolicies, DeletePolicy, CreateOrUpdateTags, DeleteTags, DescribeTags };
}

function describeAlarm({ name, arn: AlarmARN }: PolicyAlarm): Alarm {
  return { AlarmName: name, AlarmARN };
}
