/** How an error leaves the API: a problem document (RFC 9457) that says what to do. */
import type * as z from 'zod';
// By its own path: `z.core` as a value would bring all of zod, its forty languages included, into the bundles.
import { toDotPath } from 'zod/v4/core';
import { isQuota, isRetryable } from '../aws/errors.ts';
import type { Problem } from '../contracts/api-views.ts';
import { FlotillaError, isFlotillaError } from '../errors.ts';
import { refusalOf } from './failure.ts';

/** One line for each field that is wrong: `healthCheck.path: Invalid input: expected string`. */
export function namedFields(error: z.ZodError): readonly string[] {
  return error.issues.flatMap((issue) => {
    const place = toDotPath(issue.path);
    // An unknown key is reported at its parent; the person looks for the key itself.
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => `${place === '' ? key : `${place}.${key}`}: there is no such field`);
    }
    return [`${place === '' ? 'the body' : place}: ${issue.message}`];
  });
}

/** A request of the wrong shape, every field named. */
export function invalid(
  name: 'RequestInvalid' | 'SpecInvalid',
  where: string,
  error: z.ZodError,
): FlotillaError {
  const fields = namedFields(error);
  return new FlotillaError(name, `${where}: ${fields.join('; ')}.`, { fields }, { cause: error });
}

/**
 * Any failure as an error of the catalogue. What AWS asks to be tried later is `AwsUnavailable`, what it refuses
 * has one of the names of {@link refusalOf}, and what nobody foresaw is `InternalError`. AWS's words stay in the log, as they
 * may tell a stranger too much; those about a quota say which one it is.
 */
export function toApiError(error: unknown): FlotillaError {
  if (isFlotillaError(error)) return error;
  if (isRetryable(error)) {
    const code = error instanceof Error ? error.name : 'unknown';
    return new FlotillaError('AwsUnavailable', `AWS answered ${code}.`, { code }, { cause: error });
  }
  const refusal = refusalOf(error, isQuota(error) ? 'told' : 'kept');
  if (refusal !== undefined) return refusal;
  return new FlotillaError('InternalError', 'This is a fault of ours.', {}, { cause: error });
}

/** The document of an error. */
export function problemOf(error: FlotillaError, requestId: string): Problem {
  // In a state machine the machine tries again; here the caller has to.
  const advice = error.name === 'AwsUnavailable' ? 'Send the request again in a few seconds.' : error.advice;
  return {
    type: `urn:flotilla:error:${error.name}`,
    title: error.title,
    status: error.status,
    detail: error.message,
    instance: `urn:flotilla:request:${requestId}`,
    name: error.name,
    advice,
    details: { ...error.details },
  };
}
