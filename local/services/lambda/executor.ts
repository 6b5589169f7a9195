/**
 * What runs a function. Two kinds stand behind this border: real processes in wall time, and contexts inside
 * this process that live on the region's virtual clock.
 */

import type { VpcSettings } from './vpc.ts';

/** The code of a function, unpacked. */
export interface FunctionCode {
  /** Base64, as GetFunction tells it. */
  readonly sha256: string;
  /** Bytes of the zip file. */
  readonly sizeBytes: number;
  /** Folder with the unpacked files: LAMBDA_TASK_ROOT. */
  readonly directory: string;
}

/** One revision of a function, as the executor needs to know it. */
export interface FunctionRevision {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  /** `index.handler`. */
  readonly handler: string;
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
  readonly variables: Readonly<Record<string, string>>;
  readonly code: FunctionCode;
  readonly logGroup: string;
  /** Changes with each update; an environment of an older revision is not used again. */
  readonly revisionId: string;
  /** Undefined for one outside any VPC. */
  readonly vpc: VpcSettings | undefined;
}

export interface Invocation {
  readonly requestId: string;
  /** JSON. */
  readonly payload: string;
  /** JSON, from the caller's ClientContext. */
  readonly clientContext: string | undefined;
  /** What the function finds as _X_AMZN_TRACE_ID. */
  readonly trace?: string | undefined;
}

/** How an invocation ended. */
export interface Outcome {
  /** JSON: the result, or {errorType, errorMessage, trace} when it failed. */
  readonly payload: string;
  readonly failed: boolean;
  /** The invocation's log, START to REPORT. */
  readonly log: string;
}

/**
 * An invocation that answered while calls of its were out. They are answered when the environment runs the next time,
 * or never: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
export interface LooseEnd {
  readonly functionName: string;
  readonly requestId: string;
  /** It answered with an error. */
  readonly failed: boolean;
}

export interface Executor {
  /** Oldest first; seen on the virtual clock alone, where each call is known. */
  readonly loose: readonly LooseEnd[];
  /** Runs one invocation in an idle environment of this revision, or in a new one. Never rejects for what the function did. */
  invoke(revision: FunctionRevision, invocation: Invocation): Promise<Outcome>;
  /** Ends the idle environments of a function: it was updated or deleted. */
  retire(functionName: string): void;
  /** Ends every environment; nothing of any function runs afterwards. */
  close(): Promise<void>;
}

/** The body of an error, in the shape in which Lambda answers with it. */
export function errorPayload(errorType: string, errorMessage: string, trace?: readonly string[]): string {
  return JSON.stringify({ errorType, errorMessage, ...(trace === undefined ? {} : { trace }) });
}

/** Where log lines go: the logs service, on behalf of a function. */
export interface LogSink {
  append(revision: FunctionRevision, stream: string, messages: readonly string[]): void;
}
