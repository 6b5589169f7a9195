/** What the command's exit codes mean. They are an interface: scripts decide by them. */
export const exitCodes = {
  /** Done, and it held. */
  ok: 0,
  /** It was tried and failed: a rollout that was undone, an upload that was rejected. */
  failed: 1,
  /** The command line, or a file that it names, is not right. Nothing was sent. */
  usage: 2,
  /** The control plane refused: the answer says why, and nothing was changed. */
  refused: 3,
  /** No control plane was found, or it did not answer. */
  unreachable: 4,
  /** The caller may not do this, or is not known. */
  forbidden: 5,
  /** The control plane, or this command, failed in a way that nobody foresaw. */
  internal: 70,
  /** Interrupted (SIGINT), as shells have it. What was started goes on. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** An end of the command with a sentence for the person, and what to do next. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: ExitCode;
  readonly advice: string | undefined;
  /** Shown under `--json`. */
  readonly details: object | undefined;

  constructor(exitCode: ExitCode, message: string, options: { advice?: string; details?: object } = {}) {
    super(message);
    this.exitCode = exitCode;
    this.advice = options.advice;
    this.details = options.details;
  }
}

/** A mistake on the command line or in a file that it names. */
export function usageError(message: string, advice?: string): CommandError {
  return new CommandError(exitCodes.usage, message, advice === undefined ? {} : { advice });
}
