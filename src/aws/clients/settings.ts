/**
 * Settings of every client. Endpoint and region come from the environment (AWS_ENDPOINT_URL leads to a local
 * region), as the SDK itself reads them.
 */
import { PromptRetries } from './prompt-retries.ts';

/** Explicit timeouts: without them a stalled connection eats the whole time of a function. */
export const requestHandler = {
  connectionTimeout: 3_000,
  /** For a whole answer. The slowest calls we make are a few seconds. */
  requestTimeout: 20_000,
  throwOnRequestTimeout: true,
};

/**
 * Of a client whose calls move whole objects: as long as the API's function has (29 s), less what it does before. There
 * is no second try, which would begin the same anew.
 */
export function longCallSettings() {
  return { requestHandler: { ...requestHandler, requestTimeout: 25_000 }, maxAttempts: 1 };
}

/** Of a client whose answers are worth seconds alone: whoever asks goes on without one. */
export function briefSettings() {
  return {
    requestHandler: { ...requestHandler, connectionTimeout: 1_000, requestTimeout: 3_000 },
    retryStrategy: new PromptRetries(2),
  };
}

export function clientSettings() {
  return { requestHandler, retryStrategy: new PromptRetries(4) };
}

/** Of a client {@link withPatience}. */
export function patientSettings() {
  return { requestHandler, retryStrategy: new PromptRetries(4, 'left to patience') };
}
