/** The region's own page: what it shows of what exists, runs and was called. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../../local/clock.ts';
import { createRegion, type Region } from '../../../local/region.ts';
import { traceOfExecution } from '../../../local/trace.ts';

let region: Region;
let clock: VirtualClock;

beforeEach(async () => {
  clock = new VirtualClock();
  region = await createRegion({ clock, seed: 11 });
});

afterEach(() => region.close());

async function look(query = '', accept = 'text/html'): Promise<{ text: string; type: string }> {
  const { body, headers } = await region.handle({
    method: 'GET',
    url: `/_region${query}`,
    headers: { host: '127.0.0.1:4566', accept },
    body: Buffer.alloc(0),
  });
  return { text: String(body), type: String(headers['content-type']) };
}

// biome-ignore lint/suspicious/noExplicitAny: each test says what it expects of the page
const data = async (query = ''): Promise<any> => JSON.parse((await look(query, 'application/json')).text);

async function startWaiting(name: string): Promise<string> {
  region.iam.createRole({
    name: `role-${name}`,
    assumeRolePolicy: {
      Statement: [
        { Effect: 'Allow', Principal: { Service: 'states.amazonaws.com' }, Action: 'sts:AssumeRole' },
      ],
    },
  });
  const { stateMachineArn } = (await region.call('states', 'CreateStateMachine', {
    name: `waits-${name}`,
    roleArn: `arn:aws:iam::000000000000:role/role-${name}`,
    definition: JSON.stringify({
      QueryLanguage: 'JSONata',
      StartAt: 'Wait',
      States: { Wait: { Type: 'Wait', Seconds: 600, End: true } },
    }),
  })) as { stateMachineArn: string };
  const started = await region.call('states', 'StartExecution', { stateMachineArn, name, input: '{}' });
  await clock.advance(1_000);
  return (started as { executionArn: string }).executionArn;
}

test('an execution that waits is among what runs, and leads to its calls', async () => {
  const arn = await startWaiting('web-3');
  expect((await data()).runs.executions).toMatchObject([{ name: 'web-3', status: 'RUNNING', arn }]);
  expect((await look()).text).toContain(`execution=${encodeURIComponent(arn)}`);
});

test('calls are filtered by rollout, caller, text and outcome', async () => {
  const arn = await startWaiting('web-3');
  const { hooks } = region.context;
  await hooks.call('s3', 'ListBuckets', {}, region.root, traceOfExecution(arn, 0));
  await region.call('sts', 'GetCallerIdentity', {});
  await region.call('s3', 'HeadBucket', { Bucket: 'absent' }).catch(() => undefined);
  const actions = async (query: string): Promise<string[]> =>
    (await data(query)).calls.map(({ action }: { action: string }) => action);
  expect(await actions('?rollout=web-3')).toEqual(['s3:ListBuckets']);
  expect(await actions(`?execution=${encodeURIComponent(arn)}`)).toEqual(['s3:ListBuckets']);
  expect(await actions('?rollout=web-4')).toEqual([]);
  expect(await actions('?outcome=error')).toEqual(['s3:HeadBucket']);
  expect(await actions('?q=GetCaller')).toEqual(['sts:GetCallerIdentity']);
  expect(await actions('?who=nobody')).toEqual([]);
});

test('an execution that is asked for is shown step by step', async () => {
  const arn = await startWaiting('web-3');
  const { executions } = await data('?rollout=web-3');
  expect(executions).toMatchObject([{ arn, steps: expect.stringContaining('Wait (Wait) 0.0–…') }]);
  expect((await look('?rollout=web-3')).text).toContain('Steps of web-3');
  expect((await data()).executions).toEqual([]);
});

test('looking is no call, and changes nothing', async () => {
  const before = (await data()).callsSinceStart;
  await look();
  expect((await data()).callsSinceStart).toBe(before);
});

test('what others named stays text', async () => {
  await region.call('s3', 'CreateBucket', { Bucket: 'things' });
  await region.call('s3', 'PutObject', {
    Bucket: 'things',
    Key: '<script>alert(1)</script>',
    Body: Buffer.from(''),
  });
  const { text, type } = await look('?q=%22%3E%3Cscript%3E');
  expect(type).toContain('text/html');
  expect(text).not.toContain('<script');
  expect(text).toContain('&lt;script&gt;alert(1)');
});

test('faults that wait are shown, and the calls that they struck', async () => {
  region.faults.inject({ kind: 'throttle', action: 's3:ListBuckets', times: 2 });
  await region.call('s3', 'ListBuckets', {}).catch(() => undefined);
  const { faults, calls } = await data();
  expect(faults).toMatchObject([{ id: 'fault-1', left: 1, struck: 1 }]);
  expect(calls[0]).toMatchObject({ action: 's3:ListBuckets', errorCode: 'SlowDown', fault: 'throttle' });
  expect((await look()).text).toContain('fault: throttle');
});
