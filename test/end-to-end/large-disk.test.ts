/** A sample of `npm run large-disk`; and a function that has too little memory is ended by the region, as Lambda ends it. */
import { readFile } from 'node:fs/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { zip } from '../../infra/bundle.ts';
import { mostWriters } from '../../src/image/segments.ts';
import { LargeDisk, wrongs } from './large-disk.ts';

/** Twice the memory of its functions. 512 of its 2,048 blocks are not zero, the last one among them. */
const size = { sizeGiB: 1, everyBlock: 4 };

let disk: LargeDisk;

beforeAll(async () => {
  disk = await LargeDisk.open(size);
}, 300_000);

afterAll(() => disk?.close());

describe('a raw disk of 1 GiB', () => {
  it('is inspected and written within 512 MiB, block for block as it was uploaded', async () => {
    const report = await disk.send();
    expect(wrongs(report)).toEqual([]);
    expect(report.expected.size).toBeGreaterThanOrEqual(512);
    expect(report.uses['inspect-artifact'].seconds).toHaveLength(1);
    expect(report.uses['write-blocks'].seconds.length).toBeGreaterThanOrEqual(mostWriters);
    expect(report.largestPayloadBytes).toBeGreaterThan(500);
  }, 240_000);
});

describe('a function with too little memory', () => {
  it('is ended by Lambda, and its build fails by that name and leaves nothing', async () => {
    const before = await disk.snapshots();
    // The shipped function with so much ballast that Lambda's least memory cannot hold it.
    await addBallast('write-blocks', 128);
    const key = 'large/hello';
    const { VersionId = '' } = await disk.s3.send(
      new PutObjectCommand({ Bucket: disk.local.uploadBucket, Key: key, Body: disk.program }),
    );
    const upload = await disk.outcome(key, VersionId);
    expect(upload).toMatchObject({ state: 'failed', error: { name: 'Runtime.ExitError' } });
    expect(upload.error?.message).toContain('signal: killed');
    expect((await disk.use('write-blocks')).memoryMb.at(-1)).toBeGreaterThan(128);
    expect(await disk.snapshots()).toEqual(before);
  }, 60_000);
});

/** Puts code in front of a shipped bundle that takes `ballastMb` when it starts, and gives it as much memory. */
async function addBallast(name: string, ballastMb: number): Promise<void> {
  const bundles = new URL('../../.build/bundles/', import.meta.url);
  const shipped = await readFile(new URL(`${name}.mjs`, bundles), 'utf8');
  const ballast = `globalThis.ballast = Buffer.alloc(${ballastMb} * 1048576, 1);\n`;
  const FunctionName = `flotilla-${name}`;
  const ZipFile = zip({ [`${name}.mjs`]: Buffer.from(`${shipped}\n${ballast}`) });
  await disk.local.region.call('lambda', 'UpdateFunctionCode', { FunctionName, ZipFile });
  await disk.local.region.call('lambda', 'UpdateFunctionConfiguration', {
    FunctionName,
    MemorySize: ballastMb,
  });
}
