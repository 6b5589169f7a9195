import type {
  DescribeExecutionInput,
  DescribeStateMachineForExecutionInput,
  GetExecutionHistoryInput,
  GetExecutionHistoryOutput,
  HistoryEvent,
  ListExecutionsInput,
  RedriveExecutionInput,
  SendTaskFailureInput,
  SendTaskHeartbeatInput,
  SendTaskSuccessInput,
  StartExecutionInput,
  StopExecutionInput,
} from '@aws-sdk/client-sfn';
import { type Access, AwsError, type Operations } from '../../service.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import type { Execution } from './execution.ts';
import { dataLimitBytes, type Json } from './json.ts';
import { badToken } from './machine-operations.ts';
import { StateError } from './state-error.ts';
import type { StatesCore } from './states.ts';

/** Executions and task tokens. https://docs.aws.amazon.com/step-functions/latest/apireference/API_Operations.html */
export function executionOperations(core: StatesCore): Operations {
  const onExecution =
    (action: string) =>
    (input: { executionArn?: string | undefined }): Access[] => [
      { action: `states:${action}`, resources: [input.executionArn ?? '*'] },
    ];
  const onMachine =
    (action: string) =>
    (input: { stateMachineArn?: string | undefined }): Access[] => [
      { action: `states:${action}`, resources: [input.stateMachineArn ?? '*'] },
    ];
  /** The machine whose task waits. */
  // They take no resource, so that a statement for one machine allows none of them:
  // https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
  const onTask = (action: string) => (): Access[] => [{ action: `states:${action}`, resources: ['*'] }];

  return {
    StartExecution: {
      access: onMachine('StartExecution'),
      run(input: StartExecutionInput) {
        onlySupported('StartExecution', input, ['stateMachineArn', 'name', 'input', 'traceHeader']);
        const execution = core.start(core.machines.find(input.stateMachineArn), input.name, input.input);
        return { executionArn: execution.init.arn, startDate: new Date(execution.init.startedAt) };
      },
    },
    StartSyncExecution: {
      access: onMachine('StartSyncExecution'),
      run(): never {
        throw new AwsError(
          'StateMachineTypeNotSupported',
          'StartSyncExecution runs EXPRESS machines; this machine is a STANDARD one.',
        );
      },
    },
    DescribeExecution: {
      access: onExecution('DescribeExecution'),
      run: (input: DescribeExecutionInput) => core.find(input.executionArn).describe(),
    },
    DescribeStateMachineForExecution: {
      access: onExecution('DescribeStateMachineForExecution'),
      run(input: DescribeStateMachineForExecutionInput) {
        const { machine } = core.find(input.executionArn).init;
        return {
          stateMachineArn: machine.arn,
          name: machine.name,
          definition: machine.text,
          roleArn: machine.roleArn,
          updateDate: new Date(machine.updatedAt),
          ...(machine.revisionId !== undefined && { revisionId: machine.revisionId }),
        };
      },
    },
    ListExecutions: {
      access: onMachine('ListExecutions'),
      run(input: ListExecutionsInput) {
        onlySupported('ListExecutions', input, [
          'stateMachineArn',
          'statusFilter',
          'maxResults',
          'nextToken',
          'redriveFilter',
        ]);
        const { arn } = core.machines.find(input.stateMachineArn);
        const found = core
          .kept()
          .filter(({ init }) => init.machine.arn === arn)
          .filter(({ status }) => input.statusFilter === undefined || status === input.statusFilter)
          .filter(
            ({ redriveCount }) =>
              input.redriveFilter === undefined || redriveCount > 0 === (input.redriveFilter === 'REDRIVEN'),
          )
          // Newest first.
          .reverse();
        const shown = page(found, ({ init }) => init.arn, input.maxResults || 100, input.nextToken, badToken);
        return { executions: shown.items.map(listed), nextToken: shown.nextToken };
      },
    },
    GetExecutionHistory: {
      access: onExecution('GetExecutionHistory'),
      run(input: GetExecutionHistoryInput): GetExecutionHistoryOutput {
        const { events } = core.find(input.executionArn).init.history;
        const ordered = input.reverseOrder ? events.toReversed() : events;
        const shown = page(
          ordered,
          ({ id }) => String(id),
          Math.min(input.maxResults || 100, 1000),
          input.nextToken,
          badToken,
        );
        const bare = input.includeExecutionData === false;
        return { events: bare ? shown.items.map(withoutData) : [...shown.items], nextToken: shown.nextToken };
      },
    },
    StopExecution: {
      access: onExecution('StopExecution'),
      run(input: StopExecutionInput) {
        const execution = core.find(input.executionArn);
        execution.stop(input.error, input.cause);
        return { stopDate: new Date(execution.stoppedAt ?? 0) };
      },
    },
    RedriveExecution: {
      access: onExecution('RedriveExecution'),
      run(input: RedriveExecutionInput) {
        return { redriveDate: new Date(core.find(input.executionArn).redrive(input.clientToken)) };
      },
    },
    SendTaskSuccess: {
      access: onTask('SendTaskSuccess'),
      run(input: SendTaskSuccessInput) {
        const waiting = core.tokens.find(input.taskToken);
        waiting.succeed(readOutput(input.output));
        return {};
      },
    },
    SendTaskFailure: {
      access: onTask('SendTaskFailure'),
      run(input: SendTaskFailureInput) {
        core.tokens.find(input.taskToken).fail(new StateError(input.error, input.cause));
        return {};
      },
    },
    SendTaskHeartbeat: {
      access: onTask('SendTaskHeartbeat'),
      run(input: SendTaskHeartbeatInput) {
        core.tokens.find(input.taskToken).heartbeat();
        return {};
      },
    },
  };
}

function readOutput(text: string | undefined): Json {
  if (text === undefined || Buffer.byteLength(text) > dataLimitBytes) {
    throw new AwsError(
      'InvalidOutput',
      `Invalid Output: 'there must be one, of at most ${dataLimitBytes} bytes'`,
    );
  }
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new AwsError('InvalidOutput', `Invalid Output: '${(error as Error).message}'`);
  }
}

function listed(execution: Execution) {
  const { executionArn, stateMachineArn, name, status, startDate, stopDate, redriveCount, redriveDate } =
    execution.describe();
  return {
    executionArn,
    stateMachineArn,
    name,
    status,
    startDate,
    ...(stopDate && { stopDate }),
    redriveCount,
    ...(redriveDate && { redriveDate }),
  };
}

/** The event without inputs and outputs; what a task was called with stays, as in AWS. */
function withoutData(event: HistoryEvent): HistoryEvent {
  return Object.fromEntries(
    Object.entries(event).map(([key, value]) => {
      if (!key.endsWith('EventDetails') || typeof value !== 'object' || value === null) return [key, value];
      const kept = Object.entries(value).filter(([name]) => !/^(input|output)(Details)?$/.test(name));
      return [key, Object.fromEntries(kept)];
    }),
  ) as unknown as HistoryEvent;
}
