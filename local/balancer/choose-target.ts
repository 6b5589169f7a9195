/** Which target of a group gets a request. */
import type { Lag } from '../lag.ts';
import type { TargetGroupRecord, TargetRecord } from '../services/elbv2/state.ts';
import { attribute } from '../services/elbv2/state.ts';
import type { BalancerNode } from './node.ts';

/**
 * Those that the node may choose from: the healthy ones; with none healthy, all that are registered (the group
 * fails open). Targets that drain get nothing new. Without cross-zone balancing a node keeps to its own zone.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
 */
export function eligibleTargets(
  group: TargetGroupRecord,
  node: BalancerNode,
  now: number,
): readonly TargetRecord[] {
  const { healthy, others } = node.targets(group.arn, now);
  if (attribute(group, 'load_balancing.cross_zone.enabled') !== 'false')
    return healthy.length > 0 ? healthy : others;
  const here = (target: TargetRecord): boolean => target.zone === node.zone;
  const near = healthy.filter(here);
  return near.length > 0 ? near : others.filter(here);
}

/** The next in turn, or the one with the fewest requests outstanding, as the group's algorithm has it. */
export function nextTarget(
  group: TargetGroupRecord,
  node: BalancerNode,
  eligible: readonly TargetRecord[],
  now: number,
  lag: Lag,
): TargetRecord | undefined {
  const count = eligible.length;
  if (count === 0) return undefined;
  if (attribute(group, 'load_balancing.algorithm.type') === 'least_outstanding_requests') {
    // Those that have equally few take turns.
    const fewest = eligible.reduce(
      (least, one) => Math.min(least, one.inFlight.size),
      Number.POSITIVE_INFINITY,
    );
    const idlest = eligible.filter((one) => one.inFlight.size === fewest);
    return idlest[node.turn(group.arn) % idlest.length];
  }
  for (let tries = 0; tries < count; tries += 1) {
    const target = eligible[node.turn(group.arn) % count];
    if (target === undefined) return undefined;
    const share = shareOf(group, target, now);
    if (share >= 1 || lag.chance(share)) return target;
  }
  return eligible[node.turn(group.arn) % count];
}

/**
 * How much of its full share a target gets: in slow start the share grows linearly from nothing to all.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html#slow-start-mode
 */
export function shareOf(group: TargetGroupRecord, target: TargetRecord, now: number): number {
  const rampMs = Number(attribute(group, 'slow_start.duration_seconds')) * 1_000;
  if (rampMs === 0 || target.slowSince === undefined) return 1;
  return Math.min(1, (now - target.slowSince) / rampMs);
}

/**
 * Whether a target that has just become healthy starts slowly: only where another is healthy and not in slow start
 * itself, so that the first targets of an empty group get their full share at once.
 */
export function startsSlowly(group: TargetGroupRecord, target: TargetRecord, now: number): boolean {
  if (Number(attribute(group, 'slow_start.duration_seconds')) === 0) return false;
  return [...group.targets.values()].some(
    (other) => other !== target && other.health.State === 'healthy' && shareOf(group, other, now) >= 1,
  );
}
