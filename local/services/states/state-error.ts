/** An error of a state, by the name that Retry and Catch match. */
export class StateError extends Error {
  readonly error: string;
  override readonly cause: string;

  constructor(error: string, cause: string) {
    super(`${error}: ${cause}`);
    this.error = error;
    this.cause = cause;
  }
}

/** The branch was told to stop: the execution was stopped or timed out, or a sibling failed. */
export class Cancelled extends Error {}

/**
 * Whether an ErrorEquals list matches.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export function matches(errorEquals: readonly string[], { error }: StateError): boolean {
  // "States.Runtime errors are not retriable, and will always cause the execution to fail."
  if (error === 'States.Runtime') return false;
  return errorEquals.some((wanted) => {
    if (wanted === error) return true;
    if (wanted === 'States.ALL') return error !== 'States.DataLimitExceeded';
    // Any error but a timeout.
    if (wanted === 'States.TaskFailed') {
      return !['States.Timeout', 'States.HeartbeatTimeout', 'States.DataLimitExceeded'].includes(error);
    }
    // A missed heartbeat is a kind of timeout.
    return wanted === 'States.Timeout' && error === 'States.HeartbeatTimeout';
  });
}
