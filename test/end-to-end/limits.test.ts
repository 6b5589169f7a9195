/**
 * AWS's limits, each from its page: what lies within is taken, and one step beyond is refused by AWS's name.
 * The rates of API calls are in the tests of throttling.
 */
import { afterAll, beforeAll, it } from 'vitest';
import { VirtualClock } from '../../local/clock.ts';
import { createRegion, type Region } from '../../local/region.ts';
import { createFunction, invoke } from '../support/functions.ts';
import { createTextTable } from '../support/things-in-region.ts';
import { type Bench, createBench, task } from '../unit/local/serverless/machine-bench.ts';

const pages = {
  states: 'https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html',
  variables: 'https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html#variable-limits',
  redrive: 'https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html',
  inlineMap: 'https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html',
  lambda: 'https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html',
  dynamodb: 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html',
  transactions: 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html',
} as const;

interface Limit {
  readonly what: string;
  readonly page: keyof typeof pages;
  /** Resolves where the limit is just kept. */
  readonly within: () => Promise<unknown>;
  /** Resolves with the name of the refusal where it is just exceeded. */
  readonly beyond: () => Promise<unknown>;
  readonly refusal: string;
}

function table(limits: readonly Limit[]): void {
  // One by one: a name in a table of the test runner's is cut off.
  for (const { what, within, beyond, refusal, page } of limits) {
    it(what, async () => {
      await within();
      const told = await beyond();
      if (told !== refusal) throw new Error(`${String(told)} instead of ${refusal}; see ${pages[page]}`);
    });
  }
}

/** The code with which a call is refused. */
const refused = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'taken',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
const kib = 1024;
const day = 24 * 3_600_000;

// Step Functions ---------------------------------------------------------------------------------------------

const pass = { Type: 'Pass', End: true };
const functions = {
  long: ({ length }: { length: number }) => 'x'.repeat(length),
  hold: () => undefined,
};
/** Runs a machine in a bench of its own. @returns the error's name, or SUCCEEDED. */
async function ends(states: object, input: unknown = {}): Promise<string | undefined> {
  const { status, error } = await createBench(functions).execute({ StartAt: 'S', ...states }, input);
  return status === 'SUCCEEDED' ? status : (error ?? status);
}
async function succeeds(states: object, input: unknown = {}): Promise<void> {
  const told = await ends(states, input);
  if (told !== 'SUCCEEDED') throw new Error(`It ended in ${told}.`);
}
const of = (state: object) => ({ States: { S: state } });
const start = async (more: object, definition: object = of(pass)) => {
  const bench = createBench(functions);
  const stateMachineArn = await bench.machine({ StartAt: 'S', ...definition });
  return bench.run('StartExecution', { stateMachineArn, ...more });
};
/** JSON of so many bytes. */
const text = (bytes: number): string => JSON.stringify('x'.repeat(bytes - 2));
/** An expression for a string whose JSON has so many bytes. */
const string = (bytes: number): string => `{% $pad('', ${bytes - 2}, 'x') %}`;
/** States that assign as many variables, of 256 KiB together each time. */
const filling = (count: number) => ({
  States: Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      index === 0 ? 'S' : `S${index}`,
      {
        Type: 'Pass',
        Assign: { [`v${index}`]: string(256 * kib) },
        ...(index === count - 1 ? { End: true } : { Next: `S${index + 1}` }),
      },
    ]),
  ),
});
/** A loop that makes four events a turn, `turns` times, and three more with the start and the end. */
const looping = (turns: number) => ({
  States: {
    S: { Type: 'Pass', Output: '{% $states.input + 1 %}', Next: 'C' },
    C: {
      Type: 'Choice',
      Choices: [{ Condition: `{% $states.input < ${turns} %}`, Next: 'S' }],
      Default: 'E',
    },
    E: { Type: 'Succeed' },
  },
});
async function closedName(afterMs: number): Promise<unknown> {
  const bench = createBench();
  const stateMachineArn = await bench.machine({ StartAt: 'S', ...of(pass) });
  const again = () => bench.run('StartExecution', { stateMachineArn, name: 'one' });
  await bench.finish((await again()).executionArn);
  await bench.clock.advance(afterMs);
  return refused(again());
}
async function redriven(afterMs: number): Promise<unknown> {
  const bench = createBench();
  const { executionArn } = await bench.execute({ StartAt: 'S', ...of({ Type: 'Fail', Error: 'E' }) });
  await bench.clock.advance(afterMs);
  return refused(bench.run('RedriveExecution', { executionArn }));
}
async function answered(bytes: number): Promise<unknown> {
  let token = '';
  const bench: Bench = createBench({
    hold: (payload: { token: string }) => {
      token = payload.token;
    },
  });
  const stateMachineArn = await bench.machine({
    StartAt: 'S',
    ...of({
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
      Arguments: { FunctionName: 'hold', Payload: { token: '{% $states.context.Task.Token %}' } },
      End: true,
    }),
  });
  await bench.run('StartExecution', { stateMachineArn });
  await bench.clock.advance(1000);
  return refused(bench.run('SendTaskSuccess', { taskToken: token, output: text(bytes) }));
}
async function mapped(items: number): Promise<number> {
  let running = 0;
  let most = 0;
  const bench = createBench({
    work: async (_: unknown, { clock }) => {
      most = Math.max(most, ++running);
      await clock.sleep(1000);
      running -= 1;
    },
  });
  const ItemProcessor = { StartAt: 'T', States: { T: task('work') } };
  const Items = `{% [1..${items}] %}`;
  await bench.execute({ StartAt: 'S', ...of({ Type: 'Map', Items, ItemProcessor, End: true }) });
  return most;
}
const definition = (bytes: number) =>
  refused(createBench().machine({ StartAt: 'S', Comment: 'x'.repeat(bytes), ...of(pass) }));

table([
  {
    what: 'the input of an execution has 256 KiB',
    page: 'states',
    within: () => start({ input: text(256 * kib) }),
    beyond: () => refused(start({ input: text(256 * kib + 1) })),
    refusal: 'InvalidExecutionInput',
  },
  {
    what: 'the output of a state has 256 KiB',
    page: 'states',
    within: () => succeeds(of({ ...pass, Output: string(256 * kib) })),
    beyond: () => ends(of({ ...pass, Output: string(256 * kib + 1) })),
    refusal: 'States.DataLimitExceeded',
  },
  {
    what: 'the result of a task has 256 KiB',
    page: 'states',
    // The answer of Lambda's API is around the payload.
    within: () => succeeds(of(task('long')), { length: 255 * kib }),
    beyond: () => ends(of(task('long', { Output: '{% 1 %}' })), { length: 256 * kib }),
    refusal: 'States.DataLimitExceeded',
  },
  {
    what: 'the output that is sent with a task token has 256 KiB',
    page: 'states',
    within: () => answered(256 * kib),
    beyond: () => answered(256 * kib + 1),
    refusal: 'InvalidOutput',
  },
  {
    what: 'the variables of one Assign have 256 KiB',
    page: 'variables',
    within: () => succeeds(of({ ...pass, Assign: { a: string(128 * kib), b: string(128 * kib) } })),
    beyond: () => ends(of({ ...pass, Assign: { a: string(128 * kib), b: string(128 * kib + 1) } })),
    refusal: 'States.DataLimitExceeded',
  },
  {
    what: 'all variables of an execution have 10 MiB',
    page: 'variables',
    within: () => succeeds(filling(40)),
    beyond: () => ends(filling(41)),
    refusal: 'States.DataLimitExceeded',
  },
  {
    what: 'the history of an execution has 25,000 events',
    page: 'states',
    within: () => succeeds(looping(6249), 0),
    beyond: () => ends(looping(6250), 0),
    refusal: 'States.Runtime',
  },
  {
    what: 'an execution runs for a year',
    page: 'states',
    within: () => runsFor(364 * day),
    beyond: () => runsFor(366 * day),
    refusal: 'TIMED_OUT',
  },
  {
    what: 'the name of an execution has 80 characters',
    page: 'states',
    within: () => start({ name: 'n'.repeat(80) }),
    beyond: () => refused(start({ name: 'n'.repeat(81) })),
    refusal: 'InvalidName',
  },
  {
    what: 'the name of a closed execution is free after 90 days',
    page: 'states',
    within: async () => expectTaken(await closedName(90 * day + 1)),
    beyond: () => closedName(90 * day - 1),
    refusal: 'ExecutionAlreadyExists',
  },
  {
    what: 'an execution is redriven within 14 days',
    page: 'redrive',
    within: async () => expectTaken(await redriven(14 * day)),
    beyond: () => redriven(14 * day + 1),
    refusal: 'ExecutionNotRedrivable',
  },
  {
    what: 'a definition has 1 MiB',
    page: 'states',
    within: async () => {
      if (/InvalidDefinition/.test(String(await definition(1023 * kib)))) throw new Error('refused');
    },
    beyond: () => definition(1024 * kib),
    refusal: 'InvalidDefinition',
  },
  {
    what: 'an inline map runs 40 iterations at once',
    page: 'inlineMap',
    within: () => mapped(40),
    beyond: async () => `${await mapped(45)} at once`,
    refusal: '40 at once',
  },
]);

async function runsFor(ms: number): Promise<unknown> {
  const bench = createBench();
  const stateMachineArn = await bench.machine({
    StartAt: 'S',
    ...of({ Type: 'Wait', Seconds: 99_999_999, End: true }),
  });
  const { executionArn } = await bench.run('StartExecution', { stateMachineArn });
  await bench.clock.advance(ms);
  const { status } = await bench.run('DescribeExecution', { executionArn });
  if (ms < 365 * day && status !== 'RUNNING') throw new Error(`It is ${status}.`);
  return status;
}

function expectTaken(told: unknown): void {
  if (told !== 'taken') throw new Error(String(told));
}

// Lambda and DynamoDB on a virtual clock ---------------------------------------------------------------------

const clock = new VirtualClock();
let virtual: Region;
let processes: Region;
beforeAll(async () => {
  virtual = await createRegion({ clock, seed: 1 });
  processes = await createRegion({ seed: 1 });
  await processes.listen();
  await createFunction(
    virtual,
    'echo',
    'export const handler = async ({ length = 0, sleepMs = 0 }) => { await new Promise((r) => setTimeout(r, sleepMs)); return "x".repeat(length); };',
    { Timeout: 900 },
  );
  for (const name of ['narrow', 'wide']) await createTextTable(virtual, name, ['pk', 'sk']);
});
afterAll(() => Promise.all([virtual.close(), processes.close()]));

async function passing<T>(work: Promise<T>, withinMs = 3_600_000): Promise<T> {
  let done = false;
  const settled = work.finally(() => {
    done = true;
  });
  settled.catch(() => undefined);
  await clock.runUntil(() => done, withinMs);
  return settled;
}
const request = (bytes: number, InvocationType = 'RequestResponse') => {
  const shell = JSON.stringify({ pad: '' }).length;
  return passing(
    virtual.call('lambda', 'Invoke', {
      FunctionName: 'echo',
      InvocationType,
      Payload: Buffer.from(JSON.stringify({ pad: 'x'.repeat(bytes - shell) })),
    }),
  );
};
/** The errorType of an invocation, or undefined. */
const answer = async (payload: object): Promise<unknown> =>
  (await passing(invoke(virtual, 'echo', payload))).payload?.errorType;
const configure = (more: object) =>
  virtual.call('lambda', 'UpdateFunctionConfiguration', { FunctionName: 'echo', ...more });
const variables = (bytes: number) => configure({ Environment: { Variables: { VV: 'x'.repeat(bytes) } } });
async function atOnce(count: number): Promise<unknown> {
  const calls = Array.from({ length: count }, () =>
    virtual.call('lambda', 'Invoke', {
      FunctionName: 'echo',
      Payload: Buffer.from('{"sleepMs":1000}'),
    }),
  );
  const told = await passing(Promise.all(calls.map(refused)));
  return told.find((one) => one !== 'taken') ?? 'taken';
}

const write = (operation: string, input: object) => virtual.call('dynamodb', operation, input);
const key = (pk: string, sk = 's') => ({ pk: { S: pk }, sk: { S: sk } });
/** An item of so many bytes as DynamoDB counts: names and values. */
const item = (bytes: number, pk = 'p') => ({
  ...key(pk),
  t: { S: 'x'.repeat(bytes - 4 - pk.length - 1 - 1) },
});
const put = (Item: object, TableName = 'narrow') => write('PutItem', { TableName, Item });
const transact = (count: number, bytes: number) =>
  write('TransactWriteItems', {
    TransactItems: Array.from({ length: count }, (_, index) => ({
      Put: { TableName: 'narrow', Item: item(bytes, `t${index}`) },
    })),
  });
const batch = (count: number) =>
  write('BatchWriteItem', {
    RequestItems: {
      narrow: Array.from({ length: count }, (_, index) => ({ PutRequest: { Item: item(20, `b${index}`) } })),
    },
  });
async function scanned(items: number): Promise<unknown> {
  for (let index = 0; index < items; index++) await put(item(300 * kib, `page${index}`), 'wide');
  const page = (await write('Scan', { TableName: 'wide' })) as { LastEvaluatedKey?: unknown };
  return page.LastEvaluatedKey === undefined ? 'one page' : 'more pages';
}
async function repeated(afterMs: number): Promise<unknown> {
  const ClientRequestToken = `token-${afterMs}`;
  const once = (n: number) =>
    write('TransactWriteItems', {
      ClientRequestToken,
      TransactItems: [{ Put: { TableName: 'narrow', Item: { ...key('token'), n: { N: String(n) } } } }],
    });
  await once(1);
  await clock.advance(afterMs);
  return refused(once(2));
}

table([
  {
    what: 'the payload of an invocation has 6 MB',
    page: 'lambda',
    within: () => request(6 * kib * kib),
    beyond: () => refused(request(6 * kib * kib + 1)),
    refusal: 'RequestTooLargeException',
  },
  {
    what: 'the answer of a function has 6 MB',
    page: 'lambda',
    within: async () => {
      if ((await answer({ length: 6 * kib * kib - 2 })) !== undefined) throw new Error('refused');
    },
    beyond: () => answer({ length: 6 * kib * kib }),
    refusal: 'Function.ResponseSizeTooLarge',
  },
  {
    what: 'the event of an asynchronous invocation has 1 MB',
    page: 'lambda',
    within: () => request(kib * kib, 'Event'),
    beyond: () => refused(request(kib * kib + 1, 'Event')),
    refusal: 'RequestTooLargeException',
  },
  {
    what: 'a function runs for 15 minutes',
    page: 'lambda',
    within: async () => {
      if ((await answer({ sleepMs: 899_000 })) !== undefined) throw new Error('ended too early');
    },
    beyond: () => answer({ sleepMs: 901_000 }),
    refusal: 'Sandbox.Timedout',
  },
  {
    what: 'nobody may ask for more than 15 minutes',
    page: 'lambda',
    within: () => configure({ Timeout: 900 }),
    beyond: () => refused(configure({ Timeout: 901 })),
    refusal: 'ValidationException',
  },
  {
    what: 'nobody may ask for more than 10,240 MB of memory',
    page: 'lambda',
    within: () => configure({ MemorySize: 10_240 }),
    beyond: () => refused(configure({ MemorySize: 10_241 })),
    refusal: 'ValidationException',
  },
  {
    what: 'the variables of a function have 4 KB',
    page: 'lambda',
    within: () => variables(4000),
    beyond: () => refused(variables(4200)),
    refusal: 'InvalidParameterValueException',
  },
  {
    what: 'a thousand invocations run at once',
    page: 'lambda',
    within: async () => expectTaken(await atOnce(1000)),
    beyond: () => atOnce(1001),
    refusal: 'TooManyRequestsException',
  },
  {
    what: 'a function runs as often at once as is reserved for it',
    page: 'lambda',
    within: async () => {
      const ReservedConcurrentExecutions = 2;
      await virtual.call('lambda', 'PutFunctionConcurrency', {
        FunctionName: 'echo',
        ReservedConcurrentExecutions,
      });
      expectTaken(await atOnce(2));
    },
    beyond: async () => {
      const told = await atOnce(3);
      await virtual.call('lambda', 'DeleteFunctionConcurrency', { FunctionName: 'echo' });
      return told;
    },
    refusal: 'TooManyRequestsException',
  },
  {
    what: 'an item has 400 KB',
    page: 'dynamodb',
    within: () => put(item(400 * kib)),
    beyond: () => refused(put(item(400 * kib + 1))),
    refusal: 'ValidationException',
  },
  {
    what: 'a partition key has 2,048 bytes',
    page: 'dynamodb',
    within: () => put(key('k'.repeat(2048))),
    beyond: () => refused(put(key('k'.repeat(2049)))),
    refusal: 'ValidationException',
  },
  {
    what: 'a sort key has 1,024 bytes',
    page: 'dynamodb',
    within: () => put(key('p', 'k'.repeat(1024))),
    beyond: () => refused(put(key('p', 'k'.repeat(1025)))),
    refusal: 'ValidationException',
  },
  {
    what: 'a page of a scan has 1 MB',
    page: 'dynamodb',
    within: () => scanned(3),
    beyond: () => scanned(5),
    refusal: 'more pages',
  },
  {
    what: 'a batch writes 25 items',
    page: 'dynamodb',
    within: () => batch(25),
    beyond: () => refused(batch(26)),
    refusal: 'ValidationException',
  },
  {
    what: 'a transaction has 100 items',
    page: 'transactions',
    within: () => transact(100, 100),
    beyond: () => refused(transact(101, 100)),
    refusal: 'ValidationException',
  },
  {
    what: 'a transaction has 4 MB',
    page: 'transactions',
    within: () => transact(13, 300 * kib),
    beyond: () => refused(transact(14, 300 * kib)),
    refusal: 'ValidationException',
  },
  {
    what: 'a client token of a transaction counts for 10 minutes',
    page: 'transactions',
    within: async () => expectTaken(await repeated(10 * 60_000)),
    beyond: () => repeated(10 * 60_000 - 1),
    refusal: 'IdempotentParameterMismatchException',
  },
]);

// Lambda in processes ----------------------------------------------------------------------------------------

const inProcess = async (name: string, source: string, settings: object): Promise<unknown> => {
  await createFunction(processes, name, source, settings);
  return (await invoke(processes, name)).payload?.errorType;
};
const keeping = (mb: number) =>
  `export const handler = async () => {
     const kept = Buffer.alloc(${mb} * 1024 * 1024, 1);
     await new Promise((r) => setTimeout(r, 300));
     return kept.length;
   };`;

table([
  {
    what: 'a function has the memory that it asked for',
    page: 'lambda',
    within: async () => {
      const told = await inProcess('modest', keeping(100), { MemorySize: 256 });
      if (told !== undefined) throw new Error(String(told));
    },
    beyond: () => inProcess('greedy', keeping(300), { MemorySize: 256 }),
    refusal: 'Runtime.ExitError',
  },
  {
    what: 'a function has the time that it asked for',
    page: 'lambda',
    within: () => inProcess('quick', 'export const handler = async () => 1;', { Timeout: 3 }),
    beyond: () =>
      inProcess('slow', 'export const handler = () => new Promise((r) => setTimeout(r, 9e4));', {
        Timeout: 1,
      }),
    refusal: 'Sandbox.Timedout',
  },
]);
