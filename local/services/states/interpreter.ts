import type { HistoryEventType } from '@aws-sdk/client-sfn';
import { runMap, runParallel } from './branches.ts';
import type { States } from './definition.ts';
import { type Extra, Frame } from './frame.ts';
import type { Cursor } from './history.ts';
import type { Json } from './json.ts';
import { type Place, type Run, storedBytes } from './run.ts';
import { type Scope, Variables } from './scope.ts';
import { matches, StateError } from './state-error.ts';
import { runTask } from './task-state.ts';

/** What a group of states runs in. */
export interface GroupInit {
  readonly run: Run;
  readonly states: States;
  /** Is moved along, so that it always tells where the group stands. */
  readonly place: Place;
  readonly outer: Variables<Json> | undefined;
  readonly scope: Scope;
  readonly cursor: Cursor;
  readonly outerContext: { readonly [key: string]: Json };
}

/** What a state hands to its successor. */
interface Step {
  readonly output: Json;
  readonly next: string | undefined;
}

/**
 * Runs states from the place's one to an end. @returns the last one's output.
 * @throws StateError nobody caught it; Cancelled the scope was cancelled.
 */
export async function runStates(init: GroupInit): Promise<Json> {
  const { run, states, place, scope, cursor, outerContext } = init;
  const variables = new Variables(place.variables, init.outer);
  for (;;) {
    const state = states.States[place.state];
    if (state === undefined) throw new StateError('States.Runtime', `There is no state '${place.state}'.`);
    const frame = new Frame({ run, name: place.state, state, place, variables, scope, cursor, outerContext });
    const { output, next } = await runState(frame);
    if (next === undefined) return output;
    place.state = next;
    place.input = output;
    delete place.branches;
    delete place.entered;
    delete place.progress;
  }
}

/** States that have an inside, in which a redriven execution goes on. */
const within = new Set(['Task', 'Parallel', 'Map']);

async function runState(frame: Frame): Promise<Step> {
  const { state, place } = frame;
  if (place.entered === undefined || (!frame.resumed && !within.has(state.Type))) {
    place.entered = frame.log(`${state.Type}StateEntered` as HistoryEventType, {
      stateEnteredEventDetails: {
        name: frame.name,
        input: JSON.stringify(frame.input),
        inputDetails: { truncated: false },
      },
    });
  }
  switch (state.Type) {
    case 'Pass':
      return leave(frame, state, frame.input, {}, state.Next);
    case 'Succeed':
      return leave(frame, state, frame.input, {}, undefined);
    case 'Wait':
      await wait(frame);
      return leave(frame, state, frame.input, {}, state.Next);
    case 'Choice':
      return choose(frame);
    case 'Fail':
      return fail(frame);
    case 'Task':
      return attempt(frame, runTask);
    case 'Parallel':
      return attempt(frame, (one) => runParallel(one, runStates));
    case 'Map':
      return attempt(frame, (one) => runMap(one, runStates));
  }
}

/** Evaluates Assign and Output, and writes the state's exit. */
async function leave(
  frame: Frame,
  from: { readonly Output?: Json; readonly Assign?: { [name: string]: Json } },
  byDefault: Json,
  extra: Extra,
  next: string | undefined,
  field = '',
): Promise<Step> {
  // Both see the variables as they were: https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html
  const assigned =
    from.Assign === undefined ? undefined : await frame.evaluate(from.Assign, `${field}Assign`, extra);
  const output =
    from.Output === undefined ? byDefault : await frame.evaluate(from.Output, `${field}Output`, extra);
  frame.checkSize(output);
  const texts = assigned === undefined ? undefined : frame.assign(assigned as { [name: string]: Json });
  frame.log(`${frame.state.Type}StateExited` as HistoryEventType, {
    stateExitedEventDetails: {
      name: frame.name,
      output: JSON.stringify(output),
      outputDetails: { truncated: false },
      ...(texts !== undefined && {
        assignedVariables: texts,
        assignedVariablesDetails: { truncated: false },
      }),
    },
  });
  return { output, next };
}

// https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html
async function wait(frame: Frame): Promise<void> {
  const { clock } = frame.run;
  frame.progress.wakeAt ??= await endOfWait(frame);
  await frame.scope.pause(clock, Math.max(0, frame.progress.wakeAt - clock.now()));
}

async function endOfWait(frame: Frame): Promise<number> {
  const { Seconds, Timestamp } = frame.state;
  if (Seconds !== undefined) {
    const seconds = await frame.seconds(Seconds, 'Seconds', 0);
    return frame.run.clock.now() + seconds * 1000;
  }
  const value = String(await frame.evaluate(Timestamp ?? null, 'Timestamp', {}, 'string'));
  // RFC3339, with T and with Z or an offset.
  const until = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value)
    ? Date.parse(value)
    : Number.NaN;
  // To the second: milliseconds are cut off.
  if (!Number.isNaN(until)) return Math.floor(until / 1_000) * 1_000;
  throw frame.failEvaluation(
    'Timestamp',
    `The field 'Timestamp' must be an ISO 8601 time, not ${JSON.stringify(value)}.`,
  );
}

async function choose(frame: Frame): Promise<Step> {
  const { Choices = [], Default } = frame.state;
  for (const [index, rule] of Choices.entries()) {
    const field = `Choices[${index}]/`;
    const holds = await frame.evaluate(rule.Condition, `${field}Condition`, {}, 'boolean');
    if (holds) return leave(frame, rule, frame.input, {}, rule.Next, field);
  }
  if (Default !== undefined) return leave(frame, frame.state, frame.input, {}, Default);
  throw frame.raise('States.NoChoiceMatched', 'No choice rule matches, and the state has no Default.');
}

async function fail(frame: Frame): Promise<never> {
  const text = async (template: string | undefined, field: string): Promise<string | undefined> =>
    template === undefined ? undefined : String(await frame.evaluate(template, field, {}, 'string'));
  throw new StateError(await text(frame.state.Error, 'Error'), await text(frame.state.Cause, 'Cause'));
}

/** A state that may be tried again and whose errors may be caught. */
async function attempt(frame: Frame, body: (frame: Frame) => Promise<Json>): Promise<Step> {
  const { state, progress } = frame;
  const { clock } = frame.run;
  for (;;) {
    if (progress.wakeAt !== undefined) {
      await frame.scope.pause(clock, Math.max(0, progress.wakeAt - clock.now()));
      delete progress.wakeAt;
      progress.retryCount += 1;
    }
    try {
      const outcome = progress.outcome ?? { result: await body(frame) };
      progress.outcome = outcome;
      if ('failure' in outcome) {
        const { error, cause, also } = outcome.failure;
        throw new StateError(error, cause, also);
      }
      const { result } = outcome;
      return await leave(frame, state, result, { result }, state.Next);
    } catch (error) {
      if (!(error instanceof StateError)) throw error;
      progress.outcome = { failure: { error: error.error, cause: error.cause, also: error.also } };
      const delayMs = retryDelayMs(frame, error);
      if (delayMs === undefined) return giveUp(frame, error);
      forgetBranches(frame);
      for (const gone of ['task', 'started', 'outcome'] as const) delete progress[gone];
      progress.wakeAt = clock.now() + delayMs;
    }
  }
}

async function giveUp(frame: Frame, error: StateError): Promise<Step> {
  const { Type: type } = frame.state;
  if (type !== 'Task' && error.error !== 'States.Runtime') {
    frame.log(`${type}StateFailed` as HistoryEventType);
    // Redriven, such a state runs its branches again, the successful ones too:
    // https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html#redrive-behavior-states
    if (error.error === 'States.DataLimitExceeded') forgetBranches(frame);
  }
  return caught(frame, error);
}

function forgetBranches(frame: Frame): void {
  const { place, run } = frame;
  const before = storedBytes(place);
  delete place.branches;
  run.stored.bytes -= before - storedBytes(place);
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error */
function retryDelayMs(frame: Frame, error: StateError): number | undefined {
  const index = frame.state.Retry?.findIndex(({ ErrorEquals }) => matches(ErrorEquals, error)) ?? -1;
  const retrier = frame.state.Retry?.[index];
  if (retrier === undefined) return undefined;
  const { tries } = frame.progress;
  const done = tries[index] ?? 0;
  if (done >= (retrier.MaxAttempts ?? 3)) return undefined;
  tries[index] = done + 1;
  const grown = (retrier.IntervalSeconds ?? 1) * (retrier.BackoffRate ?? 2) ** done;
  const seconds = Math.min(grown, retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
  return (retrier.JitterStrategy === 'FULL' ? frame.run.random.next() * seconds : seconds) * 1000;
}

async function caught(frame: Frame, error: StateError): Promise<Step> {
  const index = frame.state.Catch?.findIndex(({ ErrorEquals }) => matches(ErrorEquals, error)) ?? -1;
  const catcher = frame.state.Catch?.[index];
  if (catcher === undefined) throw error;
  forgetBranches(frame);
  const errorOutput = { Error: error.error ?? null, Cause: error.cause ?? null };
  return leave(frame, catcher, errorOutput, { errorOutput }, catcher.Next, `Catch[${index}]/`);
}

/** The first place of a machine or branch. */
export function startOf(states: States, input: Json): Place {
  return { state: states.StartAt, input, variables: {} };
}
