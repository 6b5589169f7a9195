/** The log of calls: the last few thousand, for the page and for tests. */

import { traceRoot } from '../trace.ts';

export interface LoggedCall {
  /** Milliseconds since the epoch, by the region's clock. */
  readonly at: number;
  readonly requestId: string;
  /** The caller's ARN. */
  readonly who: string;
  /** For example `ec2:RegisterImage`. */
  readonly action: string;
  readonly resource: string;
  readonly outcome: 'ok' | 'error' | 'denied';
  readonly errorCode?: string;
  readonly message?: string;
  /** The kind of the fault that struck the call, such as `lose-answer`. */
  readonly fault?: string;
  /** What the call was made on behalf of: calls of one execution share the root of their trace. */
  readonly trace?: string;
  /** Real time that the call took, in milliseconds. */
  readonly ms: number;
}

/** How many calls are kept; older ones fall out. */
const kept = 5000;

export class CallLog {
  #calls: LoggedCall[] = [];
  #total = 0;
  #kept = kept;

  add(call: LoggedCall): void {
    this.#total += 1;
    this.#calls.push(call);
    // Cut in large steps, so that adding stays cheap.
    if (this.#calls.length > this.#kept * 1.25) this.#calls = this.#calls.slice(-this.#kept);
  }

  /** Lets none fall out from now on: for whoever counts over hours. */
  keepAll(): void {
    this.#kept = Number.POSITIVE_INFINITY;
  }

  /** Calls since the region started, those fallen out included. */
  get total(): number {
    return this.#total;
  }

  /** How many of the kept calls the functions of an execution made; the execution's own invocations aside. */
  callsOf(executionArn: string): number {
    const root = traceRoot(executionArn);
    return this.#calls.filter((call) => call.trace?.includes(root) && call.action !== 'lambda:Invoke').length;
  }

  /** Oldest first. `who` and `q` keep the calls whose caller, or any text, contains them. */
  list(
    filter: { readonly who?: string | undefined; readonly q?: string | undefined } = {},
  ): readonly LoggedCall[] {
    const { who, q } = filter;
    return this.#calls.slice(-this.#kept).filter((call) => {
      if (who !== undefined && !call.who.includes(who)) return false;
      if (q === undefined) return true;
      return [call.action, call.resource, call.who, call.errorCode, call.message].some((text) =>
        text?.includes(q),
      );
    });
  }
}
