import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../../src/image/blocks.ts';
import { blocksBetween, rawDiskPlan } from '../../../src/image/extents.ts';
import { candidateBlocks, mostSegments, planSegments, readRuns } from '../../../src/image/segments.ts';

const indexes = fc
  .uniqueArray(fc.integer({ min: 0, max: 5000 }), { maxLength: 1500 })
  .map((list) => list.sort((a, b) => a - b));

describe('dividing the writing of a snapshot', () => {
  it('gives each block to exactly one segment, in order', () => {
    fc.assert(
      fc.property(indexes, (blocks) => {
        const segments = planSegments(blocks);
        const taken = segments.flatMap(({ first, count }) => blocksBetween(blocks, first, first + count));
        expect(taken).toEqual(blocks);
        expect(segments.map(({ number }) => number)).toEqual(segments.map((_, index) => index));
      }),
    );
  });

  it('keeps the number of segments bounded for the largest volume', () => {
    const blocks = Array.from({ length: 2_097_152 }, (_, index) => index);
    expect(planSegments(blocks).length).toBeLessThanOrEqual(mostSegments);
  });

  it('reads exactly the blocks that are wanted, in bounded pieces', () => {
    fc.assert(
      fc.property(indexes, (blocks) => {
        const runs = readRuns(blocks, 8 * BLOCK_BYTES);
        expect(
          runs.flatMap(({ first, count }) => Array.from({ length: count }, (_, i) => first + i)),
        ).toEqual(blocks);
        expect(runs.every(({ count }) => count >= 1 && count <= 8)).toBe(true);
      }),
    );
  });

  it('looks at the disk alone, and at the whole volume where the snapshot is encrypted', () => {
    const plan = rawDiskPlan(3 * BLOCK_BYTES, 8 * BLOCK_BYTES);
    expect(candidateBlocks(plan, false)).toEqual([0, 1, 2]);
    expect(candidateBlocks(plan, true)).toHaveLength(8);
  });
});
