/** How fast disks get into snapshots, against the ideal schedule and against awslabs/coldsnap. */
import { type ChildProcess, execFile, fork } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ebsClient } from '../src/aws/clients/ebs.ts';
import { openSnapshotWriter } from '../src/aws/snapshots.ts';
import { linearChecksum } from '../src/image/blocks.ts';
import { nonZeroBlocks } from '../src/image/extents.ts';
import { planSegments, writersOf } from '../src/image/segments.ts';
import { findColdsnap } from '../test/support/coldsnap.ts';
import { type DiskToUpload, planOf } from './disk-to-upload.ts';
import { median } from './median.ts';
import type { SegmentToWrite, SegmentWritten } from './segment-writer.ts';

/** One upload with our own writers. */
interface Uploaded {
  readonly seconds: number;
  readonly blocks: number;
  /** Of the writer that had most. */
  readonly peakMegabytes: number;
}

export interface Uploading {
  readonly rounds: number;
  /** 1 GiB of random bytes. */
  readonly whole: Compared & {
    readonly blocks: number;
    readonly idealSeconds: number;
    /** The ideal schedule's time to ours; the median. */
    readonly ratio: number;
  };
  /** 20 MB on a volume of 1 GiB. */
  readonly small: Compared & { readonly blocks: number };
  /** One writer that takes a disk of 4 GiB alone. */
  readonly large: Uploaded;
}

interface Compared {
  readonly seconds: number;
  /** Undefined where it is not installed. */
  readonly coldsnap:
    | { readonly seconds: number; readonly settings: string; readonly ratio: number }
    | undefined;
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
  try {
    const [{ port }] = (await once(endpoint, 'message')) as [{ port: number }];
    const env = environment(port);
    const whole = { file: random, volumeSizeGiB: 1, extents: [{ offset: 0, sizeBytes: gib, fileOffset: 0 }] };
    const part = { ...whole, file: small, extents: [{ offset: 0, sizeBytes: smallBytes, fileOffset: 0 }] };
    say('uploading 1 GiB');
    const first = await compare(whole, rounds, env);
    say('uploading 20 MB on a volume of 1 GiB');
    const second = await compare(part, rounds, env);
    say('uploading 4 GiB');
    const extents = [0, 1, 2, 3].map((at) => ({ offset: at * gib, sizeBytes: gib, fileOffset: 0 }));
    const large = await ours({ file: random, volumeSizeGiB: 4, extents }, env, 1);
    const idealSeconds = first.blocks / 1_000 + 0.04;
    return {
      rounds,
      whole: { ...first, idealSeconds, ratio: idealSeconds / first.seconds },
      small: second,
      large,
    };
  } finally {
    await end(endpoint);
  }
}

async function end(endpoint: ChildProcess): Promise<void> {
  const ended = once(endpoint, 'exit');
  endpoint.kill();
  await ended;
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
async function compare(
  disk: DiskToUpload,
  rounds: number,
  env: NodeJS.ProcessEnv,
): Promise<Compared & { blocks: number }> {
  const best = await bestSettings(disk.file, env);
  const times: number[] = [];
  const theirs: number[] = [];
  let blocks = 0;
  for (let round = 0; round < rounds; round += 1) {
    const done = await ours(disk, env);
    blocks = done.blocks;
    times.push(done.seconds);
    if (best !== undefined) theirs.push(await coldsnap(best.program, best.options, disk.file, env));
  }
  const seconds = median(times);
  if (best === undefined) return { seconds, blocks, coldsnap: undefined };
  const ratio = median(theirs.map((time, round) => time / (times[round] ?? Number.NaN)));
  return { seconds, blocks, coldsnap: { seconds: median(theirs), settings: best.options.join(' '), ratio } };
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
 * from when the writers' processes are up, as functions that are warm.
 */
async function ours(disk: DiskToUpload, env: NodeJS.ProcessEnv, segmentsAtMost?: 1): Promise<Uploaded> {
  const indexes = nonZeroBlocks(planOf(disk));
  const whole = { number: 0, first: 0, count: (indexes.at(-1) ?? 0) + 1 };
  const segments = segmentsAtMost === 1 ? [whole] : planSegments(indexes);
  const writers = writersOf(segments);
  if (segments.length > writers) throw new RangeError('the bench has one round of writers');
  const children = await Promise.all(segments.map(() => ready('segment-writer.ts', env)));
  try {
    const ebs = openSnapshotWriter(ebsClient({ endpoint: env.AWS_ENDPOINT_URL ?? '', region, credentials }));
    const began = performance.now();
    const token = { clientToken: `${process.pid}-${began}`, description: 'bench', tags: {} };
    const { snapshotId } = await ebs.start({ volumeSizeGiB: disk.volumeSizeGiB, ...token });
    const written = await Promise.all(
      segments.map(async (segment, at): Promise<SegmentWritten> => {
        const child = children[at] as ChildProcess; // one for each segment
        const answer = once(child, 'message');
        child.send({ disk, snapshotId, segment, writers } satisfies SegmentToWrite);
        return (await answer)[0] as SegmentWritten;
      }),
    );
    const checksums = written.flatMap((one) => one.checksums);
    await ebs.complete(snapshotId, checksums.length, linearChecksum(checksums));
    return {
      seconds: (performance.now() - began) / 1_000,
      blocks: checksums.length,
      peakMegabytes: Math.max(...written.map(({ peakMegabytes }) => peakMegabytes)),
    };
  } finally {
    await Promise.all(children.map(end));
  }
}

async function ready(script: string, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = fork(new URL(script, import.meta.url), { env });
  await once(child, 'message');
  return child;
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
