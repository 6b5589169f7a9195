/**
 * awslabs/coldsnap, unmodified, uploads disks to the region's EBS endpoint and downloads them, byte for byte.
 * https://github.com/awslabs/coldsnap
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBootPlan } from '../../local/machines/disk-reader.ts';
import { createRegion, type Region } from '../../local/region.ts';
import { nonZeroBlocks } from '../../src/image/extents.ts';
import { findColdsnap } from '../support/coldsnap.ts';
import { call, echoDisk, makeImage } from './echo-image.ts';

const blockBytes = 524_288;
const gibibyte = 1024 ** 3;
const found = findColdsnap();
const name = 'skip' in found ? `coldsnap (skipped: ${found.skip})` : 'coldsnap';

describe.skipIf('skip' in found)(name, { timeout: 120_000, concurrent: true }, () => {
  let region: Region;
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let endpoint: string;

  beforeAll(async () => {
    region = await createRegion();
    // What this file asks is what the region knows, not when each copy of it knows.
    region.context.lag.off();
    endpoint = await region.listen();
    folder = await mkdtemp(join(tmpdir(), 'flotilla-coldsnap-'));
    const { accessKeyId, secretAccessKey } = region.createOperator();
    env = { HOME: folder, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  });

  afterAll(async () => {
    await region.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function coldsnap(...args: string[]): Promise<string> {
    const program = 'program' in found ? found.program : '';
    const where = ['--region', 'us-east-1', '--endpoint', endpoint];
    const { stdout } = await promisify(execFile)(program, [...where, ...args], { env });
    return stdout;
  }

  /** Uploads a file, waits until the snapshot is completed, and tells its id. */
  async function upload(file: string, ...options: string[]): Promise<string> {
    const said = await coldsnap('upload', '--no-progress', ...options, file);
    const snapshotId = /snap-[0-9a-f]{17}/.exec(said)?.[0] ?? said;
    await coldsnap('wait', '--seconds-between-attempts', '1', snapshotId);
    return snapshotId;
  }

  async function download(snapshotId: string): Promise<string> {
    const file = join(folder, snapshotId);
    await coldsnap('download', '--no-progress', snapshotId, file);
    return file;
  }

  /** Indexes of the blocks that a snapshot has. */
  async function blocksOf(SnapshotId: string): Promise<number[]> {
    const { Blocks } = await call(region, 'ebs', 'ListSnapshotBlocks', { SnapshotId });
    return Blocks.map(({ BlockIndex }: { BlockIndex: number }) => BlockIndex);
  }

  /** A sparse file of the size with these bytes in it. */
  async function fileOf(
    called: string,
    sizeBytes: number,
    pieces: Iterable<readonly [offset: number, bytes: Uint8Array]>,
  ): Promise<string> {
    const path = join(folder, called);
    const file = await open(path, 'w');
    try {
      await file.truncate(sizeBytes);
      for (const [offset, bytes] of pieces) await file.write(bytes, 0, bytes.length, offset);
    } finally {
      await file.close();
    }
    return path;
  }

  /** Whether a disk has the bytes of a file, and zeros up to its end. */
  async function holds(disk: string, file: string): Promise<boolean> {
    const [left, right] = await Promise.all([open(disk), open(file)]);
    try {
      const bytes = [Buffer.alloc(blockBytes), Buffer.alloc(blockBytes)] as const;
      const { size } = await left.stat();
      for (let at = 0; at < size; at += blockBytes) {
        await left.read(bytes[0], 0, blockBytes, at);
        const { bytesRead } = await right.read(bytes[1], 0, blockBytes, at);
        bytes[1].fill(0, bytesRead);
        if (!bytes[0].equals(bytes[1])) return false;
      }
      return size === gibibyte;
    } finally {
      await left.close();
      await right.close();
    }
  }

  /** 24 MiB and some bytes: content in blocks 0, 9 and 48, and in the last, which is not whole; holes between. */
  const content = (called: string): Promise<string> =>
    fileOf(called, 49 * blockBytes + 12_345, [
      [0, randomBytes(blockBytes)],
      [9 * blockBytes + 100, randomBytes(1000)],
      [48 * blockBytes - 1, randomBytes(2 * blockBytes)],
    ]);

  test('uploads a disk and downloads it, byte for byte', async () => {
    const file = await content('whole');
    const snapshotId = await upload(file, '--description', 'by a stranger', '--tag', 'Key=fleet,Value=web');
    expect(await call(region, 'ec2', 'DescribeSnapshots', { SnapshotIds: [snapshotId] })).toMatchObject({
      Snapshots: [
        {
          State: 'completed',
          VolumeSize: 1,
          Description: 'by a stranger',
          Tags: [{ Key: 'fleet', Value: 'web' }],
        },
      ],
    });
    expect(await holds(await download(snapshotId), file)).toBe(true);
  });

  test('leaves out the holes where it is told so, and downloads the same', async () => {
    const file = await content('holed');
    const snapshotId = await upload(file, '--omit-zero-blocks');
    expect(await blocksOf(snapshotId)).toEqual([0, 9, 47, 48, 49]);
    expect(await holds(await download(snapshotId), file)).toBe(true);
  });

  test('uploads a machine image that the region can boot', async () => {
    const { plan, source } = echoDisk('coldsnap');
    const blocks = nonZeroBlocks(plan);
    const pieces: (readonly [number, Uint8Array])[] = [];
    for (const index of blocks)
      pieces.push([index * blockBytes, await source.read(index * blockBytes, blockBytes)]);
    const file = await fileOf('image', gibibyte, pieces);
    const snapshotId = await upload(file, '--omit-zero-blocks');
    expect(await blocksOf(snapshotId)).toEqual([...blocks]);
    const { snapshots } = region.parts.ebs;
    const snapshot = snapshots.all.get(snapshotId);
    if (snapshot === undefined) throw new Error(`There is no snapshot ${snapshotId}`);
    const boot = await readBootPlan(snapshots.disk(snapshot));
    expect(boot).toMatchObject({ program: '/echo', environment: { GREETING: 'hello' } });
    const program: Uint8Array[] = [];
    for await (const piece of boot.programPieces()) program.push(piece);
    expect(Buffer.concat(program).toString()).toContain("const version = 'coldsnap'");
  });

  test('downloads what our own writer wrote', async () => {
    const { snapshotId } = await makeImage(region, 'written');
    const { plan, source } = echoDisk('written');
    const file = await open(await download(snapshotId));
    try {
      expect((await file.stat()).size).toBe(gibibyte);
      for (const index of nonZeroBlocks(plan)) {
        const bytes = Buffer.alloc(blockBytes);
        await file.read(bytes, 0, blockBytes, index * blockBytes);
        expect(bytes.equals(await source.read(index * blockBytes, blockBytes)), `block ${index}`).toBe(true);
      }
    } finally {
      await file.close();
    }
  });
});
