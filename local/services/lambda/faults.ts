import type { Clock } from '../../clock.ts';
import { covers, means } from '../../faults/book.ts';
import type { WireRequest, WireResponse } from '../../wire/http.ts';
import { actionOf } from './action-of.ts';
import type { Outcome } from './executor.ts';

/** What executors can do beyond running functions: fail like machines. */
export interface Crashable {
  /** Kills the busy environments of a function. @returns how many. */
  crash(functionName: string): number;
  /** Kills the environment that holds these credentials. */
  crashHolder(accessKeyId: string): boolean;
  /** The function whose environment holds these credentials. */
  holderOf(accessKeyId: string): string | undefined;
}

/** A crash that waits for a call. */
export interface PlannedCrash {
  /** Any function's calls when left out; `register-image` means `flotilla-register-image`, too. */
  readonly functionName?: string | undefined;
  /** `before`: the call never reaches the service. `after`: it is done, and its answer never arrives. */
  readonly when: 'before' | 'after';
  /** The how many-th call, counted from now: 1 is the next. */
  readonly nth: number;
  /** Counts only calls such as `ec2:RegisterImage` or `ec2:*`; every call when undefined. */
  readonly action?: string | undefined;
}

/** Told of each invocation before it begins; `crash` ends the environment there, before a line of its code ran. */
export type BeginWatch = (functionName: string) => 'crash' | undefined;

/** Stands around an invocation: for tests that have the same event handled more than once, as AWS may, too. */
export type Stand = (functionName: string, invoke: () => Promise<Outcome>) => Promise<Outcome>;

interface Armed extends PlannedCrash {
  left: number;
  readonly struck: () => void;
}

/** Crashes of functions, at once or at one of their calls. */
export class LambdaFaults {
  readonly #executor: Crashable;
  readonly #clock: Clock;
  readonly #armed = new Set<Armed>();
  readonly #watches = new Set<BeginWatch>();
  stand: Stand | undefined;

  constructor(executor: Crashable, clock: Clock) {
    this.#clock = clock;
    this.#executor = executor;
  }

  /** Kills what runs of a function now. @returns how many environments that were. */
  crash(functionName: string): number {
    return this.#executor.crash(functionName);
  }

  /** Plans a crash; it strikes once, and tells `struck`. @returns takes the plan back. */
  crashAt(plan: PlannedCrash, struck: () => void = () => {}): () => void {
    const armed = { ...plan, left: plan.nth, struck };
    this.#armed.add(armed);
    return () => this.#armed.delete(armed);
  }

  /** Watches invocations from now on. @returns ends the watch. */
  watch(watch: BeginWatch): () => void {
    this.#watches.add(watch);
    return () => this.#watches.delete(watch);
  }

  standing(functionName: string, invoke: () => Promise<Outcome>): Promise<Outcome> {
    return this.stand === undefined ? invoke() : this.stand(functionName, invoke);
  }

  /** What the watches make of an invocation that is about to begin. */
  begins(functionName: string): 'crash' | undefined {
    let verdict: 'crash' | undefined;
    for (const watch of this.#watches) verdict = watch(functionName) ?? verdict;
    return verdict;
  }

  /**
   * Stands around the front door: a call of a function with a planned crash is dropped, or done without an
   * answer, and its environment is gone.
   */
  async around(
    request: WireRequest,
    handle: (request: WireRequest) => Promise<WireResponse>,
  ): Promise<WireResponse> {
    if (this.#armed.size === 0) return handle(request);
    const accessKeyId = /Credential=([A-Z0-9]+)\//.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const functionName = this.#executor.holderOf(accessKeyId);
    if (functionName === undefined) return handle(request);
    const { action, request: passed } = await this.#clock.hold(actionOf(request));
    const when = this.#due(functionName, action);
    if (when === undefined) return handle(passed);
    if (when === 'before') this.#executor.crashHolder(accessKeyId);
    const response = when === 'after' ? await handle(passed) : unheard;
    if (when === 'after') this.#executor.crashHolder(accessKeyId);
    return response;
  }

  #due(functionName: string, action: string): PlannedCrash['when'] | undefined {
    for (const armed of this.#armed) {
      if (!means(armed.functionName, functionName) || !covers(armed.action, action)) continue;
      armed.left -= 1;
      if (armed.left > 0) continue;
      this.#armed.delete(armed);
      armed.struck();
      return armed.when;
    }
    return undefined;
  }
}

/** Closes the connection of a caller that is gone. */
const unheard: WireResponse = { status: 503, headers: {}, body: '' };
