/** Auto Scaling groups: one for each release that stands. Their names are their idempotency. */
import {
  type AutoScalingClient,
  type AutoScalingGroup,
  CreateAutoScalingGroupCommand,
  DeleteAutoScalingGroupCommand,
  DeletePolicyCommand,
  DescribeAutoScalingGroupsCommand,
  DescribeScalingActivitiesCommand,
  PutScalingPolicyCommand,
  UpdateAutoScalingGroupCommand,
} from '@aws-sdk/client-auto-scaling';
import type { Capacity } from '../fleet/capacity.ts';
import type { ActivityView, GroupView } from '../fleet/world.ts';
import { autoScalingClient } from './clients/auto-scaling.ts';
import { errorCode, hasCode } from './errors.ts';

export interface GroupSpec {
  readonly name: string;
  readonly launchTemplateId: string;
  /** A number: `$Latest` would change under the group's feet. */
  readonly templateVersion: number;
  readonly capacity: Capacity;
  readonly subnets: readonly string[];
  readonly targetGroupArn: string;
  readonly gracePeriodSeconds: number;
  readonly maxLifetimeSeconds: number;
  /** In order of preference. */
  readonly instanceTypes: readonly string[];
  /** Of the instances above the first. */
  readonly spotPercent: number;
  /** Go to the instances too. */
  readonly tags: Readonly<Record<string, string>>;
}

/** A fleet scales by these; the policy of each bears its name. */
export const scalingMetrics = ['cpu', 'requests'] as const;

export interface ScalingTarget {
  readonly metric: (typeof scalingMetrics)[number];
  readonly value: number;
  /** For requests: the slot that the group acts on. */
  readonly resourceLabel?: string;
}

export interface Groups {
  /** Every group of a fleet, by its tags. */
  ofFleet(stack: string, fleet: string): Promise<GroupView[]>;
  describe(name: string): Promise<GroupView | undefined>;
  /** Those of these names that exist, with one call. */
  describeAll(names: readonly string[]): Promise<GroupView[]>;
  /** `exists`: the name is taken; look whose it is, then adopt it or refuse. */
  create(spec: GroupSpec): Promise<'created' | 'exists'>;
  /** Changes the counts that are given; a group that is gone, or going, stays so (`gone`). */
  resize(name: string, capacity: Partial<Capacity>): Promise<'resized' | 'gone'>;
  /** Deletes an empty group, plainly. `busy`: it still has members or activities. */
  remove(name: string): Promise<'removed' | 'busy' | 'gone'>;
  /** Newest first, at most 20. */
  activities(name: string): Promise<ActivityView[]>;
  putScaling(groupName: string, target: ScalingTarget): Promise<void>;
  /** Takes a scaling policy away, and the alarms that AWS made for it; safe to repeat, and where there is none. */
  removeScaling(groupName: string, metric: ScalingTarget['metric']): Promise<void>;
}

/** Auto Scaling answers `ValidationError` for many things, and says which only in the message. */
function isInvalid(error: unknown, words: RegExp): boolean {
  return errorCode(error) === 'ValidationError' && words.test((error as Error).message);
}

/** It does not know the name. */
function isGone(error: unknown): boolean {
  return isInvalid(error, /not found|does not exist/i);
}

/** The group is being deleted, and takes no changes: https://github.com/kubernetes/kops/issues/844 */
function isGoing(error: unknown): boolean {
  return isInvalid(error, /pending delete/i);
}

function numberIn(tag: string | undefined, prefix: string): number {
  return tag?.startsWith(prefix) === true ? Number(tag.slice(prefix.length)) || 0 : 0;
}

function view(group: AutoScalingGroup): GroupView {
  const tag = (key: string): string | undefined => group.Tags?.find(({ Key }) => Key === key)?.Value;
  const stack = tag('flotilla:stack');
  return {
    name: group.AutoScalingGroupName ?? '',
    ...(stack === undefined ? {} : { stack }),
    release: numberIn(tag('flotilla:release'), 'v'),
    rollout: numberIn(tag('flotilla:rollout'), 'r'),
    minimum: group.MinSize ?? 0,
    desired: group.DesiredCapacity ?? 0,
    maximum: group.MaxSize ?? 0,
    targetGroupArns: group.TargetGroupARNs ?? [],
    members: (group.Instances ?? []).map((instance) => ({
      id: instance.InstanceId ?? '',
      lifecycleState: instance.LifecycleState ?? '',
      healthStatus: instance.HealthStatus ?? '',
    })),
    deleting: /delet/i.test(group.Status ?? ''),
  };
}

/** Groups larger than this are read in pages; 100 is AWS's limit for one. */
const pageSize = 100;

export function openGroups(client: AutoScalingClient = autoScalingClient()): Groups {
  const describeAll = async (names: readonly string[]): Promise<GroupView[]> => {
    const answer = await client.send(
      new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: [...names] }),
    );
    return (answer.AutoScalingGroups ?? []).map(view);
  };
  return {
    async ofFleet(stack, fleet) {
      const groups: GroupView[] = [];
      for (let next: string | undefined; ; ) {
        const answer = await client.send(
          new DescribeAutoScalingGroupsCommand({
            Filters: [
              { Name: 'tag:flotilla:fleet', Values: [fleet] },
              { Name: 'tag:flotilla:stack', Values: [stack] },
            ],
            MaxRecords: pageSize,
            ...(next === undefined ? {} : { NextToken: next }),
          }),
        );
        groups.push(...(answer.AutoScalingGroups ?? []).map(view));
        next = answer.NextToken;
        if (next === undefined || next === '') return groups;
      }
    },

    async describe(name) {
      return (await describeAll([name]))[0];
    },

    describeAll,

    async create(spec) {
      const template = {
        LaunchTemplateId: spec.launchTemplateId,
        Version: String(spec.templateVersion),
      };
      const mixed = spec.instanceTypes.length > 1 || spec.spotPercent > 0;
      try {
        await client.send(
          new CreateAutoScalingGroupCommand({
            AutoScalingGroupName: spec.name,
            MinSize: spec.capacity.minimum,
            DesiredCapacity: spec.capacity.desired,
            MaxSize: spec.capacity.maximum,
            VPCZoneIdentifier: spec.subnets.join(','),
            TargetGroupARNs: [spec.targetGroupArn],
            HealthCheckType: 'ELB',
            HealthCheckGracePeriod: spec.gracePeriodSeconds,
            MaxInstanceLifetime: spec.maxLifetimeSeconds,
            // Without it a replacement for age or health terminates before it launches, and a fleet of one goes dark.
            InstanceMaintenancePolicy: { MinHealthyPercentage: 100, MaxHealthyPercentage: 200 },
            // Without it a Spot Instance is replaced only once EC2 has taken it back and its health check has failed.
            // https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-capacity-rebalancing.html
            ...(spec.spotPercent > 0 ? { CapacityRebalance: true } : {}),
            ...(mixed
              ? {
                  MixedInstancesPolicy: {
                    LaunchTemplate: {
                      LaunchTemplateSpecification: template,
                      Overrides: spec.instanceTypes.map((type) => ({ InstanceType: type })),
                    },
                    InstancesDistribution: {
                      OnDemandBaseCapacity: 1,
                      OnDemandPercentageAboveBaseCapacity: 100 - spec.spotPercent,
                      OnDemandAllocationStrategy: 'prioritized',
                      SpotAllocationStrategy: 'capacity-optimized-prioritized',
                    },
                  },
                }
              : { LaunchTemplate: template }),
            Tags: Object.entries(spec.tags).map(([Key, Value]) => ({
              Key,
              Value,
              PropagateAtLaunch: true,
              ResourceId: spec.name,
              ResourceType: 'auto-scaling-group',
            })),
          }),
        );
        return 'created';
      } catch (error) {
        if (hasCode(error, 'AlreadyExists', 'AlreadyExistsFault')) return 'exists';
        throw error;
      }
    },

    async resize(name, capacity) {
      try {
        await client.send(
          new UpdateAutoScalingGroupCommand({
            AutoScalingGroupName: name,
            ...(capacity.minimum === undefined ? {} : { MinSize: capacity.minimum }),
            ...(capacity.desired === undefined ? {} : { DesiredCapacity: capacity.desired }),
            ...(capacity.maximum === undefined ? {} : { MaxSize: capacity.maximum }),
          }),
        );
        return 'resized';
      } catch (error) {
        if (isGone(error) || isGoing(error)) return 'gone';
        throw error;
      }
    },

    async remove(name) {
      try {
        await client.send(new DeleteAutoScalingGroupCommand({ AutoScalingGroupName: name }));
        return 'removed';
      } catch (error) {
        if (isGone(error)) return 'gone';
        const busy = [
          'ResourceInUse',
          'ResourceInUseFault',
          'ScalingActivityInProgress',
          'ScalingActivityInProgressFault',
        ];
        if (hasCode(error, ...busy)) return 'busy';
        throw error;
      }
    },

    async activities(name) {
      try {
        const answer = await client.send(
          new DescribeScalingActivitiesCommand({ AutoScalingGroupName: name, MaxRecords: 20 }),
        );
        return (answer.Activities ?? []).map((activity) => ({
          id: activity.ActivityId ?? '',
          status: activity.StatusCode ?? '',
          description: activity.Description ?? '',
          cause: activity.Cause ?? '',
          message: activity.StatusMessage ?? '',
          startedAt: activity.StartTime?.getTime() ?? 0,
        }));
      } catch (error) {
        if (isGone(error)) return [];
        throw error;
      }
    },

    async putScaling(groupName, target) {
      await client.send(
        new PutScalingPolicyCommand({
          AutoScalingGroupName: groupName,
          PolicyName: target.metric,
          PolicyType: 'TargetTrackingScaling',
          TargetTrackingConfiguration: {
            TargetValue: target.value,
            PredefinedMetricSpecification:
              target.metric === 'cpu'
                ? { PredefinedMetricType: 'ASGAverageCPUUtilization' }
                : { PredefinedMetricType: 'ALBRequestCountPerTarget', ResourceLabel: target.resourceLabel },
          },
        }),
      );
    },

    async removeScaling(groupName, metric) {
      try {
        await client.send(new DeletePolicyCommand({ AutoScalingGroupName: groupName, PolicyName: metric }));
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    },
  };
}
