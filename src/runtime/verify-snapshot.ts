/** Reads a snapshot's blocks back and compares them with what was built. */
import type { SnapshotBlock, SnapshotReader } from '../aws/snapshot-blocks.ts';
import { type BlockDifference, type BuiltBlocks, judgeBlock, missingBlocks } from '../image/verify.ts';
import { readAhead } from './parallel.ts';

export interface SnapshotVerdict {
  /** In the order of the blocks. */
  readonly differences: readonly BlockDifference[];
  /** Blocks that the snapshot has. */
  readonly listed: number;
  /** Blocks that were read. */
  readonly read: number;
}

export interface VerifyOptions {
  /** Reads under way at once: each holds one block of 512 KiB. */
  readonly concurrency: number;
  /** Picks the blocks to read, of those that the snapshot has. All, unless told otherwise. */
  readonly choose?: (indexes: readonly number[]) => readonly number[];
  readonly onProgress?: (read: number, of: number) => void;
}

/** Every block that the snapshot has, ascending. Tokens of a disk of 64 GiB are some 20 MB. */
export async function listBlocks(reader: SnapshotReader, snapshotId: string): Promise<SnapshotBlock[]> {
  const listed: SnapshotBlock[] = [];
  for await (const { blocks } of reader.pages(snapshotId)) listed.push(...blocks);
  return listed;
}

/**
 * That no written block is missing is seen from the listing; the bytes of those that are there are read.
 *
 * @throws what the reader throws, once its own patience is at an end
 */
export async function verifySnapshot(
  reader: SnapshotReader,
  { snapshotId, built }: { readonly snapshotId: string; readonly built: BuiltBlocks },
  { concurrency, choose = (indexes) => indexes, onProgress }: VerifyOptions,
): Promise<SnapshotVerdict> {
  const listed = await listBlocks(reader, snapshotId);
  const chosen = new Set(choose(listed.map(({ index }) => index)));
  const differences = missingBlocks(built, new Set(listed.map(({ index }) => index)));
  let read = 0;
  const wanted = listed.filter(({ index }) => chosen.has(index));
  const look = async (block: SnapshotBlock) => {
    const { checksum } = await reader.read(snapshotId, block);
    return judgeBlock(built, block.index, checksum);
  };
  for await (const [, difference] of readAhead(wanted, concurrency, look)) {
    read += 1;
    onProgress?.(read, wanted.length);
    if (difference !== undefined) differences.push(difference);
  }
  differences.sort((a, b) => a.index - b.index);
  return { differences, listed: listed.length, read };
}
