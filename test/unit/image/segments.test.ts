import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from '../../../src/image/blocks.ts';
import { blocksBetween, rawDiskPlan } from '../../../src/image/extents.ts';
import {
  candidateBlocks,
  mostSegments,
  mostWriters,
  planSegments,
  readRuns,
  writersOf,
} from '../../../src/image/segments.ts';

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

  const gib = 2_048;
  const upTo = (blocks: number) => Array.from({ length: blocks }, (_, index) => index);

  it('gives every writer as much, so that none ends alone', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 * gib }), (blocks) => {
        const segments = planSegments(upTo(blocks));
        const sizes = segments.map(({ count }) => count);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        if (segments.length > mostWriters) expect(segments.length % mostWriters).toBe(0);
      }),
      { numRuns: 30 },
    );
    expect(planSegments(upTo(100))).toHaveLength(1);
    expect(planSegments(upTo(gib))).toHaveLength(mostWriters);
    expect(writersOf(planSegments(upTo(100)))).toBe(1);
    expect(writersOf(planSegments(upTo(64 * gib)))).toBe(mostWriters);
  });

  // https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
  it.each([1, 64, 1_024])('stays within payload and history at %i GiB, every retry used up', (sizeGiB) => {
    const segments = planSegments(upTo(sizeGiB * gib));
    expect(segments.length).toBeLessThanOrEqual(mostSegments);
    const written = segments.map((segment) => ({
      ...segment,
      nonZero: segment.count,
      put: segment.count,
      digest: 'f'.repeat(64),
    }));
    expect(JSON.stringify({ segments, written }).length).toBeLessThan(262_144 / 2);
    // Iteration started and succeeded, state entered and exited; scheduled, started and ended for each of seven tries.
    expect(segments.length * (4 + 7 * 3)).toBeLessThan(25_000 / 2);
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
