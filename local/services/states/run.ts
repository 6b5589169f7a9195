import type { Clock } from '../../clock.ts';
import type { Random } from '../../random.ts';
import type { Definition } from './definition.ts';
import type { History } from './history.ts';
import type { Json } from './json.ts';
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
  /** The state's event of entry is in the history already, and the execution goes on inside of it. */
  entered?: boolean;
}

export type BranchPlace = { readonly output: Json } | { readonly place: Place };

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
  /** `$states.context` without the parts that belong to a state. */
  readonly context: { readonly [key: string]: Json };
}
