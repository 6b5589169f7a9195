import type { HistoryEventType } from '@aws-sdk/client-sfn';
import type { State } from './definition.ts';
import type { Cursor, EventDetails } from './history.ts';
import { dataLimitBytes, type Json, sizeOf, variablesLimitBytes } from './json.ts';
import { unexpected } from './query.ts';
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

  /** An error that Step Functions itself raises in this state, in its words. */
  raise(error: string, told: string): StateError {
    const where = `(entered at the event id #${this.place.entered ?? 0})`;
    return new StateError(
      error,
      `An error occurred while executing the state '${this.name}' ${where}. ${told}`,
    );
  }

  /**
   * A template of this state, evaluated; the failure is an event of its own.
   * @param type what an expression must give, as JSONata's $type names it.
   * @throws StateError States.QueryEvaluationError
   */
  async evaluate(
    template: Json,
    field: string,
    extra: Extra = {},
    type?: 'array' | 'number' | 'string' | 'boolean',
  ): Promise<Json> {
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
      const value = await this.scope.guard(
        this.run.query.evaluate(template, field, { states, variables: this.variables.all() }),
      );
      const told = type === undefined ? undefined : unexpected(template, field, value, type);
      if (told !== undefined) throw new StateError('States.QueryEvaluationError', told);
      return value;
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      throw this.failEvaluation(field, error.cause ?? '');
    }
  }

  /** A number of seconds, given plainly or as an expression. */
  async seconds(template: number | string, field: string, least: number): Promise<number> {
    const value = await this.evaluate(template, field, {}, 'number');
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= 99_999_999)
      return value;
    throw this.failEvaluation(
      field,
      `The field '${field}' must be an integer from ${least} to 99999999, but was ${JSON.stringify(value)}.`,
    );
  }

  /** Writes down that a field could not be evaluated. @returns the error, to be thrown. */
  failEvaluation(location: string, told: string): StateError {
    const error = this.raise('States.QueryEvaluationError', told);
    this.log('EvaluationFailed', {
      evaluationFailedEventDetails: {
        error: 'States.QueryEvaluationError',
        cause: error.cause,
        location,
        state: this.name,
      },
    });
    return error;
  }

  /** @param subject what gave the value: the state, or the kind of task. @throws StateError States.DataLimitExceeded */
  checkSize(value: Json, subject: string = this.name): void {
    if (sizeOf(value) > dataLimitBytes) throw tooLarge(subject);
  }

  /**
   * Sets variables of this state's scope.
   * @returns each as JSON text.
   * @throws StateError States.DataLimitExceeded: an Assign has the limit of one payload, all variables 10 MiB.
   */
  assign(values: { readonly [name: string]: Json }): Record<string, string> {
    const { variables } = this.place;
    const { stored } = this.run;
    const texts: Record<string, string> = {};
    let assigned = 0;
    let freed = 0;
    for (const [name, value] of Object.entries(values)) {
      const text = JSON.stringify(value);
      texts[name] = text;
      assigned += Buffer.byteLength(text);
      const before = variables[name];
      if (before !== undefined) freed += sizeOf(before);
    }
    if (assigned > dataLimitBytes || stored.bytes + assigned - freed > variablesLimitBytes)
      throw tooLarge(this.name);
    stored.bytes += assigned - freed;
    Object.assign(variables, values);
    return texts;
  }
}

function tooLarge(subject: string): StateError {
  return new StateError(
    'States.DataLimitExceeded',
    `The state/task '${subject}' returned a result with a size exceeding the maximum number of bytes service limit.`,
  );
}
