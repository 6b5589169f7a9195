/**
 * Writing an image as a difference to another: which one is the parent, and which blocks are put.
 *
 * A snapshot with a parent begins with the parent's blocks; what is put replaces them.
 * https://docs.aws.amazon.com/ebs/latest/userguide/writesnapshots.html
 */
import type { BlockMap, ParentImage, SegmentBlocks } from '../contracts/image-blocks.ts';
import type { ImageItem } from '../contracts/items.ts';
import { BLOCK_BYTES, blockChecksum } from './blocks.ts';

/** The checksum of a block of zeros. */
export const zeroChecksum = blockChecksum(new Uint8Array(BLOCK_BYTES));

/** What a block would be if it were not put: on an encrypted snapshot without a parent, garbage. */
export type Beneath =
  | { readonly kind: 'zeros' }
  | { readonly kind: 'garbage' }
  | { readonly kind: 'block'; readonly checksum: string };

/**
 * What lies beneath a block of a snapshot before anything is put.
 * @param parent checksums of the parent's blocks that are not zero; undefined where there is no parent
 */
export function beneath(
  index: number,
  encrypted: boolean,
  parent: ReadonlyMap<number, string> | undefined,
): Beneath {
  if (parent === undefined) return { kind: encrypted ? 'garbage' : 'zeros' };
  const checksum = parent.get(index);
  return checksum === undefined ? { kind: 'zeros' } : { kind: 'block', checksum };
}

/** Whether a block has to be put: one that became zero has, one that is what lies beneath has not. */
export function mustPut(checksum: string, under: Beneath): boolean {
  switch (under.kind) {
    case 'garbage':
      return true;
    case 'zeros':
      return checksum !== zeroChecksum;
    case 'block':
      return checksum !== under.checksum;
  }
}

/** The checksums that the seal of a snapshot covers: of the blocks that were put, ascending. */
export function putChecksums({ nonZero, put }: SegmentBlocks): string[] {
  const known = new Map(nonZero);
  return put.map((index) => known.get(index) ?? zeroChecksum);
}

/** An image that may be a parent, with the map of its blocks where that is kept. */
export interface ParentCandidate {
  readonly image: ImageItem;
  readonly map: BlockMap | undefined;
}

/**
 * The parent of a new image: the newest of its fleet that stands, with a volume of the same size and digests
 * that are kept. Undefined where none does: the image is written in full.
 * @param candidates images of the fleet, newest first
 */
export function chooseParent(
  wanted: Pick<ImageItem, 'identity' | 'architecture' | 'volumeSizeGiB'>,
  candidates: readonly ParentCandidate[],
): ParentImage | undefined {
  for (const { image, map } of candidates) {
    const { identity, snapshotId, state, architecture, volumeSizeGiB } = image;
    if (identity === wanted.identity || state !== 'available' || snapshotId === undefined) continue;
    // Another architecture shares nothing; another size of volume is not worth the doubt.
    if (architecture !== wanted.architecture || volumeSizeGiB !== wanted.volumeSizeGiB) continue;
    if (map?.snapshotId !== snapshotId || map.volumeSizeGiB !== volumeSizeGiB) continue;
    return { identity, snapshotId, depth: map.depth };
  }
  return undefined;
}

/** A run of blocks; `end` is not included. */
export interface BlockRange {
  readonly first: number;
  readonly end: number;
}

/**
 * The part of the volume that one call checks: from its file's first block to the next file's, so that all
 * parts together are the whole volume, zeros included.
 */
export function rangeToVerify({ files, volumeSizeGiB }: BlockMap, number: number): BlockRange {
  const volumeBlocks = (volumeSizeGiB * 1_073_741_824) / BLOCK_BYTES;
  return {
    first: number === 0 ? 0 : (files[number]?.first ?? volumeBlocks),
    end: files[number + 1]?.first ?? volumeBlocks,
  };
}
