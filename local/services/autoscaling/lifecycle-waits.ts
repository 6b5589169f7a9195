/**
 * Lifecycle actions: an instance waits, on its way in or out, until somebody says go on or a time is over.
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html
 */
import type { AutoScalingState, GroupRecord, HookRecord, HookWait, Member } from './state.ts';
import { validation } from './state.ts';

/** "The maximum amount of time ... is 48 hours or 100 times the heartbeat timeout, whichever is smaller." */
const longestMs = 48 * 3_600_000;
const mostHeartbeats = 100;

export type HookResult = 'CONTINUE' | 'ABANDON';
/** Called when a member waits no longer. `why` is set where it was abandoned. */
export type WaitsOver = (group: GroupRecord, member: Member, why: string | undefined) => void;

export class LifecycleWaits {
  readonly #state: AutoScalingState;
  readonly #over: WaitsOver;

  constructor(state: AutoScalingState, over: WaitsOver) {
    this.#state = state;
    this.#over = over;
  }

  /** Lets a member wait for the group's hooks of a transition, all at once. @returns false where there are none. */
  begin(group: GroupRecord, member: Member, transition: HookRecord['transition']): boolean {
    const hooks = [...group.hooks.values()].filter((hook) => hook.transition === transition);
    if (hooks.length === 0) return false;
    const launching = transition === 'autoscaling:EC2_INSTANCE_LAUNCHING';
    member.lifecycle = launching ? 'Pending:Wait' : 'Terminating:Wait';
    const { clock, random, hooks: region } = this.#state.context;
    for (const hook of hooks) {
      const token = random.uuid();
      const startedAt = clock.now();
      const expiresAt = startedAt + hook.heartbeatSeconds * 1_000;
      member.waits.push({ hookName: hook.name, token, startedAt, expiresAt });
      region.publish({
        source: 'aws.autoscaling',
        detailType: `EC2 Instance-${launching ? 'launch' : 'terminate'} Lifecycle Action`,
        resources: [group.arn],
        detail: {
          LifecycleActionToken: token,
          AutoScalingGroupName: group.name,
          LifecycleHookName: hook.name,
          EC2InstanceId: member.instance.instanceId,
          LifecycleTransition: transition,
          ...(hook.metadata === undefined ? {} : { NotificationMetadata: hook.metadata }),
          Origin: launching ? 'EC2' : 'AutoScalingGroup',
          Destination: launching ? 'AutoScalingGroup' : 'EC2',
        },
      });
    }
    this.resume(group, member);
    return true;
  }

  /** Sets the timer for the wait that ends first. */
  resume(group: GroupRecord, member: Member): void {
    member.timers.hook?.cancel();
    if (member.waits.length === 0) return;
    const { clock } = this.#state.context;
    const first = Math.min(...member.waits.map((wait) => wait.expiresAt));
    member.timers.hook = clock.after(first - clock.now(), () => {
      for (const wait of [...member.waits]) {
        if (wait.expiresAt > clock.now() || !member.waits.includes(wait)) continue;
        const result = group.hooks.get(wait.hookName)?.defaultResult ?? 'ABANDON';
        this.#end(group, member, wait, result, 'Heartbeat Timeout Reached');
      }
      this.resume(group, member);
    });
  }

  /** @throws ValidationError for a wait that there is not */
  find(group: GroupRecord, hookName: string, by: { token?: string; instanceId?: string }) {
    if (!group.hooks.has(hookName)) throw validation(`No Lifecycle Hook found with name ${hookName}`);
    for (const member of group.members.values()) {
      for (const wait of member.waits) {
        if (wait.hookName !== hookName) continue;
        if (by.token !== undefined ? wait.token === by.token : member.instance.instanceId === by.instanceId)
          return { member, wait };
      }
    }
    const sought = by.token === undefined ? `instance ID ${by.instanceId ?? ''}` : `token ${by.token}`;
    throw validation(`No active Lifecycle Action found with ${sought}`);
  }

  complete(group: GroupRecord, member: Member, wait: HookWait, result: HookResult): void {
    this.#end(group, member, wait, result, `Lifecycle Action Completed with ${result} Result`);
  }

  /** "This extends the timeout by the length of time defined using the HeartbeatTimeout parameter". */
  heartbeat(group: GroupRecord, member: Member, wait: HookWait): void {
    const beatMs = (group.hooks.get(wait.hookName)?.heartbeatSeconds ?? 0) * 1_000;
    const latest = wait.startedAt + Math.min(longestMs, mostHeartbeats * beatMs);
    wait.expiresAt = Math.min(latest, this.#state.context.clock.now() + beatMs);
    this.resume(group, member);
  }

  /** Forgets all waits of a member, without a result. */
  drop(member: Member): void {
    member.waits = [];
    member.timers.hook?.cancel();
  }

  #end(group: GroupRecord, member: Member, wait: HookWait, result: HookResult, how: string): void {
    // "ABANDON stops any remaining actions, such as other lifecycle hooks"
    member.waits = result === 'ABANDON' ? [] : member.waits.filter((one) => one !== wait);
    this.resume(group, member);
    if (member.waits.length > 0) return;
    const why =
      result === 'ABANDON'
        ? `Instance failed to complete user's Lifecycle Action: Lifecycle Action with token ${wait.token} was abandoned: ${how}`
        : undefined;
    this.#over(group, member, why);
  }
}
