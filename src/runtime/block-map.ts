/** The maps of images' blocks in the store: which block of an image has which digest. */
import { createHash } from 'node:crypto';
import type { Objects } from '../aws/objects.ts';
import { type BuildAttempt, buildKeys } from '../contracts/build.ts';
import {
  type BlockFile,
  type BlockMap,
  blockMap,
  blockMapKey,
  type ParentImage,
  type SegmentBlocks,
  segmentBlocks,
} from '../contracts/image-blocks.ts';
import { FlotillaError } from '../errors.ts';
import type { BlockRange } from '../image/delta.ts';

type Reads = Pick<Objects, 'bytes'>;

function parseJson(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes).toString('utf8'));
}

async function readMap(objects: Reads, bucket: string, key: string): Promise<BlockMap | undefined> {
  const bytes = await objects.bytes({ bucket, key });
  return bytes && blockMap.parse(parseJson(bytes));
}

/** The map of a recorded image; undefined for one of before maps were kept. */
export function findBlockMap(
  objects: Reads,
  storeBucket: string,
  identity: string,
): Promise<BlockMap | undefined> {
  return readMap(objects, storeBucket, blockMapKey(identity));
}

/** The map that an attempt left. @throws FlotillaError ImageBuildFailed where there is none */
export async function readAttemptMap(
  objects: Reads,
  storeBucket: string,
  attempt: BuildAttempt,
): Promise<BlockMap> {
  const key = buildKeys.blockMap(attempt);
  const map = await readMap(objects, storeBucket, key);
  if (map !== undefined) return map;
  throw new FlotillaError('ImageBuildFailed', `The map of blocks ${key} is not in the store`, { key });
}

/**
 * One file of a map, which must be the one that its writer told of.
 * @throws FlotillaError ImageBuildFailed when it is another, or gone
 */
export async function readBlockFile(
  objects: Reads,
  storeBucket: string,
  { key, digest }: Pick<BlockFile, 'key' | 'digest'>,
): Promise<SegmentBlocks> {
  const bytes = (await objects.bytes({ bucket: storeBucket, key })) ?? new Uint8Array(0);
  if (createHash('sha256').update(bytes).digest('hex') !== digest) {
    throw new FlotillaError('ImageBuildFailed', `${key} is not what its writer left`, { key });
  }
  return segmentBlocks.parse(parseJson(bytes));
}

/** Checksums, by index, of the blocks of a run that are not zero; `end` is not included. */
export async function readDigests(
  objects: Reads,
  storeBucket: string,
  map: BlockMap,
  run: BlockRange = { first: 0, end: Number.POSITIVE_INFINITY },
): Promise<Map<number, string>> {
  const digests = new Map<number, string>();
  for (const file of map.files) {
    if (file.first >= run.end || file.first + file.count <= run.first) continue;
    const { nonZero } = await readBlockFile(objects, storeBucket, file);
    for (const [index, checksum] of nonZero) {
      if (index >= run.first && index < run.end) digests.set(index, checksum);
    }
  }
  return digests;
}

/**
 * Checksums of a parent's blocks, by index.
 * @throws FlotillaError ImageBuildFailed when its map is not in the store, or is another snapshot's
 */
export async function parentDigests(
  objects: Reads,
  storeBucket: string,
  { identity, snapshotId }: ParentImage,
  run?: BlockRange,
): Promise<Map<number, string>> {
  const map = await findBlockMap(objects, storeBucket, identity);
  if (map?.snapshotId === snapshotId) return readDigests(objects, storeBucket, map, run);
  throw new FlotillaError('ImageBuildFailed', `The store has no map of the blocks of ${snapshotId}`, {
    snapshotId,
  });
}
