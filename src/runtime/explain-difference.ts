/** Where exactly a snapshot differs from what was built, and what lies there. */
import { BLOCK_BYTES, blockChecksum } from '../image/blocks.ts';
import { zeroChecksum } from '../image/delta.ts';
import { whatLiesAt } from '../image/place.ts';
import type { ByteSource } from '../image/source.ts';
import { type BlockDifference, type BuiltBlocks, firstDifference } from '../image/verify.ts';

export interface Explanation {
  /** Of the first byte that differs, on the disk. */
  readonly offset: number;
  readonly built: number;
  readonly found: number;
  /** What was built there, in words. */
  readonly place: string;
}

/**
 * Makes the block anew from the image's recipe, and lays it beside the snapshot's.
 *
 * @param built what the writers put, so that a recipe which no longer gives that explains nothing
 * @returns undefined where the block can no longer be made as it was
 */
export async function explainDifference(
  { index }: BlockDifference,
  {
    built,
    disk,
    snapshot,
  }: {
    readonly built: BuiltBlocks;
    readonly disk: ByteSource;
    readonly snapshot: ByteSource;
  },
): Promise<Explanation | undefined> {
  const wanted = await disk.read(index * BLOCK_BYTES, BLOCK_BYTES);
  const expected = built.nonZero.get(index) ?? zeroChecksum;
  if (blockChecksum(wanted) !== expected) return undefined;
  const found = await snapshot.read(index * BLOCK_BYTES, BLOCK_BYTES);
  const within = firstDifference(wanted, found);
  if (within === undefined) return undefined;
  const offset = index * BLOCK_BYTES + within;
  return {
    offset,
    built: wanted[within] ?? 0,
    found: found[within] ?? 0,
    place: await whatLiesAt(disk, offset),
  };
}
