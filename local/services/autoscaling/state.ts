/** Groups and what belongs to them. */
import type {
  Activity,
  InstanceMaintenancePolicy,
  LaunchTemplateSpecification,
  MixedInstancesPolicy,
  PutScalingPolicyType,
} from '@aws-sdk/client-auto-scaling';
import type { Timer } from '../../clock.ts';
import type { Context } from '../../context.ts';
import { arn } from '../../context.ts';
import type { Access } from '../../service.ts';
import { AwsError } from '../../service.ts';
import type { Ec2 } from '../ec2/ec2.ts';
import type { InstanceRecord } from '../ec2/instance-record.ts';
import { resourceTagContext } from '../ec2/tag-store.ts';
import type { Elbv2 } from '../elbv2/elbv2.ts';
import { quota } from '../servicequotas/quota.ts';

/** https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html */
export type Lifecycle =
  | 'Pending'
  | 'Pending:Wait'
  | 'InService'
  | 'Terminating'
  | 'Terminating:Wait'
  | 'Terminating:Proceed';

/** What an activity is for. Only what changes the capacity starts a cooldown. */
export type Purpose = 'capacity' | 'replacement' | 'balance' | 'request';

/** Why an instance is to be replaced; `cause` is in the words of the activity that will take it out. */
export interface Replacement {
  readonly kind: 'health' | 'lifetime' | 'spot';
  readonly cause: string;
}

/** A lifecycle action under way. */
export interface HookWait {
  readonly hookName: string;
  readonly token: string;
  readonly startedAt: number;
  expiresAt: number;
}

/** An instance of a group: plain data, from which its timers follow. */
export interface Member {
  readonly instance: InstanceRecord;
  readonly template: LaunchTemplateSpecification;
  readonly launchedAt: number;
  /** The activity that brought it, and what that was for. */
  readonly launch: MutableActivity;
  readonly launchedFor: Purpose;
  lifecycle: Lifecycle;
  inServiceAt: number | undefined;
  health: 'Healthy' | 'Unhealthy';
  replace: Replacement | undefined;
  protectedFromScaleIn: boolean;
  /** The activity that takes it out, once there is one. */
  leave: MutableActivity | undefined;
  leavesFor: Purpose | undefined;
  /** When its targets have drained. */
  drainedAt: number | undefined;
  /** Lifecycle actions that it waits for. */
  waits: HookWait[];
  readonly timers: { grace?: Timer; lifetime?: Timer; drain?: Timer; hook?: Timer };
}

/** https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_LifecycleHook.html */
export interface HookRecord {
  readonly name: string;
  readonly transition: 'autoscaling:EC2_INSTANCE_LAUNCHING' | 'autoscaling:EC2_INSTANCE_TERMINATING';
  readonly heartbeatSeconds: number;
  readonly defaultResult: 'CONTINUE' | 'ABANDON';
  readonly metadata: string | undefined;
}

export type MutableActivity = Activity & { ActivityId: string };

export interface GroupTag {
  readonly value: string;
  readonly propagate: boolean;
}

/** https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html */
export const terminationPolicies = [
  'Default',
  'AllocationStrategy',
  'OldestLaunchTemplate',
  'OldestLaunchConfiguration',
  'ClosestToNextInstanceHour',
  'NewestInstance',
  'OldestInstance',
] as const;
export type TerminationPolicy = (typeof terminationPolicies)[number];

/** An alarm that a policy has made for itself. */
export interface PolicyAlarm {
  readonly kind: 'High' | 'Low';
  readonly name: string;
  readonly arn: string;
}

export interface PolicyRecord {
  readonly arn: string;
  readonly madeAt: number;
  readonly alarms: readonly PolicyAlarm[];
  readonly definition: PutScalingPolicyType;
}

export interface GroupRecord {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: number;
  template: LaunchTemplateSpecification | undefined;
  mixed: MixedInstancesPolicy | undefined;
  min: number;
  max: number;
  desired: number;
  subnetIds: readonly string[];
  readonly targetGroupArns: string[];
  /** Being detached: shown until their targets have drained, at that moment. */
  readonly detaching: Map<string, number>;
  healthCheckType: 'EC2' | 'ELB';
  graceSeconds: number;
  maxLifetimeSeconds: number | undefined;
  maintenance: InstanceMaintenancePolicy | undefined;
  protectNew: boolean;
  warmupSeconds: number | undefined;
  cooldownSeconds: number;
  deletionProtection: 'none' | 'prevent-force-deletion' | 'prevent-all-deletion';
  terminationPolicies: readonly TerminationPolicy[];
  readonly suspended: Map<string, string>;
  readonly tags: Map<string, GroupTag>;
  readonly members: Map<string, Member>;
  readonly hooks: Map<string, HookRecord>;
  capacityRebalance: boolean;
  /** Newest first. */
  readonly activities: MutableActivity[];
  readonly policies: Map<string, PolicyRecord>;
  readonly metrics: Set<string>;
  deleting: boolean;
  /** A reconciliation is due. */
  timer: { readonly at: number; readonly timer: Timer } | undefined;
  /** Launches that failed in a row, since when, and when the next may be tried. */
  failures: number;
  failingSince: number | undefined;
  notBefore: number;
  /** Zones that lacked capacity, and are left alone until then; longer each time. */
  readonly avoided: Map<string, { until: number; waitMs: number }>;
  /** Until then SetDesiredCapacity with HonorCooldown is refused. */
  cooldownUntil: number;
  /** Why the capacity last changed, for the causes of activities. */
  reason: string;
  /** Causes of launches that make up for instances that were taken out. */
  readonly owed: string[];
  /** Why there are more instances than desired: set while zones are balanced. */
  balancing: string | undefined;
}

export class AutoScalingState {
  readonly context: Context;
  readonly ec2: Ec2;
  readonly elbv2: Elbv2;
  readonly groups = new Map<string, GroupRecord>();
  /** https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-quotas.html */
  readonly quotas = { groups: quota('autoscaling', 'L-CDE20ADC', 'Auto Scaling groups per region', 500) };
  /** Activities of groups that are gone; AWS keeps them for six weeks. */
  readonly pastActivities: MutableActivity[] = [];

  constructor(context: Context, ec2: Ec2, elbv2: Elbv2) {
    this.context = context;
    this.ec2 = ec2;
    this.elbv2 = elbv2;
  }

  /** @throws ValidationError */
  group(name: string | undefined): GroupRecord {
    const found = this.groups.get(name ?? '');
    if (found !== undefined) return found;
    throw validation(`AutoScalingGroup name not found - no such group: ${name ?? ''}`);
  }

  /**
   * A group that can be changed. AWS's pages do not say how one that is pending delete is refused; these are the words
   * that users report: kubernetes/kops issue 844, cloud-custodian/cloud-custodian issue 497 (for SuspendProcesses).
   * @throws ValidationError
   */
  changeable(
    name: string | undefined,
    refusal = 'The AutoScaling group may not be modified while it is pending delete',
  ): GroupRecord {
    const found = this.group(name);
    if (found.deleting) throw validation(refusal);
    return found;
  }

  memberOf(instanceId: string): { group: GroupRecord; member: Member } | undefined {
    for (const group of this.groups.values()) {
      const member = group.members.get(instanceId);
      if (member !== undefined) return { group, member };
    }
    return undefined;
  }

  /** A right on a group, which need not exist. */
  access(
    operation: string,
    name: string | undefined,
    extra: Record<string, string | readonly string[]> = {},
  ): Access {
    const group = this.groups.get(name ?? '');
    const tags = [...(group?.tags ?? [])].map(([Key, tag]) => ({ Key, Value: tag.value }));
    return {
      action: `autoscaling:${operation}`,
      resources: [
        group?.arn ??
          arn(this.context, 'autoscaling', `autoScalingGroup:*:autoScalingGroupName/${name ?? '*'}`),
      ],
      context: { ...resourceTagContext(tags, 'autoscaling'), ...extra },
    };
  }
}

export function validation(message: string): AwsError {
  return new AwsError('ValidationError', message);
}

export function describeAccess(operation: string): () => readonly Access[] {
  return () => [{ action: `autoscaling:${operation}`, resources: ['*'] }];
}

export function badToken(): AwsError {
  return new AwsError('InvalidNextToken', 'The token is not valid.');
}

/** On its way in, or in service: what counts towards the desired capacity. */
export function isActive(member: Member): boolean {
  return member.lifecycle.startsWith('Pending') || member.lifecycle === 'InService';
}

export function activeMembers(group: GroupRecord): Member[] {
  return [...group.members.values()].filter(isActive);
}

/** On its way out. */
export function isLeaving(member: Member): boolean {
  return member.lifecycle.startsWith('Terminating');
}

export function zoneOf(member: Member): string {
  return member.instance.spec.subnet.zone;
}

/** The launch template that new instances are made of. */
export function templateOf(group: GroupRecord): LaunchTemplateSpecification {
  return group.template ?? group.mixed?.LaunchTemplate?.LaunchTemplateSpecification ?? {};
}
