/**
 * Which blocks an image has, kept beside it in the store: for writing the next image as a difference to it, and
 * for proving later that its snapshot still is what was built.
 *
 * The map itself, `images/<identity>/blocks.json`, names at most a few hundred files; the digests lie in those,
 * one file for each call of write-blocks, so that nothing grows with the disk that has to fit into one payload.
 */
import * as z from 'zod';
import { sha256Hex } from './ids.ts';

const count = z.number().int().min(0);

/** A block's index and its SHA-256 in base64, as the EBS direct APIs give it. */
export const blockDigest = z.tuple([count, z.string()]);
export type BlockDigest = z.infer<typeof blockDigest>;

/** The file of one segment. */
export const segmentBlocks = z.strictObject({
  /** All blocks of the image in this segment that are not zero, ascending: whoever put them. */
  nonZero: z.array(blockDigest),
  /** Indexes of the blocks that were put for this image, ascending; one that is not in `nonZero` was put as zeros. */
  put: z.array(count),
});
export type SegmentBlocks = z.infer<typeof segmentBlocks>;

/** One file of a map: the blocks from `first` on, `count` of them, that are not zero. */
export const blockFile = z.strictObject({
  first: count,
  count: z.number().int().min(1),
  nonZero: count,
  put: count,
  /** Of the file, in the store. */
  key: z.string(),
  /** SHA-256 of the file, hexadecimal. */
  digest: sha256Hex,
});
export type BlockFile = z.infer<typeof blockFile>;

/** `images/<identity>/blocks.json`. A block that no file names is zero. */
export const blockMap = z.strictObject({
  format: z.literal(1),
  identity: sha256Hex,
  attempt: z.number().int().min(1),
  snapshotId: z.string(),
  volumeSizeGiB: z.number().int().min(1),
  encrypted: z.boolean(),
  /** How many snapshots it builds on: 0 for one that was written in full. */
  depth: count,
  /** The image to which this one was written as a difference. */
  parent: z.strictObject({ identity: sha256Hex, snapshotId: z.string() }).optional(),
  /** Blocks that are not zero, and blocks that were put. */
  nonZero: count,
  put: count,
  /** Ascending, none overlapping another. */
  files: z.array(blockFile),
});
export type BlockMap = z.infer<typeof blockMap>;

/** The image to which another is written as a difference. */
export const parentImage = z.strictObject({
  identity: sha256Hex,
  snapshotId: z.string(),
  /** How many snapshots the parent itself builds on. */
  depth: count,
});
export type ParentImage = z.infer<typeof parentImage>;

export const blockMapKey = (identity: string): string => `images/${identity}/blocks.json`;
