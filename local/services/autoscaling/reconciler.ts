/** Keeps each group at its desired capacity, of healthy instances that are not too old, in all of its zones. */
import type { InstanceRecord } from '../ec2/instance-record.ts';
import { end } from './activities.ts';
import { at, broughtIn, shrinking, told, tookOut } from './causes.ts';
import { victims } from './choices.ts';
import { Departures } from './departures.ts';
import { Health } from './health.ts';
import { backOff, launchMember } from './launcher.ts';
import { LifecycleWaits } from './lifecycle-waits.ts';
import { planReplacement } from './replacement.ts';
import type { AutoScalingState, GroupRecord, Member, Purpose } from './state.ts';
import { activeMembers, isLeaving } from './state.ts';
import { register } from './traffic.ts';
import { countByZone, isAvoided, placesOf, zoneMoves } from './zones.ts';

/** Auto Scaling reacts within seconds, not at once. */
const reactionMs = 1_000;
/** "It can do so by a margin of 10 percent or one instance, whichever is greater." */
const balanceMargin = 0.1;

export class Reconciler {
  readonly departures: Departures;
  readonly health: Health;
  readonly waits: LifecycleWaits;
  readonly #state: AutoScalingState;
  readonly #removed: ((group: GroupRecord) => void)[] = [];
  readonly #changed: ((group: GroupRecord) => void)[] = [];

  constructor(state: AutoScalingState) {
    this.#state = state;
    this.health = new Health(state, (group, afterMs) => this.kick(group, afterMs));
    this.waits = new LifecycleWaits(state, (group, member, why) => this.#waited(group, member, why));
    this.departures = new Departures(state, this.waits, (group) => this.#left(group));
    state.ec2.instances.onChange((instance) => this.#instanceChanged(instance));
    state.ec2.outages.onSpotSignal((instance, signal) => {
      const found = state.memberOf(instance.instanceId);
      if (found !== undefined) this.health.spotSignal(found.group, found.member, signal);
    });
    state.elbv2.checks.onChange((targetGroup, target) => {
      if (targetGroup.targetType !== 'instance') return;
      const found = state.memberOf(target.id);
      if (found === undefined || !found.group.targetGroupArns.includes(targetGroup.arn)) return;
      if (target.health.State === 'unhealthy') this.health.judge(found.group, found.member);
      // A new instance that became healthy may let an old one go.
      else if (target.health.State === 'healthy' && this.#waitsForReady(found.group)) this.kick(found.group);
    });
  }

  /** Calls back when a group is gone. */
  onRemoved(listener: (group: GroupRecord) => void): void {
    this.#removed.push(listener);
  }

  /** Calls back when somebody changed what a group may be. */
  onChanged(listener: (group: GroupRecord) => void): void {
    this.#changed.push(listener);
  }

  /** Something about the group changed: look at it soon. */
  kick(group: GroupRecord, afterMs = reactionMs): void {
    const { clock } = this.#state.context;
    const due = clock.now() + afterMs;
    // Whatever is due later is found again when the group is looked at.
    if (group.timer !== undefined && group.timer.at <= due) return;
    group.timer?.timer.cancel();
    const timer = clock.after(afterMs, () => {
      group.timer = undefined;
      if (this.#state.groups.get(group.name) === group) this.#reconcile(group);
    });
    group.timer = { at: due, timer };
  }

  /** Forgets failed launches: whoever changed the group may have cured their cause. */
  retryNow(group: GroupRecord): void {
    group.failures = 0;
    group.failingSince = undefined;
    group.notBefore = 0;
    group.avoided.clear();
    for (const listener of this.#changed) listener(group);
    this.kick(group);
  }

  /** After the lifetime, the grace period or the processes of a group were changed. */
  rearm(group: GroupRecord): void {
    for (const member of group.members.values()) this.health.watch(group, member);
  }

  /** Sets every timer that follows from a group's data; for a region that starts with state. */
  resume(group: GroupRecord): void {
    if (group.deleting && group.members.size === 0) {
      this.remove(group);
      return;
    }
    this.rearm(group);
    for (const member of group.members.values()) {
      this.departures.resume(group, member);
      this.waits.resume(group, member);
    }
    this.kick(group);
  }

  /** Drops a group that has no instances left. */
  remove(group: GroupRecord): void {
    group.timer?.timer.cancel();
    this.#state.groups.delete(group.name);
    for (const activity of group.activities) activity.AutoScalingGroupState = 'Deleted';
    this.#state.pastActivities.unshift(...group.activities);
    this.#state.pastActivities.splice(2_000);
    for (const listener of this.#removed) listener(group);
  }

  #reconcile(group: GroupRecord): void {
    if (group.deleting) return;
    const active = activeMembers(group);
    const leaving = active.filter((member) => this.health.mayReplace(group, member));
    const staying = active.filter((member) => !leaving.includes(member));
    this.#scaleIn(group, staying);
    this.#replace(
      group,
      leaving,
      staying.filter((member) => !isLeaving(member)),
    );
    this.#scaleOut(group);
    this.#balance(group);
  }

  #scaleIn(group: GroupRecord, staying: readonly Member[]): void {
    // What was launched to balance zones has to be there before another goes.
    const early = staying.filter(
      (member) => member.launchedFor === 'balance' && member.inServiceAt === undefined,
    );
    const excess = staying.length - group.desired - early.length;
    if (excess <= 0 || group.suspended.has('Terminate')) return;
    const from = staying.length;
    const zones = new Set(placesOf(this.#state, group).map((place) => place.zone));
    for (const member of victims(group, staying, excess, zones)) {
      const id = member.instance.instanceId;
      const cause = told(
        group.balancing ?? group.reason,
        at(this.#state, shrinking(from, group.desired, true)),
        at(this.#state, `instance ${id} was selected for termination.`),
      );
      const purpose = group.balancing === undefined ? 'capacity' : 'balance';
      this.departures.start(group, member, { cause, purpose });
    }
  }

  #replace(group: GroupRecord, leaving: readonly Member[], staying: readonly Member[]): void {
    if (leaving.length === 0 || group.suspended.has('Terminate')) return;
    const kind = leaving[0]?.replace?.kind ?? 'health';
    const plan = planReplacement(group, {
      leaving,
      staying,
      ready: staying.filter((member) => this.health.isReady(group, member)),
      mayLaunch: !group.suspended.has('Launch'),
    });
    for (const member of plan.terminate) {
      const { replace } = member;
      this.departures.start(group, member, { cause: replace?.cause ?? '', purpose: 'replacement' });
      group.owed.push(broughtIn[replace?.kind ?? 'health']);
    }
    // A notice of two minutes leaves no time to wait for the new one.
    for (const member of leaving) {
      if (member.instance.interruptedAt === undefined || isLeaving(member)) continue;
      const cause = at(this.#state, tookOut.interruption);
      this.departures.start(group, member, { cause, purpose: 'replacement' });
      group.owed.push(broughtIn.spot);
    }
    for (let index = 0; index < plan.launch && !this.#held(group); index += 1) {
      const made = launchMember(this.#state, group, at(this.#state, broughtIn[kind]), 'replacement');
      if (made === undefined) break;
      group.owed.pop();
    }
  }

  #scaleOut(group: GroupRecord): void {
    const before = activeMembers(group).length;
    if (before >= group.desired) group.owed.length = 0;
    for (let count = before; count < group.desired && !this.#held(group); count += 1) {
      const owed = group.owed.shift();
      const cause =
        owed === undefined
          ? told(group.reason, at(this.#state, shrinking(before, group.desired, false)))
          : at(this.#state, owed);
      const purpose: Purpose = owed === undefined ? 'capacity' : 'replacement';
      if (launchMember(this.#state, group, cause, purpose) !== undefined) continue;
      if (owed !== undefined) group.owed.unshift(owed);
      break;
    }
    this.#held(group);
  }

  /**
   * Makes the zones even, once nothing else is to be done: launches first, and terminates when the new instance is
   * in service. https://docs.aws.amazon.com/autoscaling/ec2/userguide/auto-scaling-benefits.html#AutoScalingBehavior.InstanceUsage
   */
  #balance(group: GroupRecord): void {
    const active = activeMembers(group);
    if (active.length <= group.desired) group.balancing = undefined;
    const busy =
      active.length !== group.desired ||
      active.some((member) => member.lifecycle !== 'InService' || member.replace !== undefined);
    if (busy || group.suspended.has('AZRebalance') || this.#held(group)) return;
    const places = placesOf(this.#state, group);
    const moves = zoneMoves(places, active);
    const now = moves.filter((zone) => !isAvoided(this.#state, group, zone));
    const room = group.max + Math.max(1, Math.floor(group.max * balanceMargin)) - active.length;
    const counts = [...countByZone(places, active)];
    for (const zone of now.slice(0, room)) {
      const cause = at(
        this.#state,
        `availability zones ${counts.map(([one]) => one).join(' ')} had ${counts.map(([, count]) => count).join(' ')} instances respectively. An instance was launched to aid in balancing the group's zones.`,
      );
      if (launchMember(this.#state, group, cause, 'balance', zone) === undefined) break;
      group.balancing = at(
        this.#state,
        `instances were launched to balance instances in zones ${zone} with other zones resulting in more than desired number of instances in the group.`,
      );
    }
    // A zone that had no capacity is looked at again when it has been left alone for long enough.
    const next = Math.min(...moves.flatMap((zone) => group.avoided.get(zone)?.until ?? []));
    if (Number.isFinite(next)) this.kick(group, Math.max(reactionMs, next - this.#state.context.clock.now()));
  }

  #held(group: GroupRecord): boolean {
    if (group.deleting || group.suspended.has('Launch')) return true;
    const waitMs = group.notBefore - this.#state.context.clock.now();
    if (waitMs > 0) this.kick(group, waitMs);
    return waitMs > 0;
  }

  #waitsForReady(group: GroupRecord): boolean {
    return [...group.members.values()].some((one) => one.replace !== undefined);
  }

  #instanceChanged(instance: InstanceRecord): void {
    const found = this.#state.memberOf(instance.instanceId);
    if (found === undefined) return;
    const { group, member } = found;
    if (isLeaving(member)) this.departures.instanceEnded(group, member);
    else if (instance.state === 'running' && member.lifecycle === 'Pending') {
      if (this.waits.begin(group, member, 'autoscaling:EC2_INSTANCE_LAUNCHING'))
        member.launch.StatusCode = 'MidLifecycleAction';
      else this.#enterService(group, member);
    } else {
      const dies = member.lifecycle === 'Pending' && instance.state !== 'pending';
      this.health.judge(group, member);
      // What ends before it is in service counts as a launch that failed.
      if (dies) backOff(this.#state, group);
    }
  }

  /** A lifecycle action is over. */
  #waited(group: GroupRecord, member: Member, why: string | undefined): void {
    if (isLeaving(member)) this.departures.proceed(group, member);
    else if (why === undefined) this.#enterService(group, member);
    else {
      const { instanceId } = member.instance;
      end(this.#state, group, member.launch, 'Launch', instanceId, { status: 'Cancelled', reason: why });
      backOff(this.#state, group);
      const cause = at(
        this.#state,
        `an instance was taken out of service in response to a launch lifecycle action that was abandoned.`,
      );
      this.departures.start(group, member, { cause, purpose: 'replacement' });
      this.kick(group);
    }
  }

  #enterService(group: GroupRecord, member: Member): void {
    const now = this.#state.context.clock.now();
    member.lifecycle = 'InService';
    member.inServiceAt = now;
    if (!group.suspended.has('AddToLoadBalancer'))
      for (const arn of group.targetGroupArns) register(this.#state, arn, member);
    end(this.#state, group, member.launch, 'Launch', member.instance.instanceId);
    if (member.launchedFor === 'capacity') group.cooldownUntil = now + group.cooldownSeconds * 1_000;
    this.health.watch(group, member);
    this.kick(group);
  }

  #left(group: GroupRecord): void {
    if (group.deleting && group.members.size === 0) this.remove(group);
    else this.kick(group);
  }
}
