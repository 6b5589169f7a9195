/**
 * A raw disk of 2 GiB goes its whole way, through the shipped bundles in the memory that the template gives them; and
 * a function that has too little is ended by the region, as Lambda ends it.
 *
 * The disk is a bootable one of the project's own writer, with random bytes spread over the free part of its volume:
 * 256 MiB of the 2,048 are not zero, so that the test takes about a minute; the region keeps the upload whole. The functions
 * read all 2 GiB, twice; they put only the blocks that are not zero.
 */
import { createHash, randomFillSync } from 'node:crypto';
import { type FileHandle, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EBSClient, GetSnapshotBlockCommand, ListSnapshotBlocksCommand } from '@aws-sdk/client-ebs';
import {
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, openApi } from '../../cli/api-client.ts';
import { zip } from '../../infra/bundle.ts';
import type { UploadDetailView } from '../../src/contracts/api-views.ts';
import { BLOCK_BYTES, blockChecksum, isZero } from '../../src/image/blocks.ts';
import { planDisk } from '../../src/image/disk.ts';
import { nonZeroBlocks, readPlan } from '../../src/image/extents.ts';
import { standInKernel } from '../../src/image/kernel-bundle.ts';
import { makeManifest } from '../../src/image/manifest.ts';
import { mostWriters } from '../../src/image/segments.ts';
import { bytesSource } from '../../src/image/source.ts';
import { buildExample } from '../../tour/build-example.ts';
import { packageStack } from '../../tour/package-stack.ts';
import { type LocalRegion, startLocal } from '../../tour/up.ts';

const MiB = 1_048_576;
const diskBytes = 2_048 * MiB;
const diskBlocks = diskBytes / BLOCK_BYTES;
/** Every eighth block is random: 512 of 4,096 blocks, the last one among them. */
const everyBlock = 8;
const partBytes = 64 * MiB;
/** What the issue of this path allows a function that reads whole disks. */
const mostMemoryMb = 512;

let folder: string;
let local: LocalRegion;
let api: ApiClient;
let s3: S3Client;
let ebs: EBSClient;
let file: FileHandle;
let program: Buffer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-large-'));
  await Promise.all([packageStack(), buildExample(join(folder, 'hello'), { version: '1', colour: 'blue' })]);
  file = await open(join(folder, 'disk.raw'), 'w+');
  program = await readFile(join(folder, 'hello'));
  await writeDisk();
  local = await startLocal({ port: 0 });
  const { accessKeyId, secretAccessKey } = local.operator;
  const settings = {
    endpoint: local.endpoint,
    region: local.region.context.regionName,
    credentials: { accessKeyId, secretAccessKey },
  };
  s3 = new S3Client({ ...settings, forcePathStyle: true });
  ebs = new EBSClient(settings);
  api = openApi({ ...settings, apiUrl: local.apiUrl }, { userAgent: 'flotilla-test' });
  await api.call('applyFleet', {
    params: { fleet: 'large' },
    body: {
      rule: { paths: ['/large'] },
      healthCheck: { path: '/healthz' },
      image: { volumeSizeGiB: 2 },
      deployOnUpload: false,
    },
  });
}, 300_000);

afterAll(async () => {
  s3?.destroy();
  ebs?.destroy();
  await file?.close();
  await local?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Sparse where nothing is written: the file has 2 GiB, and takes as much as is not zero. */
async function writeDisk(): Promise<void> {
  const [kernelImg, bootImg] = standInKernel().files.map(({ bytes }) => bytes);
  if (kernelImg === undefined || bootImg === undefined) throw new Error('the stand-in has two files');
  const plan = planDisk({
    kernel: { bootImg, kernelImgBytes: kernelImg.length, digest: 'd'.repeat(64) },
    programBytes: program.length,
    manifest: makeManifest({}, '/hello'),
    volumeBytes: diskBytes,
    identity: 'e'.repeat(64),
  });
  const disk = readPlan(plan, { program: bytesSource(program), kernel: bytesSource(kernelImg) });
  const used = nonZeroBlocks(plan);
  for (const index of used)
    await file.write(await disk.read(index * BLOCK_BYTES, BLOCK_BYTES), 0, BLOCK_BYTES, index * BLOCK_BYTES);
  const random = Buffer.allocUnsafe(BLOCK_BYTES);
  for (let index = everyBlock - 1; index < diskBlocks; index += everyBlock) {
    if (used.includes(index)) continue;
    await file.write(randomFillSync(random), 0, BLOCK_BYTES, index * BLOCK_BYTES);
  }
}

async function uploadInParts(key: string): Promise<string> {
  const address = { Bucket: local.uploadBucket, Key: key };
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand(address));
  const parts: CompletedPart[] = [];
  for (let at = 0; at < diskBytes; at += partBytes) {
    const PartNumber = parts.length + 1;
    const { buffer } = await file.read(Buffer.allocUnsafe(partBytes), 0, partBytes, at);
    const { ETag, ChecksumCRC32 } = await s3.send(
      new UploadPartCommand({ ...address, UploadId, PartNumber, Body: buffer }),
    );
    parts.push({ PartNumber, ETag, ChecksumCRC32 });
  }
  const { VersionId } = await s3.send(
    new CompleteMultipartUploadCommand({ ...address, UploadId, MultipartUpload: { Parts: parts } }),
  );
  return VersionId ?? '';
}

/** Follows an upload to its end, as the command does. */
async function outcome(key: string, versionId: string): Promise<UploadDetailView> {
  const { items } = await api.call('listUploads', { query: { key, versionId, waitSeconds: 20 } });
  const id = items[0]?.id;
  if (id === undefined) throw new Error(`The upload of ${key} was not noticed`);
  for (let since: string | undefined; ; ) {
    const view = await api.call('getUpload', {
      params: { id },
      query: { waitSeconds: 10, ...(since === undefined ? {} : { since }) },
    });
    if (view.ended) return view;
    since = view.version;
  }
}

/** What the region reports of each run of a function: the peak of its resident memory, in MB. */
async function peaksMb(name: string): Promise<number[]> {
  const { events } = (await local.region.call('logs', 'FilterLogEvents', {
    logGroupName: `/aws/lambda/flotilla-${name}`,
    filterPattern: 'REPORT',
  })) as { events: { message: string }[] };
  return events.map(({ message }) => Number(/Max Memory Used: (\d+) MB/.exec(message)?.[1]));
}

async function snapshotsMade(): Promise<string[]> {
  const { Snapshots } = (await local.region.call('ec2', 'DescribeSnapshots', { OwnerIds: ['self'] })) as {
    Snapshots: { SnapshotId: string }[];
  };
  return Snapshots.map(({ SnapshotId }) => SnapshotId);
}

/** The blocks of the file that are not zero, with their digests. */
async function blocksOfFile(): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  for (let index = 0; index < diskBlocks; index += 1) {
    await file.read(block, 0, BLOCK_BYTES, index * BLOCK_BYTES);
    if (!isZero(block)) found.set(index, blockChecksum(block));
  }
  return found;
}

/** The blocks of a snapshot as its reader gets them: the digests are made from the bytes, not believed. */
async function blocksOfSnapshot(SnapshotId: string): Promise<Map<number, string>> {
  const found = new Map<number, string>();
  for (let NextToken: string | undefined; ; ) {
    const page = await ebs.send(new ListSnapshotBlocksCommand({ SnapshotId, NextToken }));
    for (const { BlockIndex = -1, BlockToken } of page.Blocks ?? []) {
      const { BlockData } = await ebs.send(
        new GetSnapshotBlockCommand({ SnapshotId, BlockIndex, BlockToken }),
      );
      const hash = createHash('sha256');
      for await (const piece of BlockData as AsyncIterable<Uint8Array>) hash.update(piece);
      found.set(BlockIndex, hash.digest('base64'));
    }
    NextToken = page.NextToken;
    if (NextToken === undefined) return found;
  }
}

describe('a raw disk of 2 GiB', () => {
  it('is inspected and written within 512 MiB, block for block as it was uploaded', async () => {
    const upload = await outcome('large/disk.raw', await uploadInParts('large/disk.raw'));
    expect(upload).toMatchObject({ state: 'built' });

    const inspecting = await peaksMb('inspect-artifact');
    const writing = await peaksMb('write-blocks');
    expect(inspecting).toHaveLength(1);
    expect(writing.length).toBeGreaterThanOrEqual(mostWriters);
    expect(Math.max(...inspecting, ...writing)).toBeLessThanOrEqual(mostMemoryMb);

    const [snapshotId = ''] = await snapshotsMade();
    const expected = await blocksOfFile();
    expect(expected.size).toBeGreaterThanOrEqual(diskBlocks / everyBlock);
    expect(await blocksOfSnapshot(snapshotId)).toEqual(expected);
  }, 240_000);
});

describe('a function with too little memory', () => {
  it('is ended by Lambda, and its build fails by that name and leaves nothing', async () => {
    const before = await snapshotsMade();
    // The shipped function with so much ballast that Lambda's least memory cannot hold it.
    await addBallast('write-blocks', 128);
    const key = 'large/hello';
    const { VersionId = '' } = await s3.send(
      new PutObjectCommand({ Bucket: local.uploadBucket, Key: key, Body: program }),
    );
    const upload = await outcome(key, VersionId);
    expect(upload).toMatchObject({ state: 'failed', error: { name: 'Runtime.ExitError' } });
    expect(upload.error?.message).toContain('signal: killed');
    expect((await peaksMb('write-blocks')).at(-1)).toBeGreaterThan(128);
    expect(await snapshotsMade()).toEqual(before);
  }, 60_000);
});

/** Puts code in front of a shipped bundle that takes `ballastMb` when it starts, and gives it as much memory. */
async function addBallast(name: string, ballastMb: number): Promise<void> {
  const bundles = new URL('../../.build/bundles/', import.meta.url);
  const shipped = await readFile(new URL(`${name}.mjs`, bundles), 'utf8');
  const ballast = `globalThis.ballast = Buffer.alloc(${ballastMb} * ${MiB}, 1);\n`;
  const FunctionName = `flotilla-${name}`;
  const ZipFile = zip({ [`${name}.mjs`]: Buffer.from(`${shipped}\n${ballast}`) });
  await local.region.call('lambda', 'UpdateFunctionCode', { FunctionName, ZipFile });
  await local.region.call('lambda', 'UpdateFunctionConfiguration', { FunctionName, MemorySize: ballastMb });
}
