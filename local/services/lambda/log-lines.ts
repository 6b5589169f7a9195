import type { FunctionRevision } from './executor.ts';

/** The lines that Lambda itself writes. https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html */
export function startLine(requestId: string): string {
  return `START RequestId: ${requestId} Version: $LATEST`;
}

export interface Measured {
  readonly payload: string;
  readonly failed: boolean;
  readonly durationMs: number;
  readonly maxMemoryMb: number;
  readonly initMs: number | undefined;
}

/** The end of an invocation: what ended it if that was not the handler, END, REPORT. */
export function endLines(revision: FunctionRevision, requestId: string, measured: Measured): string[] {
  const lines: string[] = [];
  let status = '';
  if (measured.failed) {
    const { errorType, errorMessage } = JSON.parse(measured.payload) as Record<string, string>;
    if (errorType === 'Sandbox.Timedout') {
      status = '\tStatus: timeout';
    } else if (errorType?.startsWith('Runtime.')) {
      status = `\tStatus: error\tError Type: ${errorType}`;
    }
    if (status !== '') lines.push(String(errorMessage));
  }
  lines.push(`END RequestId: ${requestId}`);
  const billed = Math.ceil(measured.durationMs + (measured.initMs ?? 0));
  const init = measured.initMs === undefined ? '' : `\tInit Duration: ${measured.initMs.toFixed(2)} ms`;
  lines.push(
    `REPORT RequestId: ${requestId}\tDuration: ${measured.durationMs.toFixed(2)} ms\tBilled Duration: ${billed} ms\t` +
      `Memory Size: ${revision.memoryMb} MB\tMax Memory Used: ${measured.maxMemoryMb} MB${init}${status}`,
  );
  return lines;
}
