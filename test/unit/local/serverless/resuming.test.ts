/** Executions go on where they stood when the region went down. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Bench, createBench, failure, type ScriptedFunction, task } from './machine-bench.ts';

const child = {
  StartAt: 'Rest',
  States: {
    Rest: { Type: 'Wait', Seconds: 25, Next: 'Say' },
    Say: { Type: 'Pass', Output: { said: '{% $states.context.Execution.Name %}' }, End: true },
  },
};

/** All that can be under way: waits, pauses between tries, branches, iterations, a gate, a child. */
const everything = (childArn: string) => ({
  StartAt: 'First',
  TimeoutSeconds: 86_400,
  States: {
    First: { Type: 'Wait', Seconds: 10, Assign: { seen: '{% $states.input.n %}' }, Next: 'Flaky' },
    Flaky: task('flaky', {
      Retry: [{ ErrorEquals: ['Moody'], IntervalSeconds: 5, MaxAttempts: 3, BackoffRate: 2 }],
      Next: 'Both',
    }),
    Both: {
      Type: 'Parallel',
      Branches: [
        {
          StartAt: 'Gate',
          States: {
            Gate: {
              Type: 'Task',
              Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
              Arguments: { FunctionName: 'hold', Payload: { token: '{% $states.context.Task.Token %}' } },
              TimeoutSeconds: 40,
              Catch: [{ ErrorEquals: ['States.Timeout'], Next: 'Passed' }],
              End: true,
            },
            Passed: { Type: 'Wait', Seconds: 3, Output: "{% 'time passed' %}", End: true },
          },
        },
        {
          StartAt: 'Child',
          States: {
            Child: {
              Type: 'Task',
              Resource: 'arn:aws:states:::states:startExecution.sync:2',
              Arguments: { StateMachineArn: childArn, Name: 'the-child', Input: {} },
              Output: '{% $states.result.Output %}',
              End: true,
            },
          },
        },
        {
          StartAt: 'Each',
          States: {
            Each: {
              Type: 'Map',
              Items: [1, 2, 3],
              MaxConcurrency: 2,
              ItemProcessor: {
                StartAt: 'Rest',
                States: {
                  Rest: { Type: 'Wait', Seconds: '{% $states.input * 7 %}', Next: 'Name' },
                  Name: {
                    Type: 'Pass',
                    Output: "{% $string($states.context.Map.Item.Index) & ' of ' & $string($seen) %}",
                    End: true,
                  },
                },
              },
              End: true,
            },
          },
        },
      ],
      Next: 'Last',
    },
    Last: { Type: 'Wait', Timestamp: '2026-01-01T00:05:00Z', End: true },
  },
});

/** Fails twice; what it counts is the world's, not the region's. */
function world(): Record<string, ScriptedFunction> {
  let calls = 0;
  return {
    flaky: (payload) => {
      calls += 1;
      if (calls <= 2) throw failure('Moody');
      return payload;
    },
    hold: () => 'held',
  };
}

async function begin(functions: Record<string, ScriptedFunction>): Promise<{ bench: Bench; arn: string }> {
  const bench = createBench(functions);
  const stateMachineArn = await bench.machine(everything(await bench.machine(child, 'child')));
  const { executionArn } = await bench.run('StartExecution', {
    stateMachineArn,
    name: 'x',
    input: '{"n":3}',
  });
  return { bench, arn: executionArn };
}

const endOf = (bench: Bench) =>
  bench.states
    .executions()
    .map((execution) => ({ ...execution.describe(), events: execution.init.history.events }));

it('has the same end and the same history, wherever the region goes down and comes up again', async () => {
  const whole = await begin(world());
  const started = createBench({}, whole.bench); // a copy: making a machine anew each time takes long
  const { status } = await whole.bench.finish(whole.arn);
  expect(status).toBe('SUCCEEDED');

  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 60_000 }), { minLength: 1, maxLength: 5 }),
      async (pauses) => {
        const functions = world();
        let bench = createBench(functions, started);
        const { arn } = whole;
        for (const pause of pauses) {
          await bench.clock.advance(pause);
          bench = createBench(functions, bench);
        }
        await bench.finish(arn);
        expect(endOf(bench)).toEqual(endOf(whole.bench));
      },
    ),
    { numRuns: 60 },
  );
});

it('lets what became due meanwhile happen at once', async () => {
  const functions = world();
  const { bench, arn } = await begin(functions);
  await bench.clock.advance(5_000);
  const later = createBench(functions, {
    ...bench,
    clock: { now: () => bench.clock.now() + 3_600_000 },
  });
  await later.clock.advance(0);
  const types = later.history(arn);
  expect(types).toContain('WaitStateExited');
});

it('keeps the token of a gate, and its deadline', async () => {
  let token = '';
  const functions: Record<string, ScriptedFunction> = {
    hold: (payload: { token: string }) => {
      token = payload.token;
    },
  };
  const gate = {
    StartAt: 'Gate',
    States: {
      Gate: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
        Arguments: { FunctionName: 'hold', Payload: { token: '{% $states.context.Task.Token %}' } },
        HeartbeatSeconds: 60,
        TimeoutSeconds: 600,
        End: true,
      },
    },
  };
  const first = createBench(functions);
  const stateMachineArn = await first.machine(gate);
  const start = async (name: string): Promise<string> =>
    (await first.run('StartExecution', { stateMachineArn, name })).executionArn;
  const [ends, beats, silent] = [await start('ends'), await start('beats'), await start('silent')];
  void beats;
  await first.clock.advance(50_000);

  const second = createBench(functions, first);
  await second.run('SendTaskSuccess', { taskToken: token, output: '"told"' });
  await second.clock.advance(9_000);
  expect(second.find(silent).status).toBe('SUCCEEDED'); // its token is the last that was issued
  expect(second.find(ends).status).toBe('RUNNING');
  await second.clock.advance(2_000);
  expect(second.find(ends)).toMatchObject({ status: 'FAILED', error: 'States.Timeout' });
});

it('fails a task whose function went down with the region, and lets Retry and Catch decide', async () => {
  const never: Record<string, ScriptedFunction> = { work: () => new Promise(() => {}) };
  const first = createBench(never);
  const definition = {
    StartAt: 'Work',
    States: { Work: task('work', { Retry: [{ ErrorEquals: ['Lambda.Unknown'], IntervalSeconds: 1 }] }) },
  };
  const stateMachineArn = await first.machine(definition);
  const { executionArn } = await first.run('StartExecution', { stateMachineArn, input: '1' });
  await first.clock.advance(1_000);

  const second = createBench({ work: () => 'done' }, first);
  expect(await second.finish(executionArn)).toMatchObject({
    status: 'SUCCEEDED',
    output: 'done',
    seconds: 1,
  });
  expect(second.history(executionArn).filter((type) => type === 'TaskFailed')).toHaveLength(1);
});

it('can be redriven after a restart', async () => {
  const functions = { work: () => Promise.reject(failure('Broken')) };
  const first = createBench(functions);
  const stateMachineArn = await first.machine({ StartAt: 'Work', States: { Work: task('work') } });
  const { executionArn } = await first.run('StartExecution', { stateMachineArn, input: '1' });
  await first.finish(executionArn);

  const second = createBench({ work: () => 'done' }, first);
  expect(second.find(executionArn)).toMatchObject({ status: 'FAILED', error: 'Broken' });
  await second.run('RedriveExecution', { executionArn });
  expect(await second.finish(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: 'done' });
});
