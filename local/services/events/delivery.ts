import type { Target } from '@aws-sdk/client-eventbridge';
import type { Context, RegionEvent } from '../../context.ts';
import { AwsError, type Principal } from '../../service.ts';
import { Agenda } from '../../state/agenda.ts';
import { inputOf } from './input.ts';
import type { Rule, RuleStore } from './rule-store.ts';

/** What EventBridge needs of IAM. */
export interface Roles {
  /** A session of the role as a caller. @throws AwsError NoSuchEntity */
  rolePrincipal(roleArn: string, sessionName: string): Principal;
  trusts(roleArn: string, by: { service: string; sourceArn: string }): boolean;
}

/** The event as targets get it. https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html */
export type Envelope = Readonly<Record<string, unknown>>;

/** What becomes of an event: it is lost, comes twice, or comes as it should. */
export type EventWatch = (event: Envelope) => 'drop' | 'double' | undefined;

/** A delivery that came to nothing. */
export interface FailedDelivery {
  readonly rule: string;
  readonly target: string;
  readonly reason: string;
}

/** One event on its way to one target. */
interface DeliveryJob {
  readonly rule: { readonly name: string; readonly arn: string };
  readonly target: Target;
  /** The event as JSON. */
  readonly text: string;
  /** When the event came; missing in what an older region left. */
  readonly receivedAt?: number;
  readonly attempt: number;
  readonly waitedMs: number;
}

/** Time from the event to its target: half a second is what AWS calls typical. */
const latencyMs = 500;
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
const retry = { firstMs: 1_000, longestMs: 600_000, ageMs: 24 * 3_600_000, attempts: 185 } as const;

/** Matches events against the rules and hands them to the targets; on request loses or doubles some. */
export class Delivery {
  readonly #context: Context;
  readonly #rules: RuleStore;
  readonly #roles: Roles;
  readonly #faults: {
    readonly kind: 'drop' | 'double';
    readonly matches: (event: Envelope) => boolean;
    left: number;
  }[] = [];
  readonly failures: FailedDelivery[] = [];
  /** What is on its way, or waits for another try. */
  readonly agenda: Agenda<DeliveryJob>;
  #watch: EventWatch = () => undefined;

  constructor(context: Context, rules: RuleStore, roles: Roles) {
    this.#context = context;
    this.#rules = rules;
    this.#roles = roles;
    this.agenda = new Agenda(context.clock, (job) => this.#deliver(job));
  }

  /** Loses (`drop`) or delivers twice (`double`) the next `count` events that match. */
  fault(kind: 'drop' | 'double', count: number, matches: (event: Envelope) => boolean): void {
    this.#faults.push({ kind, matches, left: count });
  }

  /** Asked about each event that no {@link fault} waits for. */
  watch(watch: EventWatch): void {
    this.#watch = watch;
  }

  close(): void {
    this.agenda.close();
  }

  /** An event of the region's own, or a client's, in its envelope. @returns its id. */
  put(event: RegionEvent, at: number = this.#context.clock.now()): string {
    const { random, accountId, regionName } = this.#context;
    const id = random.uuid();
    const envelope: Envelope = {
      version: '0',
      id,
      'detail-type': event.detailType,
      source: event.source,
      account: accountId,
      // EventBridge tells whole seconds.
      time: new Date(at).toISOString().replace(/\.\d+Z$/, 'Z'),
      region: regionName,
      resources: event.resources ?? [],
      detail: event.detail,
    };
    const fault = this.#faults.find(({ left, matches }) => left > 0 && matches(envelope));
    if (fault !== undefined) fault.left -= 1;
    const fate = fault === undefined ? this.#watch(envelope) : fault.kind;
    if (fate === 'drop') return id;
    for (const rule of this.#rules.rules.values()) {
      if (rule.state !== 'ENABLED' || rule.matches?.(envelope) !== true) continue;
      this.send(rule, envelope);
      if (fate === 'double') this.send(rule, envelope);
    }
    return id;
  }

  /** Hands an event to all targets of a rule. */
  send(rule: Rule, event: Envelope): void {
    // A copy: nothing that happens until then may change what happened.
    const text = JSON.stringify(event);
    const receivedAt = this.#context.clock.now();
    for (const target of rule.targets.values()) {
      const { name, arn } = rule;
      this.agenda.add(latencyMs, { rule: { name, arn }, target, text, receivedAt, attempt: 0, waitedMs: 0 });
    }
  }

  async #deliver(job: DeliveryJob): Promise<void> {
    const { rule, target, attempt, waitedMs } = job;
    const event = JSON.parse(job.text) as Envelope;
    const input = inputOf(target, event, {
      rule,
      receivedAt: job.receivedAt ?? Date.parse(String(event.time)),
    });
    const targetArn = target.Arn ?? '';
    if (targetArn.split(':')[2] === 'lambda') {
      this.#context.hooks.invokeAsync(targetArn, input, 'events.amazonaws.com', rule.arn);
      return;
    }
    await this.#startExecution(rule, target, input, event).catch((error: unknown) => {
      const transient =
        error instanceof AwsError && (error.status >= 500 || /Throttl|TooMany/.test(error.code));
      const delayMs = Math.min(retry.longestMs, retry.firstMs * 2 ** attempt);
      const limits = {
        attempts: target.RetryPolicy?.MaximumRetryAttempts ?? retry.attempts,
        ageMs: (target.RetryPolicy?.MaximumEventAgeInSeconds ?? retry.ageMs / 1000) * 1000,
      };
      if (transient && attempt < limits.attempts && waitedMs + delayMs <= limits.ageMs) {
        this.agenda.add(delayMs, { ...job, attempt: attempt + 1, waitedMs: waitedMs + delayMs });
        return;
      }
      this.failures.push({ rule: rule.name, target: targetArn, reason: (error as Error).message });
      if (this.failures.length > 100) this.failures.shift();
    });
  }

  async #startExecution(
    rule: DeliveryJob['rule'],
    target: Target,
    input: unknown,
    event: Envelope,
  ): Promise<void> {
    const roleArn = target.RoleArn ?? '';
    if (!this.#roles.trusts(roleArn, { service: 'events.amazonaws.com', sourceArn: rule.arn })) {
      throw new AwsError('AccessDeniedException', `events.amazonaws.com may not assume ${roleArn}.`, 403);
    }
    const principal = this.#roles.rolePrincipal(roleArn, `events-${String(event.id)}`.slice(0, 64));
    await this.#context.hooks.call(
      'states',
      'StartExecution',
      { stateMachineArn: target.Arn, name: this.#context.random.uuid(), input: JSON.stringify(input) },
      principal,
    );
  }
}
