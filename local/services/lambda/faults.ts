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
  readonly functionName: string;
  /** `before`: the call never reaches the service. `after`: it is done, and its answer never arrives. */
  readonly when: 'before' | 'after';
  /** The how many-th call, counted from now: 1 is the next. */
  readonly nth: number;
  /** Counts only calls such as `ec2:RegisterImage`; every call when undefined. */
  readonly action?: string;
}

interface Armed extends PlannedCrash {
  left: number;
}

/** Crashes of functions, at once or at one of their calls. */
export class LambdaFaults {
  readonly #executor: Crashable;
  readonly #armed = new Set<Armed>();

  constructor(executor: Crashable) {
    this.#executor = executor;
  }

  /** Kills what runs of a function now. @returns how many environments that were. */
  crash(functionName: string): number {
    return this.#executor.crash(functionName);
  }

  /** Plans a crash; it strikes once. @returns takes the plan back. */
  crashAt(plan: PlannedCrash): () => void {
    const armed = { ...plan, left: plan.nth };
    this.#armed.add(armed);
    return () => this.#armed.delete(armed);
  }

  /**
   * The front door asks this before it runs a call that came with these credentials.
   * @returns `none`; `before` when the caller is gone and the call must not be run; `after` when the call is
   * to be run and {@link strike} to be called then.
   */
  at(accessKeyId: string, action: string): 'none' | 'before' | 'after' {
    if (this.#armed.size === 0) return 'none';
    const functionName = this.#executor.holderOf(accessKeyId);
    for (const armed of this.#armed) {
      if (armed.functionName !== functionName) continue;
      if (armed.action !== undefined && armed.action !== action) continue;
      armed.left -= 1;
      if (armed.left > 0) continue;
      this.#armed.delete(armed);
      if (armed.when === 'before') this.strike(accessKeyId);
      return armed.when;
    }
    return 'none';
  }

  /** Kills the environment that holds these credentials. */
  strike(accessKeyId: string): void {
    this.#executor.crashHolder(accessKeyId);
  }
}
