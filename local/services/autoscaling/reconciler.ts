/** Keeps each group at its desired capacity, of healthy instances that are not too old. */
import { AwsError } from '../../service.ts';
import type { InstanceRecord } from '../ec2/instance-record.ts';
import type { LaunchSpec } from '../ec2/launch.ts';
import type { TargetGroupRecord, TargetRecord } from '../elbv2/state.ts';
import { attribute, targetKey } from '../elbv2/state.ts';
import { at, begin, end } from './activities.ts';
import { rank, roomOf, victims } from './choices.ts';
import { launchInstance } from './launcher.ts';
import type { AutoScalingState, GroupRecord, Member } from './state.ts';
import { templateOf } from './state.ts';

/** Auto Scaling reacts within seconds, not at once. */
const reactionMs = 1_000;
/** After failed launches it waits, longer each time. */
const firstBackoffMs = 10_000;
const longestBackoffMs = 300_000;

export class Reconciler {
  readonly #state: AutoScalingState;

  constructor(state: AutoScalingState) {
    this.#state = state;
    state.ec2.instances.onChange((instance) => this.#instanceChanged(instance));
    state.elbv2.checks.onChange((group, target) => this.#targetChanged(group, target));
  }

  /** Something about the group changed: look at it soon. */
  kick(group: GroupRecord, afterMs = reactionMs): void {
    if (group.timer !== undefined) return;
    group.timer = this.#state.context.clock.after(afterMs, () => {
      group.timer = undefined;
      if (this.#state.groups.get(group.name) === group) this.#reconcile(group);
    });
  }

  /** Forgets failed launches: whoever changed the group may have cured their cause. */
  retryNow(group: GroupRecord): void {
    group.failures = 0;
    group.notBefore = 0;
    group.timer?.cancel();
    group.timer = undefined;
    this.kick(group);
  }

  /** Takes one instance out of service: out of its target groups, drained, terminated. */
  terminate(group: GroupRecord, member: Member, cause: string): void {
    if (member.lifecycle === 'Terminating') return;
    const { clock } = this.#state.context;
    const { instance } = member;
    member.lifecycle = 'Terminating';
    for (const timer of Object.values(member.timers)) timer.cancel();
    if (member.launch.EndTime === undefined) {
      end(
        this.#state,
        group,
        member.launch,
        'Launch',
        instance.instanceId,
        'Instance failed to come into service.',
      );
    }
    const { zone, subnetId } = instance.spec.subnet;
    const activity = begin(this.#state, group, `Terminating EC2 instance: ${instance.instanceId}`, cause, {
      zone,
      subnetId,
    });
    let drainMs = 0;
    for (const arn of group.targetGroupArns)
      drainMs = Math.max(drainMs, this.#deregister(arn, instance.instanceId));
    const alive = instance.state === 'running' || instance.state === 'pending';
    if (drainMs > 0 && alive) activity.StatusCode = 'WaitingForELBConnectionDraining';
    activity.Progress = 50;
    const finish = (): void => {
      this.#state.ec2.instances.terminate(instance);
      if (instance.state === 'terminated') this.#left(group, member, activity);
      else whenTerminated.set(instance, () => this.#left(group, member, activity));
    };
    if (drainMs > 0 && alive) clock.after(drainMs, finish);
    else finish();
  }

  /** Registers or takes out every instance after target groups were attached or detached. */
  attach(group: GroupRecord, targetGroupArn: string): void {
    for (const member of group.members.values())
      if (member.lifecycle === 'InService') this.#register(targetGroupArn, member);
  }

  detach(group: GroupRecord, targetGroupArn: string): void {
    let drainMs = 0;
    for (const member of group.members.values()) {
      drainMs = Math.max(drainMs, this.#deregister(targetGroupArn, member.instance.instanceId));
    }
    group.detaching.add(targetGroupArn);
    this.#state.context.clock.after(drainMs, () => group.detaching.delete(targetGroupArn));
  }

  /** After the lifetime or the grace period of a group was changed. */
  rearm(group: GroupRecord): void {
    for (const member of group.members.values()) this.#watch(group, member);
  }

  /** Marks an instance as unhealthy, which has it replaced. */
  unhealthy(group: GroupRecord, member: Member, why: string): void {
    if (member.lifecycle === 'Terminating' || group.suspended.has('HealthCheck')) return;
    if (member.health === 'Unhealthy') return;
    member.health = 'Unhealthy';
    member.replace = why;
    this.kick(group);
  }

  #reconcile(group: GroupRecord): void {
    const active = [...group.members.values()].filter((member) => member.lifecycle !== 'Terminating');
    const mayReplace = !group.suspended.has('ReplaceUnhealthy');
    const leaving = active.filter(
      (member) => member.replace !== undefined && (mayReplace || member.health === 'Healthy'),
    );
    const staying = active.filter((member) => !leaving.includes(member));
    this.#scaleIn(group, staying);
    this.#replace(
      group,
      leaving,
      staying.filter((member) => member.lifecycle !== 'Terminating'),
    );
    this.#scaleOut(group);
  }

  #scaleIn(group: GroupRecord, staying: readonly Member[]): void {
    const excess = staying.length - group.desired;
    if (excess <= 0 || group.suspended.has('Terminate')) return;
    const from = staying.length;
    const cause = `${group.reason}  ${at(this.#state, `an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from ${from} to ${group.desired}.`)}`;
    for (const member of victims(group, staying, excess)) this.terminate(group, member, cause);
  }

  /**
   * Without a maintenance policy a replacement terminates before it launches; with one that allows more than
   * the desired capacity it launches first, and terminates when the new instance is ready.
   * https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-maintenance-policy-overview.html
   */
  #replace(group: GroupRecord, leaving: readonly Member[], staying: readonly Member[]): void {
    if (leaving.length === 0 || group.suspended.has('Terminate')) return;
    const { desired } = group;
    const room = roomOf(group);
    if (room.up === 0) {
      const unhealthy = leaving.filter((member) => member.health === 'Unhealthy');
      const old = leaving.filter((member) => member.health === 'Healthy');
      const missing = Math.max(
        0,
        desired - staying.filter((member) => member.lifecycle === 'InService').length - old.length,
      );
      const now = [...unhealthy, ...old.slice(0, Math.max(0, room.down - missing))];
      for (const member of now) this.terminate(group, member, member.replace ?? '');
      return;
    }
    const ready = staying.filter((member) => this.#ready(group, member));
    let gone = Math.min(leaving.length, ready.length + leaving.length - desired);
    // The unhealthy first: those that are merely old still serve.
    for (const member of leaving.toSorted((a, b) => rank(a) - rank(b))) {
      if (gone-- <= 0) break;
      this.terminate(group, member, member.replace ?? '');
    }
    const extra = staying.length + leaving.length - desired;
    const wanted = Math.min(leaving.length, room.up) - extra;
    for (let index = 0; index < wanted && !this.#held(group); index += 1) {
      this.#launch(
        group,
        at(this.#state, 'an instance was launched in response to an instance that needs to be replaced.'),
      );
    }
  }

  #scaleOut(group: GroupRecord): void {
    if (this.#held(group)) return;
    const count = (): number =>
      [...group.members.values()].filter((member) => member.lifecycle !== 'Terminating').length;
    const before = count();
    const cause = `${group.reason}  ${at(this.#state, `an instance was started in response to a difference between desired and actual capacity, increasing the capacity from ${before} to ${group.desired}.`)}`;
    for (let index = before; index < group.desired && !this.#held(group); index += 1)
      this.#launch(group, cause);
  }

  #held(group: GroupRecord): boolean {
    if (group.deleting || group.suspended.has('Launch')) return true;
    const waitMs = group.notBefore - this.#state.context.clock.now();
    if (waitMs > 0) this.kick(group, waitMs);
    return waitMs > 0;
  }

  #launch(group: GroupRecord, cause: string): void {
    const { ec2, context } = this.#state;
    const template = templateOf(group);
    let spec: LaunchSpec;
    let instance: InstanceRecord | undefined;
    try {
      [spec, instance] = launchInstance(this.#state, group, template);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      const reason = `${error.message} Launching EC2 instance failed.`;
      const failed = begin(
        this.#state,
        group,
        `Launching a new EC2 instance.  Status Reason: ${reason}`,
        cause,
        undefined,
      );
      end(this.#state, group, failed, 'Launch', undefined, reason);
      group.failures += 1;
      const backoffMs = Math.min(longestBackoffMs, firstBackoffMs * 2 ** (group.failures - 1));
      group.notBefore = context.clock.now() + backoffMs;
      this.kick(group, backoffMs);
      return;
    }
    if (instance === undefined) return;
    group.failures = 0;
    const { zone, subnetId } = spec.subnet;
    const launch = begin(this.#state, group, `Launching a new EC2 instance: ${instance.instanceId}`, cause, {
      zone,
      subnetId,
    });
    launch.StatusCode = 'PreInService';
    launch.Progress = 30;
    const member: Member = {
      instance,
      // The version that was launched, as a number, whatever the group says by name.
      template: {
        LaunchTemplateId: spec.templateId,
        LaunchTemplateName: ec2.state.templates.get(spec.templateId ?? '')?.template.LaunchTemplateName,
        Version: `${spec.templateVersion ?? ''}`,
      },
      launchedAt: context.clock.now(),
      launch,
      lifecycle: 'Pending',
      inServiceAt: undefined,
      health: 'Healthy',
      replace: undefined,
      protectedFromScaleIn: group.protectNew,
      timers: {},
    };
    group.members.set(instance.instanceId, member);
  }

  /** In service, warmed up, and healthy where the load balancer has a say. */
  #ready(group: GroupRecord, member: Member): boolean {
    if (member.lifecycle !== 'InService' || member.health !== 'Healthy' || member.inServiceAt === undefined)
      return false;
    const warmAt = member.inServiceAt + (group.warmupSeconds ?? 0) * 1_000;
    const waitMs = warmAt - this.#state.context.clock.now();
    if (waitMs > 0) {
      this.kick(group, waitMs);
      return false;
    }
    if (group.healthCheckType !== 'ELB') return true;
    return group.targetGroupArns.every((arn) => {
      const states = this.#targetsOf(arn, member.instance.instanceId).map(([, target]) => target.health);
      return (
        states.length > 0 &&
        states.every((one) => one.State === 'healthy' || one.Reason === 'Target.NotInUse')
      );
    });
  }

  #instanceChanged(instance: InstanceRecord): void {
    if (instance.state === 'terminated' || instance.state === 'stopped') {
      const left = whenTerminated.get(instance);
      if (left !== undefined && instance.state === 'terminated') {
        whenTerminated.delete(instance);
        left();
        return;
      }
    }
    const found = this.#state.memberOf(instance.instanceId);
    if (found === undefined) return;
    const { group, member } = found;
    if (instance.state === 'running' && member.lifecycle === 'Pending') {
      member.lifecycle = 'InService';
      member.inServiceAt = this.#state.context.clock.now();
      if (!group.suspended.has('AddToLoadBalancer')) {
        for (const arn of group.targetGroupArns) this.#register(arn, member);
      }
      end(this.#state, group, member.launch, 'Launch', instance.instanceId);
      this.#watch(group, member);
      this.kick(group);
      return;
    }
    if (instance.state !== 'running' && instance.state !== 'pending') {
      const why = at(
        this.#state,
        'an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped.',
      );
      this.unhealthy(group, member, why);
    }
  }

  #targetChanged(targetGroup: TargetGroupRecord, target: TargetRecord): void {
    if (targetGroup.targetType !== 'instance') return;
    const found = this.#state.memberOf(target.id);
    if (found === undefined || !found.group.targetGroupArns.includes(targetGroup.arn)) return;
    if (target.health.State === 'unhealthy') this.#judgeByTargets(found.group, found.member);
    // A new instance that became healthy may let an old one go.
    if (
      target.health.State === 'healthy' &&
      [...found.group.members.values()].some((one) => one.replace !== undefined)
    ) {
      this.kick(found.group);
    }
  }

  /** Load balancer health counts only after the grace period, which begins with InService. */
  #judgeByTargets(group: GroupRecord, member: Member): void {
    if (group.healthCheckType !== 'ELB' || member.inServiceAt === undefined) return;
    const bad = group.targetGroupArns.some((arn) =>
      this.#targetsOf(arn, member.instance.instanceId).some(
        ([, target]) => target.health.State === 'unhealthy',
      ),
    );
    if (!bad) return;
    const waitMs = member.inServiceAt + group.graceSeconds * 1_000 - this.#state.context.clock.now();
    if (waitMs > 0) {
      member.timers.grace?.cancel();
      member.timers.grace = this.#state.context.clock.after(waitMs, () =>
        this.#judgeByTargets(group, member),
      );
      return;
    }
    this.unhealthy(
      group,
      member,
      at(
        this.#state,
        'an instance was taken out of service in response to an ELB system health check failure.',
      ),
    );
  }

  #watch(group: GroupRecord, member: Member): void {
    member.timers.lifetime?.cancel();
    if (member.lifecycle !== 'InService') return;
    this.#judgeByTargets(group, member);
    const { maxLifetimeSeconds: seconds } = group;
    if (seconds === undefined || seconds === 0) return;
    const waitMs = member.launchedAt + seconds * 1_000 - this.#state.context.clock.now();
    member.timers.lifetime = this.#state.context.clock.after(waitMs, () => {
      member.replace ??= at(
        this.#state,
        'an instance was taken out of service in response to its maximum instance lifetime.',
      );
      this.kick(group);
    });
  }

  #targetsOf(targetGroupArn: string, instanceId: string): [TargetGroupRecord, TargetRecord][] {
    const group = this.#state.elbv2.state.targetGroups.get(targetGroupArn);
    if (group === undefined) return [];
    return [...group.targets.values()].flatMap((target) =>
      target.id === instanceId ? [[group, target]] : [],
    );
  }

  #register(targetGroupArn: string, member: Member): void {
    const group = this.#state.elbv2.state.targetGroups.get(targetGroupArn);
    if (group === undefined) return;
    const { instanceId, spec } = member.instance;
    const former = group.targets.get(targetKey(instanceId, group.port));
    if (former !== undefined && former.health.State !== 'draining') return;
    this.#state.elbv2.checks.register(group, instanceId, group.port, spec.subnet.zone);
  }

  /** @returns how long the targets drain. */
  #deregister(targetGroupArn: string, instanceId: string): number {
    let drainMs = 0;
    for (const [group, target] of this.#targetsOf(targetGroupArn, instanceId)) {
      this.#state.elbv2.checks.deregister(group, target);
      if (target.health.State !== 'draining') continue;
      drainMs = Math.max(drainMs, Number(attribute(group, 'deregistration_delay.timeout_seconds')) * 1_000);
    }
    return drainMs;
  }

  #left(group: GroupRecord, member: Member, activity: Member['launch']): void {
    group.members.delete(member.instance.instanceId);
    end(this.#state, group, activity, 'Terminate', member.instance.instanceId);
    if (group.deleting && group.members.size === 0) this.remove(group);
    else this.kick(group);
  }

  /** Drops a group that has no instances left. */
  remove(group: GroupRecord): void {
    group.timer?.cancel();
    this.#state.groups.delete(group.name);
    this.#state.pastActivities.unshift(...group.activities);
    this.#state.pastActivities.splice(2_000);
  }
}

/** What to do once an instance is terminated, by instance. */
const whenTerminated = new WeakMap<InstanceRecord, () => void>();
