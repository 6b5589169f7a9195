/** What an image's writers left of its blocks, out of the store. */
import { hasCode } from '../aws/errors.ts';
import type { Objects } from '../aws/objects.ts';
import type { SegmentBlocks } from '../contracts/image-blocks.ts';
import type { ImageItem } from '../contracts/items.ts';
import { type BuiltBlocks, builtBlocks, unverifiable } from '../image/verify.ts';
import { findBlockMap, readBlockFile } from './block-map.ts';
import { readAhead } from './parallel.ts';

/** Digests of 128 blocks are 8 KB; a disk has 400 such files at most. */
const readsAtOnce = 8;

/**
 * The digests of the blocks of an image that was completed.
 *
 * @throws FlotillaError ImageUnverifiable where they are gone, or are not what lineage knows
 */
export async function readBuiltBlocks(
  objects: Pick<Objects, 'bytes'>,
  storeBucket: string,
  image: Pick<ImageItem, 'identity' | 'attempt' | 'snapshotId' | 'checksum'>,
): Promise<BuiltBlocks> {
  const map = await findBlockMap(objects, storeBucket, image.identity);
  if (map === undefined) throw unverifiable('are not in the store');
  const segments: SegmentBlocks[] = [];
  try {
    const read = readAhead(map.files, readsAtOnce, (file) => readBlockFile(objects, storeBucket, file));
    for await (const [, segment] of read) segments.push(segment);
  } catch (error) {
    // Named for a build, which this is not.
    if (hasCode(error, 'ImageBuildFailed')) throw unverifiable(`are not whole: ${(error as Error).message}`);
    throw error;
  }
  return builtBlocks(map, segments, image);
}
