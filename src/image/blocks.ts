/**
 * Blocks as the EBS direct APIs take them.
 * https://docs.aws.amazon.com/ebs/latest/userguide/ebs-accessing-snapshot.html
 */
import { createHash } from 'node:crypto';

/** Every block of a snapshot has this size: 512 KiB. */
export const BLOCK_BYTES = 524_288;

const zeros = new Uint8Array(BLOCK_BYTES);

/** SHA-256 of a block in base64, as PutSnapshotBlock wants it in `Checksum`. */
export function blockChecksum(block: Uint8Array): string {
  return createHash('sha256').update(block).digest('base64');
}

/**
 * The checksum of a whole snapshot by the method LINEAR: SHA-256 over the digests (not their base64 text) of the
 * blocks that were put, in ascending order of their index.
 *
 * @param checksums base64, in block order
 */
export function linearChecksum(checksums: Iterable<string>): string {
  const sum = linearSum();
  for (const checksum of checksums) sum.add(checksum);
  return sum.checksum();
}

/** {@link linearChecksum}, given one after the other: nothing is kept. */
export function linearSum(): { add(checksum: string): void; checksum(): string } {
  const hash = createHash('sha256');
  return {
    add: (checksum) => void hash.update(checksum, 'base64'),
    checksum: () => hash.digest('base64'),
  };
}

/** True if every byte is zero. At memcmp's speed: a GiB takes a fraction of a second. */
export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const piece = bytes.subarray(at, at + BLOCK_BYTES);
    if (Buffer.compare(piece, zeros.subarray(0, piece.length)) !== 0) return false;
  }
  return true;
}

/** How many blocks a disk of `sizeBytes` has; the last one may be filled up with zeros. */
export function blockCount(sizeBytes: number): number {
  return Math.ceil(sizeBytes / BLOCK_BYTES);
}
