/**
 * Target tracking: keeps the requests per target and minute, or the average CPU utilization, near a value. The
 * region measures no CPU, so that a policy on it does nothing unless a test writes that metric.
 * AWS does it with two alarms: three minutes above the value scale out, fifteen well below it scale in.
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-target-tracking.html
 */
import type { Timer } from '../../clock.ts';
import type { Metrics, Series } from '../cloudwatch/series.ts';
import { at } from './causes.ts';
import type { Reconciler } from './reconciler.ts';
import type { AutoScalingState, GroupRecord, PolicyRecord } from './state.ts';

const minuteMs = 60_000;
const minutesAbove = 3;
const minutesBelow = 15;
/** Scale-in begins below this share of the target value. */
const lowShare = 0.9;

interface Watch {
  timer: Timer | undefined;
  readonly stops: (() => void)[];
}

export class TargetTracking {
  readonly #state: AutoScalingState;
  readonly #metrics: Metrics;
  readonly #reconciler: Reconciler;
  readonly #watches = new WeakMap<GroupRecord, Watch>();

  constructor(state: AutoScalingState, metrics: Metrics, reconciler: Reconciler) {
    this.#state = state;
    this.#metrics = metrics;
    this.#reconciler = reconciler;
  }

  /** Called after a group's policies changed. */
  policiesChanged(group: GroupRecord): void {
    const former = this.#watches.get(group);
    former?.timer?.cancel();
    for (const stop of former?.stops ?? []) stop();
    const watch: Watch = { timer: undefined, stops: [] };
    this.#watches.set(group, watch);
    for (const policy of group.policies.values()) {
      const series = this.#series(group, policy);
      // Looked at only while there is traffic, and until it has been quiet for long enough to scale in.
      if (series !== undefined) watch.stops.push(series.onData(() => this.#arm(group, watch)));
    }
    if (group.policies.size > 0) this.#arm(group, watch);
  }

  #arm(group: GroupRecord, watch: Watch): void {
    if (watch.timer !== undefined || group.deleting) return;
    const now = this.#state.context.clock.now();
    watch.timer = this.#state.context.clock.after(minuteMs - (now % minuteMs), () => {
      watch.timer = undefined;
      if (this.#state.groups.get(group.name) !== group) return;
      let again = group.desired > group.min;
      for (const policy of group.policies.values()) again = this.#evaluate(group, policy) || again;
      if (again) this.#arm(group, watch);
    });
  }

  /** @returns whether there was traffic in the last minutes. */
  #evaluate(group: GroupRecord, policy: PolicyRecord): boolean {
    const series = this.#series(group, policy);
    const target = policy.definition.TargetTrackingConfiguration?.TargetValue;
    if (series === undefined || target === undefined || policy.definition.Enabled === false) return false;
    if (group.suspended.has('AlarmNotification')) return true;
    const end = Math.floor(this.#state.context.clock.now() / minuteMs) * minuteMs;
    const found = Array.from({ length: minutesBelow }, (_, age) => {
      const from = end - (age + 1) * minuteMs;
      const point = series.between(from, from + minuteMs);
      if (cpuOf(policy)) return point === undefined ? undefined : point.sum / point.count;
      return point?.sum ?? 0; // requests are always reported
    });
    const minutes = found.flatMap((value) => value ?? []);
    // "If the metric is missing data points", the group is not scaled until there are some again.
    if (minutes.length < found.length && found.slice(0, minutesAbove).includes(undefined))
      return minutes.length > 0;
    const recent = minutes.slice(0, minutesAbove);
    const highest = Math.max(...minutes);
    if (recent.every((value) => value > target)) {
      const wanted = Math.min(group.max, Math.ceil((group.desired * Math.min(...recent)) / target));
      this.#change(group, policy, Math.max(wanted, group.desired));
    } else if (
      policy.definition.TargetTrackingConfiguration?.DisableScaleIn !== true &&
      minutes.length === found.length &&
      highest < target * lowShare &&
      this.#state.context.clock.now() - group.createdAt >= minutesBelow * minuteMs
    ) {
      const wanted = Math.max(group.min, 1, Math.ceil((group.desired * highest) / target));
      // A group is made smaller by one at a time: going down is done with more care than going up.
      if (wanted < group.desired) this.#change(group, policy, group.desired - 1);
    }
    return highest > 0;
  }

  #change(group: GroupRecord, policy: PolicyRecord, desired: number): void {
    if (desired === group.desired) return;
    group.reason = at(
      this.#state,
      `a monitor alarm of the policy ${policy.definition.PolicyName} triggered changing the desired capacity from ${group.desired} to ${desired}.`,
    );
    group.desired = desired;
    this.#reconciler.kick(group);
  }

  #series(group: GroupRecord, policy: PolicyRecord): Series | undefined {
    if (cpuOf(policy)) {
      return this.#metrics.series('AWS/EC2', 'CPUUtilization', [
        { Name: 'AutoScalingGroupName', Value: group.name },
      ]);
    }
    const label =
      policy.definition.TargetTrackingConfiguration?.PredefinedMetricSpecification?.ResourceLabel ?? '';
    const at = label.indexOf('targetgroup/');
    if (at < 0) return undefined;
    return this.#metrics.series('AWS/ApplicationELB', 'RequestCountPerTarget', [
      { Name: 'TargetGroup', Value: label.slice(at) },
    ]);
  }
}

function cpuOf(policy: PolicyRecord): boolean {
  const metric = policy.definition.TargetTrackingConfiguration?.PredefinedMetricSpecification;
  return metric?.PredefinedMetricType === 'ASGAverageCPUUtilization';
}
