import type { InvocationResponse } from '@aws-sdk/client-lambda';
import type { Frame } from './frame.ts';
import type { Json } from './json.ts';
import { named, StateError } from './state-error.ts';

/** What came of calling the service: the task's result, or what there is still to wait for. */
export interface Submission {
  readonly done?: Json;
  /** The service's answer, when the task goes on. */
  readonly output?: Json;
  /** Absent for a task whose token ends it. */
  readonly result?: Promise<Json>;
  /** The execution that the task waits for. */
  readonly child?: string;
  /** Ends what goes on, when nobody waits for it any more; harmless once it has ended. */
  readonly abandon?: () => void;
}

/** A kind of task. */
export interface Integration {
  readonly waits: 'response' | 'token' | 'end';
  readonly errorPrefix: 'Lambda' | 'StepFunctions';
  /** How AWS calls the task where its result is too large. */
  readonly subject: string;
  submit(frame: Frame, input: Json, token: string | undefined): Promise<Submission>;
  /** Waits on for a task that the service had taken before the region went down. */
  goOn(frame: Frame, taken: { readonly child?: string }): Submission;
  scheduled(frame: Frame, input: Json, timeout: number | undefined, heartbeat: number | undefined): void;
  submitted(frame: Frame, output: Json): void;
  succeeded(frame: Frame, result: Json): void;
  failed(frame: Frame, error: StateError): void;
  timedOut(frame: Frame, error: StateError): void;
}

/** The integration of a resource; machines with others were refused when they were made. */
export function integrationOf(resource: string): Integration {
  if (resource.startsWith('arn:aws:lambda:')) return plainFunction(resource);
  const rest = resource.replace('arn:aws:states:::', '');
  const colon = rest.indexOf(':');
  const events = taskEvents(rest.slice(0, colon), rest.slice(colon + 1));
  switch (rest) {
    case 'lambda:invoke':
    case 'lambda:invoke.waitForTaskToken': {
      const waits = rest === 'lambda:invoke' ? 'response' : 'token';
      return {
        waits,
        errorPrefix: 'Lambda',
        subject: 'lambda',
        ...events,
        submit: (frame, input) => invokeLambda(frame, input, waits),
        goOn: () => ({}),
      };
    }
    case 'states:startExecution':
    case 'states:startExecution.waitForTaskToken':
    case 'states:startExecution.sync':
    case 'states:startExecution.sync:2': {
      const waits = waitsFor(rest);
      const readOutput = rest.endsWith(':2');
      return {
        waits,
        errorPrefix: 'StepFunctions',
        subject: 'states',
        ...events,
        submit: (frame, input) => startExecution(frame, input, waits, readOutput),
        goOn: (frame, { child }) => (child === undefined ? {} : following(frame, child, readOutput)),
      };
    }
    default:
      throw new StateError('States.Runtime', `The local region lacks the resource '${resource}'.`);
  }
}

function waitsFor(resource: string): Integration['waits'] {
  if (resource.endsWith('.waitForTaskToken')) return 'token';
  return resource.includes('.sync') ? 'end' : 'response';
}

/** The error and cause of a function that failed: its error's name, and the payload as text. */
function functionError(payload: string): StateError {
  let errorType: unknown;
  try {
    errorType = (JSON.parse(payload) as { errorType?: unknown }).errorType;
  } catch {
    // Not JSON: the error has no name.
  }
  return new StateError(typeof errorType === 'string' ? errorType : 'Lambda.Unknown', payload);
}

async function invokeLambda(frame: Frame, input: Json, waits: 'response' | 'token'): Promise<Submission> {
  const parameters = (typeof input === 'object' ? input : {}) as { [key: string]: Json };
  const answer = (await frame.run.calls.call('lambda', 'Invoke', {
    ...parameters,
    Payload: Buffer.from(JSON.stringify(parameters.Payload ?? {})),
  })) as InvocationResponse;
  const payload = answer.Payload === undefined ? '' : Buffer.from(answer.Payload).toString('utf8');
  if (answer.FunctionError !== undefined) throw functionError(payload);
  const requestId = frame.run.random.uuid();
  const output: Json = {
    ...(answer.ExecutedVersion !== undefined && { ExecutedVersion: answer.ExecutedVersion }),
    Payload: payload === '' ? '' : (JSON.parse(payload) as Json),
    ...sdkMetadata(requestId, answer.StatusCode),
    StatusCode: answer.StatusCode ?? 200,
  };
  return waits === 'response' ? { done: output } : { output };
}

// https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
async function startExecution(
  frame: Frame,
  input: Json,
  waits: Integration['waits'],
  readOutput: boolean,
): Promise<Submission> {
  const parameters = input as { StateMachineArn?: string; Name?: string; Input?: Json };
  const { calls } = frame.run;
  const started = (await calls.call('states', 'StartExecution', {
    stateMachineArn: parameters.StateMachineArn,
    ...(parameters.Name !== undefined && { name: parameters.Name }),
    input: typeof parameters.Input === 'string' ? parameters.Input : JSON.stringify(parameters.Input ?? {}),
  })) as { executionArn: string; startDate: Date };
  const requestId = frame.run.random.uuid();
  const output: Json = {
    ExecutionArn: started.executionArn,
    ...sdkMetadata(requestId),
    // Milliseconds, as the Java SDK behind it serialises a date.
    StartDate: started.startDate.getTime(),
  };
  if (waits === 'response') return { done: output };
  return waits === 'token' ? { output } : { output, ...following(frame, started.executionArn, readOutput) };
}

/** Waits for an execution, and stops it when nobody waits any more. */
function following(frame: Frame, child: string, readOutput: boolean): Submission {
  const { calls } = frame.run;
  let ended = false;
  const result = calls.ended(child).then((described) => {
    ended = true;
    const told = capitalised(described);
    if (told.Status !== 'SUCCEEDED') throw new StateError('States.TaskFailed', JSON.stringify(told));
    // The :2 variant gives the output as JSON rather than as text.
    return readOutput ? { ...told, Output: JSON.parse(String(told.Output ?? 'null')) as Json } : told;
  });
  const abandon = (): void => {
    if (ended) return;
    void calls
      .call('states', 'StopExecution', { executionArn: child })
      // Step Functions tries, and no more: the role may lack the right, or the child have ended.
      .catch(() => undefined);
  };
  return { child, result, abandon };
}

/** What the SDK behind an integration adds to its answer; the headers that depend on the network are left out. */
function sdkMetadata(requestId: string, status = 200): { [key: string]: Json } {
  return {
    SdkHttpMetadata: {
      AllHttpHeaders: { 'x-amzn-RequestId': [requestId] },
      HttpHeaders: { 'x-amzn-RequestId': requestId },
      HttpStatusCode: status,
    },
    SdkResponseMetadata: { RequestId: requestId },
  };
}

/** Members by the names of the Java SDK, dates in milliseconds. */
function capitalised(described: Record<string, unknown>): { [key: string]: Json } {
  const value = (one: unknown): Json => {
    if (one instanceof Date) return one.getTime();
    return typeof one === 'object' && one !== null
      ? capitalised(one as Record<string, unknown>)
      : (one as Json);
  };
  return Object.fromEntries(
    Object.entries(described)
      .filter(([, one]) => one !== undefined)
      .map(([key, one]) => [`${key[0]?.toUpperCase()}${key.slice(1)}`, value(one)]),
  );
}

const untruncated = { truncated: false };

/** History of a service integration. */
function taskEvents(
  resourceType: string,
  resource: string,
): Pick<Integration, 'scheduled' | 'submitted' | 'succeeded' | 'failed' | 'timedOut'> {
  const about = { resourceType, resource };
  const detailsOf = (error: StateError) => ({ ...about, ...named(error) });
  return {
    scheduled(frame, input, timeout, heartbeat) {
      frame.log('TaskScheduled', {
        taskScheduledEventDetails: {
          ...about,
          region: frame.run.regionName,
          parameters: JSON.stringify(input),
          ...(timeout !== undefined && { timeoutInSeconds: timeout }),
          ...(heartbeat !== undefined && { heartbeatInSeconds: heartbeat }),
        },
      });
      frame.log('TaskStarted', { taskStartedEventDetails: about });
    },
    submitted(frame, output) {
      frame.log('TaskSubmitted', {
        taskSubmittedEventDetails: { ...about, output: JSON.stringify(output), outputDetails: untruncated },
      });
    },
    succeeded(frame, result) {
      frame.log('TaskSucceeded', {
        taskSucceededEventDetails: { ...about, output: JSON.stringify(result), outputDetails: untruncated },
      });
    },
    failed: (frame, error) => void frame.log('TaskFailed', { taskFailedEventDetails: detailsOf(error) }),
    timedOut: (frame, error) =>
      void frame.log('TaskTimedOut', { taskTimedOutEventDetails: detailsOf(error) }),
  };
}

/** A function's ARN as the resource: its payload is the state's input, its result the state's. */
function plainFunction(resource: string): Integration {
  return {
    waits: 'response',
    errorPrefix: 'Lambda',
    subject: resource,
    async submit(frame, input) {
      const answer = (await frame.run.calls.call('lambda', 'Invoke', {
        FunctionName: resource,
        Payload: Buffer.from(JSON.stringify(input)),
      })) as InvocationResponse;
      const payload = Buffer.from(answer.Payload ?? new Uint8Array()).toString('utf8');
      if (answer.FunctionError !== undefined) throw functionError(payload);
      return { done: payload === '' ? null : (JSON.parse(payload) as Json) };
    },
    scheduled(frame, input, timeout) {
      frame.log('LambdaFunctionScheduled', {
        lambdaFunctionScheduledEventDetails: {
          resource,
          input: JSON.stringify(input),
          inputDetails: untruncated,
          ...(timeout !== undefined && { timeoutInSeconds: timeout }),
        },
      });
      frame.log('LambdaFunctionStarted');
    },
    goOn: () => ({}),
    submitted: () => undefined,
    succeeded(frame, result) {
      frame.log('LambdaFunctionSucceeded', {
        lambdaFunctionSucceededEventDetails: { output: JSON.stringify(result), outputDetails: untruncated },
      });
    },
    failed(frame, error) {
      frame.log('LambdaFunctionFailed', { lambdaFunctionFailedEventDetails: named(error) });
    },
    timedOut(frame, error) {
      frame.log('LambdaFunctionTimedOut', { lambdaFunctionTimedOutEventDetails: named(error) });
    },
  };
}
