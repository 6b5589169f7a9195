/** The way out: out of the target groups, drained, through the hooks, terminated. */
import { begin, draining, end } from './activities.ts';
import type { LifecycleWaits } from './lifecycle-waits.ts';
import type { AutoScalingState, GroupRecord, Member, Purpose } from './state.ts';
import { isLeaving } from './state.ts';
import { deregisterEverywhere } from './traffic.ts';

export interface Departure {
  readonly cause: string;
  readonly purpose: Purpose;
  /** As ForceDelete has it: no draining, no hooks. */
  readonly forced?: boolean;
}

export class Departures {
  readonly #state: AutoScalingState;
  readonly #waits: LifecycleWaits;
  /** Called when a member is gone. */
  readonly #gone: (group: GroupRecord) => void;

  constructor(state: AutoScalingState, waits: LifecycleWaits, gone: (group: GroupRecord) => void) {
    this.#state = state;
    this.#waits = waits;
    this.#gone = gone;
  }

  /** Takes one instance out of service. Repeating it does nothing, unless it is forced. */
  start(group: GroupRecord, member: Member, { cause, purpose, forced = false }: Departure): void {
    if (isLeaving(member) && !forced) return;
    const { instance } = member;
    const alive = instance.state === 'running' || instance.state === 'pending';
    this.#waits.drop(member);
    for (const timer of Object.values(member.timers)) timer.cancel();
    member.lifecycle = 'Terminating';
    member.leavesFor ??= purpose;
    if (member.launch.EndTime === undefined) {
      const why = alive ? 'Instance failed to come into service.' : unhealthyWhileWaiting(member);
      end(this.#state, group, member.launch, 'Launch', instance.instanceId, {
        status: 'Cancelled',
        reason: why,
      });
    }
    const { zone, subnetId } = instance.spec.subnet;
    const place = { zone, subnetId };
    member.leave ??= begin(
      this.#state,
      group,
      `Terminating EC2 instance: ${instance.instanceId}`,
      cause,
      place,
    );
    const drainMs = deregisterEverywhere(this.#state, group, member);
    member.drainedAt = this.#state.context.clock.now();
    if (forced || drainMs === 0 || !alive) {
      this.#drained(group, member, forced);
      return;
    }
    draining(member.leave);
    member.drainedAt += drainMs;
    this.resume(group, member);
  }

  /** Sets the timer for the end of draining. */
  resume(group: GroupRecord, member: Member): void {
    if (member.lifecycle !== 'Terminating' || member.drainedAt === undefined) return;
    const { clock } = this.#state.context;
    member.timers.drain = clock.after(member.drainedAt - clock.now(), () =>
      this.#drained(group, member, false),
    );
  }

  /** The hooks are done: nothing holds the instance any more. Both results let it go. */
  proceed(group: GroupRecord, member: Member): void {
    member.lifecycle = 'Terminating:Proceed';
    if (member.leave !== undefined) member.leave.StatusCode = 'InProgress';
    this.#state.ec2.instances.terminate(member.instance);
    this.instanceEnded(group, member);
  }

  /** EC2 says that an instance is terminated; it may be one that is waited for. */
  instanceEnded(group: GroupRecord, member: Member): void {
    if (member.lifecycle !== 'Terminating:Proceed' || member.instance.state !== 'terminated') return;
    group.members.delete(member.instance.instanceId);
    if (member.leave !== undefined)
      end(this.#state, group, member.leave, 'Terminate', member.instance.instanceId);
    if (member.leavesFor === 'capacity')
      group.cooldownUntil = this.#state.context.clock.now() + group.cooldownSeconds * 1_000;
    this.#gone(group);
  }

  #drained(group: GroupRecord, member: Member, forced: boolean): void {
    if (member.leave !== undefined) member.leave.Progress = 50;
    const waits = !forced && this.#waits.begin(group, member, 'autoscaling:EC2_INSTANCE_TERMINATING');
    if (!waits) this.proceed(group, member);
    else if (member.leave !== undefined) member.leave.StatusCode = 'MidLifecycleAction';
  }
}

function unhealthyWhileWaiting(member: Member): string {
  const why = member.instance.stateReason?.Message ?? '';
  return `Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: ${why}`;
}
