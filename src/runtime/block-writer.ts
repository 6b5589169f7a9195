/**
 * Puts blocks into a snapshot as fast as the account and the way there bear (src/image/pace.ts): reads ahead, takes
 * a block's digest while others are under way, gives up on what stalls, and tries again what may pass.
 *
 * Memory: blocks are views of reads of {@link readBytes}, and a read is kept until the last of its blocks is put. So
 * at most {@link mostReads} + {@link readsAhead} reads, 112 MiB, are held, however large the disk is and however
 * badly it goes.
 */
import { errorCode, hasCode, isRetryable, isThrottling } from '../aws/errors.ts';
import type { Block, SnapshotWriter } from '../aws/snapshots.ts';
import type { BlockDigest } from '../contracts/image-blocks.ts';
import { FlotillaError } from '../errors.ts';
import { BLOCK_BYTES, blockChecksum, isZero } from '../image/blocks.ts';
import { zeroChecksum } from '../image/delta.ts';
import { type PaceEvent, shareOf } from '../image/pace.ts';
import { type ReadRun, readRuns } from '../image/segments.ts';
import type { ByteSource } from '../image/source.ts';
import { jitteredDelay, withBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { openGate, type PaceGate } from './pace-gate.ts';
import { readAhead } from './parallel.ts';
import { withinTime } from './within-time.ts';

export interface BlockJob {
  readonly snapshotId: string;
  /** The whole disk; its reads may go over the network. */
  readonly disk: ByteSource;
  /** Indexes of the blocks to look at, ascending. */
  readonly indexes: readonly number[];
  /** Whether a block with this checksum has to be put, or is there already. */
  readonly mustPut: (index: number, checksum: string) => boolean;
  /** How many writers, this one among them, put blocks of the snapshot at the same time: they share the quota. */
  readonly writers: number;
}

export interface BlockWriterDeps {
  readonly writer: Pick<SnapshotWriter, 'putBlock'>;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Until the caller's own time is over. */
  remainingMilliseconds(): number;
}

/** What became of a block. */
export interface SeenBlock {
  readonly digest: BlockDigest;
  readonly wasPut: boolean;
}

const readBytes = 8 * BLOCK_BYTES;
const mostReads = 24;
const readsAhead = 4;
const mostInFlight = 128;
/**
 * For one try, and for all tries of one read or put; nothing tries again inside of a put's try, or one stall becomes
 * minutes of them (awslabs/coldsnap issue 437). Two minutes are twice as long as a fresh snapshot was ever unknown
 * to EBS (awslabs/coldsnap issues 43, 56).
 */
const attemptMilliseconds = 20_000;
const operationMilliseconds = 120_000;
/** Enough to give up in order: with less left, the rest is left to the next try. */
const reserveMilliseconds = 20_000;
const delays = { baseMilliseconds: 100, capMilliseconds: 5_000 };

/** What the tries of one call of {@link writeBlocks} share. */
interface Work extends BlockWriterDeps {
  readonly snapshotId: string;
  readonly gate: PaceGate;
  /** Fires when something failed for good. */
  readonly signal: AbortSignal;
}

/**
 * Puts the blocks. May be repeated: the same bytes go to the same places.
 *
 * @returns all blocks of the job, in its order
 * @throws FlotillaError `DeadlineNear`, or `AwsUnavailable` where a block was tried in vain for two minutes; otherwise
 *   the first refusal, unchanged. No put is under way any more when it throws.
 */
export async function writeBlocks(job: BlockJob, deps: BlockWriterDeps): Promise<SeenBlock[]> {
  const { snapshotId, disk } = job;
  const stop = new AbortController();
  const failures: unknown[] = [];
  const fail = (error: unknown): void => {
    failures.push(error);
    stop.abort(error);
  };
  const gate = openGate({ putsPerSecond: shareOf(job.writers), mostInFlight }, deps.clock);
  const work: Work = { ...deps, snapshotId, gate, signal: stop.signal };
  const seen: SeenBlock[] = [];
  /** Reads with blocks that are still under way. */
  const held = new Set<Promise<unknown>>();

  try {
    const runs = readRuns(job.indexes, readBytes);
    for await (const [run, bytes] of readAhead(runs, readsAhead, (wanted) => read(disk, wanted, work))) {
      const puts: Promise<void>[] = [];
      const all = Promise.withResolvers<void>();
      held.add(all.promise);
      try {
        for (let at = 0; at < run.count; at += 1) {
          const index = run.first + at;
          const block = bytes.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES);
          if (deps.remainingMilliseconds() < reserveMilliseconds) throw deadlineNear(snapshotId, index);
          // Others are on their way meanwhile. A thread would gain nothing: a function has less than a core.
          const checksum = isZero(block) ? zeroChecksum : blockChecksum(block);
          const wasPut = job.mustPut(index, checksum);
          seen.push({ digest: [index, checksum], wasPut });
          if (!wasPut) continue;
          const sentAt = await gate.pass(stop.signal);
          puts.push(put({ index, bytes: block, checksum }, sentAt, work).catch(fail));
        }
      } finally {
        void Promise.all(puts).then(() => {
          held.delete(all.promise);
          all.resolve();
        });
      }
      while (held.size >= mostReads) await Promise.race(held);
    }
  } catch (error) {
    fail(error);
  }
  await Promise.all(held);
  if (failures.length > 0) throw failures[0];
  return seen;
}

function read(
  disk: ByteSource,
  { first, count }: ReadRun,
  { clock, random, signal }: Work,
): Promise<Uint8Array> {
  const limit = { clock, milliseconds: attemptMilliseconds, what: `Reading blocks from ${first} on`, signal };
  return withBackoff(
    { clock, random, ...delays, withinMilliseconds: operationMilliseconds, signal, retry: isRetryable },
    () => withinTime(limit, (own) => disk.read(first * BLOCK_BYTES, count * BLOCK_BYTES, own)),
  );
}

/** Tries until the block is put, each but the first try after its turn at the gate. */
async function put(block: Block, firstSentAt: number, work: Work): Promise<void> {
  const { clock, gate, signal, snapshotId } = work;
  const began = firstSentAt;
  for (let attempt = 1, sentAt = firstSentAt; ; attempt += 1) {
    try {
      await withinTime(
        { clock, milliseconds: attemptTime(work), what: `Putting block ${block.index}`, signal },
        (own) => work.writer.putBlock(snapshotId, block, own),
      );
      gate.ended('answered', sentAt);
      return;
    } catch (error) {
      gate.ended(endOf(error), sentAt);
      if (!mayPass(error)) throw error;
      const wait = jitteredDelay(attempt, { random: work.random, ...delays });
      await untilTurn(block, error, { ...work, attempt, began, wait });
      sentAt = await gate.pass(signal);
    }
  }
}

interface Turn extends Work {
  readonly attempt: number;
  readonly began: number;
  readonly wait: number;
}

/** Waits before another try. @throws FlotillaError where there is no time for it */
async function untilTurn({ index }: Block, error: unknown, turn: Turn): Promise<void> {
  const { clock, snapshotId, attempt, began, wait } = turn;
  const spent = clock.now().getTime() - began;
  if (spent + wait > operationMilliseconds) {
    const code = errorCode(error);
    throw new FlotillaError(
      'AwsUnavailable',
      `Block ${index} of ${snapshotId} was tried ${attempt} times within ${Math.round(spent / 1_000)} s; at last: ${code}`,
      { snapshotId, block: index, code },
      { cause: error },
    );
  }
  if (turn.remainingMilliseconds() - wait < reserveMilliseconds) throw deadlineNear(snapshotId, index);
  await clock.sleep(wait, turn.signal);
}

/** A try ends early enough for the function to tell of it. */
function attemptTime({ remainingMilliseconds }: Work): number {
  return Math.max(1_000, Math.min(attemptMilliseconds, remainingMilliseconds() - reserveMilliseconds / 2));
}

function deadlineNear(snapshotId: string, index: number): FlotillaError {
  return new FlotillaError('DeadlineNear', `Block ${index} of ${snapshotId} is left to the next try`);
}

/** A fresh snapshot may be unknown at first. */
function mayPass(error: unknown): boolean {
  return isRetryable(error) || hasCode(error, 'ResourceNotFoundException');
}

function endOf(error: unknown): Exclude<PaceEvent['kind'], 'sent'> {
  if (isThrottling(error)) return 'throttled';
  if (hasCode(error, 'TimeoutError')) return 'timed-out';
  return isRetryable(error) ? 'failed' : 'answered';
}
