/** The group's instances as targets of its target groups. */
import type { TargetGroupRecord, TargetRecord } from '../elbv2/state.ts';
import { attribute, targetKey } from '../elbv2/state.ts';
import type { AutoScalingState, GroupRecord, Member } from './state.ts';

export function targetsOf(
  state: AutoScalingState,
  targetGroupArn: string,
  instanceId: string,
): [TargetGroupRecord, TargetRecord][] {
  const group = state.elbv2.state.targetGroups.get(targetGroupArn);
  if (group === undefined) return [];
  return [...group.targets.values()].flatMap((target) => (target.id === instanceId ? [[group, target]] : []));
}

/** Registers an instance; one that drains is taken back. */
export function register(state: AutoScalingState, targetGroupArn: string, member: Member): void {
  const group = state.elbv2.state.targetGroups.get(targetGroupArn);
  if (group === undefined) return;
  const { instanceId, spec } = member.instance;
  const former = group.targets.get(targetKey(instanceId, group.port));
  if (former !== undefined && former.health.State !== 'draining') return;
  state.elbv2.checks.register(group, instanceId, group.port, spec.subnet.zone);
}

/** @returns how long the targets drain. */
export function deregister(state: AutoScalingState, targetGroupArn: string, member: Member): number {
  let drainMs = 0;
  for (const [group, target] of targetsOf(state, targetGroupArn, member.instance.instanceId)) {
    state.elbv2.checks.deregister(group, target);
    if (target.health.State !== 'draining') continue;
    drainMs = Math.max(drainMs, Number(attribute(group, 'deregistration_delay.timeout_seconds')) * 1_000);
  }
  return drainMs;
}

/** Out of all target groups. @returns how long the targets drain. */
export function deregisterEverywhere(state: AutoScalingState, group: GroupRecord, member: Member): number {
  return Math.max(0, ...group.targetGroupArns.map((arn) => deregister(state, arn, member)));
}

/** Registers every instance in service after a target group was attached. */
export function attach(state: AutoScalingState, group: GroupRecord, targetGroupArn: string): void {
  for (const member of group.members.values())
    if (member.lifecycle === 'InService') register(state, targetGroupArn, member);
}

/** Takes every instance out of a target group that was detached. */
export function detach(state: AutoScalingState, group: GroupRecord, targetGroupArn: string): void {
  let drainMs = 0;
  for (const member of group.members.values())
    drainMs = Math.max(drainMs, deregister(state, targetGroupArn, member));
  group.detaching.set(targetGroupArn, state.context.clock.now() + drainMs);
}

/** Healthy in every target group, or in one that no load balancer uses. */
export function isHealthyTarget(state: AutoScalingState, group: GroupRecord, member: Member): boolean {
  return group.targetGroupArns.every((arn) => {
    const states = targetsOf(state, arn, member.instance.instanceId).map(([, target]) => target.health);
    return (
      states.length > 0 && states.every((one) => one.State === 'healthy' || one.Reason === 'Target.NotInUse')
    );
  });
}

export function isUnhealthyTarget(state: AutoScalingState, group: GroupRecord, member: Member): boolean {
  return group.targetGroupArns.some((arn) =>
    targetsOf(state, arn, member.instance.instanceId).some(
      ([, target]) => target.health.State === 'unhealthy',
    ),
  );
}
