import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import { createRegion, type Region } from '../../../../local/region.ts';
import { bundleOf, createFunction, invoke } from '../../../support/functions.ts';

let region: Region;
let clock: VirtualClock;
afterEach(() => region.close());

async function start(seed = 1): Promise<void> {
  clock = new VirtualClock();
  region = await createRegion({ clock, seed });
}

/** Invokes, and lets time pass until the answer is there. */
async function invokeIn(name: string, payload: unknown = {}, withinMs = 3_600_000) {
  let done = false;
  const answer = invoke(region, name, payload).finally(() => {
    done = true;
  });
  await clock.runUntil(() => done, withinMs);
  expect(done).toBe(true);
  return answer;
}

describe('a function on the virtual clock', () => {
  it('sees the region’s time, and waits in it', async () => {
    await start();
    await createFunction(
      region,
      'sleeper',
      `export const handler = async () => {
        const before = new Date();
        await new Promise((resolve) => setTimeout(resolve, 50_000));
        return { before: before.toISOString(), waited: Date.now() - before.getTime(), date: before instanceof Date };
      };`,
      { Timeout: 60 },
    );
    const { payload } = await invokeIn('sleeper');
    expect(payload).toEqual({ before: '2026-01-01T00:00:00.000Z', waited: 50_000, date: true });
  });

  it('draws the same chance from the same seed', async () => {
    const source = `import { randomUUID } from 'node:crypto';
      export const handler = async () => [Math.random(), randomUUID(), crypto.randomUUID()];`;
    const drawn: unknown[] = [];
    for (const seed of [5, 5, 6]) {
      await start(seed);
      await createFunction(region, 'dice', source);
      drawn.push((await invokeIn('dice')).payload);
      await region.close();
    }
    await start();
    expect(drawn[0]).toEqual(drawn[1]);
    expect(drawn[0]).not.toEqual(drawn[2]);
  });

  it('shares nothing with the machine, or another function, that an SDK hangs on the global object', async () => {
    await start();
    const source = `globalThis.awslambda ??= {};
      export const handler = async ({ mark }) => (globalThis.awslambda.mark ??= mark);`;
    const host: { awslambda?: object } = globalThis;
    // As any SDK client does where it is loaded.
    host.awslambda ??= {};
    await createFunction(region, 'one', source);
    await createFunction(region, 'other', source);
    expect((await invokeIn('one', { mark: 1 })).payload).toBe(1);
    expect((await invokeIn('other', { mark: 2 })).payload).toBe(2);
    expect((await invokeIn('one', { mark: 3 })).payload).toBe(1);
    expect(host.awslambda).not.toHaveProperty('mark');
  });

  it('times out on the clock, and nothing of it goes on', async () => {
    await start();
    await createFunction(
      region,
      'late',
      `export const handler = async () => {
        try { await new Promise((resolve) => setTimeout(resolve, 10_000)); } finally { console.log('went on'); }
      };`,
      { Timeout: 5 },
    );
    const { error, payload } = await invokeIn('late');
    expect(error).toBe('Unhandled');
    expect(payload.errorType).toBe('Sandbox.Timedout');
    expect(payload.errorMessage).toMatch(/Task timed out after 5\.00 seconds$/);
    await clock.advance(60_000);
    expect(region.parts.logs.messages('/aws/lambda/late').join('\n')).not.toContain('went on');
  });

  it('is frozen between two invocations, and goes on with the next', async () => {
    await start();
    await createFunction(
      region,
      'loose',
      `let ticks = 0;
       export const handler = async () => { const seen = ticks; setTimeout(() => { ticks += 1; }, 1_000); return seen; };`,
    );
    expect((await invokeIn('loose')).payload).toBe(0);
    await clock.advance(60_000);
    // The timer had come due while frozen: it runs as the environment thaws.
    expect((await invokeIn('loose')).payload).toBe(1);
  });

  it('calls the region with its role, signed, through the SDK', async () => {
    await start();
    await createFunction(
      region,
      'caller',
      await bundleOf(`
        import { STSClient, GetCallerIdentityCommand } from '@aws-sdk/client-sts';
        import { S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand } from '@aws-sdk/client-s3';
        const sts = new STSClient({});
        const s3 = new S3Client({ forcePathStyle: true });
        export const handler = async () => {
          const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
          await s3.send(new PutObjectCommand({ Bucket: 'box', Key: 'a', Body: 'hello' }));
          const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'box', Key: 'a' }));
          const text = await Body.transformToString();
          const refused = await s3.send(new CreateBucketCommand({ Bucket: 'other' })).catch((error) => error.name);
          return { Arn, text, refused };
        };`),
      { Timeout: 30 },
      [{ Effect: 'Allow', Action: ['s3:PutObject', 's3:GetObject'], Resource: 'arn:aws:s3:::box/*' }],
    );
    await region.call('s3', 'CreateBucket', { Bucket: 'box' });
    const { payload } = await invokeIn('caller');
    expect(payload).toEqual({
      Arn: 'arn:aws:sts::000000000000:assumed-role/caller-role/caller',
      text: 'hello',
      refused: 'AccessDenied',
    });
  });

  it('makes a call that nobody awaited when it thaws, and is told of', async () => {
    await start();
    await createFunction(
      region,
      'hasty',
      await bundleOf(`
        import { S3Client, PutObjectCommand } from '@aws-sdk/client-s3';
        const s3 = new S3Client({ forcePathStyle: true });
        let sent = 0;
        export const handler = async () => {
          const before = sent;
          if (before === 0) {
            const put = s3.send(new PutObjectCommand({ Bucket: 'box', Key: 'loose', Body: '1' }));
            put.then(() => { sent += 1; });
          }
          await null;
          return before;
        };`),
      { Timeout: 30 },
      [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
    );
    await region.call('s3', 'CreateBucket', { Bucket: 'box' });
    const count = async () =>
      ((await region.call('s3', 'ListObjectsV2', { Bucket: 'box' })) as { KeyCount: number }).KeyCount;
    expect((await invokeIn('hasty')).payload).toBe(0);
    await clock.advance(60_000);
    expect(await count()).toBe(0);
    expect(region.parts.lambda.loose).toMatchObject([{ functionName: 'hasty', failed: false }]);
    // Each thaw lets it get as far as its next wait for something real: the SDK reads its files first.
    for (let more = 0; more < 20 && (await count()) === 0; more += 1) await invokeIn('hasty');
    expect(await count()).toBe(1);
    await invokeIn('hasty');
    expect((await invokeIn('hasty')).payload).toBeGreaterThan(0);
  });

  it.each(['before', 'after'] as const)('crashes %s a call, and runs no finally', async (when) => {
    await start();
    await createFunction(
      region,
      'fragile',
      await bundleOf(`
        import { S3Client, PutObjectCommand } from '@aws-sdk/client-s3';
        const s3 = new S3Client({ forcePathStyle: true });
        export const handler = async () => {
          await s3.send(new PutObjectCommand({ Bucket: 'box', Key: 'first', Body: '1' }));
          try {
            await s3.send(new PutObjectCommand({ Bucket: 'box', Key: 'second', Body: '2' }));
          } finally {
            await s3.send(new PutObjectCommand({ Bucket: 'box', Key: 'finally', Body: '3' }));
          }
        };`),
      { Timeout: 30 },
      [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
    );
    await region.call('s3', 'CreateBucket', { Bucket: 'box' });
    region.parts.lambda.faults.crashAt({ functionName: 'fragile', when, nth: 2, action: 's3:PutObject' });
    const { error, payload } = await invokeIn('fragile');
    expect(error).toBe('Unhandled');
    expect(payload.errorType).toBe('Runtime.ExitError');
    await clock.advance(60_000);
    const { Contents } = (await region.call('s3', 'ListObjectsV2', { Bucket: 'box' })) as {
      Contents: { Key: string }[];
    };
    expect(Contents.map(({ Key }) => Key)).toEqual(when === 'before' ? ['first'] : ['first', 'second']);
  });

  it('is tried again one and two minutes after it failed an asynchronous event', async () => {
    await start();
    await createFunction(
      region,
      'failing',
      `export const handler = async () => { console.log('try', new Date().toISOString()); throw new Error('no'); };`,
    );
    await region.call('lambda', 'Invoke', { FunctionName: 'failing', InvocationType: 'Event' });
    await clock.advance(3_600_000);
    const tries = region.parts.logs
      .messages('/aws/lambda/failing')
      .flatMap((line) => /\ttry (.*)$/.exec(line)?.[1]?.slice(11, 19) ?? []);
    expect(tries).toEqual(['00:00:00', '00:01:00', '00:03:00']);
  });
});
