/** Whether a snapshot holds what was built: pure decisions over block digests; whoever reads blocks asks here. */
import { createHash } from 'node:crypto';
import type { BlockMap, SegmentBlocks } from '../contracts/image-blocks.ts';
import type { ImageItem } from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { linearChecksum } from './blocks.ts';
import { putChecksums, zeroChecksum } from './delta.ts';

/** What the blocks of an image must be. */
export interface BuiltBlocks {
  /** SHA-256 in base64 by block index, ascending. Every other block is zero. */
  readonly nonZero: ReadonlyMap<number, string>;
  /**
   * Indexes that the snapshot must have a block at. On an encrypted one a zero block is among them: what was not
   * put there reads as garbage.
   */
  readonly present: ReadonlySet<number>;
}

/** A block that is not what was built. */
export interface BlockDifference {
  readonly index: number;
  /**
   * - `changed`: it holds other bytes.
   * - `missing`: it was written, and the snapshot has none there.
   * - `unexpected`: nothing was written there, and it is not zero.
   */
  readonly kind: 'changed' | 'missing' | 'unexpected';
}

/** An error that says why nothing vouches for the digests. */
export function unverifiable(why: string): FlotillaError {
  return new FlotillaError('ImageUnverifiable', `The digests of the image's blocks ${why}.`);
}

/**
 * What the writers of an image's segments left, put together.
 *
 * @param image what lineage keeps of it. Its checksum is LINEAR over the digests of the blocks that were put: with
 * it, digests that were replaced in the store cannot vouch for a snapshot that was replaced as well. Of an image
 * that was written as a difference it covers the difference alone.
 * @throws FlotillaError ImageUnverifiable where they do not fit together
 */
export function builtBlocks(
  map: Pick<BlockMap, 'attempt' | 'snapshotId' | 'encrypted'>,
  segments: readonly SegmentBlocks[],
  image: Pick<ImageItem, 'attempt' | 'snapshotId' | 'checksum'>,
): BuiltBlocks {
  if (map.attempt !== image.attempt || map.snapshotId !== image.snapshotId) {
    throw unverifiable('are those of another attempt to build it');
  }
  if (image.checksum === undefined) throw unverifiable('cannot be checked: lineage has no checksum of them');
  if (linearChecksum(segments.flatMap(putChecksums)) !== image.checksum) {
    throw unverifiable('are not those that the snapshot was completed with');
  }
  const nonZero = new Map(segments.flatMap((segment) => segment.nonZero));
  const put = map.encrypted ? segments.flatMap((segment) => segment.put) : [];
  return { nonZero, present: new Set([...nonZero.keys(), ...put]) };
}

/** The blocks that the snapshot should have and does not; `listed` are those that it has. */
export function missingBlocks({ present }: BuiltBlocks, listed: ReadonlySet<number>): BlockDifference[] {
  return [...present]
    .filter((index) => !listed.has(index))
    .map((index) => ({ index, kind: 'missing' as const }));
}

/** @param checksum of the bytes that the snapshot has there: SHA-256, base64 */
export function judgeBlock(built: BuiltBlocks, index: number, checksum: string): BlockDifference | undefined {
  const expected = built.nonZero.get(index);
  // A block that nobody put reads as zeros, whether the snapshot lists it or not.
  if (expected === undefined) return checksum === zeroChecksum ? undefined : { index, kind: 'unexpected' };
  return checksum === expected ? undefined : { index, kind: 'changed' };
}

/** Where two blocks begin to differ; undefined where they are equal. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) if (a[at] !== b[at]) return at;
  return a.length === b.length ? undefined : length;
}

export interface Sample {
  readonly indexes: readonly number[];
  /** So many samples, one after the other, look at every block once. */
  readonly samplesForAll: number;
}

/**
 * Some of a snapshot's blocks. The blocks stand in an order that follows from identity and round alone, and each
 * sample takes the next part of it: whoever does not know the identity cannot tell what is looked at when, and
 * after `samplesForAll` samples all were.
 *
 * @param number of the sample, counted from any fixed time on
 * @param size of a sample, 1 at least
 */
export function sampleBlocks(
  blocks: readonly number[],
  { identity, number, size }: { readonly identity: string; readonly number: number; readonly size: number },
): Sample {
  const samplesForAll = Math.max(1, Math.ceil(blocks.length / size));
  const round = Math.floor(number / samplesForAll);
  const place = (index: number) =>
    createHash('sha256').update(`${identity}/${round}/${index}`).digest('hex').slice(0, 16);
  const ordered = blocks
    .map((index) => ({ index, at: place(index) }))
    .sort((a, b) => (a.at < b.at ? -1 : 1))
    .map(({ index }) => index);
  const from = (number % samplesForAll) * size;
  return { indexes: ordered.slice(from, from + size), samplesForAll };
}
