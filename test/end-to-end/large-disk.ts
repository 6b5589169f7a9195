/**
 * A raw disk goes its whole way, through the shipped bundles in the memory that the template gives them: what it takes of
 * functions and of the machine, and whether the snapshot holds it block for block.
 *
 * The disk is a bootable one of the project's own writer, with random bytes in the free part of its volume: in each block,
 * or in some. The functions read all of it, twice; they put only the blocks that are not zero.
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
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { type ApiClient, openApi } from '../../cli/api-client.ts';
import type { UploadDetailView } from '../../src/contracts/api-views.ts';
import { BLOCK_BYTES, blockChecksum, isZero } from '../../src/image/blocks.ts';
import { planDisk } from '../../src/image/disk.ts';
import { nonZeroBlocks, readPlan } from '../../src/image/extents.ts';
import { standInKernel } from '../../src/image/kernel-bundle.ts';
import { makeManifest } from '../../src/image/manifest.ts';
import { bytesSource } from '../../src/image/source.ts';
import { buildExample } from '../../tour/build-example.ts';
import { packageStack } from '../../tour/package-stack.ts';
import { type LocalRegion, startLocal } from '../../tour/up.ts';

const MiB = 1_048_576;
const partBytes = 64 * MiB;
/** What the template gives a function that reads whole disks. */
const mostMemoryMb = 512;
/** Lambda's, of which no function here has more: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const longestSeconds = 900;
/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html */
const mostPayloadBytes = 262_144;

export interface DiskSize {
  readonly sizeGiB: number;
  /** One block of so many is random: 1 for each. */
  readonly everyBlock: number;
}

/** What the runs of a function took, in their order: the peak of resident memory, as Lambda reports it, and time. */
export interface FunctionUse {
  readonly memoryMb: readonly number[];
  readonly seconds: readonly number[];
}

export interface DiskReport {
  readonly upload: UploadDetailView;
  readonly uses: Readonly<Record<'inspect-artifact' | 'write-blocks', FunctionUse>>;
  /** Of the execution: the largest input or output that its history holds, and how many events. */
  readonly largestPayloadBytes: number;
  readonly events: number;
  /** Digests of the blocks that are not zero: of the file, and of the snapshot. */
  readonly expected: ReadonlyMap<number, string>;
  readonly found: ReadonlyMap<number, string>;
}

/** A region with a fleet that takes such a disk, and the disk. */
export class LargeDisk {
  readonly local: LocalRegion;
  readonly s3: S3Client;
  /** The example's. */
  readonly program: Buffer;
  readonly #api: ApiClient;
  readonly #ebs: EBSClient;
  readonly #folder: string;
  readonly #file: FileHandle;
  readonly #blocks: number;

  private constructor(folder: string, file: FileHandle, program: Buffer, local: LocalRegion, size: DiskSize) {
    const { accessKeyId, secretAccessKey } = local.operator;
    const settings = {
      endpoint: local.endpoint,
      region: local.region.context.regionName,
      credentials: { accessKeyId, secretAccessKey },
    };
    this.local = local;
    this.program = program;
    this.s3 = new S3Client({ ...settings, forcePathStyle: true });
    this.#ebs = new EBSClient(settings);
    this.#api = openApi({ ...settings, apiUrl: local.apiUrl }, { userAgent: 'flotilla-test' });
    this.#folder = folder;
    this.#file = file;
    this.#blocks = (size.sizeGiB * 1024 * MiB) / BLOCK_BYTES;
  }

  static async open(size: DiskSize): Promise<LargeDisk> {
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-large-'));
    await Promise.all([
      packageStack(),
      buildExample(join(folder, 'hello'), { version: '1', colour: 'blue' }),
    ]);
    const file = await open(join(folder, 'disk.raw'), 'w+');
    const program = await readFile(join(folder, 'hello'));
    await writeDisk(file, program, size);
    const disk = new LargeDisk(folder, file, program, await startLocal({ port: 0 }), size);
    await disk.#api.call('applyFleet', {
      params: { fleet: 'large' },
      body: {
        rule: { paths: ['/large'] },
        healthCheck: { path: '/healthz' },
        image: { volumeSizeGiB: size.sizeGiB },
        deployOnUpload: false,
      },
    });
    return disk;
  }

  async close(): Promise<void> {
    this.s3.destroy();
    this.#ebs.destroy();
    await this.#file.close();
    await this.local.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Uploads the disk, waits for its image, and reads that back. */
  async send(): Promise<DiskReport> {
    const key = 'large/disk.raw';
    const upload = await this.outcome(key, await this.#uploadInParts(key));
    const [snapshotId = ''] = await this.snapshots();
    return {
      upload,
      uses: {
        'inspect-artifact': await this.use('inspect-artifact'),
        'write-blocks': await this.use('write-blocks'),
      },
      ...(await this.#history(upload.executionArn)),
      expected: await this.#blocksOfFile(),
      found: await this.#blocksOfSnapshot(snapshotId),
    };
  }

  async #uploadInParts(key: string): Promise<string> {
    const address = { Bucket: this.local.uploadBucket, Key: key };
    const { UploadId } = await this.s3.send(
      new CreateMultipartUploadCommand({ ...address, ChecksumAlgorithm: 'CRC32' }),
    );
    const parts: CompletedPart[] = [];
    for (let at = 0; at < this.#blocks * BLOCK_BYTES; at += partBytes) {
      const PartNumber = parts.length + 1;
      const { buffer } = await this.#file.read(Buffer.allocUnsafe(partBytes), 0, partBytes, at);
      const { ETag, ChecksumCRC32 } = await this.s3.send(
        new UploadPartCommand({ ...address, UploadId, PartNumber, Body: buffer }),
      );
      parts.push({ PartNumber, ETag, ChecksumCRC32 });
    }
    const { VersionId } = await this.s3.send(
      new CompleteMultipartUploadCommand({ ...address, UploadId, MultipartUpload: { Parts: parts } }),
    );
    return VersionId ?? '';
  }

  /** Follows an upload to its end, as the command does. */
  async outcome(key: string, versionId: string): Promise<UploadDetailView> {
    const { items } = await this.#api.call('listUploads', { query: { key, versionId, waitSeconds: 20 } });
    const id = items[0]?.id;
    if (id === undefined) throw new Error(`The upload of ${key} was not noticed`);
    for (let since: string | undefined; ; ) {
      const view = await this.#api.call('getUpload', {
        params: { id },
        query: { waitSeconds: 10, ...(since === undefined ? {} : { since }) },
      });
      if (view.ended) return view;
      since = view.version;
    }
  }

  /** What the region reports of each run of a function, as Lambda does. */
  async use(name: string): Promise<FunctionUse> {
    const { events } = (await this.local.region.call('logs', 'FilterLogEvents', {
      logGroupName: `/aws/lambda/flotilla-${name}`,
      filterPattern: 'REPORT',
    })) as { events: { message: string }[] };
    const said = (pattern: RegExp) => events.map(({ message }) => Number(pattern.exec(message)?.[1]));
    const seconds = said(/\tDuration: ([\d.]+) ms/).map((milliseconds) => milliseconds / 1_000);
    return { memoryMb: said(/Max Memory Used: (\d+) MB/), seconds };
  }

  async #history(executionArn: string): Promise<Pick<DiskReport, 'largestPayloadBytes' | 'events'>> {
    let largestPayloadBytes = 0;
    let events = 0;
    for (let nextToken: string | undefined; ; ) {
      const page = (await this.local.region.call('states', 'GetExecutionHistory', {
        executionArn,
        maxResults: 1_000,
        ...(nextToken === undefined ? {} : { nextToken }),
      })) as { events: object[]; nextToken?: string };
      events += page.events.length;
      JSON.stringify(page.events, (name, value: unknown) => {
        if ((name === 'input' || name === 'output') && typeof value === 'string')
          largestPayloadBytes = Math.max(largestPayloadBytes, Buffer.byteLength(value));
        return value;
      });
      nextToken = page.nextToken;
      if (nextToken === undefined) return { largestPayloadBytes, events };
    }
  }

  async snapshots(): Promise<string[]> {
    const { Snapshots } = (await this.local.region.call('ec2', 'DescribeSnapshots', {
      OwnerIds: ['self'],
    })) as {
      Snapshots: { SnapshotId: string }[];
    };
    return Snapshots.map(({ SnapshotId }) => SnapshotId);
  }

  /** The blocks of the file that are not zero, with their digests. */
  async #blocksOfFile(): Promise<Map<number, string>> {
    const found = new Map<number, string>();
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    for (let index = 0; index < this.#blocks; index += 1) {
      await this.#file.read(block, 0, BLOCK_BYTES, index * BLOCK_BYTES);
      if (!isZero(block)) found.set(index, blockChecksum(block));
    }
    return found;
  }

  /** The blocks of a snapshot as its reader gets them: the digests are made from the bytes, not believed. */
  async #blocksOfSnapshot(SnapshotId: string): Promise<Map<number, string>> {
    const found = new Map<number, string>();
    for (let NextToken: string | undefined; ; ) {
      const page = await this.#ebs.send(new ListSnapshotBlocksCommand({ SnapshotId, NextToken }));
      for (const { BlockIndex = -1, BlockToken } of page.Blocks ?? []) {
        const { BlockData } = await this.#ebs.send(
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
}

/** Sparse where nothing is written: the file takes as much as is not zero. */
async function writeDisk(
  file: FileHandle,
  program: Buffer,
  { sizeGiB, everyBlock }: DiskSize,
): Promise<void> {
  const diskBytes = sizeGiB * 1024 * MiB;
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
  const used = new Set(nonZeroBlocks(plan));
  for (const index of used)
    await file.write(await disk.read(index * BLOCK_BYTES, BLOCK_BYTES), 0, BLOCK_BYTES, index * BLOCK_BYTES);
  const random = Buffer.allocUnsafe(BLOCK_BYTES);
  for (let index = everyBlock - 1; index < diskBytes / BLOCK_BYTES; index += everyBlock) {
    if (used.has(index)) continue;
    await file.write(randomFillSync(random), 0, BLOCK_BYTES, index * BLOCK_BYTES);
  }
}

/** What was not as it must be, in words. */
export function wrongs({ upload, uses, largestPayloadBytes, expected, found }: DiskReport): string[] {
  const wrong: string[] = [];
  if (upload.state !== 'built') wrong.push(`the upload is ${upload.state}: ${upload.error?.message}`);
  for (const [name, { memoryMb, seconds }] of Object.entries(uses)) {
    if (Math.max(...memoryMb) > mostMemoryMb) wrong.push(`${name} took ${Math.max(...memoryMb)} MB`);
    if (Math.max(...seconds) > longestSeconds) wrong.push(`${name} took ${Math.max(...seconds)} s`);
  }
  if (largestPayloadBytes > mostPayloadBytes) wrong.push(`a payload of ${largestPayloadBytes} bytes`);
  const all = new Set([...expected.keys(), ...found.keys()]);
  const differing = [...all].filter((index) => expected.get(index) !== found.get(index));
  if (differing.length > 0) wrong.push(`blocks that differ: ${differing.slice(0, 10).join(', ')}, …`);
  return wrong;
}

export function describeDisk({ sizeGiB }: DiskSize, report: DiskReport): string {
  const { uses, largestPayloadBytes, events, expected } = report;
  const ofFunction = (name: keyof DiskReport['uses']) => {
    const { memoryMb, seconds } = uses[name];
    const most = `peak memory: ${Math.max(...memoryMb)} MB of ${mostMemoryMb}`;
    const longest = `longest: ${Math.max(...seconds).toFixed(1)} s of ${longestSeconds}`;
    return `${name.padEnd(17)} runs: ${seconds.length}, ${most}, ${longest}`;
  };
  const wrong = wrongs(report);
  return [
    `disk              ${sizeGiB} GiB, ${(sizeGiB * 1024 * MiB) / BLOCK_BYTES} blocks, of them not zero: ${expected.size}`,
    ofFunction('inspect-artifact'),
    `${ofFunction('write-blocks')} (one run for each segment)`,
    `execution         largest payload: ${largestPayloadBytes} bytes of ${mostPayloadBytes}, events: ${events} of 25000`,
    wrong.length === 0
      ? 'the snapshot      block for block what was uploaded'
      : `WRONG             ${wrong.join('; ')}`,
  ].join('\n');
}
