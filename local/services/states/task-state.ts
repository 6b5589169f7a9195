import { AwsError } from '../../service.ts';
import type { Frame } from './frame.ts';
import { type Integration, integrationOf, type Submission } from './integrations.ts';
import type { Json } from './json.ts';
import type { TaskProgress } from './run.ts';
import { Cancelled, StateError } from './state-error.ts';

/** One try of a Task state. @returns the task's result. */
export async function runTask(frame: Frame): Promise<Json> {
  const integration = integrationOf(frame.state.Resource ?? '');
  const goesOn = frame.progress.task !== undefined;
  const task = frame.progress.task ?? (await schedule(frame, integration));
  try {
    const result = await limited(frame, task, integration, () =>
      submission(frame, task, integration, goesOn),
    );
    frame.checkSize(result, integration.subject);
    integration.succeeded(frame, result);
    return result;
  } catch (error) {
    if (error instanceof Cancelled) throw error;
    const failure =
      error instanceof StateError
        ? error
        : asStateError(error, integration.errorPrefix, frame.run.random.uuid());
    if (failure.error === 'States.Timeout') {
      integration.timedOut(frame, failure);
    } else if (failure.error !== 'States.Runtime') integration.failed(frame, failure);
    throw failure;
  }
}

/** Evaluates what the task is given, and writes that it is scheduled. */
async function schedule(frame: Frame, integration: Integration): Promise<TaskProgress> {
  const { run, state } = frame;
  const token = integration.waits === 'token' ? run.tokens.issue(run.executionArn) : undefined;
  const input =
    state.Arguments === undefined
      ? frame.input
      : await frame.evaluate(state.Arguments, 'Arguments', {
          ...(token !== undefined && { context: { Task: { Token: token } } }),
        });
  frame.checkSize(input, integration.subject);
  const timeout =
    state.TimeoutSeconds === undefined
      ? undefined
      : await frame.seconds(state.TimeoutSeconds, 'TimeoutSeconds', 1);
  const heartbeat =
    state.HeartbeatSeconds === undefined
      ? undefined
      : await frame.seconds(state.HeartbeatSeconds, 'HeartbeatSeconds', 1);
  integration.scheduled(frame, input, timeout, heartbeat);
  const now = run.clock.now();
  const task: TaskProgress = {
    input,
    token,
    deadline: timeout === undefined ? undefined : now + timeout * 1000,
    heartbeatSeconds: heartbeat,
    beatBy: heartbeat === undefined ? undefined : now + heartbeat * 1000,
  };
  frame.progress.task = task;
  return task;
}

/** Calls the service, or, where it was called before the region went down, goes on with what came of that. */
async function submission(
  frame: Frame,
  task: TaskProgress,
  integration: Integration,
  goesOn: boolean,
): Promise<Submission> {
  if (!goesOn) return integration.submit(frame, task.input, task.token);
  if (task.submitted !== undefined) return integration.goOn(frame, task.submitted);
  // The function went down with the region, as with a host of AWS's; what it had done by then stays done.
  if (integration.errorPrefix === 'Lambda')
    throw new StateError('Lambda.Unknown', 'The region ended while the function ran.');
  return integration.submit(frame, task.input, task.token);
}

/**
 * Errors of the called service, by the name of its SDK's exception: `Lambda.TooManyRequestsException`,
 * `StepFunctions.ExecutionAlreadyExistsException`.
 */
function asStateError(error: unknown, prefix: string, requestId: string): StateError {
  if (!(error instanceof AwsError)) throw error;
  const service = prefix === 'Lambda' ? 'AWSLambda' : 'AWSStepFunctions';
  const cause = `${error.message} (Service: ${service}; Status Code: ${error.status}; Error Code: ${error.code}; Request ID: ${requestId}; Proxy: null)`;
  // A refusal by IAM has no name of its own: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
  const code = /AccessDenied/.test(error.code) && prefix === 'Lambda' ? 'AWSLambda' : error.code;
  return new StateError(`${prefix}.${code.replace(/Exception$/, '')}Exception`, cause);
}

/** AWS tells of it as of any timeout, and knows it under its own name in Retry and Catch. */
const missedHeartbeat = (): StateError => new StateError('States.Timeout', '', 'States.HeartbeatTimeout');

/** Runs a task within its time: the whole of it, and the time between two heartbeats. */
async function limited(
  frame: Frame,
  task: TaskProgress,
  integration: Integration,
  submit: () => Promise<Submission>,
): Promise<Json> {
  const { clock, tokens } = frame.run;
  const { token, deadline, heartbeatSeconds } = task;
  const until = (at: number): number => Math.max(0, at - clock.now());
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
      if (deadline !== undefined) {
        const timer = clock.after(until(deadline), () => rejectWith(new StateError('States.Timeout', '')));
        scope.onCancel(() => timer.cancel());
      }
      if (token !== undefined) {
        let beat = task.beatBy === undefined ? undefined : armHeartbeat(task.beatBy);
        function armHeartbeat(at: number) {
          return clock.after(until(at), () => rejectWith(missedHeartbeat()));
        }
        const forget = tokens.wait(token, {
          succeed: (output) => end(() => resolve(output)),
          fail: (error) => rejectWith(error),
          heartbeat: () => {
            beat?.cancel();
            if (heartbeatSeconds === undefined) return;
            task.beatBy = clock.now() + heartbeatSeconds * 1000;
            beat = armHeartbeat(task.beatBy);
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
        if (task.submitted === undefined) {
          integration.submitted(frame, submission.output ?? null);
          task.submitted = submission.child === undefined ? {} : { child: submission.child };
        }
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
