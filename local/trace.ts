/**
 * Traces tie what a function calls to the execution that invoked it. Step Functions hands a trace to Lambda, Lambda
 * to the function (`_X_AMZN_TRACE_ID`), and the SDK sends it along as `X-Amzn-Trace-Id`, so that the region can say
 * who caused which call.
 */
import { createHash } from 'node:crypto';

/** The last part of the trace id of an execution's calls, 24 digits. */
export function traceRoot(executionArn: string): string {
  return createHash('sha256').update(executionArn).digest('hex').slice(0, 24);
}

/**
 * The header for an execution.
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
 * @param startedAt milliseconds since the epoch
 */
export function traceOfExecution(executionArn: string, startedAt: number): string {
  const seconds = Math.floor(startedAt / 1000)
    .toString(16)
    .padStart(8, '0');
  return `Root=1-${seconds}-${traceRoot(executionArn)};Sampled=0`;
}
