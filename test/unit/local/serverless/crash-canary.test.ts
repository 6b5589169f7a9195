/**
 * A canary that would sing if a crash were no crash: its `catch` and its `finally` log and write. It is killed in
 * every way and place that the virtual clock knows, and nothing of it may be heard afterwards.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import { createRegion, type Region } from '../../../../local/region.ts';
import { bundleOf, createFunction, invoke } from '../../../support/functions.ts';

const canary = `
  import { S3Client, PutObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3';
  import { setTimeout as pause } from 'node:timers/promises';
  const s3 = new S3Client({ forcePathStyle: true });
  const put = (Key) => s3.send(new PutObjectCommand({ Bucket: 'cage', Key, Body: 'x' }));
  const ways = {
    // Between two awaits: one branch goes on while the other one's call strikes.
    branches: (at) => Promise.all([
      put(at + '/a').then(() => put(at + '/b')),
      put(at + '/c').then(() => { console.log(at + ' c is done'); return put(at + '/d'); }),
    ]),
    // The SDK waits between two tries.
    retry: (at) => put(at + '/a'),
    timer: (at) => pause(30_000).then(() => put(at + '/a')),
    // In the midst of an answer.
    stream: async (at) => {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'cage', Key: 'large' }));
      for await (const chunk of Body) { await put(at + '/' + chunk.length); console.log(at + ' read on'); }
    },
    loop: async (at) => { for (;;) { await put(at + '/a'); await pause(1_000); } },
    exit: async (at) => { await put(at + '/a'); setImmediate(() => console.log(at + ' ticked')); process.exit(3); },
  };
  export const handler = async ({ way, at }) => {
    try {
      await ways[way](at);
      console.log(at + ' answered');
    } catch (error) {
      console.log(at + ' caught');
      await put(at + '/catch');
    } finally {
      console.log(at + ' at last');
      process.stdout.write(at + ' wrote');
      queueMicrotask(() => console.log(at + ' later'));
      process.nextTick(() => console.log(at + ' ticked'));
      await put(at + '/finally');
    }
  };`;

let region: Region;
let clock: VirtualClock;
beforeAll(async () => {
  clock = new VirtualClock();
  region = await createRegion({ clock, seed: 3 });
  await createFunction(region, 'canary', await bundleOf(canary), { Timeout: 60 }, [
    { Effect: 'Allow', Action: 's3:*', Resource: '*' },
  ]);
  await region.call('s3', 'CreateBucket', { Bucket: 'cage' });
  await region.call('s3', 'PutObject', { Bucket: 'cage', Key: 'large', Body: Buffer.alloc(1_000_000) });
});
afterAll(() => region.close());

/** Invokes, and strikes so many seconds later if nothing has until then. */
async function struck(way: string, at: string, strike?: { afterSeconds: number; run: () => void }) {
  let done = false;
  const answer = invoke(region, 'canary', { way, at }).finally(() => {
    done = true;
  });
  if (strike !== undefined) {
    await clock.advance(strike.afterSeconds * 1_000);
    expect(done).toBe(false);
    strike.run();
  }
  await clock.runUntil(() => done, 120_000);
  return answer;
}

async function songs(at: string): Promise<{ lines: string[]; keys: string[] }> {
  const { Contents = [] } = (await region.call('s3', 'ListObjectsV2', {
    Bucket: 'cage',
    Prefix: `${at}/`,
  })) as { Contents?: { Key: string }[] };
  const lines = region.parts.logs.messages('/aws/lambda/canary').filter((line) => line.includes(`${at} `));
  return {
    lines: lines.map((line) => line.slice(line.indexOf(`${at} `) + at.length + 1)),
    keys: Contents.map(({ Key }) => Key.slice(at.length + 1)),
  };
}

const kill = (): void => {
  expect(region.faults.inject({ kind: 'kill-function', function: 'canary' }).words).toContain('1');
};

interface Way {
  readonly at: string;
  readonly way: string;
  readonly arm?: () => void;
  readonly strike?: { afterSeconds: number; run: () => void };
  readonly error?: string;
  /** What had been done when it was struck. */
  readonly keys: readonly string[];
  readonly lines?: readonly string[];
}

const crashAt = (when: 'before' | 'after', nth: number) => () =>
  region.parts.lambda.faults.crashAt({ functionName: 'canary', when, nth });
const throttled = () => region.faults.inject({ kind: 'throttle', action: 's3:PutObject', times: 5 });
const delayed = () => region.faults.inject({ kind: 'delay', action: 's3:PutObject', seconds: 70 });

const ways: readonly Way[] = [
  { at: 'before-first', way: 'branches', arm: crashAt('before', 1), keys: ['a'] },
  { at: 'after-first', way: 'branches', arm: crashAt('after', 1), keys: ['a', 'c'] },
  {
    at: 'before-third',
    way: 'branches',
    arm: crashAt('before', 3),
    keys: ['a', 'b', 'c'],
    lines: ['c is done'],
  },
  { at: 'in-retry', way: 'retry', arm: throttled, strike: { afterSeconds: 0.01, run: kill }, keys: [] },
  { at: 'in-timer', way: 'timer', strike: { afterSeconds: 10, run: kill }, keys: [] },
  { at: 'in-call', way: 'retry', arm: delayed, strike: { afterSeconds: 10, run: kill }, keys: ['a'] },
  { at: 'in-stream', way: 'stream', arm: crashAt('before', 2), keys: [] },
  { at: 'late', way: 'retry', arm: delayed, error: 'Sandbox.Timedout', keys: ['a'] },
  { at: 'loops', way: 'loop', error: 'Sandbox.Timedout', keys: ['a'] },
  { at: 'exits', way: 'exit', keys: ['a'] },
];

it.each(ways)('nothing is heard of a function that is struck $at', async ({ way, at, ...more }) => {
  more.arm?.();
  const { error, payload } = await struck(way, at, more.strike);
  expect(error).toBe('Unhandled');
  expect(payload.errorType).toBe(more.error ?? 'Runtime.ExitError');
  await clock.advance(600_000);
  region.faults.clear();
  // A call that had left is done, though nobody hears of it; nothing is begun any more.
  expect(await songs(at)).toEqual({ keys: more.keys, lines: more.lines ?? [] });
});

it('nothing is heard of a function that is struck as it begins', async () => {
  const end = region.parts.lambda.faults.watch(() => 'crash');
  const { payload } = await struck('retry', 'begins');
  end();
  expect(payload.errorType).toBe('Runtime.ExitError');
  await clock.advance(600_000);
  expect(await songs('begins')).toEqual({ keys: [], lines: [] });
});

it('the canary does sing when it is left alone', async () => {
  const { error } = await struck('retry', 'alone');
  expect(error).toBeUndefined();
  // What the last call outlives is seen, and so is what it wrote.
  expect(await songs('alone')).toEqual({
    keys: ['a', 'finally'],
    lines: expect.arrayContaining(['answered', 'at last', 'wrote', 'later', 'ticked']),
  });
});
