/** Executions of the stack's state machines: their names are their idempotency. */
import {
  DescribeExecutionCommand,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { stepFunctionsClient } from './clients/step-functions.ts';
import { hasCode } from './errors.ts';

export type ExecutionState =
  | { readonly status: 'running' }
  | {
      readonly status: 'succeeded' | 'failed' | 'timed-out' | 'aborted';
      readonly stoppedAt: Date;
      readonly error?: string;
      readonly cause?: string;
      readonly output?: string;
    }
  /** Deleted after 90 days, or never started. */
  | { readonly status: 'unknown' };

export interface Executions {
  /**
   * Starts an execution once: the same name and input while it runs is the same execution.
   * `exists` means that the name was used before, by a closed execution or with another input.
   */
  start(
    machineArn: string,
    name: string,
    input: unknown,
  ): Promise<{ readonly outcome: 'started' | 'exists' }>;
  describe(executionArn: string): Promise<ExecutionState>;
  stop(executionArn: string, error: string, cause: string): Promise<void>;
  /** `stale`: the task timed out or was answered before; the token is worth nothing any more. */
  succeed(token: string, output: unknown): Promise<'delivered' | 'stale'>;
  fail(token: string, error: string, cause: string): Promise<'delivered' | 'stale'>;
}

export function openExecutions(client: SFNClient = stepFunctionsClient()): Executions {
  const deliver = async (send: () => Promise<unknown>): Promise<'delivered' | 'stale'> => {
    try {
      await send();
      return 'delivered';
    } catch (error) {
      if (hasCode(error, 'TaskTimedOut', 'TaskDoesNotExist')) return 'stale';
      throw error;
    }
  };
  return {
    async start(machineArn, name, input) {
      try {
        await client.send(
          new StartExecutionCommand({ stateMachineArn: machineArn, name, input: JSON.stringify(input) }),
        );
        return { outcome: 'started' };
      } catch (error) {
        if (hasCode(error, 'ExecutionAlreadyExists')) return { outcome: 'exists' };
        throw error;
      }
    },

    async describe(executionArn) {
      try {
        const answer = await client.send(new DescribeExecutionCommand({ executionArn }));
        const stopped = {
          stoppedAt: answer.stopDate ?? new Date(0),
          ...(answer.error === undefined ? {} : { error: answer.error }),
          ...(answer.cause === undefined ? {} : { cause: answer.cause }),
          ...(answer.output === undefined ? {} : { output: answer.output }),
        };
        switch (answer.status) {
          case 'SUCCEEDED':
            return { status: 'succeeded', ...stopped };
          case 'FAILED':
            return { status: 'failed', ...stopped };
          case 'TIMED_OUT':
            return { status: 'timed-out', ...stopped };
          case 'ABORTED':
            return { status: 'aborted', ...stopped };
          default: // RUNNING, PENDING_REDRIVE and what AWS may add: it may still act
            return { status: 'running' };
        }
      } catch (error) {
        if (hasCode(error, 'ExecutionDoesNotExist')) return { status: 'unknown' };
        throw error;
      }
    },

    async stop(executionArn, error, cause) {
      await client.send(new StopExecutionCommand({ executionArn, error, cause }));
    },

    succeed: (token, output) =>
      deliver(() =>
        client.send(new SendTaskSuccessCommand({ taskToken: token, output: JSON.stringify(output) })),
      ),
    fail: (token, error, cause) =>
      deliver(() => client.send(new SendTaskFailureCommand({ taskToken: token, error, cause }))),
  };
}
