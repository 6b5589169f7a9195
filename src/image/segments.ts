/** Dividing the writing of a snapshot among calls of one function. */
import { BLOCK_BYTES } from './blocks.ts';
import { type DiskPlan, nonZeroBlocks, planBlockCount } from './extents.ts';

/** 128 blocks are 64 MiB: less is not worth another function. */
export const leastSegmentBlocks = 128;
/** 1,024 blocks are 512 MiB: a few seconds, and what is written again where a function dies. */
const segmentBlocks = 1_024;
/** MaxConcurrency of the Map in build-image: the functions that write at the same time, and share the quota. */
export const mostWriters = 6;
/**
 * Bounds what the machine handles, whatever the disk's size: with each retry used up, a segment makes 25 events of the
 * 25,000 that a history may have, and its input and result some 200 bytes of the 256 KiB of a payload.
 * https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
export const mostSegments = 66 * mostWriters;

/** The run of blocks from `first`, `count` of them; blocks inside that are known to be zero are not put. */
export interface BlockRun {
  readonly number: number;
  readonly first: number;
  readonly count: number;
}

/**
 * The blocks of a plan to look at. On an encrypted snapshot a block that was not put reads as garbage, so all
 * of the volume is written; over a parent, its blocks show where nothing is put, so they are looked at too.
 * @param parent checksums of the parent's blocks that are not zero
 */
export function candidateBlocks(
  plan: DiskPlan,
  encrypted: boolean,
  parent?: ReadonlyMap<number, string>,
): number[] {
  if (parent !== undefined) {
    return [...new Set([...nonZeroBlocks(plan), ...parent.keys()])].sort((a, b) => a - b);
  }
  return encrypted ? Array.from({ length: planBlockCount(plan) }, (_, index) => index) : nonZeroBlocks(plan);
}

/** How many segments: few, one for each writer, or whole rounds of all writers, so that none ends alone. */
function segmentCount(blocks: number): number {
  const few = Math.ceil(blocks / leastSegmentBlocks);
  if (few <= mostWriters) return few;
  const rounds = Math.ceil(blocks / segmentBlocks / mostWriters);
  return Math.min(mostSegments, rounds * mostWriters);
}

/** Divides ascending block indexes into runs of equal work (to a block), in order. */
export function planSegments(blocks: readonly number[]): BlockRun[] {
  const count = segmentCount(blocks.length);
  return Array.from({ length: count }, (_, number) => {
    const first = blocks[Math.floor((blocks.length * number) / count)] as number; // never fewer blocks than segments
    const last = blocks[Math.floor((blocks.length * (number + 1)) / count) - 1] as number;
    return { number, first, count: last - first + 1 };
  });
}

/** How many of these segments are written at the same time. */
export function writersOf(segments: readonly BlockRun[]): number {
  return Math.max(1, Math.min(mostWriters, segments.length));
}

/** Neighbouring blocks that are read in one go. */
export interface ReadRun {
  readonly first: number;
  readonly count: number;
}

/** Reads of at most `mostBytes` that cover these blocks and nothing else. */
export function readRuns(blocks: readonly number[], mostBytes: number): ReadRun[] {
  const most = Math.max(1, Math.floor(mostBytes / BLOCK_BYTES));
  const runs: { first: number; count: number }[] = [];
  for (const block of blocks) {
    const last = runs.at(-1);
    if (last !== undefined && last.first + last.count === block && last.count < most) last.count += 1;
    else runs.push({ first: block, count: 1 });
  }
  return runs;
}
