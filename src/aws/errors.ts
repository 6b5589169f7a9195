/** What AWS's errors mean to us: matched by code, since EC2 and Auto Scaling model none of theirs. */

/** The code of an AWS error (`InvalidAMIID.NotFound`), or the name of any other; empty for no error. */
export function errorCode(error: unknown): string {
  if (!(error instanceof Error)) return '';
  const { Code } = error as Error & { Code?: unknown };
  return typeof Code === 'string' && Code !== '' ? Code : error.name;
}

/** Whether it is an error with one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(errorCode(error));
}

/** The codes of a missing part of a load balancer, with and without the suffix that the SDK's models give it. */
export const noListener = ['ListenerNotFound', 'ListenerNotFoundException'] as const;
export const noLoadBalancer = ['LoadBalancerNotFound', 'LoadBalancerNotFoundException'] as const;
export const noRule = ['RuleNotFound', 'RuleNotFoundException'] as const;
export const noTargetGroup = ['TargetGroupNotFound', 'TargetGroupNotFoundException'] as const;

function statusOf(error: Error): number | undefined {
  return (error as Error & { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

const throttling = new Set([
  'BandwidthLimitExceeded',
  // https://docs.aws.amazon.com/ebs/latest/APIReference/API_StartSnapshot.html: too many at once, not too many for good
  'ConcurrentLimitExceededException',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestThrottlingException',
  'SlowDown',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionInProgressException',
]);

const transient = new Set([
  'InternalError',
  'InternalFailure',
  'InternalServerError',
  'InternalServerException',
  'RequestTimeout',
  'RequestTimeoutException',
  'ServiceUnavailable',
  'ServiceUnavailableException',
  'TimeoutError',
  'TransactionConflictException',
  'Unavailable',
  'UnavailableException',
]);

const network = new Set([
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

/** AWS asked to slow down. */
export function isThrottling(error: unknown): boolean {
  return error instanceof Error && (throttling.has(errorCode(error)) || statusOf(error) === 429);
}

/**
 * The one answer to "is another try worth it?": throttling, the service's own fault, or the network's. Looks
 * at the code, the status, `$fault` and the cause.
 */
export function isRetryable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (isThrottling(error) || transient.has(errorCode(error))) return true;
  const status = statusOf(error);
  if (status !== undefined && status >= 500) return true;
  const { code, $fault } = error as Error & { code?: unknown; $fault?: unknown };
  if ($fault === 'server') return true;
  if (typeof code === 'string' && network.has(code)) return true;
  return error.cause !== undefined && error.cause !== error && isRetryable(error.cause);
}

/**
 * A quota is used up, which no other try changes. Asked after {@link isRetryable}: some services call throttling so.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateRule.html#API_CreateRule_Errors
 */
export function isQuota(error: unknown): boolean {
  return /^TooMany(?!Requests)|LimitExceeded$|QuotaExceeded(Exception)?$/.test(errorCode(error));
}

/** The caller lacks a right, whichever policy takes it away (any service). */
export function isDenied(error: unknown): boolean {
  return hasCode(error, 'AccessDenied', 'AccessDeniedException', 'UnauthorizedOperation');
}

/** AWS answered, and no other try of the same call would be answered otherwise. */
export function isRefused(error: unknown): boolean {
  return error instanceof Error && '$metadata' in error && '$fault' in error && !isRetryable(error);
}

/** The thing that was asked for does not exist (any service). */
export function isNotFound(error: unknown): boolean {
  const code = errorCode(error);
  return (
    /(^|\.)(NotFound|Malformed)$/.test(code) ||
    /^(NoSuch(Key|Bucket|Version|Upload|TagSet)|NotFound|ResourceNotFoundException|ExecutionDoesNotExist|StateMachineDoesNotExist)$/.test(
      code,
    ) ||
    /NotFound(Exception|Fault)?$/.test(code)
  );
}
