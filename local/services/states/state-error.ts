/** An error of a state, by the name that Retry and Catch match. */
export class StateError extends Error {
  /** Absent where somebody failed a task without a name. */
  readonly error: string | undefined;
  override readonly cause: string | undefined;
  /** A second name under which Retry and Catch know it. */
  readonly also: string | undefined;

  constructor(error: string | undefined, cause: string | undefined, also?: string) {
    super(`${error}: ${cause}`);
    this.error = error;
    this.cause = cause;
    this.also = also;
  }
}

/** The branch was told to stop: the execution was stopped or timed out, or a sibling failed. */
export class Cancelled extends Error {}

/** The members of an event that name an error; what is empty is left out, as in AWS. */
export function named({ error, cause }: { error: string | undefined; cause: string | undefined }): {
  error?: string;
  cause?: string;
} {
  return { ...(error && { error }), ...(cause && { cause }) };
}

/**
 * Whether an ErrorEquals list matches.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export function matches(errorEquals: readonly string[], { error, also }: StateError): boolean {
  // "States.Runtime errors are not retriable, and will always cause the execution to fail."
  if (error === 'States.Runtime') return false;
  return errorEquals.some((wanted) => {
    if (wanted === error || wanted === also) return true;
    // "A terminal error that can't be caught by the States.ALL error type."
    if (error === 'States.DataLimitExceeded') return false;
    if (wanted === 'States.ALL') return true;
    // "A wildcard that matches any known error name except for States.Timeout."
    return wanted === 'States.TaskFailed' && error !== 'States.Timeout';
  });
}
