/**
 * Target tracking: keeps the requests per target and minute, or the average CPU utilization, near a value. The
 * region measures no CPU, so that a policy on it does nothing unless a test writes that metric.
 *
 * As in AWS it is two alarms that a policy makes for itself: three minutes above the value scale out, fifteen well
 * below it scale in; while an alarm rings, the group is looked at every minute.
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html
 */
import type { Dimension, MetricAlarm } from '@aws-sdk/client-cloudwatch';
import type { Timer } from '../../clock.ts';
import { arn } from '../../context.ts';
import type { CloudWatch } from '../cloudwatch/cloudwatch.ts';
import { at } from './causes.ts';
import type { Reconciler } from './reconciler.ts';
import type { AutoScalingState, GroupRecord, Member, PolicyAlarm, PolicyRecord } from './state.ts';

const minuteMs = 60_000;
const minutesAbove = 3;
const minutesBelow = 15;
/** Scale-in begins below this share of the target value. */
const lowShare = 0.9;

export class TargetTracking {
  readonly #state: AutoScalingState;
  readonly #cloudwatch: CloudWatch;
  readonly #reconciler: Reconciler;
  readonly #timers = new Map<string, Timer>();

  constructor(state: AutoScalingState, cloudwatch: CloudWatch, reconciler: Reconciler) {
    this.#state = state;
    this.#cloudwatch = cloudwatch;
    this.#reconciler = reconciler;
    cloudwatch.alarms.onChange(({ AlarmName, StateValue }) => {
      if (StateValue !== 'ALARM') return;
      for (const group of state.groups.values())
        for (const policy of group.policies.values())
          if (policy.alarms.some((one) => one.name === AlarmName)) this.#act(group);
    });
  }

  /** Makes the alarms of a new policy. */
  makeAlarms(group: GroupRecord, policyArn: string, definition: PolicyRecord['definition']): PolicyAlarm[] {
    const target = definition.TargetTrackingConfiguration?.TargetValue ?? 0;
    const metric = metricOf(group, definition);
    const alarm = (kind: PolicyAlarm['kind'], rest: Omit<MetricAlarm, 'AlarmName'>): PolicyAlarm => {
      const name = `TargetTracking-${group.name}-Alarm${kind}-${this.#state.context.random.uuid()}`;
      const alarmArn = arn(this.#state.context, 'cloudwatch', `alarm:${name}`);
      this.#cloudwatch.alarms.put({
        ...metric,
        AlarmName: name,
        AlarmArn: alarmArn,
        AlarmDescription: `DO NOT EDIT OR DELETE. For TargetTrackingScaling policy ${policyArn}.`,
        ActionsEnabled: true,
        AlarmActions: [policyArn],
        Period: 60,
        ...rest,
      });
      return { kind, name, arn: alarmArn };
    };
    const high = alarm('High', {
      ComparisonOperator: 'GreaterThanThreshold',
      Threshold: target,
      EvaluationPeriods: minutesAbove,
    });
    if (definition.TargetTrackingConfiguration?.DisableScaleIn === true) return [high];
    const low = alarm('Low', {
      ComparisonOperator: 'LessThanThreshold',
      Threshold: target * lowShare,
      EvaluationPeriods: minutesBelow,
      // AWS always reports the requests, none as zero; here a minute without any has no datapoint.
      ...(isCpu(definition) ? {} : { TreatMissingData: 'breaching' }),
    });
    return [high, low];
  }

  /** Looks at a group whose alarms may ring; for a region that starts with state. */
  resume(group: GroupRecord): void {
    this.#act(group);
  }

  /**
   * An alarm that stays in its state goes on to invoke its action each minute where that is one of Auto Scaling: one
   * that rang while the group could not change acts within a minute after somebody let it.
   * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-actions.html
   */
  changed(group: GroupRecord): void {
    if (group.policies.size === 0 || this.#timers.has(group.name)) return;
    this.#timers.set(
      group.name,
      this.#state.context.clock.after(minuteMs, () => this.#act(group)),
    );
  }

  /** Drops the alarms of a policy that goes. */
  dropAlarms(policy: PolicyRecord): void {
    for (const { name } of policy.alarms) this.#cloudwatch.alarms.delete(name);
  }

  /** Looks at a group now, and each minute for as long as one of its alarms rings and it could change. */
  #act(group: GroupRecord): void {
    this.#timers.get(group.name)?.cancel();
    this.#timers.delete(group.name);
    if (this.#state.groups.get(group.name) !== group || group.deleting) return;
    const policies = [...group.policies.values()].filter((policy) => policy.definition.Enabled !== false);
    const rings = policies.flatMap((policy) =>
      policy.alarms.filter(({ name }) => this.#cloudwatch.alarms.get(name)?.StateValue === 'ALARM'),
    );
    if (!group.suspended.has('AlarmNotification')) this.#scale(group, policies, rings);
    const mayChange = rings.some((one) =>
      one.kind === 'High' ? group.desired < group.max : group.desired > group.min,
    );
    if (!mayChange) return;
    const timer = this.#state.context.clock.after(minuteMs, () => this.#act(group));
    this.#timers.set(group.name, timer);
  }

  /** Any policy may scale out; to scale in, all that may have to agree. */
  #scale(group: GroupRecord, policies: readonly PolicyRecord[], rings: readonly PolicyAlarm[]): void {
    const now = this.#state.context.clock.now();
    const warm = [...group.members.values()].filter((member) => this.#isWarm(group, policies, member)).length;
    for (const policy of policies) {
      const high = policy.alarms.find((one) => one.kind === 'High' && rings.includes(one));
      const target = policy.definition.TargetTrackingConfiguration?.TargetValue ?? 0;
      const value = high === undefined ? undefined : this.#value(group, policy, now);
      if (high === undefined || value === undefined || target <= 0) continue;
      // Instances that still warm up carry no load yet: they are part of what the load asks for.
      const wanted = Math.min(group.max, Math.ceil((Math.max(1, warm) * value) / target));
      if (wanted > group.desired) this.#change(group, policy, high, wanted);
    }
    if (rings.some((one) => one.kind === 'High')) return;
    const scalers = policies.filter((policy) => policy.alarms.some((one) => one.kind === 'Low'));
    const lows = scalers.map((policy) =>
      policy.alarms.find((one) => one.kind === 'Low' && rings.includes(one)),
    );
    const [first] = lows;
    const [policy] = scalers;
    if (first === undefined || policy === undefined || lows.includes(undefined)) return;
    const young = scalers.some((one) => now - one.madeAt < minutesBelow * minuteMs);
    // "Scale-in activities are blocked while instances are warming up."
    if (young || warm < group.members.size || group.desired <= Math.max(1, group.min)) return;
    // A group is made smaller by one at a time: going down is done with more care than going up.
    this.#change(group, policy, first, group.desired - 1);
  }

  #isWarm(group: GroupRecord, policies: readonly PolicyRecord[], member: Member): boolean {
    // "When a warm-up period is specified here, it overrides the default instance warmup"; else that is taken, or "the
    // value of default cooldown". https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PutScalingPolicy.html
    const usual = group.warmupSeconds ?? group.cooldownSeconds;
    const seconds = Math.max(...policies.map((one) => one.definition.EstimatedInstanceWarmup ?? usual));
    const since = member.inServiceAt;
    return since !== undefined && this.#state.context.clock.now() - since >= seconds * 1_000;
  }

  /** The metric over the last whole minute. */
  #value(group: GroupRecord, policy: PolicyRecord, now: number): number | undefined {
    const { Namespace, MetricName, Dimensions } = metricOf(group, policy.definition);
    const to = Math.floor(now / minuteMs) * minuteMs;
    const point = this.#cloudwatch.metrics
      .series(Namespace, MetricName, Dimensions)
      .between(to - minuteMs, to);
    if (point === undefined) return undefined;
    return isCpu(policy.definition) ? point.sum / point.count : point.sum;
  }

  #change(group: GroupRecord, policy: PolicyRecord, alarm: PolicyAlarm, desired: number): void {
    const name = policy.definition.PolicyName ?? '';
    group.reason = at(
      this.#state,
      `a monitor alarm ${alarm.name} in state ALARM triggered policy ${name} changing the desired capacity from ${group.desired} to ${desired}.`,
    );
    group.desired = desired;
    this.#reconciler.kick(group);
  }
}

interface PolicyMetric {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Statistic: 'Average' | 'Sum';
  readonly Dimensions: Dimension[];
}

function metricOf(group: GroupRecord, definition: PolicyRecord['definition']): PolicyMetric {
  if (isCpu(definition)) {
    const Dimensions = [{ Name: 'AutoScalingGroupName', Value: group.name }];
    return { Namespace: 'AWS/EC2', MetricName: 'CPUUtilization', Statistic: 'Average', Dimensions };
  }
  const metric = definition.TargetTrackingConfiguration?.PredefinedMetricSpecification;
  const label = metric?.ResourceLabel ?? '';
  const Dimensions = [{ Name: 'TargetGroup', Value: label.slice(label.indexOf('targetgroup/')) }];
  return {
    Namespace: 'AWS/ApplicationELB',
    MetricName: 'RequestCountPerTarget',
    Statistic: 'Sum',
    Dimensions,
  };
}

function isCpu({ TargetTrackingConfiguration: tracking }: PolicyRecord['definition']): boolean {
  return tracking?.PredefinedMetricSpecification?.PredefinedMetricType === 'ASGAverageCPUUtilization';
}
