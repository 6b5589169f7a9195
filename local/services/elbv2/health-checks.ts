/**
 * Health checks on the clock.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
 */
import { startsSlowly } from '../../balancer/choose-target.ts';
import type { InstanceRecord } from '../ec2/instance-record.ts';
import { ask, health, judge } from './probe.ts';
import type { Elbv2State, TargetGroupRecord, TargetRecord } from './state.ts';
import { attribute, targetKey } from './state.ts';

/** From registration to the first check. */
const firstCheckMs = 1_000;

export class HealthChecks {
  readonly #state: Elbv2State;
  /** When targets that need no check now were checked last. */
  readonly #resting = new WeakMap<TargetRecord, number>();
  /** Targets that may have changed while a check of theirs was under way. */
  readonly #stirred = new WeakSet<TargetRecord>();
  readonly #listeners: ((group: TargetGroupRecord, target: TargetRecord) => void)[] = [];

  constructor(state: Elbv2State) {
    this.#state = state;
    state.ec2.instances.onChange((instance) => this.#instanceChanged(instance));
  }

  /** Calls back on each change of a target's state. */
  onChange(listener: (group: TargetGroupRecord, target: TargetRecord) => void): void {
    this.#listeners.push(listener);
  }

  /** Registers a target; one that drains is taken back. Repeating it does nothing. */
  register(group: TargetGroupRecord, id: string, port: number, zone: string | undefined): void {
    const key = targetKey(id, port);
    const former = group.targets.get(key);
    if (former !== undefined && former.health.State !== 'draining') return;
    if (former !== undefined) this.#retire(former);
    const target: TargetRecord = {
      id,
      port,
      zone,
      health: health.registering,
      slowSince: undefined,
      streak: { passed: false, length: 0 },
      timer: undefined,
      checking: false,
      inFlight: former?.inFlight ?? new Set(),
      retired: false,
    };
    group.targets.set(key, target);
    const unused = this.#whyUnused(group, target);
    if (unused === undefined) this.#begin(group, target);
    else this.#set(group, target, unused);
  }

  /**
   * Takes a target out: no new requests, and gone when the delay is over. It shows as draining for the whole
   * delay even if nothing is in flight.
   * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-target-group-attributes.html#deregistration-delay
   */
  deregister(group: TargetGroupRecord, target: TargetRecord): void {
    if (target.health.State === 'draining') return;
    target.timer?.cancel();
    const delayMs = Number(attribute(group, 'deregistration_delay.timeout_seconds')) * 1_000;
    // What no load balancer uses has nothing to finish.
    if (delayMs === 0 || target.health.Reason === 'Target.NotInUse') {
      this.remove(group, target);
      return;
    }
    this.#set(group, target, health.draining);
    target.timer = this.#state.context.clock.after(delayMs, () => this.remove(group, target));
  }

  /** Drops a target at once, and breaks off what is in flight. */
  remove(group: TargetGroupRecord, target: TargetRecord): void {
    this.#retire(target);
    const key = targetKey(target.id, target.port);
    if (group.targets.get(key) === target) group.targets.delete(key);
    for (const abort of [...target.inFlight]) abort();
    this.#changed(group, target);
  }

  /** Called after rules or settings changed: begins or ends the checking of a group's targets. */
  reconsider(group: TargetGroupRecord): void {
    for (const target of group.targets.values()) {
      if (target.health.State === 'draining') continue;
      const unused = this.#whyUnused(group, target);
      if (unused !== undefined) {
        target.timer?.cancel();
        this.#set(group, target, unused);
      } else if (target.health.Reason === 'Target.NotInUse') {
        this.#begin(group, target);
      } else if (target.health.State !== 'unused') {
        this.#poke(group, target);
      }
    }
  }

  /** Sets the timer that follows from a target's health; for a region that starts with state. */
  resume(group: TargetGroupRecord, target: TargetRecord): void {
    const { clock } = this.#state.context;
    if (target.health.State === 'draining') {
      const delayMs = Number(attribute(group, 'deregistration_delay.timeout_seconds')) * 1_000;
      target.timer = clock.after(delayMs, () => this.remove(group, target));
    } else if (target.health.Reason === health.registering.Reason) this.#begin(group, target);
    else if (target.health.State !== 'unused') {
      // Instances start again at this moment: a check now would count the region's own end against them.
      target.streak = { passed: target.health.State === 'healthy', length: 0 };
      target.timer = clock.after(group.check.intervalSeconds * 1_000, () => this.#check(group, target));
    }
  }

  /**
   * Why a target is neither checked nor gets requests; undefined where it is. "If you register targets in an
   * Availability Zone but do not enable the Availability Zone, these registered targets do not receive traffic."
   * https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html
   */
  #whyUnused(group: TargetGroupRecord, target: TargetRecord): TargetRecord['health'] | undefined {
    const balancer = this.#state.loadBalancerOf(group.arn);
    if (balancer === undefined) return health.notInUse;
    const { zone } = target;
    const enabled = zone === undefined || balancer.nodes.some((node) => node.zone === zone);
    return enabled ? undefined : health.zoneNotEnabled;
  }

  #begin(group: TargetGroupRecord, target: TargetRecord): void {
    target.streak = { passed: false, length: 0 };
    this.#set(group, target, health.registering);
    target.timer?.cancel();
    target.timer = this.#state.context.clock.after(firstCheckMs, () => {
      this.#set(group, target, health.initial);
      this.#check(group, target);
    });
  }

  #check(group: TargetGroupRecord, target: TargetRecord): void {
    target.timer = undefined;
    this.#resting.delete(target);
    if (target.retired || target.checking || target.health.State === 'draining') return;
    const { clock } = this.#state.context;
    const startedAt = clock.now();
    target.checking = true;
    const ended = (outcome: TargetRecord['health']): void => {
      target.checking = false;
      const stirred = this.#stirred.delete(target);
      if (target.retired || target.health.State === 'draining' || target.health.State === 'unused') return;
      this.#count(group, target, outcome);
      // A script that stays as it is needs no further checks: its change pokes.
      const steady = this.#probe(group, target)?.script?.steady() === true;
      const { passed, length } = target.streak;
      const settled = passed ? target.health.State === 'healthy' : target.health.State === 'unhealthy';
      if (
        steady &&
        !stirred &&
        settled &&
        length >= Math.max(group.check.healthyThreshold, group.check.unhealthyThreshold)
      ) {
        this.#resting.set(target, startedAt);
        return;
      }
      const nextAt = startedAt + group.check.intervalSeconds * 1_000;
      target.timer = clock.after(nextAt - clock.now(), () => this.#check(group, target));
    };
    const timeoutMs = group.check.timeoutSeconds * 1_000;
    const machine = this.#probe(group, target);
    if (machine?.script !== undefined) {
      const answer = machine.script.answer(group.check.path, timeoutMs);
      if (answer === 'timeout') clock.after(timeoutMs, () => ended(health.timeout));
      else ended(judge(group, answer));
      return;
    }
    if (machine?.address === undefined) {
      // Nothing listens at a machine that is off or starting; without power packets are just lost.
      if (machine === undefined) clock.after(timeoutMs, () => ended(health.timeout));
      else ended(health.failed);
      return;
    }
    const asked = ask(machine.address, group, (run) => clock.after(timeoutMs, run));
    void clock
      .hold(asked)
      .then((answer) => ended(answer === 'timeout' ? health.timeout : judge(group, answer)));
  }

  #count(group: TargetGroupRecord, target: TargetRecord, outcome: TargetRecord['health']): void {
    const passed = outcome.State === 'healthy';
    if (target.streak.passed === passed && target.streak.length > 0) target.streak.length += 1;
    else target.streak = { passed, length: 1 };
    const { length } = target.streak;
    if (passed) {
      // "After your target is registered, it must pass one health check to be considered healthy"; the
      // threshold counts for targets that were unhealthy.
      const needed = target.health.State === 'initial' ? 1 : group.check.healthyThreshold;
      if (length >= needed) this.#set(group, target, outcome);
    } else if (length >= group.check.unhealthyThreshold || target.health.State === 'unhealthy') {
      this.#set(group, target, outcome);
    }
  }

  /** Checks where no check is due, because something may have changed. */
  #poke(group: TargetGroupRecord, target: TargetRecord): void {
    // A check that is under way asked what was before: the next one must come.
    if (target.checking) this.#stirred.add(target);
    if (target.timer !== undefined || target.checking || target.retired) return;
    const { clock } = this.#state.context;
    target.timer = clock.after(this.#untilNext(group, target), () => this.#check(group, target));
  }

  /**
   * A target that rests is looked at when it would have been, had it never rested: at the next multiple of the interval
   * after now, as what would have been due at this very moment has seen what was before. Any other at once.
   */
  #untilNext(group: TargetGroupRecord, target: TargetRecord): number {
    const restingSince = this.#resting.get(target);
    if (restingSince === undefined) return 0;
    const intervalMs = group.check.intervalSeconds * 1_000;
    return intervalMs - ((this.#state.context.clock.now() - restingSince) % intervalMs);
  }

  #instanceChanged(instance: InstanceRecord): void {
    for (const group of this.#state.targetGroups.values()) {
      for (const target of [...group.targets.values()]) {
        const same =
          group.targetType === 'instance'
            ? target.id === instance.instanceId
            : target.id === instance.privateIp;
        if (!same) continue;
        if (instance.state === 'terminated') {
          // "If you terminate a registered instance, it is deregistered automatically"; an address stays.
          if (group.targetType === 'instance') this.remove(group, target);
        } else if (instance.state === 'stopped' && group.targetType === 'instance') {
          if (target.health.State === 'draining') continue;
          target.timer?.cancel();
          this.#set(group, target, health.stopped);
        } else if (target.health.State !== 'unused' && target.health.State !== 'draining') {
          this.#poke(group, target);
        }
      }
    }
  }

  #probe(group: TargetGroupRecord, target: TargetRecord) {
    const { instances } = this.#state.ec2;
    const instance =
      group.targetType === 'instance' ? instances.all.get(target.id) : instances.byPrivateIp(target.id);
    return instance?.machine;
  }

  #set(group: TargetGroupRecord, target: TargetRecord, to: TargetRecord['health']): void {
    const from = target.health;
    target.health = to;
    if (to.State !== 'healthy') target.slowSince = undefined;
    else if (from.State !== 'healthy') {
      const now = this.#state.context.clock.now();
      target.slowSince = startsSlowly(group, target, now) ? now : undefined;
    }
    if (from.State !== to.State || from.Reason !== to.Reason) this.#changed(group, target);
  }

  #changed(group: TargetGroupRecord, target: TargetRecord): void {
    this.#measure(group);
    this.#state.sendTargets(group);
    for (const listener of this.#listeners) listener(group, target);
  }

  /**
   * Each node checks every target, and the counts are reported by the zone of the node; here all nodes find the same.
   */
  #measure(group: TargetGroupRecord): void {
    if (group.metrics === undefined) return;
    const now = this.#state.context.clock.now();
    const balancer = this.#state.loadBalancerOf(group.arn);
    for (const wanted of ['healthy', 'unhealthy'] as const) {
      let count = 0;
      for (const target of group.targets.values()) if (target.health.State === wanted) count += 1;
      const level = balancer === undefined ? undefined : count;
      group.metrics.hosts(wanted).level(now, level);
      for (const { zone } of balancer?.nodes ?? []) group.metrics.hosts(wanted, zone).level(now, level);
    }
  }

  #retire(target: TargetRecord): void {
    target.retired = true;
    target.timer?.cancel();
    target.timer = undefined;
  }
}
