import type {
  AutoScalingGroupNamesType,
  AutoScalingGroupsType,
  CreateAutoScalingGroupType,
  DescribeAccountLimitsAnswer,
  UpdateAutoScalingGroupType,
} from '@aws-sdk/client-auto-scaling';
import { arn } from '../../context.ts';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { requestTagContext } from '../ec2/tag-store.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { at } from './causes.ts';
import { describeGroup } from './describe.ts';
import { applySettings, authorizeLaunch } from './group-settings.ts';
import { putHook } from './hooks.ts';
import type { Reconciler } from './reconciler.ts';
import type { AutoScalingState, GroupRecord } from './state.ts';
import { badToken, describeAccess, validation } from './state.ts';
import { checkTargetGroups } from './target-groups.ts';

const updatable = [
  'AutoScalingGroupName',
  'LaunchTemplate',
  'MixedInstancesPolicy',
  'MinSize',
  'MaxSize',
  'DesiredCapacity',
  'DefaultCooldown',
  'AvailabilityZones',
  'HealthCheckType',
  'HealthCheckGracePeriod',
  'VPCZoneIdentifier',
  'TerminationPolicies',
  'NewInstancesProtectedFromScaleIn',
  'ServiceLinkedRoleARN',
  'MaxInstanceLifetime',
  'Context',
  'DefaultInstanceWarmup',
  'InstanceMaintenancePolicy',
  'DeletionProtection',
  'DesiredCapacityType',
  'CapacityRebalance',
];

export function groupOperations(state: AutoScalingState, reconciler: Reconciler) {
  const { context, ec2 } = state;

  const CreateAutoScalingGroup: Operation<CreateAutoScalingGroupType, object> = {
    access: (input) => {
      const asked = requestTagContext(input.Tags ?? []);
      const create = state.access('CreateAutoScalingGroup', input.AutoScalingGroupName, asked);
      return input.Tags?.length
        ? [create, state.access('CreateOrUpdateTags', input.AutoScalingGroupName, asked)]
        : [create];
    },
    run(input, call) {
      onlySupported(
        'CreateAutoScalingGroup',
        input,
        [...updatable, 'TargetGroupARNs', 'Tags', 'LifecycleHookSpecificationList'],
        'ValidationError',
      );
      const name = input.AutoScalingGroupName ?? '';
      if (name === '' || name.length > 255 || name.includes(':')) {
        throw validation('AutoScalingGroupName must have 1 to 255 characters and no colon');
      }
      if (state.groups.has(name)) {
        const pending = state.groups.get(name)?.deleting === true;
        throw new AwsError(
          'AlreadyExists',
          pending
            ? `AutoScalingGroup by this name already exists - A group with the name ${name} is pending delete`
            : `AutoScalingGroup by this name already exists - A group with the name ${name} already exists`,
        );
      }
      if (state.groups.size >= state.quotas.groups.value) {
        throw new AwsError(
          'LimitExceeded',
          'You have reached the limit of Auto Scaling groups for this account.',
        );
      }
      if (input.MinSize === undefined || input.MaxSize === undefined)
        throw validation('MinSize and MaxSize are required');
      const group: GroupRecord = {
        name,
        arn: arn(
          context,
          'autoscaling',
          `autoScalingGroup:${context.random.uuid()}:autoScalingGroupName/${name}`,
        ),
        createdAt: context.clock.now(),
        template: undefined,
        mixed: undefined,
        min: 0,
        max: 0,
        desired: input.DesiredCapacity ?? input.MinSize,
        subnetIds: [],
        targetGroupArns: [],
        detaching: new Map(),
        healthCheckType: 'EC2',
        // "The default is 0 when created through the API"
        graceSeconds: 0,
        maxLifetimeSeconds: undefined,
        maintenance: undefined,
        protectNew: false,
        warmupSeconds: undefined,
        cooldownSeconds: 300,
        deletionProtection: 'none',
        terminationPolicies: ['Default'],
        suspended: new Map(),
        tags: new Map(),
        members: new Map(),
        activities: [],
        policies: new Map(),
        metrics: new Set(),
        deleting: false,
        timer: undefined,
        hooks: new Map(),
        capacityRebalance: false,
        failures: 0,
        failingSince: undefined,
        notBefore: 0,
        avoided: new Map(),
        cooldownUntil: 0,
        reason: '',
        owed: [],
        balancing: undefined,
      };
      for (const tag of input.Tags ?? []) {
        if (!tag.Key) throw validation('A tag needs a key');
        group.tags.set(tag.Key, { value: tag.Value ?? '', propagate: tag.PropagateAtLaunch === true });
      }
      if (input.LaunchTemplate === undefined && input.MixedInstancesPolicy === undefined) {
        throw validation(
          'Valid requests must contain either LaunchTemplate, LaunchConfigurationName, InstanceId or MixedInstancesPolicy parameter.',
        );
      }
      if (input.VPCZoneIdentifier === undefined && !input.AvailabilityZones?.length) {
        throw validation('At least one Availability Zone or VPC Subnet is required.');
      }
      applySettings(ec2, group, input);
      authorizeLaunch(ec2, group, call);
      for (const one of checkTargetGroups(state, input.TargetGroupARNs)) group.targetGroupArns.push(one);
      for (const hook of input.LifecycleHookSpecificationList ?? []) putHook(group, hook);
      group.reason = at(
        state,
        `a user request created an AutoScalingGroup changing the desired capacity from 0 to ${group.desired}.`,
      );
      state.groups.set(name, group);
      reconciler.kick(group);
      return {};
    },
  };

  const UpdateAutoScalingGroup: Operation<UpdateAutoScalingGroupType, object> = {
    access: (input) => [state.access('UpdateAutoScalingGroup', input.AutoScalingGroupName)],
    run(input, call) {
      onlySupported('UpdateAutoScalingGroup', input, updatable, 'ValidationError');
      const group = state.changeable(input.AutoScalingGroupName);
      const before = { ...group };
      try {
        applySettings(ec2, group, input);
        if (input.LaunchTemplate !== undefined || input.MixedInstancesPolicy !== undefined)
          authorizeLaunch(ec2, group, call);
      } catch (error) {
        Object.assign(group, before);
        throw error;
      }
      if (group.desired !== before.desired) {
        group.reason = at(
          state,
          `a user request update of AutoScalingGroup constraints to min: ${group.min}, max: ${group.max}, desired: ${group.desired} changing the desired capacity from ${before.desired} to ${group.desired}.`,
        );
      }
      reconciler.rearm(group);
      reconciler.retryNow(group);
      return {};
    },
  };

  /** Launch configurations do not exist here; AWS gives 200. */
  const DescribeAccountLimits: Operation<object, DescribeAccountLimitsAnswer> = {
    access: describeAccess('DescribeAccountLimits'),
    run: () => ({
      MaxNumberOfAutoScalingGroups: state.quotas.groups.value,
      MaxNumberOfLaunchConfigurations: 200,
      NumberOfAutoScalingGroups: state.groups.size,
      NumberOfLaunchConfigurations: 0,
    }),
  };

  const DescribeAutoScalingGroups: Operation<AutoScalingGroupNamesType, AutoScalingGroupsType> = {
    access: describeAccess('DescribeAutoScalingGroups'),
    run(input) {
      const found = [...state.groups.values()].filter((group) => {
        if (input.AutoScalingGroupNames?.length && !input.AutoScalingGroupNames.includes(group.name))
          return false;
        return (input.Filters ?? []).every(({ Name: name = '', Values: values = [] }) => {
          if (name.startsWith('tag:')) return values.includes(group.tags.get(name.slice(4))?.value ?? '\0');
          if (name === 'tag-key') return values.some((key) => group.tags.has(key));
          if (name === 'tag-value') return [...group.tags.values()].some((tag) => values.includes(tag.value));
          throw validation(`Filter ${name} is not valid`);
        });
      });
      const shown = page(found, (group) => group.name, input.MaxRecords ?? 50, input.NextToken, badToken);
      return {
        AutoScalingGroups: shown.items.map((group) => ({
          ...describeGroup(state, group),
          ...(input.IncludeInstances === false && { Instances: [] }),
        })),
        NextToken: shown.nextToken,
      };
    },
  };

  return {
    CreateAutoScalingGroup,
    UpdateAutoScalingGroup,
    DescribeAutoScalingGroups,
    DescribeAccountLimits,
  };
}
