import type { DescribeExecutionOutput, ExecutionStatus } from '@aws-sdk/client-sfn';
import { AwsError } from '../../service.ts';
import { type Cursor, type History, historyLimit } from './history.ts';
import { runStates, startOf } from './interpreter.ts';
import type { Json } from './json.ts';
import type { Machine } from './machine-store.ts';
import { forgetProgress, type Place, type Run, storedBytes } from './run.ts';
import { Scope } from './scope.ts';
import { Cancelled, named, StateError } from './state-error.ts';

/** https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html */
const redrivableMs = 14 * 24 * 3_600_000;

/** How long the client token of a redrive is remembered. */
const redriveTokenMs = 15 * 60_000;
/** The maximum execution time. https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const longestMs = 365 * 24 * 3_600_000;
/** Where events stand that come from outside of the states: they follow none. */
const outside: Cursor = { previous: 0 };

export interface ExecutionInit {
  readonly arn: string;
  readonly name: string;
  /** The machine as it was when the execution started. */
  readonly machine: Machine;
  /** JSON, as it was given. */
  readonly input: string;
  readonly startedAt: number;
  readonly history: History;
  /** All of a run but what the execution adds itself. */
  readonly parts: Omit<Run, 'context' | 'executionArn' | 'history' | 'definition' | 'stored'>;
  /** Called at each change of status. */
  readonly changed: (execution: Execution) => void;
}

/** An execution in plain data, without what it was started with and without its history. */
export interface SavedExecution {
  readonly status: ExecutionStatus;
  readonly stoppedAt: number | undefined;
  readonly output: string | undefined;
  readonly error: string | undefined;
  readonly cause: string | undefined;
  readonly redriveCount: number;
  readonly redrivenAt: number | undefined;
  readonly place: Place;
  readonly cursor: Cursor;
}

/** One execution of a machine. */
export class Execution {
  readonly init: ExecutionInit;
  status: ExecutionStatus = 'RUNNING';
  stoppedAt: number | undefined;
  output: string | undefined;
  error: string | undefined;
  cause: string | undefined;
  redriveCount = 0;
  redrivenAt: number | undefined;
  #place: Place;
  #cursor: Cursor = { previous: 0 };
  #scope = new Scope();
  #redrives: readonly { readonly token: string; readonly at: number }[] = [];

  constructor(init: ExecutionInit) {
    this.init = init;
    this.#place = startOf(init.machine.definition, JSON.parse(init.input) as Json);
  }

  /** Starts it; its first state is entered once the present turn is over. */
  start(): void {
    this.init.history.note('ExecutionStarted', outside, {
      executionStartedEventDetails: {
        input: this.init.input,
        inputDetails: { truncated: false },
        roleArn: this.init.machine.roleArn,
      },
    });
    this.#go();
  }

  /** Ends it as ABORTED; does nothing to one that has ended. Functions that it invoked run on. */
  stop(error: string | undefined, cause: string | undefined): void {
    if (this.status !== 'RUNNING') return;
    this.#end('ABORTED', { error, cause }, () =>
      this.init.history.note('ExecutionAborted', outside, {
        executionAbortedEventDetails: named({ error, cause }),
      }),
    );
  }

  /**
   * Runs it on from the states that did not succeed; a repetition under one of the last client tokens is the
   * same redrive. https://docs.aws.amazon.com/step-functions/latest/apireference/API_RedriveExecution.html
   * @returns when it was redriven. @throws AwsError ExecutionNotRedrivable
   */
  redrive(clientToken: string | undefined): number {
    const now = this.init.parts.clock.now();
    const before = this.#redrives.find(
      ({ token, at }) => token === clientToken && now - at <= redriveTokenMs,
    );
    if (before !== undefined) return before.at;
    const reason = this.notRedrivable();
    if (reason !== undefined) throw new AwsError('ExecutionNotRedrivable', reason);
    if (clientToken !== undefined)
      this.#redrives = [...this.#redrives.slice(-9), { token: clientToken, at: now }];
    this.redriveCount += 1;
    this.redrivenAt = now;
    this.status = 'RUNNING';
    this.stoppedAt = undefined;
    this.error = undefined;
    this.cause = undefined;
    this.#scope = new Scope();
    forgetProgress(this.#place);
    this.#cursor.previous = this.init.history.events.length;
    this.init.history.add('ExecutionRedriven', this.#cursor, {
      executionRedrivenEventDetails: { redriveCount: this.redriveCount },
    });
    this.#go();
    return now;
  }

  /** What is kept of it besides the start and the history. */
  save(): SavedExecution {
    const { status, stoppedAt, output, error, cause, redriveCount, redrivenAt } = this;
    return {
      ...{ status, stoppedAt, output, error, cause, redriveCount, redrivenAt },
      place: this.#place,
      cursor: this.#cursor,
    };
  }

  /** Makes it what it was when it was saved. */
  load({ place, cursor, ...rest }: SavedExecution): void {
    Object.assign(this, rest);
    this.#place = place;
    this.#cursor = cursor;
  }

  /** Goes on where it stood when the region went down: its deadlines hold, and what is overdue happens at once. */
  resume(): void {
    if (this.status === 'RUNNING') this.#go(false);
  }

  /**
   * Why it cannot be redriven, or undefined if it can.
   * https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html#redrive-eligibility
   */
  notRedrivable(): string | undefined {
    if (this.status === 'RUNNING') return 'Execution is RUNNING and cannot be redriven';
    if (this.status === 'SUCCEEDED') return 'Execution is SUCCEEDED and cannot be redriven';
    const now = this.init.parts.clock.now();
    if (this.stoppedAt !== undefined && now - this.stoppedAt > redrivableMs)
      return 'Execution has exceeded the redrivable period of 14 days';
    if (now - this.init.startedAt > longestMs)
      return 'Execution has exceeded the maximum open time of one year';
    if (this.init.history.events.length >= historyLimit - 1) return 'Execution history event limit exceeded';
    return undefined;
  }

  describe(): DescribeExecutionOutput {
    const { arn, name, machine, input, startedAt } = this.init;
    const included = { included: true };
    const reason = this.notRedrivable();
    return {
      executionArn: arn,
      stateMachineArn: machine.arn,
      name,
      status: this.status,
      startDate: new Date(startedAt),
      ...(this.stoppedAt !== undefined && { stopDate: new Date(this.stoppedAt) }),
      input,
      inputDetails: included,
      ...(this.output !== undefined && { output: this.output, outputDetails: included }),
      ...(this.error !== undefined && { error: this.error }),
      ...(this.cause !== undefined && { cause: this.cause }),
      redriveCount: this.redriveCount,
      ...(this.redrivenAt !== undefined && { redriveDate: new Date(this.redrivenAt) }),
      redriveStatus: reason === undefined ? 'REDRIVABLE' : 'NOT_REDRIVABLE',
      ...(reason !== undefined && { redriveStatusReason: reason }),
    };
  }

  #go(anew = true): void {
    const { parts, machine, startedAt } = this.init;
    const scope = this.#scope;
    const { TimeoutSeconds } = machine.definition;
    const limitMs = Math.min(TimeoutSeconds === undefined ? longestMs : TimeoutSeconds * 1000, longestMs);
    const left = (this.redrivenAt ?? startedAt) + limitMs - parts.clock.now();
    const timer = parts.clock.after(Math.max(0, left), () => this.#timeOut());
    scope.onCancel(() => timer.cancel());
    if (anew) this.init.changed(this);
    if (!anew) {
      // At once: whoever sends a token now must find its task.
      void this.#run(scope);
      return;
    }
    const first = parts.clock.after(0, () => void this.#run(scope));
    scope.onCancel(() => first.cancel());
  }

  async #run(scope: Scope): Promise<void> {
    const { parts, machine, history, arn } = this.init;
    const run: Run = {
      ...parts,
      history,
      definition: machine.definition,
      executionArn: arn,
      stored: { bytes: storedBytes(this.#place) },
      context: this.#context(),
    };
    try {
      const output = await runStates({
        run,
        states: machine.definition,
        place: this.#place,
        outer: undefined,
        scope,
        cursor: this.#cursor,
        outerContext: {},
      });
      if (scope.cancelled) return;
      const text = JSON.stringify(output);
      this.#end('SUCCEEDED', { output: text }, () =>
        history.add('ExecutionSucceeded', this.#cursor, {
          executionSucceededEventDetails: { output: text, outputDetails: { truncated: false } },
        }),
      );
    } catch (thrown) {
      // Stopped or timed out: that has been written where it happened.
      if (thrown instanceof Cancelled || scope.cancelled) return;
      const failure = named(
        thrown instanceof StateError
          ? thrown
          : new StateError('States.Runtime', `The local region broke: ${(thrown as Error).stack ?? thrown}`),
      );
      this.#end('FAILED', failure, () =>
        history.add('ExecutionFailed', this.#cursor, { executionFailedEventDetails: failure }),
      );
    }
  }

  #timeOut(): void {
    if (this.status !== 'RUNNING') return;
    // The event alone names the error: DescribeExecution tells of none.
    this.#end('TIMED_OUT', {}, () =>
      this.init.history.note('ExecutionTimedOut', outside, {
        executionTimedOutEventDetails: { error: 'States.Timeout' },
      }),
    );
  }

  #end(
    status: ExecutionStatus,
    told: { output?: string; error?: string | undefined; cause?: string | undefined },
    write: () => void,
  ): void {
    write();
    this.status = status;
    this.stoppedAt = this.init.parts.clock.now();
    this.output = told.output;
    this.error = told.error;
    this.cause = told.cause;
    this.#scope.cancel();
    this.init.changed(this);
  }

  // https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
  #context(): { [key: string]: Json } {
    const { arn, name, machine, input, startedAt } = this.init;
    return {
      Execution: {
        Id: arn,
        Input: JSON.parse(input) as Json,
        Name: name,
        RoleArn: machine.roleArn,
        StartTime: new Date(startedAt).toISOString(),
        RedriveCount: this.redriveCount,
        ...(this.redrivenAt !== undefined && { RedriveTime: new Date(this.redrivenAt).toISOString() }),
      },
      StateMachine: { Id: machine.arn, Name: machine.name },
    };
  }
}
