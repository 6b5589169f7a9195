import type { HistoryEventType } from '@aws-sdk/client-sfn';
import type { States } from './definition.ts';
import type { Frame } from './frame.ts';
import type { Cursor } from './history.ts';
import type { GroupInit } from './interpreter.ts';
import type { Json } from './json.ts';
import { type BranchPlace, type Place, storedBytes } from './run.ts';
import { Cancelled } from './state-error.ts';

type RunStates = (init: GroupInit) => Promise<Json>;

/** Iterations at once when MaxConcurrency is zero. https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html */
const inlineConcurrency = 40;

/** All branches with the same input; the first error ends the others. */
export async function runParallel(frame: Frame, runStates: RunStates): Promise<Json> {
  const { Branches = [], Arguments } = frame.state;
  const input = Arguments === undefined ? frame.input : await frame.evaluate(Arguments, 'Arguments');
  frame.checkSize(input);
  frame.progress.started ??= frame.log('ParallelStateStarted');
  const outputs = await together(frame, {
    count: Branches.length,
    atOnce: Branches.length,
    statesOf: (index) => Branches[index] as States, // in range: there are as many as `count`
    run: (index, init) =>
      runStates({
        ...init,
        place: placeOf(frame, index, init.states, input, init.cursor),
        outerContext: frame.outerContext,
      }),
  });
  frame.run.history.note('ParallelStateSucceeded', frame.cursor);
  return outputs;
}

/** The same states for each item, some at a time. */
export async function runMap(frame: Frame, runStates: RunStates): Promise<Json> {
  const { Items, ItemSelector, ItemProcessor, MaxConcurrency = 0 } = frame.state;
  const items = (await frame.evaluate(Items ?? '{% $states.input %}', 'Items', {}, 'array')) as Json[];
  const wanted = await frame.evaluate(MaxConcurrency, 'MaxConcurrency', {}, 'number');
  if (!Number.isInteger(wanted) || Number(wanted) < 0) {
    throw frame.failEvaluation(
      'MaxConcurrency',
      `The field 'MaxConcurrency' must be an integer of zero or more, but was ${JSON.stringify(wanted)}.`,
    );
  }
  frame.progress.started ??= frame.log('MapStateStarted', {
    mapStateStartedEventDetails: { length: items.length },
  });
  const states = ItemProcessor as States; // checked when the machine was created
  const outputs = await together(frame, {
    count: items.length,
    atOnce: Math.min(Number(wanted) || inlineConcurrency, inlineConcurrency),
    statesOf: () => states,
    run: async (index, init) => {
      const { history } = frame.run;
      const mapIterationStartedEventDetails = { name: frame.name, index };
      const goesOn = resumedCursor(frame, index) !== undefined;
      if (!goesOn) history.add('MapIterationStarted', init.cursor, { mapIterationStartedEventDetails });
      const value = items[index] as Json;
      const outerContext = { ...frame.outerContext, Map: { Item: { Index: index, Value: value } } };
      const input =
        ItemSelector === undefined || goesOn
          ? value
          : await frame.evaluate(ItemSelector, 'ItemSelector', { context: outerContext });
      frame.checkSize(input);
      const place = placeOf(frame, index, states, input, init.cursor);
      return runStates({ ...init, place, outerContext });
    },
    succeeded: (index, cursor) => {
      const mapIterationSucceededEventDetails = { name: frame.name, index };
      return frame.run.history.note('MapIterationSucceeded', cursor, { mapIterationSucceededEventDetails });
    },
    failed: (index, cursor) => {
      const mapIterationFailedEventDetails = { name: frame.name, index };
      frame.run.history.note('MapIterationFailed', cursor, { mapIterationFailedEventDetails });
    },
    aborted: (index, cursor) => {
      const mapIterationAbortedEventDetails = { name: frame.name, index };
      frame.run.history.note('MapIterationAborted', cursor, { mapIterationAbortedEventDetails });
    },
  });
  frame.run.history.note('MapStateSucceeded', frame.cursor);
  return outputs;
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

/** Branches that are to run together, and what is written when one ends. */
interface Group {
  readonly count: number;
  /** How many run at once. */
  readonly atOnce: number;
  readonly statesOf: (index: number) => States;
  readonly run: (index: number, init: Omit<GroupInit, 'place' | 'outerContext'>) => Promise<Json>;
  /** @returns the event that the state's next one follows. */
  readonly succeeded?: (index: number, cursor: Cursor) => number;
  readonly failed?: (index: number, cursor: Cursor) => void;
  readonly aborted?: (index: number, cursor: Cursor) => void;
}

/**
 * Runs branches; the first error ends the rest. The chain of events is AWS's: a worker's next iteration follows
 * the last state of its former one, and what ends the whole follows the branch that ended last, or failed.
 */
async function together(frame: Frame, group: Group): Promise<Json[]> {
  const { scope, close } = frame.scope.child();
  const { started = frame.cursor.previous } = frame.progress;
  const outputs: Json[] = [];
  const running = new Set<number>();
  let next = 0;
  let failure: { error: unknown; index: number; cursor: Cursor } | undefined;
  const worker = async (): Promise<void> => {
    let last = started;
    while (next < group.count && !scope.cancelled) {
      const index = next++;
      const done = branchesOf(frame)[index];
      if (done !== undefined && 'output' in done) {
        outputs[index] = done.output;
        continue;
      }
      const cursor: Cursor = resumedCursor(frame, index) ?? { previous: last };
      running.add(index);
      try {
        const states = group.statesOf(index);
        const init = { run: frame.run, states, outer: frame.variables, scope, cursor };
        const output = await group.run(index, init);
        outputs[index] = output;
        const ended = branchesOf(frame)[index];
        if (ended !== undefined && 'place' in ended) frame.run.stored.bytes -= storedBytes(ended.place);
        branchesOf(frame)[index] = { output };
        frame.cursor.previous = group.succeeded?.(index, cursor) ?? cursor.previous;
        running.delete(index);
        last = cursor.previous;
      } catch (error) {
        if (failure === undefined && !(error instanceof Cancelled)) failure = { error, index, cursor };
        scope.cancel();
        return;
      }
    }
  };
  // Cancelled branches end at once, as all that they wait for rejects.
  await Promise.all(Array.from({ length: Math.min(group.atOnce, group.count) }, worker));
  close();
  if (frame.scope.cancelled) throw new Cancelled();
  if (failure !== undefined) {
    const { error, index, cursor } = failure;
    frame.cursor.previous = cursor.previous;
    group.failed?.(index, cursor);
    for (const one of [index, ...[...running].filter((other) => other !== index)]) {
      if (one !== index) group.aborted?.(one, cursor);
      const branch = branchesOf(frame)[one];
      if (branch !== undefined && 'place' in branch)
        noteAborted(frame, branch.place, group.statesOf(one), cursor, one === index);
    }
    throw error;
  }
  frame.checkSize(outputs);
  return outputs;
}

/**
 * The states in which a branch stood when it was ended. Of a failed branch only a Task counts as aborted; the
 * others have said by themselves that they failed.
 */
function noteAborted(frame: Frame, place: Place, states: States, cursor: Cursor, failed: boolean): void {
  const state = states.States[place.state];
  if (state === undefined || place.entered === undefined) return;
  for (const [index, branch] of Object.entries(place.branches ?? {})) {
    const inner = state.Branches?.[Number(index)] ?? state.ItemProcessor;
    if (!failed && inner !== undefined && 'place' in branch)
      noteAborted(frame, branch.place, inner, cursor, false);
  }
  if (state.Type === 'Task' || (!failed && ['Wait', 'Parallel', 'Map'].includes(state.Type)))
    frame.run.history.note(`${state.Type}StateAborted` as HistoryEventType, cursor);
}
