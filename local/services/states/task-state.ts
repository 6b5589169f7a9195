import { AwsError } from '../../service.ts';
import type { Frame } from './frame.ts';
import { integrationOf, type Submission } from './integrations.ts';
import type { Json } from './json.ts';
import { Cancelled, StateError } from './state-error.ts';

/** One try of a Task state. @returns the task's result. */
export async function runTask(frame: Frame): Promise<Json> {
  const { run, state } = frame;
  const integration = integrationOf(state.Resource ?? '');
  const token = integration.waits === 'token' ? run.tokens.issue(run.executionArn) : undefined;
  const input =
    state.Arguments === undefined
      ? frame.input
      : await frame.evaluate(state.Arguments, 'Arguments', {
          ...(token !== undefined && { context: { Task: { Token: token } } }),
        });
  frame.checkSize(input);
  const timeout =
    state.TimeoutSeconds === undefined
      ? undefined
      : await frame.seconds(state.TimeoutSeconds, 'TimeoutSeconds', 1);
  const heartbeat =
    state.HeartbeatSeconds === undefined
      ? undefined
      : await frame.seconds(state.HeartbeatSeconds, 'HeartbeatSeconds', 1);
  integration.scheduled(frame, input, timeout, heartbeat);
  try {
    const result = await limited(
      frame,
      timeout,
      heartbeat,
      token,
      () => integration.submit(frame, input, token),
      integration,
    );
    frame.checkSize(result);
    integration.succeeded(frame, result);
    return result;
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    const failure = error instanceof StateError ? error : asStateError(error, integration.errorPrefix);
    if (failure.error === 'States.Timeout' || failure.error === 'States.HeartbeatTimeout') {
      integration.timedOut(frame, failure);
    } else if (failure.error !== 'States.Runtime') integration.failed(frame, failure);
    throw failure;
  }
}

/** Errors of the called service, by its name: `Lambda.TooManyRequestsException`, `Sfn.ExecutionAlreadyExists`. */
function asStateError(error: unknown, prefix: string): StateError {
  if (!(error instanceof AwsError)) throw error;
  const service = prefix === 'Lambda' ? 'AWSLambda' : 'AWSStepFunctions';
  const cause = `${error.message} (Service: ${service}; Status Code: ${error.status}; Error Code: ${error.code}; Proxy: null)`;
  // A refusal by IAM has no name of its own: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
  const name = /AccessDenied/.test(error.code) && prefix === 'Lambda' ? 'AWSLambdaException' : error.code;
  return new StateError(`${prefix}.${name}`, cause);
}

/** Runs a task within its time: the whole of it, and the time between two heartbeats. */
async function limited(
  frame: Frame,
  timeoutSeconds: number | undefined,
  heartbeatSeconds: number | undefined,
  token: string | undefined,
  submit: () => Promise<Submission>,
  integration: { submitted(frame: Frame, output: Json): void },
): Promise<Json> {
  const { clock, tokens } = frame.run;
  const { scope, close } = frame.scope.child();
  try {
    return await new Promise<Json>((resolve, reject) => {
      let over = false;
      const end = (act: () => void): void => {
        if (over) return;
        over = true;
        act();
      };
      scope.onCancel(() => end(() => reject(new Cancelled())));
      const rejectWith = (error: unknown): void => end(() => reject(error));
      if (timeoutSeconds !== undefined) {
        const timer = clock.after(timeoutSeconds * 1000, () =>
          rejectWith(new StateError('States.Timeout', '')),
        );
        scope.onCancel(() => timer.cancel());
      }
      if (token !== undefined) {
        let beat = heartbeatSeconds === undefined ? undefined : armHeartbeat(heartbeatSeconds);
        function armHeartbeat(seconds: number) {
          return clock.after(seconds * 1000, () => rejectWith(new StateError('States.HeartbeatTimeout', '')));
        }
        const forget = tokens.wait(token, {
          succeed: (output) => end(() => resolve(output)),
          fail: (error) => rejectWith(error),
          heartbeat: () => {
            beat?.cancel();
            if (heartbeatSeconds !== undefined) beat = armHeartbeat(heartbeatSeconds);
          },
        });
        scope.onCancel(() => {
          forget();
          beat?.cancel();
        });
      }
      submit().then((submission) => {
        if (over) {
          // Nobody waits for it any more; a child execution is stopped with its parent.
          submission.abandon?.();
          return;
        }
        if (submission.done !== undefined) {
          const { done } = submission;
          end(() => resolve(done));
          return;
        }
        integration.submitted(frame, submission.output ?? null);
        if (submission.abandon !== undefined) scope.onCancel(submission.abandon);
        submission.result?.then((value) => end(() => resolve(value)), rejectWith);
      }, rejectWith);
    });
  } finally {
    // Takes timers and tokens away; what was abandoned for a timeout is told so too.
    close();
    scope.cancel();
  }
}
