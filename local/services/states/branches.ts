import type { States } from './definition.ts';
import type { Frame } from './frame.ts';
import type { Cursor } from './history.ts';
import type { GroupInit } from './interpreter.ts';
import type { Json } from './json.ts';
import type { BranchPlace, Place } from './run.ts';
import { Cancelled, StateError } from './state-error.ts';

type RunStates = (init: GroupInit) => Promise<Json>;

/** Iterations at once when MaxConcurrency is zero. https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html */
const inlineConcurrency = 40;

/** All branches with the same input; the first error ends the others. */
export async function runParallel(frame: Frame, runStates: RunStates): Promise<Json> {
  const { Branches = [], Arguments } = frame.state;
  const input = Arguments === undefined ? frame.input : await frame.evaluate(Arguments, 'Arguments');
  frame.progress.started ??= frame.log('ParallelStateStarted');
  const { started } = frame.progress;
  try {
    const outputs = await together(frame, Branches.length, Branches.length, started, (index, init) => {
      const states = Branches[index] as States; // in range: together counts to Branches.length
      return runStates({ ...init, states, place: placeOf(frame, index, states, input, init.cursor) });
    });
    frame.log('ParallelStateSucceeded');
    return outputs;
  } catch (error) {
    frame.log(error instanceof Cancelled ? 'ParallelStateAborted' : 'ParallelStateFailed');
    throw error;
  }
}

/** The same states for each item, some at a time. */
export async function runMap(frame: Frame, runStates: RunStates): Promise<Json> {
  const { Items, ItemSelector, ItemProcessor, MaxConcurrency = 0 } = frame.state;
  const items = Items === undefined ? frame.input : await frame.evaluate(Items, 'Items');
  if (!Array.isArray(items)) throw wrong(frame, 'Items', 'an array', items);
  const wanted = await frame.evaluate(MaxConcurrency, 'MaxConcurrency');
  if (typeof wanted !== 'number' || !Number.isInteger(wanted) || wanted < 0) {
    throw wrong(frame, 'MaxConcurrency', 'an integer of zero or more', wanted);
  }
  frame.progress.started ??= frame.log('MapStateStarted', {
    mapStateStartedEventDetails: { length: items.length },
  });
  const { started } = frame.progress;
  const atOnce = Math.min(wanted === 0 ? inlineConcurrency : wanted, inlineConcurrency);
  const states = ItemProcessor as States; // checked when the machine was created
  try {
    const outputs = await together(frame, items.length, atOnce, started, async (index, init) => {
      const details = { name: frame.name, index };
      const { cursor } = init;
      const { history } = frame.run;
      const goesOn = resumedCursor(frame, index) !== undefined;
      if (!goesOn) history.add('MapIterationStarted', cursor, { mapIterationStartedEventDetails: details });
      const outerContext = {
        ...frame.outerContext,
        Map: { Item: { Index: index, Value: items[index] as Json } },
      };
      try {
        const input =
          ItemSelector === undefined || goesOn
            ? (items[index] as Json)
            : await frame.evaluate(ItemSelector, 'ItemSelector', { context: outerContext });
        const place = placeOf(frame, index, states, input, cursor);
        const output = await runStates({ ...init, states, place, outerContext });
        history.add('MapIterationSucceeded', cursor, { mapIterationSucceededEventDetails: details });
        return output;
      } catch (error) {
        if (error instanceof Cancelled) {
          if (!frame.scope.cancelled) {
            history.add('MapIterationAborted', cursor, { mapIterationAbortedEventDetails: details });
          }
        } else {
          history.add('MapIterationFailed', cursor, { mapIterationFailedEventDetails: details });
        }
        throw error;
      }
    });
    frame.log('MapStateSucceeded');
    return outputs;
  } catch (error) {
    if (!(error instanceof Cancelled)) frame.log('MapStateFailed');
    else if (!frame.scope.cancelled) frame.log('MapStateAborted');
    throw error;
  }
}

function wrong(frame: Frame, field: string, wanted: string, value: Json): StateError {
  const error = new StateError(
    'States.QueryEvaluationError',
    `The field '${field}' must be ${wanted}, not ${JSON.stringify(value).slice(0, 100)}.`,
  );
  frame.logEvaluationFailure(error, field);
  return error;
}

/** The branch's place: where it stood when the execution is redriven, else its start. */
function placeOf(frame: Frame, index: number, states: States, input: Json, cursor: Cursor): Place {
  const before = branchesOf(frame)[index];
  const place: Place =
    before !== undefined && 'place' in before
      ? before.place
      : { state: states.StartAt, input, variables: {} };
  branchesOf(frame)[index] = { place, cursor };
  return place;
}

/** Where the branch stood in the history when the region went down; undefined for one that is begun anew. */
function resumedCursor(frame: Frame, index: number): Cursor | undefined {
  const before = branchesOf(frame)[index];
  return before !== undefined && 'place' in before ? before.cursor : undefined;
}

function branchesOf(frame: Frame): Record<number, BranchPlace> {
  frame.place.branches ??= {};
  return frame.place.branches;
}

type BranchInit = Omit<GroupInit, 'states' | 'place'>;

/** Runs branches, at most `atOnce` of them together; the first error cancels the rest. */
async function together(
  frame: Frame,
  count: number,
  atOnce: number,
  started: number,
  one: (index: number, init: BranchInit) => Promise<Json>,
): Promise<Json[]> {
  const { scope, close } = frame.scope.child();
  const outputs: Json[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count && !scope.cancelled) {
      const index = next++;
      const done = branchesOf(frame)[index];
      if (done !== undefined && 'output' in done) {
        outputs[index] = done.output;
        continue;
      }
      const cursor: Cursor = resumedCursor(frame, index) ?? { previous: started };
      const init = {
        run: frame.run,
        outer: frame.variables,
        scope,
        cursor,
        outerContext: frame.outerContext,
      };
      const output = await one(index, init);
      outputs[index] = output;
      branchesOf(frame)[index] = { output };
      // What follows the state follows the branch that ended last.
      frame.cursor.previous = cursor.previous;
    }
  };
  let failure: { error: unknown } | undefined;
  const workers = Array.from({ length: Math.min(atOnce, count) }, () =>
    worker().catch((error: unknown) => {
      if (failure === undefined && !(error instanceof Cancelled)) failure = { error };
      scope.cancel();
    }),
  );
  // Cancelled branches end at once, as all that they wait for rejects.
  await Promise.all(workers);
  close();
  if (failure !== undefined) throw failure.error;
  if (frame.scope.cancelled) throw new Cancelled();
  frame.checkSize(outputs);
  return outputs;
}
