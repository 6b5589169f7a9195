/** A snapshot as bytes to be read at random: as the volume that EC2 would make of it. */
import type { SnapshotBlock, SnapshotReader } from '../aws/snapshot-blocks.ts';
import { BLOCK_BYTES } from '../image/blocks.ts';
import { type ByteSource, readableLength } from '../image/source.ts';

/** 8 MiB: whoever looks into a disk reads its metadata again and again, and files once. */
const blocksKept = 16;

/**
 * Lists the snapshot's blocks at once; reads what is asked for, block by block, and keeps the last ones. What the
 * snapshot has no block for reads as zeros.
 */
export async function openSnapshotSource(reader: SnapshotReader, snapshotId: string): Promise<ByteSource> {
  const blocks = new Map<number, SnapshotBlock>();
  let sizeBytes = 0;
  for await (const page of reader.pages(snapshotId)) {
    sizeBytes = page.volumeSizeGiB * 1_073_741_824;
    for (const block of page.blocks) blocks.set(block.index, block);
  }
  const kept = new Map<number, Promise<Uint8Array>>();

  function block(index: number): Promise<Uint8Array> | undefined {
    const there = blocks.get(index);
    if (there === undefined) return undefined;
    const known = kept.get(index);
    kept.delete(index); // a Map lists keys by age: putting the key back makes it the youngest
    const bytes = known ?? reader.read(snapshotId, there).then((read) => read.bytes);
    kept.set(index, bytes);
    if (known === undefined) {
      bytes.catch(() => {
        if (kept.get(index) === bytes) kept.delete(index);
      });
      const [oldest] = kept.keys();
      if (kept.size > blocksKept && oldest !== undefined) kept.delete(oldest);
    }
    return bytes;
  }

  return {
    sizeBytes,
    async read(offset, length) {
      const out = new Uint8Array(readableLength(sizeBytes, offset, length));
      for (let done = 0; done < out.length; ) {
        const index = Math.floor((offset + done) / BLOCK_BYTES);
        const within = offset + done - index * BLOCK_BYTES;
        const count = Math.min(out.length - done, BLOCK_BYTES - within);
        const bytes = await block(index);
        if (bytes !== undefined) out.set(bytes.subarray(within, within + count), done);
        done += count;
      }
      return out;
    },
  };
}
