/** How fast disks get into snapshots, against the ideal schedule and against awslabs/coldsnap. */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ebsClient } from '../src/aws/clients/ebs.ts';
import { openSnapshotWriter, type SnapshotWriter } from '../src/aws/snapshots.ts';
import { linearChecksum } from '../src/image/blocks.ts';
import { nonZeroBlocks } from '../src/image/extents.ts';
import { planSegments, writersOf } from '../src/image/segments.ts';
import { findColdsnap } from '../test/support/coldsnap.ts';
import { endProcess, spentBy } from './child-process.ts';
import { type DiskToUpload, planOf } from './disk-to-upload.ts';
import { median } from './median.ts';
import { openWriters, type WriterPool } from './writer-pool.ts';

/** One upload with our own writers. */
interface Uploaded {
  readonly seconds: number;
  readonly blocks: number;
  /** Of the writer that had most. */
  readonly peakMegabytes: number;
  readonly cpuSeconds: number;
  readonly endpointCpuSeconds: number;
}

export interface Uploading {
  readonly rounds: number;
  /** Processes of ours that write. */
  readonly writerCount: number;
  /** 1 GiB of random bytes. */
  readonly whole: Compared & {
    readonly idealSeconds: number;
    /** The ideal schedule's time to ours; the median. */
    readonly ratio: number;
  };
  /** 20 MB on a volume of 1 GiB. */
  readonly small: Compared;
  /** One writer that takes a disk of 4 GiB alone. */
  readonly large: Uploaded;
}

interface Compared {
  readonly blocks: number;
  readonly seconds: number;
  /** Of the writers, and of the endpoint meanwhile; medians. */
  readonly cpuSeconds: number;
  readonly endpointCpuSeconds: number;
  /** Undefined where it is not installed. */
  readonly coldsnap:
    | {
        readonly seconds: number;
        readonly endpointCpuSeconds: number;
        readonly settings: string;
        readonly ratio: number;
      }
    | undefined;
}

/** Both ends of an upload. */
interface Ends {
  readonly env: NodeJS.ProcessEnv;
  readonly endpoint: ChildProcess;
}

const gib = 1024 ** 3;
const smallBytes = 20_000_000;
/** coldsnap's own settings, as many workers as 40 ms and 1,000 puts/s need, and many with more clients. */
const settings = [
  ['--omit-zero-blocks'],
  ['--omit-zero-blocks', '--workers', '40'],
  ['--omit-zero-blocks', '--workers', '128', '--client-shards', '4'],
];
const region = 'us-east-1';
const credentials = { accessKeyId: 'AKIABENCH', secretAccessKey: 'bench' };
const run = promisify(execFile);

export async function measureUploading(
  rounds: number,
  scratchDir: string,
  say: (line: string) => void,
): Promise<Uploading> {
  const random = join(scratchDir, 'random.raw');
  const small = join(scratchDir, 'small.raw');
  await writeRandom(random, gib, gib);
  await writeRandom(small, smallBytes, gib);
  const endpoint = fork(new URL('ebs-endpoint.ts', import.meta.url));
  let pool: WriterPool | undefined;
  try {
    const [{ port }] = (await once(endpoint, 'message')) as [{ port: number }];
    const env = environment(port);
    const ends = { env, endpoint };
    const whole = { file: random, volumeSizeGiB: 1, extents: [{ offset: 0, sizeBytes: gib, fileOffset: 0 }] };
    const part = { ...whole, file: small, extents: [{ offset: 0, sizeBytes: smallBytes, fileOffset: 0 }] };
    const writerCount = availableParallelism();
    pool = await openWriters(env, writerCount, {
      disk: whole,
      snapshotId: await startSnapshot(writerTo(env), 1),
    });
    say('uploading 1 GiB');
    const first = await compare(whole, rounds, ends, pool);
    say('uploading 20 MB on a volume of 1 GiB');
    const second = await compare(part, rounds, ends, pool);
    say('uploading 4 GiB');
    const large = await oneWriter(random, ends);
    const idealSeconds = first.blocks / 1_000 + 0.04;
    const ratio = idealSeconds / first.seconds;
    return { rounds, writerCount, whole: { ...first, idealSeconds, ratio }, small: second, large };
  } finally {
    await pool?.close();
    await endProcess(endpoint);
  }
}

/** A disk of 4 GiB, in a process that has done nothing else: its peak of memory is this one's. */
async function oneWriter(file: string, ends: Ends): Promise<Uploaded> {
  const pool = await openWriters(ends.env, 1);
  try {
    const extents = [0, 1, 2, 3].map((at) => ({ offset: at * gib, sizeBytes: gib, fileOffset: 0 }));
    return await ours({ file, volumeSizeGiB: 4, extents }, ends, pool, true);
  } finally {
    await pool.close();
  }
}

/** Random bytes, then a hole up to the size. */
async function writeRandom(path: string, bytes: number, sizeBytes: number): Promise<void> {
  const file = await open(path, 'w');
  const piece = Buffer.allocUnsafe(8 * 1_048_576);
  for (let at = 0; at < bytes; at += piece.length)
    await file.write(randomFillSync(piece), 0, Math.min(piece.length, bytes - at), at);
  await file.truncate(sizeBytes);
  await file.close();
}

/** The two in turns, so that whatever else the machine does falls on both; coldsnap as it is best. */
async function compare(disk: DiskToUpload, rounds: number, ends: Ends, pool: WriterPool): Promise<Compared> {
  const best = await bestSettings(disk.file, ends.env);
  const done: Uploaded[] = [];
  const theirs: { seconds: number; endpointCpuSeconds: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    done.push(await ours(disk, ends, pool));
    if (best === undefined) continue;
    const before = await spentBy(ends.endpoint);
    const seconds = await coldsnap(best.program, best.options, disk.file, ends.env);
    theirs.push({ seconds, endpointCpuSeconds: (await spentBy(ends.endpoint)) - before });
  }
  const own = {
    blocks: done[0]?.blocks ?? 0,
    seconds: median(done.map((one) => one.seconds)),
    cpuSeconds: median(done.map((one) => one.cpuSeconds)),
    endpointCpuSeconds: median(done.map((one) => one.endpointCpuSeconds)),
  };
  if (best === undefined) return { ...own, coldsnap: undefined };
  return {
    ...own,
    coldsnap: {
      seconds: median(theirs.map((one) => one.seconds)),
      endpointCpuSeconds: median(theirs.map((one) => one.endpointCpuSeconds)),
      settings: best.options.join(' '),
      ratio: median(theirs.map(({ seconds }, round) => seconds / (done[round]?.seconds ?? Number.NaN))),
    },
  };
}

async function bestSettings(file: string, env: NodeJS.ProcessEnv) {
  const found = findColdsnap();
  if ('skip' in found) return undefined;
  let best: { program: string; options: string[]; seconds: number } | undefined;
  for (const options of settings) {
    const seconds = await coldsnap(found.program, options, file, env);
    if (best === undefined || seconds < best.seconds) best = { program: found.program, options, seconds };
  }
  return best;
}

async function coldsnap(
  program: string,
  options: readonly string[],
  file: string,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const began = performance.now();
  const where = ['--region', region, '--endpoint', env.AWS_ENDPOINT_URL ?? ''];
  await run(program, [...where, 'upload', '--no-progress', ...options, file], { env });
  return (performance.now() - began) / 1_000;
}

/**
 * As build-image does it: one writer for each segment, as many at a time as its Map has, then the seal. Time is taken
 * from when the writers are up and warm.
 */
async function ours(
  disk: DiskToUpload,
  { env, endpoint }: Ends,
  pool: WriterPool,
  alone = false,
): Promise<Uploaded> {
  const indexes = nonZeroBlocks(planOf(disk));
  const whole = { number: 0, first: 0, count: (indexes.at(-1) ?? 0) + 1 };
  const segments = alone ? [whole] : planSegments(indexes);
  const writers = writersOf(segments);
  if (segments.length > writers) throw new RangeError('the bench has one round of writers');
  const ebs = writerTo(env);
  const before = await pool.cpuSeconds();
  const endpointBefore = await spentBy(endpoint);
  const began = performance.now();
  const snapshotId = await startSnapshot(ebs, disk.volumeSizeGiB);
  const written = await pool.write(segments.map((segment) => ({ disk, snapshotId, segment, writers })));
  const checksums = written.flatMap((one) => one.checksums);
  await ebs.complete(snapshotId, checksums.length, linearChecksum(checksums));
  return {
    seconds: (performance.now() - began) / 1_000,
    blocks: checksums.length,
    peakMegabytes: Math.max(...written.map(({ peakMegabytes }) => peakMegabytes)),
    cpuSeconds: (await pool.cpuSeconds()) - before,
    endpointCpuSeconds: (await spentBy(endpoint)) - endpointBefore,
  };
}

function writerTo(env: NodeJS.ProcessEnv): SnapshotWriter {
  return openSnapshotWriter(ebsClient({ endpoint: env.AWS_ENDPOINT_URL ?? '', region, credentials }));
}

async function startSnapshot(ebs: SnapshotWriter, volumeSizeGiB: number): Promise<string> {
  const clientToken = `${process.pid}-${performance.now()}`;
  return (await ebs.start({ volumeSizeGiB, clientToken, description: 'bench', tags: {} })).snapshotId;
}

function environment(port: number): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    AWS_REGION: region,
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
}
