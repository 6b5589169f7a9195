import { describe, expect, it } from 'vitest';
import { createBench, failure, task } from './machine-bench.ts';

describe('a state machine', () => {
  it('passes, chooses, waits and succeeds', async () => {
    const bench = createBench();
    const ended = await bench.execute(
      {
        StartAt: 'A',
        States: {
          A: {
            Type: 'Pass',
            Output: { n: '{% $states.input.n + 1 %}' },
            Assign: { seen: '{% $states.input.n %}' },
            Next: 'B',
          },
          B: {
            Type: 'Choice',
            Choices: [{ Condition: '{% $states.input.n > 5 %}', Next: 'D' }],
            Default: 'C',
          },
          C: { Type: 'Wait', Seconds: '{% 60 * $states.input.n %}', Next: 'A' },
          D: { Type: 'Succeed', Output: { last: '{% $seen %}', n: '{% $states.input.n %}' } },
        },
      },
      { n: 3 },
    );
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { last: 5, n: 6 }, seconds: 60 * 4 + 60 * 5 });
    expect(bench.history(ended.executionArn).slice(0, 7)).toEqual([
      'ExecutionStarted',
      'PassStateEntered',
      'PassStateExited',
      'ChoiceStateEntered',
      'ChoiceStateExited',
      'WaitStateEntered',
      'WaitStateExited',
    ]);
  });

  // https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html
  it('waits for a time to the second, whose milliseconds are cut off', async () => {
    const bench = createBench();
    const until = (name: string, Timestamp: string) =>
      bench.execute({ StartAt: 'W', States: { W: { Type: 'Wait', Timestamp, End: true } } }, {}, name);
    expect(await until('utc', '2026-01-01T00:00:07.999Z')).toMatchObject({ seconds: 7 });
    expect(await until('offset', '2026-01-01T01:00:09.001+01:00')).toMatchObject({ seconds: 2 });
  });

  it('invokes a function and takes its payload', async () => {
    const bench = createBench({ double: ({ n }: { n: number }) => ({ n: n * 2 }) });
    const ended = await bench.execute({ StartAt: 'T', States: { T: task('double') } }, { n: 4 });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { n: 8 } });
    expect(bench.history(ended.executionArn)).toEqual([
      'ExecutionStarted',
      'TaskStateEntered',
      'TaskScheduled',
      'TaskStarted',
      'TaskSucceeded',
      'TaskStateExited',
      'ExecutionSucceeded',
    ]);
  });

  it('tries again with growing pauses, and then catches by name', async () => {
    const bench = createBench({
      bad: () => {
        throw failure('Broken', 'pipe');
      },
    });
    const ended = await bench.execute({
      StartAt: 'T',
      States: {
        T: task('bad', {
          Retry: [
            { ErrorEquals: ['Other'], MaxAttempts: 9 },
            {
              ErrorEquals: ['Broken'],
              IntervalSeconds: 2,
              MaxAttempts: 4,
              BackoffRate: 3,
              MaxDelaySeconds: 20,
            },
          ],
          Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught', Output: '{% $states.errorOutput %}' }],
        }),
        Caught: { Type: 'Pass', End: true },
      },
    });
    expect(ended.status).toBe('SUCCEEDED');
    expect(ended.output.Error).toBe('Broken');
    expect(JSON.parse(ended.output.Cause)).toMatchObject({ errorType: 'Broken', errorMessage: 'pipe' });
    const start = bench.invoked[0]?.at ?? 0;
    expect(bench.invoked.map(({ at }) => (at - start) / 1000)).toEqual([0, 2, 8, 26 - 0, 46]);
  });
});
