import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegion, type Region } from '../../local/region.ts';
import { bundleOf, createFunction, invoke } from '../support/functions.ts';

let region: Region;
beforeAll(async () => {
  region = await createRegion({ seed: 1 });
  await region.listen();
});
afterAll(() => region.close());

const running = (pid: number): boolean => existsSync(`/proc/${pid}`);

describe('a function in a process of its own', () => {
  it('knows nothing of the host’s environment', async () => {
    process.env.FLOTILLA_TEST_SECRET = 'host';
    await createFunction(region, 'env', `export const handler = async () => process.env;`, {
      Environment: { Variables: { OWN: 'yes' } },
    });
    const { payload } = await invoke(region, 'env');
    delete process.env.FLOTILLA_TEST_SECRET;
    expect(payload).toMatchObject({
      OWN: 'yes',
      _HANDLER: 'index.handler',
      AWS_REGION: 'us-east-1',
      AWS_LAMBDA_FUNCTION_NAME: 'env',
      AWS_ENDPOINT_URL: region.endpoint,
    });
    expect(payload).not.toHaveProperty('FLOTILLA_TEST_SECRET');
    expect(
      Object.keys(payload).filter((name) => !/^(AWS_|LAMBDA_|_HANDLER|OWN|PATH|LANG|TZ|HOME)/.test(name)),
    ).toEqual([]);
  });

  it('names its errors as they name themselves', async () => {
    await createFunction(
      region,
      'failing',
      `export const handler = async () => { throw Object.assign(new Error('no kernel'), { name: 'KernelNotFound' }); };`,
    );
    const { error, payload } = await invoke(region, 'failing');
    expect(error).toBe('Unhandled');
    expect(payload).toMatchObject({ errorType: 'KernelNotFound', errorMessage: 'no kernel' });
  });

  it('is ended when its time is over', async () => {
    await createFunction(
      region,
      'slow',
      `export const handler = () => new Promise((r) => setTimeout(r, 60_000));`,
      {
        Timeout: 1,
      },
    );
    const { payload, log } = await invoke(region, 'slow');
    expect(payload.errorType).toBe('Sandbox.Timedout');
    expect(payload.errorMessage).toMatch(/^RequestId: \S+ Error: Task timed out after 1\.00 seconds$/);
    expect(log).toContain('Status: timeout');
  });

  it('is killed when it exceeds its memory', async () => {
    await createFunction(
      region,
      'greedy',
      `export const handler = async () => {
        const kept = [];
        for (;;) { kept.push(Buffer.alloc(8_000_000, 1)); await new Promise((r) => setTimeout(r, 10)); }
      };`,
      { MemorySize: 128, Timeout: 30 },
    );
    const { payload } = await invoke(region, 'greedy');
    expect(payload.errorType).toBe('Runtime.ExitError');
    expect(payload.errorMessage).toContain('signal: killed');
  });

  it('is frozen once it has answered', async () => {
    await createFunction(
      region,
      'loose',
      `let ticks = 0; setInterval(() => { ticks += 1; }, 1);
       export const handler = async () => ({ ticks, pid: process.pid });`,
    );
    const { payload } = await invoke(region, 'loose');
    // The kernel takes a moment to stop it.
    await expect
      .poll(() => readFileSync(`/proc/${payload.pid}/status`, 'latin1'), { interval: 5 })
      .toMatch(/^State:\tT \(stopped\)$/m);
    // Used again rather than made anew.
    expect((await invoke(region, 'loose')).payload.pid).toBe(payload.pid);
  });

  it('runs in as many environments as there are invocations at once', async () => {
    await createFunction(
      region,
      'busy',
      `export const handler = async () => { await new Promise((r) => setTimeout(r, 300)); return process.pid; };`,
    );
    const answers = await Promise.all([1, 2, 3].map(() => invoke(region, 'busy')));
    expect(new Set(answers.map(({ payload }) => payload)).size).toBe(3);
    await region.call('lambda', 'PutFunctionConcurrency', {
      FunctionName: 'busy',
      ReservedConcurrentExecutions: 1,
    });
    const both = await Promise.allSettled([1, 2].map(() => invoke(region, 'busy')));
    expect(both.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect((both[1] as PromiseRejectedResult).reason.code).toBe('TooManyRequestsException');
  });

  it.each(['before', 'after'] as const)('crashes %s a call, and runs no finally', async (when) => {
    const name = `fragile-${when}`;
    await region.call('s3', 'CreateBucket', { Bucket: name });
    await createFunction(
      region,
      name,
      await bundleOf(`
        import { S3Client, PutObjectCommand } from '@aws-sdk/client-s3';
        const s3 = new S3Client({ forcePathStyle: true });
        const put = (Key) => s3.send(new PutObjectCommand({ Bucket: '${name}', Key, Body: Key }));
        export const handler = async () => {
          await put('first');
          try { await put('second'); } finally { await put('finally'); }
        };`),
      { Timeout: 20 },
      [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
    );
    region.parts.lambda.faults.crashAt({ functionName: name, when, nth: 2, action: 's3:PutObject' });
    const { payload } = await invoke(region, name);
    expect(payload.errorType).toBe('Runtime.ExitError');
    const { Contents } = (await region.call('s3', 'ListObjectsV2', { Bucket: name })) as {
      Contents: { Key: string }[];
    };
    expect(Contents.map(({ Key }) => Key)).toEqual(when === 'before' ? ['first'] : ['first', 'second']);
  });

  it('ends with the region, frozen or not', async () => {
    const other = await createRegion({ seed: 2 });
    await other.listen();
    await createFunction(other, 'pid', `export const handler = async () => process.pid;`);
    const { payload } = await invoke(other, 'pid');
    expect(running(payload)).toBe(true);
    await other.close();
    expect(running(payload)).toBe(false);
  });
});
