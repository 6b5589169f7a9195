import type { HistoryEventType } from '@aws-sdk/client-sfn';
import type { State } from './definition.ts';
import type { Cursor, EventDetails } from './history.ts';
import { dataLimitBytes, type Json, sizeOf } from './json.ts';
import type { Place, Progress, Run } from './run.ts';
import type { Scope, Variables } from './scope.ts';
import { StateError } from './state-error.ts';

/** What an expression may see beyond input, context and variables. */
export interface Extra {
  readonly result?: Json;
  readonly errorOutput?: Json;
  /** Members of the context object, such as the task's token. */
  readonly context?: { readonly [key: string]: Json };
}

/** One state as it runs. */
export class Frame {
  readonly run: Run;
  readonly name: string;
  readonly state: State;
  readonly place: Place;
  readonly input: Json;
  readonly variables: Variables<Json>;
  readonly scope: Scope;
  readonly cursor: Cursor;
  /** Of the Map's item around it, if there is one. */
  readonly outerContext: { readonly [key: string]: Json };
  readonly progress: Progress;
  /** The state was entered before the region came up, and goes on. */
  readonly resumed: boolean;

  constructor(init: {
    run: Run;
    name: string;
    state: State;
    place: Place;
    variables: Variables<Json>;
    scope: Scope;
    cursor: Cursor;
    outerContext: { readonly [key: string]: Json };
  }) {
    this.run = init.run;
    this.name = init.name;
    this.state = init.state;
    this.place = init.place;
    this.input = init.place.input;
    this.variables = init.variables;
    this.scope = init.scope;
    this.cursor = init.cursor;
    this.outerContext = init.outerContext;
    this.resumed = init.place.progress !== undefined;
    this.progress = init.place.progress ?? { enteredAt: init.run.clock.now(), retryCount: 0, tries: {} };
    init.place.progress = this.progress;
  }

  log(type: HistoryEventType, details: EventDetails = {}): number {
    return this.run.history.add(type, this.cursor, details);
  }

  /**
   * A template of this state, evaluated; the failure is an event of its own.
   * @throws StateError States.QueryEvaluationError
   */
  async evaluate(template: Json, field: string, extra: Extra = {}): Promise<Json> {
    // The context of the execution is big: spread only for templates that hold an expression.
    if (typeof template !== 'object' && typeof template !== 'string') return template;
    const states = {
      input: this.input,
      context: {
        ...this.run.context,
        ...this.outerContext,
        State: {
          EnteredTime: new Date(this.progress.enteredAt).toISOString(),
          Name: this.name,
          RetryCount: this.progress.retryCount,
        },
        ...extra.context,
      },
      ...(extra.result !== undefined && { result: extra.result }),
      ...(extra.errorOutput !== undefined && { errorOutput: extra.errorOutput }),
    };
    try {
      return await this.scope.guard(
        this.run.query.evaluate(template, field, { states, variables: this.variables.all() }),
      );
    } catch (error) {
      this.logEvaluationFailure(error, field);
      throw error;
    }
  }

  /** A number of seconds, given plainly or as an expression. */
  async seconds(template: number | string, field: string, least: number): Promise<number> {
    const value = await this.evaluate(template, field);
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= 99_999_999)
      return value;
    const error = new StateError(
      'States.QueryEvaluationError',
      `The field '${field}' must be an integer from ${least} to 99999999, not ${JSON.stringify(value)}.`,
    );
    this.logEvaluationFailure(error, field);
    throw error;
  }

  logEvaluationFailure(error: unknown, location: string): void {
    if (!(error instanceof StateError) || error.error !== 'States.QueryEvaluationError') return;
    this.log('EvaluationFailed', {
      evaluationFailedEventDetails: { error: error.error, cause: error.cause, location, state: this.name },
    });
  }

  /** @throws StateError States.DataLimitExceeded */
  checkSize(value: Json): void {
    if (sizeOf(value) > dataLimitBytes) {
      throw new StateError(
        'States.DataLimitExceeded',
        `The state/task '${this.name}' returned a result with a size exceeding the maximum number of bytes service limit.`,
      );
    }
  }
}
