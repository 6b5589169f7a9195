/**
 * How an error leaves a function. Step Functions sees `errorType` (the error's name) and a Cause with
 * `errorMessage`; a person reads the latter in the console, so it holds the sentence, what to do, and the
 * ids to paste.
 */
import * as z from 'zod';
import { callOf } from '../aws/calls.ts';
import { errorCode, isDenied, isQuota, isRefused, isRetryable } from '../aws/errors.ts';
import { type ErrorDetails, errorCatalogue, FlotillaError, isFlotillaError } from '../errors.ts';

/** The error that Lambda's runtime reports: a literal name and a readable message. */
class LambdaError extends Error {
  override readonly name: string;
  constructor(name: string, message: string, cause: unknown) {
    super(message, { cause });
    this.name = name;
  }
}

/** `sentence advice {"snapshotId":"snap-…"}`: what {@link parseFailureMessage} takes apart again. */
export function failureMessage(error: FlotillaError): string {
  const details = Object.entries(error.details).filter(([, value]) => value !== undefined);
  const tail = details.length === 0 ? '' : ` ${JSON.stringify(Object.fromEntries(details))}`;
  const sentence = /[.!?]$/.test(error.message) ? error.message : `${error.message}.`;
  return `${sentence} ${error.advice}${tail}`;
}

/**
 * What AWS refuses for good, as `AwsDenied`, `QuotaReached` or `AwsRefused` with the call, AWS's code, and what it was
 * about; undefined for any other error.
 * @param words whether those of AWS are told: they may say more than everybody should read
 * @param more details beside those of the call
 */
export function refusalOf(
  error: unknown,
  words: 'told' | 'kept',
  more: ErrorDetails = {},
): FlotillaError | undefined {
  if (!isRefused(error)) return undefined;
  const refused = error as Error & { readonly $metadata: { readonly requestId?: string } };
  const code = errorCode(refused);
  const { action, ids } = callOf(refused) ?? { action: 'a call', ids: {} };
  const { requestId } = refused.$metadata;
  return new FlotillaError(
    isDenied(refused) ? 'AwsDenied' : isQuota(refused) ? 'QuotaReached' : 'AwsRefused',
    `AWS refuses ${action} with ${code}${words === 'told' ? `: ${refused.message}` : '.'}`,
    { ...ids, ...more, action, code, ...(requestId === undefined ? {} : { awsRequestId: requestId }) },
    { cause: refused },
  );
}

/**
 * Gives any failure the name that the state machines know. What AWS asks to be tried later becomes
 * `AwsUnavailable`, what it refuses has one of the names of {@link refusalOf}, an event that does not fit `RequestInvalid`; what is
 * a fault of the code keeps its own name.
 */
export function toLambdaError(error: unknown): Error {
  if (isFlotillaError(error)) return new LambdaError(error.name, failureMessage(error), error);
  if (error instanceof z.ZodError) {
    return toLambdaError(new FlotillaError('RequestInvalid', z.prettifyError(error), {}, { cause: error }));
  }
  if (isRetryable(error)) {
    const { name, message } = error as Error; // isRetryable accepts nothing but errors
    return toLambdaError(
      new FlotillaError('AwsUnavailable', `${name}: ${message}`, { code: name }, { cause: error }),
    );
  }
  const refusal = refusalOf(error, 'told');
  if (refusal !== undefined) return toLambdaError(refusal);
  return error instanceof Error ? error : new LambdaError('Error', String(error), error);
}

/** What a state machine hands on of a caught error. */
export const caughtError = z.object({ Error: z.string(), Cause: z.string().default('') });
export type CaughtError = z.infer<typeof caughtError>;

/** A caught error as items and people want it. */
export interface ReadableFailure {
  readonly name: string;
  readonly message: string;
  readonly advice: string;
}

/** Reads the Cause that Lambda wrote, or takes it as it is where it is no JSON of Lambda's. */
export function readCaughtError(caught: CaughtError): ReadableFailure {
  let message = caught.Cause;
  try {
    const cause = JSON.parse(caught.Cause) as { errorMessage?: unknown };
    if (typeof cause.errorMessage === 'string') message = cause.errorMessage;
  } catch {
    // A Cause of Step Functions itself is plain text.
  }
  const known = Object.hasOwn(errorCatalogue, caught.Error)
    ? errorCatalogue[caught.Error as keyof typeof errorCatalogue]
    : undefined;
  const advice = known?.advice ?? 'Read the execution in the Step Functions console.';
  // The sentence already ends with the advice where it is ours; the item keeps the two apart.
  const at = message.indexOf(` ${advice}`);
  if (at > 0) message = message.slice(0, at) + message.slice(at + 1 + advice.length);
  return { name: caught.Error, message: message.trim() === '' ? caught.Error : message, advice };
}
