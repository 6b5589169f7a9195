/** One run of the command: words in, an exit code out. */

import { setTimeout } from 'node:timers/promises';
import { isRetryable } from '../src/aws/errors.ts';
import { type FlotillaError, isFlotillaError } from '../src/errors.ts';
import { refusalOf } from '../src/runtime/failure.ts';
import { productVersion } from '../src/runtime/version.ts';
import { type ApiClient, openApi } from './api-client.ts';
import { commands, overview, parseCommandLine, usageOf } from './arguments.ts';
import type { Command, CommandContext } from './command.ts';
import { setConfig, showConfig, unsetConfig } from './commands/config.ts';
import { deploy, follow, rollback } from './commands/deploy.ts';
import {
  addCallFault,
  addEventFault,
  addFunctionFault,
  breakCapacity,
  breakInstance,
  breakZone,
  clearFaults,
  corruptBlock,
  listFaults,
  stopExecution,
} from './commands/fault.ts';
import { applyFleet, deleteFleet } from './commands/fleet.ts';
import { diffCommand } from './commands/image/diff.ts';
import { inspectCommand } from './commands/image/inspect.ts';
import { verifyImage } from './commands/image/verify.ts';
import { unveto, veto } from './commands/image/veto.ts';
import { addKernel, listKernels } from './commands/kernel.ts';
import { lineage } from './commands/lineage.ts';
import { releases, rollouts, uploads } from './commands/lists.ts';
import { order } from './commands/orders.ts';
import { status } from './commands/status.ts';
import { up } from './commands/up.ts';
import { connect, type Surroundings } from './connection.ts';
import { CommandError, type ExitCode, exitCodes, usageError } from './exit-codes.ts';
import { openOutput, type Streams } from './output.ts';

const help: Command = async ({ invocation, output }) => {
  const name = invocation.positionals.join(' ');
  if (name === '') {
    output.line(overview());
    output.result({ commands: commands.map(({ name: command, summary }) => ({ command, summary })) });
    return exitCodes.ok;
  }
  const found = commands.filter((command) => command.name === name || command.name.startsWith(`${name} `));
  if (found.length === 0) throw usageError(`There is no command ${name}.`, 'See flotilla help.');
  output.line(found.map(usageOf).join('\n\n'));
  output.result({ commands: found.map(({ name: command, summary }) => ({ command, summary })) });
  return exitCodes.ok;
};

const version: Command = async ({ output }) => {
  output.line(`flotilla ${productVersion}`);
  output.result({ version: productVersion });
  return exitCodes.ok;
};

const table: Readonly<Record<string, Command>> = {
  up,
  deploy,
  'fleet apply': applyFleet,
  'fleet delete': deleteFleet,
  'config show': showConfig,
  'config set': setConfig,
  'config unset': unsetConfig,
  status,
  releases,
  rollouts,
  follow,
  rollback,
  abort: order('abortRollout'),
  approve: order('approveRollout'),
  reject: order('rejectRollout'),
  promote: order('promoteRollout'),
  pause: order('pauseRollout'),
  resume: order('resumeRollout'),
  lineage,
  'kernel add': addKernel,
  'kernel list': listKernels,
  'image verify': verifyImage,
  'image inspect': inspectCommand,
  'image diff': diffCommand,
  'image veto': veto,
  'image unveto': unveto,
  uploads,
  'fault call': addCallFault,
  'fault function': addFunctionFault,
  'fault event': addEventFault,
  'fault instance': breakInstance,
  'fault capacity': breakCapacity,
  'fault zone': breakZone,
  'fault block': corruptBlock,
  'fault execution': stopExecution,
  'fault list': listFaults,
  'fault clear': clearFaults,
  version,
  help,
};

export interface RunOptions extends Surroundings, Streams, Partial<Pick<CommandContext, 'now' | 'sleep'>> {
  readonly fetch?: typeof fetch;
  /** Hears what would go on if the command were interrupted now. */
  readonly goesOn?: (words: string) => void;
}

/** Never throws: what went wrong is on stderr, and in the exit code. */
export async function run(words: readonly string[], options: RunOptions): Promise<ExitCode> {
  // Known before the line is parsed, so that a mistake in it is told in the wanted form.
  const output = openOutput(options, words.includes('--json'));
  try {
    const invocation = parseCommandLine(words);
    if (invocation.flags.has('help')) {
      output.line(usageOf(invocation.command));
      return exitCodes.ok;
    }
    const sleep = options.sleep ?? setTimeout;
    let client: Promise<ApiClient> | undefined;
    const context: CommandContext = {
      env: options.env,
      uid: options.uid,
      invocation,
      output,
      api: () => {
        client ??= connect(invocation.values.endpoint, options).then((connection) =>
          openApi(connection, {
            userAgent: `flotilla/${productVersion}`,
            sleep,
            ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
          }),
        );
        return client;
      },
      goesOn: options.goesOn ?? (() => {}),
      now: options.now ?? (() => new Date()),
      sleep,
    };
    const command = table[invocation.command.name];
    if (command === undefined) throw new Error(`${invocation.command.name} is declared and not written`);
    return await command(context);
  } catch (error) {
    const known = asCommandError(error);
    output.error(known);
    return known.exitCode;
  }
}

/** What was thrown, as an end of the command: AWS's own refusals to the person, who called it, among them. */
function asCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  if (isFlotillaError(error)) return ofFlotilla(error, exitCodes.refused);
  const refusal = refusalOf(error, 'told');
  if (refusal?.name === 'AwsDenied') return ofFlotilla(refusal, exitCodes.forbidden, yourRight);
  if (refusal !== undefined) return ofFlotilla(refusal, exitCodes.refused);
  if (isRetryable(error)) {
    const { message } = error as Error; // isRetryable accepts nothing but errors
    return new CommandError(exitCodes.unreachable, `AWS did not answer: ${message}`, {
      advice: 'Try again.',
    });
  }
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CommandError(exitCodes.internal, `This is a fault of the command's own: ${words}`);
}

const yourRight = 'Give your own role the right that is named here, or ask somebody who has it.';

function ofFlotilla({ name, message, advice, details }: FlotillaError, code: ExitCode, instead = advice) {
  return new CommandError(code, message, { advice: instead, details: { name, details } });
}
