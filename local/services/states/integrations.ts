import type { InvocationResponse } from '@aws-sdk/client-lambda';
import type { Frame } from './frame.ts';
import type { Json } from './json.ts';
import { StateError } from './state-error.ts';

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
        ...events,
        submit: (frame, input) => invokeLambda(frame, input, waits),
        goOn: () => ({}),
      };
    }
    case 'states:startExecution':
      return {
        waits: 'response',
        errorPrefix: 'StepFunctions',
        ...events,
        submit: (frame, input) => startExecution(frame, input, false),
        goOn: () => ({}),
      };
    case 'states:startExecution.sync:2':
      return {
        waits: 'end',
        errorPrefix: 'StepFunctions',
        ...events,
        submit: (frame, input) => startExecution(frame, input, true),
        goOn: (frame, { child = '' }) => following(frame, child),
      };
    default:
      throw new StateError('States.Runtime', `The local region lacks the resource '${resource}'.`);
  }
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
    SdkHttpMetadata: {
      HttpHeaders: { 'x-amzn-RequestId': requestId },
      HttpStatusCode: answer.StatusCode ?? 200,
    },
    SdkResponseMetadata: { RequestId: requestId },
    StatusCode: answer.StatusCode ?? 200,
  };
  return waits === 'response' ? { done: output } : { output };
}

// https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
async function startExecution(frame: Frame, input: Json, wait: boolean): Promise<Submission> {
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
    SdkHttpMetadata: { HttpHeaders: { 'x-amzn-RequestId': requestId }, HttpStatusCode: 200 },
    SdkResponseMetadata: { RequestId: requestId },
    StartDate: started.startDate.getTime() / 1000,
  };
  return wait ? { output, ...following(frame, started.executionArn) } : { done: output };
}

/** Waits for an execution, and stops it when nobody waits any more. */
function following(frame: Frame, child: string): Submission {
  const { calls } = frame.run;
  let ended = false;
  const result = calls.ended(child).then((described) => {
    ended = true;
    const told = capitalised(described);
    if (told.Status !== 'SUCCEEDED') throw new StateError('States.TaskFailed', JSON.stringify(told));
    // The :2 variant gives the output as JSON rather than as text.
    return { ...told, Output: JSON.parse(String(told.Output ?? 'null')) as Json } as Json;
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

function capitalised(described: Record<string, unknown>): { [key: string]: Json } {
  return Object.fromEntries(
    Object.entries(described)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [
        key[0]?.toUpperCase() + key.slice(1),
        (value instanceof Date ? value.getTime() : value) as Json,
      ]),
  );
}

const untruncated = { truncated: false };

/** History of a service integration. */
function taskEvents(
  resourceType: string,
  resource: string,
): Pick<Integration, 'scheduled' | 'submitted' | 'succeeded' | 'failed' | 'timedOut'> {
  const about = { resourceType, resource };
  const detailsOf = ({ error, cause }: StateError) => ({ ...about, error, cause });
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
    failed(frame, { error, cause }) {
      frame.log('LambdaFunctionFailed', { lambdaFunctionFailedEventDetails: { error, cause } });
    },
    timedOut(frame, { error, cause }) {
      frame.log('LambdaFunctionTimedOut', { lambdaFunctionTimedOutEventDetails: { error, cause } });
    },
  };
}
