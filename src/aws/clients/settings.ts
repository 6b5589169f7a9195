/**
 * Settings of every client. Endpoint and region come from the environment (AWS_ENDPOINT_URL leads to a local
 * region), as the SDK itself reads them.
 *
 * Explicit timeouts: without them a stalled connection eats the whole time of a function.
 */
export const clientSettings = {
  maxAttempts: 4,
  requestHandler: {
    connectionTimeout: 3_000,
    /** For a whole answer. The slowest calls we make are a few seconds. */
    requestTimeout: 20_000,
    throwOnRequestTimeout: true,
  },
};
