/**
 * Chains of events, as Step Functions itself wrote them: the shapes below are those of histories recorded in AWS
 * (tests/aws/services/stepfunctions/v2 of github.com/localstack/localstack, each named).
 * A line is `id<previousEventId type`.
 */
import { expect, it } from 'vitest';
import { createBench, failure, task } from './machine-bench.ts';

const functions = {
  echo: (payload: unknown) => payload,
  bad: () => {
    throw failure('Broken', 'pipe');
  },
  never: () => new Promise(() => undefined),
};
const pass = { Type: 'Pass', End: true };
const mapOf = (states: object, more: object = {}) => ({
  StartAt: 'M',
  States: { M: { Type: 'Map', ItemProcessor: { StartAt: 'I', States: states }, End: true, ...more } },
});

interface Recorded {
  readonly named: string;
  readonly machine: object;
  readonly input?: unknown;
  readonly events: string;
}

const recorded: readonly Recorded[] = [
  {
    named: 'scenarios/test_base_scenarios: test_map_state_nested',
    machine: mapOf(
      {
        I: {
          Type: 'Map',
          MaxConcurrency: 1,
          ItemProcessor: { StartAt: 'P', States: { P: pass } },
          End: true,
        },
      },
      { MaxConcurrency: 1 },
    ),
    input: [[1, 2], [4]],
    events: `1<0 ExecutionStarted, 2<0 MapStateEntered, 3<2 MapStateStarted, 4<3 MapIterationStarted,
      5<4 MapStateEntered, 6<5 MapStateStarted, 7<6 MapIterationStarted, 8<7 PassStateEntered,
      9<8 PassStateExited, 10<9 MapIterationSucceeded, 11<9 MapIterationStarted, 12<11 PassStateEntered,
      13<12 PassStateExited, 14<13 MapIterationSucceeded, 15<14 MapStateSucceeded, 16<14 MapStateExited,
      17<16 MapIterationSucceeded, 18<16 MapIterationStarted, 19<18 MapStateEntered, 20<19 MapStateStarted,
      21<20 MapIterationStarted, 22<21 PassStateEntered, 23<22 PassStateExited, 24<23 MapIterationSucceeded,
      25<24 MapStateSucceeded, 26<24 MapStateExited, 27<26 MapIterationSucceeded, 28<27 MapStateSucceeded,
      29<27 MapStateExited, 30<29 ExecutionSucceeded`,
  },
  {
    named: 'scenarios/test_base_scenarios: test_map_state_catch',
    machine: {
      StartAt: 'M',
      States: {
        ...mapOf(
          { I: { Type: 'Fail', Error: 'E', Cause: 'C' } },
          { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'F' }] },
        ).States,
        F: pass,
      },
    },
    input: [1],
    events: `1<0 ExecutionStarted, 2<0 MapStateEntered, 3<2 MapStateStarted, 4<3 MapIterationStarted,
      5<4 FailStateEntered, 6<5 MapIterationFailed, 7<5 MapStateFailed, 8<7 MapStateExited,
      9<8 PassStateEntered, 10<9 PassStateExited, 11<10 ExecutionSucceeded`,
  },
  {
    named: 'scenarios/test_base_scenarios: test_parallel_state_retry',
    machine: {
      StartAt: 'P',
      States: {
        P: {
          Type: 'Parallel',
          Branches: [{ StartAt: 'B', States: { B: { Type: 'Fail', Error: 'E' } } }],
          Retry: [{ ErrorEquals: ['E'], MaxAttempts: 2 }],
          End: true,
        },
      },
    },
    events: `1<0 ExecutionStarted, 2<0 ParallelStateEntered, 3<2 ParallelStateStarted, 4<3 FailStateEntered,
      5<4 ParallelStateStarted, 6<5 FailStateEntered, 7<6 ParallelStateStarted, 8<7 FailStateEntered,
      9<8 ParallelStateFailed, 10<9 ExecutionFailed`,
  },
  {
    named: 'timeouts/test_timeouts: test_service_lambda_map_timeout (one function is late, the others run)',
    machine: mapOf({ I: task('never', { TimeoutSeconds: '{% $states.input %}' }) }),
    input: [5, 60],
    // How the branches interleave differs in AWS from run to run; the chains do not.
    events: `1<0 ExecutionStarted, 2<0 MapStateEntered, 3<2 MapStateStarted, 4<3 MapIterationStarted,
      5<4 TaskStateEntered, 6<3 MapIterationStarted, 7<6 TaskStateEntered, 8<5 TaskScheduled,
      9<8 TaskStarted, 10<7 TaskScheduled, 11<10 TaskStarted, 12<9 TaskTimedOut, 13<12 MapIterationFailed,
      14<12 TaskStateAborted, 15<12 MapIterationAborted, 16<12 TaskStateAborted, 17<12 MapStateFailed,
      18<17 ExecutionFailed`,
  },
  {
    named: 'states_variables/test_error_output: test_map_catch_error (an Output that cannot be evaluated)',
    machine: mapOf({ I: { ...pass, Output: '{% $states.input.missing %}' } }),
    input: [{}],
    events: `1<0 ExecutionStarted, 2<0 MapStateEntered, 3<2 MapStateStarted, 4<3 MapIterationStarted,
      5<4 PassStateEntered, 6<5 EvaluationFailed, 7<6 MapIterationFailed, 8<6 MapStateFailed,
      9<8 ExecutionFailed`,
  },
  {
    named: 'error_handling/test_task_service_lambda: test_raise_exception_catch',
    machine: {
      StartAt: 'T',
      States: { T: task('bad', { Catch: [{ ErrorEquals: ['Broken'], Next: 'C' }] }), C: pass },
    },
    events: `1<0 ExecutionStarted, 2<0 TaskStateEntered, 3<2 TaskScheduled, 4<3 TaskStarted, 5<4 TaskFailed,
      6<5 TaskStateExited, 7<6 PassStateEntered, 8<7 PassStateExited, 9<8 ExecutionSucceeded`,
  },
];

for (const { named, machine, input, events } of recorded) {
  it(`as in ${named}`, async () => {
    const bench = createBench(functions);
    const { executionArn } = await bench.execute(machine, input);
    const written = bench
      .find(executionArn)
      .init.history.events.map(({ id, previousEventId, type }) => `${id}<${previousEventId} ${type}`);
    expect(written).toEqual(events.split(',').map((line) => line.trim()));
  });
}

it('an execution that is stopped ends with one event, which follows none (test_sfn_api: test_stop_execution)', async () => {
  const bench = createBench(functions);
  const stateMachineArn = await bench.machine(mapOf({ I: { Type: 'Wait', Seconds: 60, End: true } }));
  const { executionArn } = await bench.run('StartExecution', { stateMachineArn, input: '[1,2]' });
  await bench.clock.advance(1000);
  await bench.run('StopExecution', { executionArn });
  await bench.clock.advance(100_000);
  expect(bench.find(executionArn).init.history.events.at(-1)).toMatchObject({
    id: 8,
    previousEventId: 0,
    type: 'ExecutionAborted',
    executionAbortedEventDetails: {},
  });
});

it.each([
  [
    'a failed evaluation names state, event, expression and field',
    { P: { ...pass, Output: { v: '{% $states.input.missing %}' } } },
    'States.QueryEvaluationError',
    "An error occurred while executing the state 'P' (entered at the event id #2). The JSONata expression '$states.input.missing' specified for the field 'Output/v' returned nothing (undefined).",
  ],
  [
    'a value of the wrong type is told with both types',
    {
      P: {
        Type: 'Map',
        Items: "{% 'string' %}",
        ItemProcessor: { StartAt: 'I', States: { I: pass } },
        End: true,
      },
    },
    'States.QueryEvaluationError',
    `An error occurred while executing the state 'P' (entered at the event id #2). The JSONata expression ''string'' specified for the field 'Items' returned an unexpected result type. Expected 'array', but was 'string' for value: "string"`,
  ],
  [
    'an error that is raised inside an expression is told with JSONata’s code',
    { P: { ...pass, Output: { v: "{% $sum(['a']) %}" } } },
    'States.QueryEvaluationError',
    `An error occurred while executing the state 'P' (entered at the event id #2). The JSONata expression '$sum(['a'])' specified for the field 'Output/v' threw an error during evaluation. T0412: Argument 1 of function "sum" must be an array of "numbers"`,
  ],
  [
    'a time limit that is none fails before the task is scheduled',
    { P: task('echo', { TimeoutSeconds: '{% 0 %}' }) },
    'States.QueryEvaluationError',
    "An error occurred while executing the state 'P' (entered at the event id #2). The field 'TimeoutSeconds' must be an integer from 1 to 99999999, but was 0.",
  ],
  ['a Fail without a cause has none', { P: { Type: 'Fail', Error: 'E' } }, 'E', undefined],
])('%s', async (_what, States, error, cause) => {
  const bench = createBench(functions);
  expect(await bench.execute({ StartAt: 'P', States })).toMatchObject({ status: 'FAILED', error, cause });
});
