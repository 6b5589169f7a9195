/** What a command is given. */
import type { ApiClient } from './api-client.ts';
import type { Invocation } from './arguments.ts';
import type { Surroundings } from './connection.ts';
import type { ExitCode } from './exit-codes.ts';
import type { Output } from './output.ts';

export interface CommandContext extends Surroundings {
  readonly invocation: Invocation;
  readonly output: Output;
  /** Finds the control plane; commands that need none do not ask. */
  readonly api: () => Promise<ApiClient>;
  /** Says what goes on without the command, and what a person who interrupts it should know. */
  readonly goesOn: (words: string) => void;
  readonly now: () => Date;
  readonly sleep: (milliseconds: number) => Promise<void>;
}

export type Command = (context: CommandContext) => Promise<ExitCode>;
