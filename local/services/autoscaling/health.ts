/**
 * Which instances are to be replaced: for failed health, for age, because a Spot Instance will go.
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-health-checks.html
 */
import type { SpotSignal } from '../ec2/outages.ts';
import { at, tookOut } from './causes.ts';
import type { AutoScalingState, GroupRecord, Member, Replacement } from './state.ts';
import { isLeaving } from './state.ts';
import { isHealthyTarget, isUnhealthyTarget } from './traffic.ts';

export class Health {
  readonly #state: AutoScalingState;
  readonly #kick: (group: GroupRecord, afterMs?: number) => void;

  constructor(state: AutoScalingState, kick: (group: GroupRecord, afterMs?: number) => void) {
    this.#state = state;
    this.#kick = kick;
  }

  /** Judges a member anew, and sets the timers for its grace period and its lifetime. */
  watch(group: GroupRecord, member: Member): void {
    member.timers.lifetime?.cancel();
    if (isLeaving(member)) return;
    this.judge(group, member);
    if (member.lifecycle !== 'InService') return;
    const { maxLifetimeSeconds: seconds } = group;
    if (seconds === undefined || seconds === 0) {
      if (member.replace?.kind === 'lifetime') member.replace = undefined;
      return;
    }
    const { clock } = this.#state.context;
    member.timers.lifetime = clock.after(member.launchedAt + seconds * 1_000 - clock.now(), () => {
      this.#mark(group, member, { kind: 'lifetime', cause: at(this.#state, tookOut.lifetime) });
    });
  }

  /**
   * What EC2 and the load balancer say of a member. An instance that is not running is unhealthy at once; failed
   * checks count after the grace period, which begins with InService.
   */
  judge(group: GroupRecord, member: Member): void {
    if (isLeaving(member) || group.suspended.has('HealthCheck')) return;
    const { instance } = member;
    if (instance.state !== 'running' && instance.state !== 'pending') {
      this.unhealthy(group, member, tookOut.stopped);
      return;
    }
    const why =
      instance.impairedSince !== undefined
        ? tookOut.statusChecks
        : group.healthCheckType === 'ELB' && isUnhealthyTarget(this.#state, group, member)
          ? tookOut.targets
          : undefined;
    if (why === undefined || member.inServiceAt === undefined) return;
    const waitMs = this.graceEnds(group, member) - this.#state.context.clock.now();
    if (waitMs <= 0) {
      this.unhealthy(group, member, why);
      return;
    }
    member.timers.grace?.cancel();
    member.timers.grace = this.#state.context.clock.after(waitMs, () => this.judge(group, member));
  }

  /** When failed checks begin to count; never before the instance is in service. */
  graceEnds(group: GroupRecord, member: Member): number {
    return (member.inServiceAt ?? Number.POSITIVE_INFINITY) + group.graceSeconds * 1_000;
  }

  /** Marks an instance as unhealthy, which has it replaced. */
  unhealthy(group: GroupRecord, member: Member, why: string): void {
    if (isLeaving(member) || member.health === 'Unhealthy') return;
    member.health = 'Unhealthy';
    this.#mark(group, member, { kind: 'health', cause: at(this.#state, why) });
  }

  /** A rebalance recommendation counts only where the group has Capacity Rebalancing. */
  spotSignal(group: GroupRecord, member: Member, signal: SpotSignal): void {
    if (!group.capacityRebalance || isLeaving(member)) return;
    const why = signal === 'interruption-notice' ? tookOut.interruption : tookOut.rebalance;
    this.#mark(group, member, { kind: 'spot', cause: at(this.#state, why) });
  }

  /**
   * In service, warmed up, and healthy where the load balancer has a say: "healthy and ready to use".
   * Looks again by itself when the warm-up is over.
   */
  isReady(group: GroupRecord, member: Member): boolean {
    if (member.lifecycle !== 'InService' || member.health !== 'Healthy' || member.inServiceAt === undefined)
      return false;
    const warmAt = member.inServiceAt + (group.warmupSeconds ?? 0) * 1_000;
    const waitMs = warmAt - this.#state.context.clock.now();
    if (waitMs > 0) {
      this.#kick(group, waitMs);
      return false;
    }
    return group.healthCheckType !== 'ELB' || isHealthyTarget(this.#state, group, member);
  }

  /** Whether a member may be taken out for the reason that it has. */
  mayReplace(group: GroupRecord, member: Member): boolean {
    switch (member.replace?.kind) {
      case undefined:
        return false;
      case 'health':
        return !group.suspended.has('ReplaceUnhealthy');
      case 'lifetime':
        // "Add extra time between certain replacements by using instance protection."
        return !member.protectedFromScaleIn && !group.suspended.has('Launch');
      case 'spot':
        return true;
    }
  }

  #mark(group: GroupRecord, member: Member, why: Replacement): void {
    // Failed health is the graver reason; the others do not take each other's place.
    if (member.replace === undefined || why.kind === 'health') member.replace = why;
    this.#kick(group);
  }
}
