/** The console's picture of an execution, from what GetExecutionHistory tells and nothing else. */
import { expect, it } from 'vitest';
import { executionView, renderExecution } from '../../../../local/look/execution-view.ts';
import { type Bench, createBench, failure, task } from './machine-bench.ts';

/** As a client reads it: page after page. */
async function viewed(bench: Bench, executionArn: string) {
  const events = [];
  let nextToken: string | undefined;
  do {
    const page = await bench.run('GetExecutionHistory', { executionArn, maxResults: 7, nextToken });
    events.push(...page.events);
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return executionView(events);
}
const drawn = async (bench: Bench, executionArn: string) =>
  renderExecution(await viewed(bench, executionArn)).split('\n');

it('shows tries, a caught error and where it led', async () => {
  const bench = createBench({
    bad: () => {
      throw failure('Broken');
    },
  });
  const { executionArn } = await bench.execute({
    StartAt: 'T',
    States: {
      T: task('bad', {
        Retry: [{ ErrorEquals: ['Broken'], MaxAttempts: 2, IntervalSeconds: 5 }],
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'W' }],
      }),
      W: { Type: 'Wait', Seconds: 10, Next: 'F' },
      F: { Type: 'Fail', Error: 'Undone' },
    },
  });
  expect(await drawn(bench, executionArn)).toEqual([
    'FAILED 0.0–25.0 s: Undone',
    '  T (Task) 0.0–15.0, Broken at 0.0 s, Broken at 5.0 s, Broken at 15.0 s',
    '  W (Wait) 15.0–25.0',
    '  F (Fail) 25.0–…',
  ]);
  // The interpreter's calls, seen from the functions' side, are the tries.
  const [first] = (await viewed(bench, executionArn)).visits;
  expect(first?.tries.map(({ at }) => at.getTime())).toEqual(bench.invoked.map(({ at }) => at));
});

it('shows branches inside of branches, and which of them failed', async () => {
  const bench = createBench({
    work: async ({ n }: { n: number }, { clock }) => {
      await clock.sleep(n * 1000);
      if (n === 3) throw failure('Third');
      return n;
    },
  });
  const { executionArn } = await bench.execute(
    {
      StartAt: 'P',
      States: {
        P: {
          Type: 'Parallel',
          Branches: [
            {
              StartAt: 'M',
              States: {
                M: {
                  Type: 'Map',
                  ItemSelector: { n: '{% $states.context.Map.Item.Value %}' },
                  MaxConcurrency: 1,
                  ItemProcessor: { StartAt: 'T', States: { T: task('work') } },
                  End: true,
                },
              },
            },
            { StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 60, End: true } } },
          ],
          Catch: [{ ErrorEquals: ['Third'], Next: 'Z' }],
          End: true,
        },
        Z: { Type: 'Succeed' },
      },
    },
    [1, 3],
  );
  expect(await drawn(bench, executionArn)).toEqual([
    'SUCCEEDED 0.0–4.0 s',
    '  P (Parallel) 0.0–4.0, Third',
    '    #0',
    '      M (Map) 0.0–not left, Third',
    '        #0',
    '          T (Task) 0.0–1.0',
    '        #1',
    '          T (Task) 1.0–not left, Third at 4.0 s',
    '    #1',
    '      W (Wait) 0.0–…',
    '  Z (Succeed) 4.0–4.0',
  ]);
});

it('shows a stop, a redrive, and the state that went on', async () => {
  const bench = createBench({ echo: (payload: unknown) => payload });
  const stateMachineArn = await bench.machine({
    StartAt: 'T',
    States: { T: task('echo', { Next: 'W' }), W: { Type: 'Wait', Seconds: 10, End: true } },
  });
  const { executionArn } = await bench.run('StartExecution', { stateMachineArn });
  await bench.clock.advance(4000);
  await bench.run('StopExecution', { executionArn, error: 'Enough' });
  expect(await drawn(bench, executionArn)).toEqual([
    'ABORTED 0.0–4.0 s: Enough',
    '  T (Task) 0.0–0.0',
    '  W (Wait) 0.0–…',
  ]);
  await bench.clock.advance(6000);
  await bench.run('RedriveExecution', { executionArn });
  await bench.finish(executionArn);
  expect(await drawn(bench, executionArn)).toEqual([
    'SUCCEEDED 0.0–20.0 s',
    'redriven at 10.0 s',
    '  T (Task) 0.0–0.0',
    '  W (Wait) 0.0–…',
    '  W (Wait) 10.0–20.0',
  ]);
});
