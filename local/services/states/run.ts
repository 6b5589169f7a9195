import type { Clock } from '../../clock.ts';
import type { Random } from '../../random.ts';
import type { Definition } from './definition.ts';
import type { Cursor, History } from './history.ts';
import { type Json, sizeOf } from './json.ts';
import type { Query } from './query.ts';
import type { TaskTokens } from './task-tokens.ts';

/**
 * Where a group of states stands: enough to go on from there when the execution is redriven. Finished branches
 * keep their output; unfinished ones their own place.
 */
export interface Place {
  state: string;
  input: Json;
  /** Variables of this group's own scope. */
  variables: Record<string, Json>;
  /** Set while the state is a Parallel or a Map that has started. */
  branches?: Record<number, BranchPlace>;
  /** The id of the state's event of entry: a redriven execution goes on inside of it. */
  entered?: number;
  /** How far its state has come; there while the state runs. A region that is there again goes on from it. */
  progress?: Progress;
}

export type BranchPlace =
  | { readonly output: Json }
  | {
      readonly place: Place;
      /** Where the branch stands in the history; absent where it is to be begun anew. */
      readonly cursor?: Cursor;
    };

/** How far a state has come, in plain data. Times are milliseconds since the epoch. */
export interface Progress {
  readonly enteredAt: number;
  retryCount: number;
  /** Tries that failed, by the index of the Retry rule that took them. */
  readonly tries: Record<number, number>;
  /** When a Wait is over, or the pause before the next try. */
  wakeAt?: number;
  /** The event with which a Parallel or a Map began. */
  started?: number;
  task?: TaskProgress;
  /** What the present try came to, while the state is being left. */
  outcome?: { readonly result: Json } | { readonly failure: Failure };
}

/** A StateError in plain data. */
export interface Failure {
  readonly error?: string | undefined;
  readonly cause?: string | undefined;
  readonly also?: string | undefined;
}

/** A task that was scheduled. */
export interface TaskProgress {
  readonly input: Json;
  readonly token: string | undefined;
  readonly deadline: number | undefined;
  readonly heartbeatSeconds: number | undefined;
  /** When the next heartbeat is due at the latest. */
  beatBy: number | undefined;
  /** Set once the service has answered and the task goes on; with the child execution that it waits for. */
  submitted?: { readonly child?: string };
}

/**
 * Leaves of a place what a redrive goes on from: finished branches and where the others stand, not how far their
 * states had come.
 */
export function forgetProgress(place: Place): void {
  delete place.progress;
  for (const [index, branch] of Object.entries(place.branches ?? {})) {
    if (!('place' in branch)) continue;
    forgetProgress(branch.place);
    // A redriven branch is begun anew in the history.
    if (place.branches !== undefined) place.branches[Number(index)] = { place: branch.place };
  }
}

/** Bytes of the variables at a place and in the branches that have not ended. */
export function storedBytes(place: Place): number {
  let bytes = 0;
  for (const value of Object.values(place.variables)) bytes += sizeOf(value);
  for (const branch of Object.values(place.branches ?? {})) {
    if ('place' in branch) bytes += storedBytes(branch.place);
  }
  return bytes;
}

/** Calls that a running execution makes, with its role's rights. */
export interface Calls {
  /** @throws AwsError, as the service answers. */
  call(service: string, operation: string, input: unknown): Promise<unknown>;
  /** Waits until an execution has ended. @returns what DescribeExecution tells then. */
  ended(executionArn: string): Promise<Record<string, unknown>>;
}

/** What a running execution consists of. */
export interface Run {
  readonly clock: Clock;
  readonly random: Random;
  readonly query: Query;
  readonly tokens: TaskTokens;
  readonly history: History;
  readonly calls: Calls;
  readonly regionName: string;
  readonly definition: Definition;
  readonly executionArn: string;
  /** Bytes of all variables that are stored now, in every scope. */
  readonly stored: { bytes: number };
  /** `$states.context` without the parts that belong to a state. */
  readonly context: { readonly [key: string]: Json };
}
