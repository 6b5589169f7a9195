/** Cases of Step Functions, on machines that pass, fail, wait for an hour, or wait for their task's token. */
import { absent, aTime, type Sheet, type Step } from '../case.ts';

const machine = (name: string): string => `arn:aws:states:us-east-1:<account>:stateMachine:${name}`;
const execution = (name: string): string => `arn:aws:states:us-east-1:<account>:execution:${name}`;
const start = (name: string, input = '{"a":1}'): Step => ({
  call: 'StartExecution',
  input: { stateMachineArn: machine(name), name: '<name>', input },
  keep: { execution: 'executionArn' },
});
const ended = (status: string): Step => ({
  call: 'DescribeExecution',
  input: { executionArn: '<execution>' },
  until: { status },
});
/** The token is in the parameters of the task, as its history tells. */
const asked: readonly Step[] = [
  start('asks'),
  {
    call: 'GetExecutionHistory',
    input: { executionArn: '<execution>' },
    until: { events: waitsForToken },
    keep: { token: ['events.2.taskScheduledEventDetails.parameters', /"token":"([^"]+)"/] },
  },
];
function waitsForToken(events: unknown): boolean {
  return Array.isArray(events) && events.some(({ type }) => type === 'TaskSubmitted');
}
const refused = (code: string) => ({ code, status: 400 });
const guide = 'https://docs.aws.amazon.com/step-functions/latest/dg';
const answered: Step = {
  call: 'SendTaskSuccess',
  input: { taskToken: '<token>', output: '{"ok":true}' },
};

export const stepFunctions: Sheet = {
  service: 'states',
  title: 'Step Functions',
  pages: 'https://docs.aws.amazon.com/step-functions/latest/apireference/API_*.html',
  cases: [
    {
      operation: 'StartExecution',
      says: 'answers with the ARN of the execution and when it began',
      input: { stateMachineArn: machine('waits'), name: '<name>', input: '{"a":1}' },
      answers: { executionArn: execution('waits:<name>'), startDate: aTime },
    },
    {
      operation: 'StartExecution',
      says: 'is idempotent while the execution runs: the same name and input answer alike',
      given: [start('waits')],
      input: { stateMachineArn: machine('waits'), name: '<name>', input: '{"a":1}' },
      answers: { executionArn: '<execution>' },
    },
    {
      operation: 'StartExecution',
      says: 'refuses the name of a running execution with another input',
      given: [start('waits')],
      input: { stateMachineArn: machine('waits'), name: '<name>', input: '{"a":2}' },
      fails: refused('ExecutionAlreadyExists'),
    },
    {
      operation: 'StartExecution',
      says: 'refuses the name of a closed execution, with the same input, too',
      given: [start('passes'), ended('SUCCEEDED')],
      input: { stateMachineArn: machine('passes'), name: '<name>', input: '{"a":1}' },
      fails: refused('ExecutionAlreadyExists'),
    },
    {
      operation: 'StartExecution',
      says: 'refuses a name with white space',
      input: { stateMachineArn: machine('passes'), name: 'not <name>' },
      fails: refused('InvalidName'),
    },
    {
      operation: 'StartExecution',
      says: 'refuses an input that is no JSON',
      input: { stateMachineArn: machine('passes'), name: '<name>', input: '{' },
      fails: refused('InvalidExecutionInput'),
    },
    {
      operation: 'StartExecution',
      says: 'refuses a machine that does not exist',
      input: { stateMachineArn: machine('nothing'), name: '<name>' },
      fails: refused('StateMachineDoesNotExist'),
    },
    {
      operation: 'StartExecution',
      says: 'refuses an ARN that is none',
      input: { stateMachineArn: 'passes', name: '<name>' },
      fails: refused('InvalidArn'),
    },
    {
      operation: 'DescribeExecution',
      says: 'tells input and output of an execution that succeeded',
      given: [start('passes')],
      input: { executionArn: '<execution>' },
      until: { status: 'SUCCEEDED' },
      answers: {
        executionArn: '<execution>',
        stateMachineArn: machine('passes'),
        name: '<name>',
        status: 'SUCCEEDED',
        startDate: aTime,
        stopDate: aTime,
        input: '{"a":1}',
        output: '{"a":1}',
        redriveCount: 0,
        redriveStatus: 'NOT_REDRIVABLE',
      },
    },
    {
      operation: 'DescribeExecution',
      says: 'tells error and cause of one that failed, and no output',
      given: [start('fails')],
      input: { executionArn: '<execution>' },
      until: { status: 'FAILED' },
      answers: { error: 'NoKernel', cause: 'there is none', output: absent, redriveStatus: 'REDRIVABLE' },
    },
    {
      operation: 'DescribeExecution',
      says: 'refuses an execution that does not exist',
      input: { executionArn: execution('passes:nothing') },
      fails: refused('ExecutionDoesNotExist'),
    },
    {
      operation: 'DescribeExecution',
      says: 'refuses an ARN that is none',
      input: { executionArn: 'nothing' },
      fails: refused('InvalidArn'),
    },
    {
      operation: 'StopExecution',
      says: 'aborts the execution, with error and cause',
      given: [start('waits')],
      input: { executionArn: '<execution>', error: 'Enough', cause: 'by hand' },
      answers: { stopDate: aTime },
      after: [
        {
          call: 'DescribeExecution',
          input: { executionArn: '<execution>' },
          answers: { status: 'ABORTED', error: 'Enough', cause: 'by hand', stopDate: aTime },
        },
      ],
    },
    {
      operation: 'StopExecution',
      says: 'refuses an execution that does not exist',
      input: { executionArn: execution('waits:nothing') },
      fails: refused('ExecutionDoesNotExist'),
    },
    {
      operation: 'StopExecution',
      says: 'refuses an ARN that is none',
      input: { executionArn: 'nothing' },
      fails: refused('InvalidArn'),
    },
    {
      operation: 'SendTaskSuccess',
      says: 'ends the task that waits, with the output given',
      given: asked,
      input: answered.input,
      answers: {},
      after: [
        {
          call: 'DescribeExecution',
          input: { executionArn: '<execution>' },
          until: { status: 'SUCCEEDED' },
          answers: { output: '{"ok":true}' },
        },
      ],
    },
    {
      operation: 'SendTaskSuccess',
      says: 'refuses the token of a task that is closed',
      page: `${guide}/connect-to-resource.html`,
      given: [...asked, answered],
      input: answered.input,
      fails: refused('TaskTimedOut'),
    },
    {
      operation: 'SendTaskSuccess',
      says: 'refuses a token that is not valid',
      input: { taskToken: 'nothing', output: '{}' },
      fails: refused('InvalidToken'),
    },
    {
      operation: 'SendTaskSuccess',
      says: 'refuses an output that is no JSON',
      given: asked,
      input: { taskToken: '<token>', output: '{' },
      fails: refused('InvalidOutput'),
    },
    {
      operation: 'SendTaskFailure',
      says: 'fails the task that waits, with error and cause',
      given: asked,
      input: { taskToken: '<token>', error: 'Rejected', cause: 'by a person' },
      answers: {},
      after: [
        {
          call: 'DescribeExecution',
          input: { executionArn: '<execution>' },
          until: { status: 'FAILED' },
          answers: { error: 'Rejected', cause: 'by a person' },
        },
      ],
    },
    {
      operation: 'SendTaskFailure',
      says: 'refuses the token of a task that is closed',
      given: [...asked, answered],
      input: { taskToken: '<token>' },
      fails: refused('TaskTimedOut'),
    },
    {
      operation: 'SendTaskFailure',
      says: 'refuses a token that is not valid',
      input: { taskToken: 'nothing' },
      fails: refused('InvalidToken'),
    },
    {
      operation: 'StartExecution',
      says: 'refuses a name of more than 80 characters',
      input: { stateMachineArn: machine('passes'), name: 'n'.repeat(81) },
      fails: { code: ['InvalidName', 'ValidationException'], status: 400 },
    },
    {
      operation: 'StartExecution',
      says: 'without a name, makes one up; without an input, takes an empty object',
      input: { stateMachineArn: machine('passes') },
      answers: { executionArn: /:execution:passes:[0-9a-f-]{36}$/ },
    },
    {
      operation: 'StopExecution',
      says: 'leaves an execution that has ended as it is',
      given: [start('passes'), ended('SUCCEEDED')],
      input: { executionArn: '<execution>' },
      answers: { stopDate: aTime },
      after: [
        {
          call: 'DescribeExecution',
          input: { executionArn: '<execution>' },
          answers: { status: 'SUCCEEDED' },
        },
      ],
    },
    {
      operation: 'SendTaskSuccess',
      says: 'refuses the token of a stopped execution',
      given: [...asked, { call: 'StopExecution', input: { executionArn: '<execution>' } }],
      input: answered.input,
      fails: refused('TaskTimedOut'),
    },
    {
      operation: 'DescribeExecution',
      says: 'tells of a running execution that it has no end yet, and cannot be redriven',
      given: [start('waits')],
      input: { executionArn: '<execution>' },
      answers: { status: 'RUNNING', stopDate: absent, output: absent, redriveStatus: 'NOT_REDRIVABLE' },
    },
    {
      operation: 'DescribeExecution',
      says: 'tells of an execution that took longer than its machine allows: TIMED_OUT',
      page: `${guide}/statemachine-structure.html`,
      given: [start('late')],
      input: { executionArn: '<execution>' },
      until: { status: 'TIMED_OUT' },
      answers: { stopDate: aTime, output: absent, redriveStatus: 'REDRIVABLE' },
    },
  ],
};
