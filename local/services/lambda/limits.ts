// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
/** Request and response of a synchronous invocation. */
export const syncPayloadBytes = 6 * 1024 * 1024;
/** Event of an asynchronous invocation. */
export const asyncPayloadBytes = 1024 * 1024;
/** Invocations at once in an account and region. */
export const accountConcurrency = 1000;
