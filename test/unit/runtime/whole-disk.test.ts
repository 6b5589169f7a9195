/** Disks that no test could hold, every block of them considered: the plan, the writers, the seal. */
import { randomFillSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, blockChecksum, linearChecksum, linearSum } from '../../../src/image/blocks.ts';
import { zeroChecksum } from '../../../src/image/delta.ts';
import { blocksBetween, rawDiskPlan } from '../../../src/image/extents.ts';
import { candidateBlocks, mostSegments, planSegments, writersOf } from '../../../src/image/segments.ts';
import type { ByteSource } from '../../../src/image/source.ts';
import { writeBlocks } from '../../../src/runtime/block-writer.ts';
import { SteppedClock } from './stepped-clock.ts';

const sizeBytes = 64 * 1024 ** 3;
const blocks = sizeBytes / BLOCK_BYTES;
/** One block of each so many is not zero. */
const every = 64;
const functionSeconds = 900;

describe('a disk of 64 GiB', () => {
  it('is written by functions that keep to their time, with payloads that keep to theirs', async () => {
    const piece = randomFillSync(Buffer.alloc(BLOCK_BYTES));
    const zeros = new Uint8Array(8 * BLOCK_BYTES);
    /** Reads of eight blocks of which one is not zero, by its place. */
    const used = Array.from({ length: 8 }, (_, place) => {
      const bytes = Uint8Array.from(zeros);
      bytes.set(piece, place * BLOCK_BYTES);
      return bytes;
    });
    const disk: ByteSource = {
      sizeBytes,
      read: async (offset, length) => {
        const place = (every - ((offset / BLOCK_BYTES) % every)) % every;
        return (used[place] ?? zeros).subarray(0, length);
      },
    };
    const indexes = candidateBlocks(rawDiskPlan(sizeBytes, sizeBytes), false);
    expect(indexes).toHaveLength(blocks);
    const segments = planSegments(indexes);
    expect(segments.length).toBeLessThanOrEqual(mostSegments);
    const sum = linearSum();
    let seen = 0;
    let put = 0;
    let longest = 0;
    for (const { first, count } of segments) {
      const clock = new SteppedClock();
      const now = () => clock.now().getTime();
      const found = await clock.during(
        writeBlocks(
          {
            snapshotId: 'snap-1',
            disk,
            indexes: blocksBetween(indexes, first, first + count),
            mustPut: (_, checksum) => checksum !== zeroChecksum,
            writers: writersOf(segments),
          },
          {
            writer: { putBlock: () => clock.sleep(40) },
            clock,
            random: () => 0.5,
            remainingMilliseconds: () => functionSeconds * 1_000 - now(),
          },
        ),
      );
      for (const { digest, wasPut } of found) if (wasPut) sum.add(digest[1]);
      seen += found.length;
      put += found.filter(({ wasPut }) => wasPut).length;
      longest = Math.max(longest, now());
    }
    expect(seen).toBe(blocks);
    expect(put).toBe(blocks / every);
    expect(longest).toBeLessThan(10_000);
    expect(JSON.stringify(segments).length).toBeLessThan(16_384);
    expect(sum.checksum()).toBe(linearChecksum(Array.from({ length: put }, () => blockChecksum(piece))));
  }, 120_000);
});
