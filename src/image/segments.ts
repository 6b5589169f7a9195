/** Dividing the writing of a snapshot among calls of one function. */
import { BLOCK_BYTES } from './blocks.ts';
import { type DiskPlan, nonZeroBlocks, planBlockCount } from './extents.ts';

/** 128 blocks are 64 MiB: some seconds of one function's time. */
export const segmentBlocks = 128;
/** So many segments keep the history of an execution far from its limit of 25,000 events. */
export const mostSegments = 400;

/** The run of blocks from `first`, `count` of them; blocks inside that are known to be zero are not put. */
export interface BlockRun {
  readonly number: number;
  readonly first: number;
  readonly count: number;
}

/**
 * The blocks of a plan to look at. On an encrypted snapshot a block that was not put reads as garbage, so all
 * of the volume is written.
 */
export function candidateBlocks(plan: DiskPlan, encrypted: boolean): number[] {
  return encrypted ? Array.from({ length: planBlockCount(plan) }, (_, index) => index) : nonZeroBlocks(plan);
}

/** Divides ascending block indexes into runs of about equal work, in order. */
export function planSegments(blocks: readonly number[]): BlockRun[] {
  const size = Math.max(segmentBlocks, Math.ceil(blocks.length / mostSegments));
  const runs: BlockRun[] = [];
  for (let at = 0; at < blocks.length; at += size) {
    const part = blocks.slice(at, at + size);
    const first = part[0] as number; // a slice of at least one
    const last = part.at(-1) as number;
    runs.push({ number: runs.length, first, count: last - first + 1 });
  }
  return runs;
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
