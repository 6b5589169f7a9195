import { describe, expect, it } from 'vitest';
import { createBench, failure, task } from './machine-bench.ts';

const gate = {
  Type: 'Task',
  Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
  Arguments: { FunctionName: 'hold', Payload: { token: '{% $states.context.Task.Token %}' } },
  End: true,
};

describe('a task that waits for its token', () => {
  it.each(['before', 'after'] as const)('takes a token sent %s the function has answered', async (when) => {
    const bench = createBench({
      hold: async ({ token }: { token: string }, { run, clock }) => {
        const send = () => run('SendTaskSuccess', { taskToken: token, output: '{"go":true}' });
        if (when === 'before') await send();
        else clock.after(86_400_000, () => void send());
        return 'stored';
      },
    });
    const ended = await bench.execute({ StartAt: 'G', States: { G: gate } });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: { go: true } });
    // A day at a gate makes a handful of events.
    expect(bench.history(ended.executionArn).length).toBeLessThan(10);
  });

  it('fails by the name that was sent, and can be caught', async () => {
    const bench = createBench({
      hold: async ({ token }: { token: string }, { run }) =>
        run('SendTaskFailure', { taskToken: token, error: 'GateAborted', cause: 'by ann' }),
    });
    const Catch = [{ ErrorEquals: ['GateAborted'], Next: 'C', Output: '{% $states.errorOutput.Cause %}' }];
    const ended = await bench.execute({
      StartAt: 'G',
      States: { G: { ...gate, Catch }, C: { Type: 'Succeed' } },
    });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: 'by ann' });
  });

  it('times out, and then the token is worth nothing', async () => {
    let kept = '';
    const bench = createBench({
      hold: ({ token }: { token: string }) => {
        kept = token;
      },
    });
    const ended = await bench.execute({
      StartAt: 'G',
      States: { G: { ...gate, TimeoutSeconds: '{% 60 * 10 %}' } },
    });
    expect(ended).toMatchObject({ status: 'FAILED', error: 'States.Timeout', seconds: 600 });
    expect(bench.history(ended.executionArn)).toContain('TaskTimedOut');
    await expect(bench.run('SendTaskSuccess', { taskToken: kept, output: '1' })).rejects.toMatchObject({
      code: 'TaskTimedOut',
    });
    await expect(bench.run('SendTaskSuccess', { taskToken: 'x', output: '1' })).rejects.toMatchObject({
      code: 'InvalidToken',
    });
  });

  it('wants its heartbeats', async () => {
    const bench = createBench({
      hold: ({ token }: { token: string }, { run, clock }) => {
        clock.after(50_000, () => void run('SendTaskHeartbeat', { taskToken: token }));
      },
    });
    const ended = await bench.execute({ StartAt: 'G', States: { G: { ...gate, HeartbeatSeconds: 60 } } });
    // AWS tells of it as of any timeout, and lets it be caught by its own name.
    expect(ended).toMatchObject({ status: 'FAILED', error: 'States.Timeout', seconds: 110 });
    const caught = await bench.execute(
      {
        StartAt: 'G',
        States: {
          G: {
            ...gate,
            HeartbeatSeconds: 60,
            Catch: [{ ErrorEquals: ['States.HeartbeatTimeout'], Next: 'C' }],
          },
          C: { Type: 'Succeed' },
        },
      },
      {},
      'catching',
    );
    expect(caught).toMatchObject({ status: 'SUCCEEDED', output: { Error: 'States.Timeout', Cause: '' } });
  });
});

describe('a name of an execution', () => {
  const waiting = { StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 60, End: true } } };
  it('answers with the same execution while it runs, and is refused once it has ended', async () => {
    const bench = createBench();
    const stateMachineArn = await bench.machine(waiting);
    const start = (input: string) => bench.run('StartExecution', { stateMachineArn, name: 'one', input });
    const first = await start('{"a":1}');
    expect((await start('{"a":1}')).executionArn).toBe(first.executionArn);
    await expect(start('{"a":2}')).rejects.toMatchObject({ code: 'ExecutionAlreadyExists' });
    await bench.finish(first.executionArn);
    await expect(start('{"a":1}')).rejects.toMatchObject({ code: 'ExecutionAlreadyExists' });
  });

  it('is free again after 90 days, when what had it is listed no more', async () => {
    const bench = createBench();
    const stateMachineArn = await bench.machine(waiting);
    const start = async (name: string) => {
      const { executionArn } = await bench.run('StartExecution', { stateMachineArn, name });
      await bench.finish(executionArn);
    };
    const listed = async () => {
      const { executions } = await bench.run('ListExecutions', { stateMachineArn });
      return executions.map(({ name }: { name: string }) => name);
    };
    const day = 86_400_000;
    await start('one');
    await bench.clock.advance(45 * day);
    await start('two');
    expect(await listed()).toEqual(['two', 'one']);
    await bench.clock.advance(45 * day + 1);
    expect(await listed()).toEqual(['two']);
    await start('one');
    expect(await listed()).toEqual(['one', 'two']);
  });

  it.each(['', 'a/b', 'with space', 'x'.repeat(81)])('is refused: %j', async (name) => {
    const bench = createBench();
    const stateMachineArn = await bench.machine(waiting);
    await expect(bench.run('StartExecution', { stateMachineArn, name })).rejects.toMatchObject({
      code: 'InvalidName',
    });
  });
});

describe('an execution', () => {
  it('that is stopped runs no catch, and goes on where it stood when redriven', async () => {
    const bench = createBench({ count: ({ n }: { n: number }) => ({ n: n + 1 }) });
    const stateMachineArn = await bench.machine({
      StartAt: 'A',
      States: {
        A: task('count', { Next: 'W', Assign: { kept: '{% $states.result.Payload.n %}' } }),
        W: { Type: 'Wait', Seconds: 100, Next: 'B' },
        B: { Type: 'Pass', Output: '{% $kept %}', End: true },
      },
    });
    const { executionArn } = await bench.run('StartExecution', { stateMachineArn, input: '{"n":1}' });
    await bench.clock.advance(50_000);
    await bench.run('StopExecution', { executionArn, error: 'Mine', cause: 'why' });
    const stopped = await bench.finish(executionArn);
    expect(stopped).toMatchObject({ status: 'ABORTED', error: 'Mine', cause: 'why' });
    await bench.clock.advance(3_600_000);
    await bench.run('RedriveExecution', { executionArn });
    expect(await bench.finish(executionArn)).toMatchObject({ status: 'SUCCEEDED', output: 2, seconds: 100 });
    // The first state was not run again.
    expect(bench.invoked).toHaveLength(1);
    expect(bench.history(executionArn)).toContain('ExecutionRedriven');
    expect(bench.events.map(({ detail }) => detail.status)).toEqual([
      'RUNNING',
      'ABORTED',
      'RUNNING',
      'SUCCEEDED',
    ]);
    await expect(bench.run('RedriveExecution', { executionArn })).rejects.toMatchObject({
      code: 'ExecutionNotRedrivable',
    });
  });

  it('ends when the machine’s time is over', async () => {
    const bench = createBench();
    const ended = await bench.execute({
      TimeoutSeconds: 30,
      StartAt: 'W',
      States: { W: { Type: 'Wait', Seconds: 60, End: true } },
    });
    // The error is in the history alone.
    expect(ended).toMatchObject({ status: 'TIMED_OUT', error: undefined, seconds: 30 });
    expect(bench.find(ended.executionArn).init.history.events.at(-1)).toMatchObject({
      type: 'ExecutionTimedOut',
      previousEventId: 0,
      executionTimedOutEventDetails: { error: 'States.Timeout' },
    });
  });

  it('pages its history in both directions', async () => {
    const bench = createBench();
    const ended = await bench.execute({ StartAt: 'P', States: { P: { Type: 'Pass', End: true } } });
    const { executionArn } = ended;
    const first = await bench.run('GetExecutionHistory', { executionArn, maxResults: 3 });
    const rest = await bench.run('GetExecutionHistory', {
      executionArn,
      maxResults: 3,
      nextToken: first.nextToken,
    });
    const ids = [...first.events, ...rest.events].map(({ id }: { id: number }) => id);
    expect(ids).toEqual([1, 2, 3, 4]);
    const back = await bench.run('GetExecutionHistory', { executionArn, reverseOrder: true });
    expect(back.events.map(({ id }: { id: number }) => id)).toEqual(ids.toReversed());
  });
});

describe('Parallel and Map', () => {
  it('run items with bounded concurrency, in order of the items', async () => {
    let running = 0;
    let most = 0;
    const bench = createBench({
      work: async (item: { i: number }, { clock }) => {
        most = Math.max(most, ++running);
        await clock.sleep(1_000 * (5 - item.i));
        running -= 1;
        return item.i;
      },
    });
    const ended = await bench.execute(
      {
        StartAt: 'M',
        States: {
          M: {
            Type: 'Map',
            Items: '{% $states.input.items %}',
            ItemSelector: { i: '{% $states.context.Map.Item.Index %}' },
            MaxConcurrency: 2,
            ItemProcessor: { StartAt: 'T', States: { T: task('work') } },
            End: true,
          },
        },
      },
      { items: ['a', 'b', 'c', 'd'] },
    );
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: [0, 1, 2, 3] });
    expect(most).toBe(2);
  });

  it('end the other branches at the first error, which can be caught', async () => {
    const bench = createBench({
      bad: () => {
        throw failure('Broken');
      },
    });
    const ended = await bench.execute({
      StartAt: 'P',
      States: {
        P: {
          Type: 'Parallel',
          Branches: [
            { StartAt: 'T', States: { T: task('bad') } },
            { StartAt: 'W', States: { W: { Type: 'Wait', Seconds: 3600, End: true } } },
          ],
          Catch: [{ ErrorEquals: ['Broken'], Next: 'C', Output: '{% $states.errorOutput.Error %}' }],
          End: true,
        },
        C: { Type: 'Succeed' },
      },
    });
    expect(ended).toMatchObject({ status: 'SUCCEEDED', output: 'Broken', seconds: 0 });
  });
});

describe('an expression', () => {
  const evaluate = (expression: string) =>
    createBench().execute({
      StartAt: 'P',
      States: { P: { Type: 'Pass', Output: `{% ${expression} %}`, End: true } },
    });
  it.each([
    ['$partition([1,2,3,4,5], 2)', [[1, 2], [3, 4], [5]]],
    ['$range(0, 6, 3)', [0, 3, 6]],
    ["{'all': [{'n': 2, 'by': 3}]} ~> |all|{'total': n * by}, ['by']|", { all: [{ n: 2, total: 6 }] }],
    ["$hash('a', 'SHA-256')", 'ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb'],
    ['$parse(\'{"a":[1]}\')', { a: [1] }],
    ['$now()', '2026-01-01T00:00:00.000Z'],
    ['$millis()', Date.UTC(2026, 0, 1)],
    ['$length($uuid())', 36],
    ['$random(7) = $random(7)', true],
    ['$states.context.State.Name', 'P'],
  ])('%s', async (expression, value) => {
    expect((await evaluate(expression)).output).toEqual(value);
  });

  it.each(['$states.input.missing', "$eval('1')", '1 + "a"', 'function($x){$x}'])(
    'that fails is States.QueryEvaluationError: %s',
    async (expression) => {
      expect(await evaluate(expression)).toMatchObject({
        status: 'FAILED',
        error: 'States.QueryEvaluationError',
      });
    },
  );
});

describe('a definition', () => {
  const pass = { Type: 'Pass', End: true };
  const of = (state: object, more: object = {}) => ({ StartAt: 'A', States: { A: state }, ...more });
  it.each([
    ['JSONPath', of(pass, { QueryLanguage: 'JSONPath' }), /JSONata machines alone/],
    [
      'another service',
      of({ ...(task('x') as object), Resource: 'arn:aws:states:::sqs:sendMessage' }),
      /sqs:sendMessage/,
    ],
    ['a broken expression', of({ ...pass, Output: '{% 1 + %}' }), /INVALID_JSONATA|SCHEMA_VALIDATION_FAILED/],
    [
      'a name that means nothing at the top',
      of({ ...pass, Output: '{% phone %}' }),
      /UNSUPPORTED_JSONATA_EXPRESSION: Reference to 'phone' at the top level is not supported. at \/States\/A\/Output/,
    ],
    ['the context item', of({ ...pass, Output: '{% $.a %}' }), /Reference to '\$' is not supported/],
    [
      'a transform of a name that means nothing',
      of({ ...pass, Output: '{% order ~> |items|{"total": price}| %}' }),
      /Reference to 'order' at the top level/,
    ],
    [
      'the root in a transform',
      of({ ...pass, Output: '{% $states.input ~> |items|{"total": $$.price}| %}' }),
      /Reference to '\$\$' is not supported/,
    ],
    [
      'a result before there is one',
      of({ ...(task('x') as object), Arguments: { a: '{% $states.result %}' } }),
      /Reference to '\$states.result' is not supported in this field/,
    ],
    [
      'an error outside of a catch',
      of({ ...(task('x') as object), Output: '{% $states.errorOutput %}' }),
      /Reference to '\$states.errorOutput' is not supported/,
    ],
    ['half a fence', of({ ...pass, Output: '{% 1' }), /INVALID_JSONATA|SCHEMA_VALIDATION_FAILED/],
    ['a field of JSONPath', of({ ...pass, ResultPath: '$.x' }), /ResultPath|SCHEMA/],
    ['the reserved variable', of({ ...pass, Assign: { states: 1 } }), /'states'/],
    ['a state that is not there', of({ Type: 'Pass', Next: 'B' }), /MISSING_TRANSITION_TARGET/],
  ])('with %s is refused', async (_what, definition, words) => {
    await expect(createBench().machine(definition)).rejects.toMatchObject({
      code: 'InvalidDefinition',
      message: expect.stringMatching(words),
    });
  });

  it.each([
    '$states.input.items[value > 3]',
    '$states.input.items.name',
    '$map($states.input.items, function($one) { $one.name })',
    '$states.input.items^(age)',
    '$states.input.items{name: age}',
    '($x := 1; $x + $states.input.n)',
    "$states.input ~> |items|{'total': price * qty}, ['price']|",
    "$states.input ~> |$|{'n': n + 1}|",
    "$map($states.input.all, |items[age > 3]|{'old': $.name}|)",
  ])('with a name inside of an expression is taken: %s', async (expression) => {
    await createBench().machine(of({ ...pass, Output: `{% ${expression} %}` }));
  });

  it('whose role Step Functions may not assume is refused', async () => {
    const { run } = createBench();
    const definition = JSON.stringify({ QueryLanguage: 'JSONata', ...of(pass) });
    const roleArn = 'arn:aws:iam::000000000000:role/untrusted';
    await expect(run('CreateStateMachine', { name: 'm', definition, roleArn })).rejects.toMatchObject({
      code: 'AccessDeniedException',
    });
  });
});
