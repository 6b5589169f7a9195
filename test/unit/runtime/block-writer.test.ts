import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Block } from '../../../src/aws/snapshots.ts';
import { BLOCK_BYTES, blockChecksum } from '../../../src/image/blocks.ts';
import { zeroChecksum } from '../../../src/image/delta.ts';
import { type ByteSource, bytesSource } from '../../../src/image/source.ts';
import { type BlockJob, writeBlocks } from '../../../src/runtime/block-writer.ts';
import { awsError } from '../../support/function-kit.ts';
import { SteppedClock } from './stepped-clock.ts';

const disk = (blocks: number) => bytesSource(randomFillSync(Buffer.alloc(blocks * BLOCK_BYTES)));
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const job = (source: ByteSource, change: Partial<BlockJob> = {}): BlockJob => ({
  snapshotId: 'snap-1',
  disk: source,
  indexes: upTo(Math.ceil(source.sizeBytes / BLOCK_BYTES)),
  mustPut: (_, checksum) => checksum !== zeroChecksum,
  writers: 1,
  ...change,
});

/** Writes against a service of which each put is answered as `reply` says, after 40 ms unless it waits itself. */
async function write(
  what: BlockJob,
  reply: (block: Block, tries: number, signal: AbortSignal) => Promise<void> | undefined = () => undefined,
  functionSeconds = 900,
) {
  const clock = new SteppedClock();
  const tries = new Map<number, number>();
  const sent: { index: number; at: number }[] = [];
  let inFlight = 0;
  let mostInFlight = 0;
  const putBlock = async (_: string, block: Block, signal?: AbortSignal): Promise<void> => {
    const count = (tries.get(block.index) ?? 0) + 1;
    tries.set(block.index, count);
    sent.push({ index: block.index, at: clock.now().getTime() });
    inFlight += 1;
    mostInFlight = Math.max(mostInFlight, inFlight);
    try {
      await (reply(block, count, signal as AbortSignal) ?? clock.sleep(40));
    } finally {
      inFlight -= 1;
    }
  };
  const deps = {
    writer: { putBlock },
    clock,
    random: () => 0.5,
    remainingMilliseconds: () => functionSeconds * 1_000 - clock.now().getTime(),
  };
  const result = await clock.during(writeBlocks(what, deps).catch((error: unknown) => error as Error));
  return { result, tries, sent, seconds: clock.now().getTime() / 1_000, inFlight, mostInFlight, clock };
}

const never = (signal: AbortSignal) =>
  new Promise<void>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

describe('writing blocks', () => {
  it('puts each block that must be, and tells of all in order', async () => {
    const source = disk(40);
    const bytes = await source.read(0, source.sizeBytes);
    bytes.fill(0, 5 * BLOCK_BYTES, 7 * BLOCK_BYTES);
    const { result, tries } = await write(job(source));
    expect([...tries.keys()].sort((a, b) => a - b)).toEqual(upTo(40).filter((at) => at !== 5 && at !== 6));
    expect(result).toEqual(
      upTo(40).map((index) => ({
        digest: [index, blockChecksum(bytes.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES))],
        wasPut: index !== 5 && index !== 6,
      })),
    );
  });

  it('has as many in flight as the way needs, and keeps to its share', async () => {
    const source: ByteSource = { ...disk(8), sizeBytes: 2_400 * BLOCK_BYTES };
    const same = await disk(8).read(0, 8 * BLOCK_BYTES);
    const { sent, seconds, mostInFlight } = await write(job({ ...source, read: async () => same }));
    expect(seconds).toBeLessThan((2_400 / 1_000 + 0.04) / 0.9);
    expect(mostInFlight).toBeGreaterThan(30);
    expect(sent.filter(({ at }) => at >= 1_000 && at < 2_000).length).toBeLessThanOrEqual(1_000);
    const six = await write(
      job({ ...source, sizeBytes: 320 * BLOCK_BYTES, read: async () => same }, { writers: 6 }),
    );
    expect(six.sent.filter(({ at }) => at < 1_000).length).toBeLessThanOrEqual(166);
  });

  it('tries again what passes: throttling, faults, broken connections, a snapshot not known yet', async () => {
    const passing = [
      awsError('ThrottlingException'),
      awsError('RequestThrottledException'),
      awsError('InternalServerException', 500),
      awsError('Unheard', 503),
      Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
      awsError('ResourceNotFoundException', 404),
    ];
    const { result, tries } = await write(job(disk(12)), ({ index }, count) =>
      count <= passing.length && index % 2 === 0 ? Promise.reject(passing[count - 1]) : undefined,
    );
    expect(result).toHaveLength(12);
    expect(tries.get(4)).toBe(passing.length + 1);
    expect(tries.get(5)).toBe(1);
  });

  it('gets a block through whose put fails twenty times', async () => {
    const { result, tries, seconds } = await write(job(disk(4)), ({ index }, count) =>
      index === 2 && count <= 20 ? Promise.reject(awsError('InternalServerException', 500)) : undefined,
    );
    expect(result).toHaveLength(4);
    expect(tries.get(2)).toBe(21);
    expect(seconds).toBeLessThan(120);
  });

  it('gives a try up after 20 seconds', async () => {
    const { result, tries, seconds } = await write(job(disk(4)), ({ index }, count, signal) =>
      index === 1 && count === 1 ? never(signal) : undefined,
    );
    expect(result).toHaveLength(4);
    expect(tries.get(1)).toBe(2);
    expect(seconds).toBeGreaterThan(20);
    expect(seconds).toBeLessThan(21);
  });

  it('gives a block up after two minutes, by a name that the machine tries again', async () => {
    const { result, seconds, inFlight } = await write(job(disk(200)), () =>
      Promise.reject(awsError('ThrottlingException')),
    );
    expect(result).toMatchObject({
      name: 'AwsUnavailable',
      details: { snapshotId: 'snap-1', code: 'ThrottlingException' },
    });
    expect(seconds).toBeGreaterThan(100);
    expect(seconds).toBeLessThan(125);
    expect(inFlight).toBe(0);
  });

  it.each(['ValidationException', 'ConflictException', 'AccessDeniedException'])(
    'does not repeat %s',
    async (name) => {
      const { result, tries, seconds } = await write(job(disk(200)), ({ index }) =>
        index === 3 ? Promise.reject(awsError(name)) : undefined,
      );
      expect(result).toMatchObject({ name });
      expect(tries.get(3)).toBe(1);
      expect(tries.size).toBeLessThan(30);
      expect(seconds).toBeLessThan(1);
    },
  );

  it('stops in order when the time of its function is nearly over', async () => {
    const { result, seconds, inFlight } = await write(job(disk(4)), (_, __, signal) => never(signal), 60);
    expect(result).toMatchObject({ name: 'DeadlineNear' });
    expect(seconds).toBeLessThan(50);
    expect(inFlight).toBe(0);
  });

  it('gives a read up after 20 seconds, and reads again', async () => {
    const source = disk(8);
    let reads = 0;
    const stalling: ByteSource = {
      ...source,
      read: (offset, length, signal) => {
        reads += 1;
        return reads === 1
          ? never(signal as AbortSignal).then(() => new Uint8Array())
          : source.read(offset, length);
      },
    };
    const { result, seconds } = await write(job(stalling));
    expect(result).toHaveLength(8);
    expect(reads).toBe(2);
    expect(seconds).toBeLessThan(21);
  });

  it('holds at most 28 reads of 4 MiB, however badly it goes', async () => {
    const same = await disk(8).read(0, 8 * BLOCK_BYTES);
    let read = 0;
    const finished = new Map<number, number>();
    let most = 0;
    const source: ByteSource = {
      sizeBytes: 2_000 * BLOCK_BYTES,
      read: async () => {
        read += 1;
        const done = [...finished.values()].filter((count) => count === 8).length;
        most = Math.max(most, read - done);
        return same;
      },
    };
    // The first block of each read fails for a while: its neighbours are long done.
    const { result } = await write(job(source), ({ index }, count) => {
      if (index % 8 === 0 && count <= 5) return Promise.reject(awsError('InternalServerException', 500));
      finished.set(Math.floor(index / 8), (finished.get(Math.floor(index / 8)) ?? 0) + 1);
      return undefined;
    });
    expect(result).toHaveLength(2_000);
    expect(most).toBeGreaterThan(20);
    expect(most).toBeLessThanOrEqual(28);
  });
});
