/** Writes one segment of a snapshot: reads the disk in order, puts what is not zero, keeps the checksums. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { hasCode, isRetryable } from '../src/aws/errors.ts';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import { openSnapshotWriter, type SnapshotWriter } from '../src/aws/snapshots.ts';
import { buildAttempt, buildKeys, segment, type WrittenSegment } from '../src/contracts/build.ts';
import type { BlockDigest, SegmentBlocks } from '../src/contracts/image-blocks.ts';
import { FlotillaError } from '../src/errors.ts';
import { BLOCK_BYTES, blockChecksum, isZero } from '../src/image/blocks.ts';
import { beneath, mustPut, zeroChecksum } from '../src/image/delta.ts';
import { blocksBetween } from '../src/image/extents.ts';
import { candidateBlocks, readRuns } from '../src/image/segments.ts';
import type { ByteSource } from '../src/image/source.ts';
import { withBackoff } from '../src/runtime/backoff.ts';
import { openDisk } from '../src/runtime/disk.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';
import { mapBounded } from '../src/runtime/parallel.ts';
import { readRecipe } from '../src/runtime/recipe.ts';

const input = z.strictObject({
  ...buildAttempt.shape,
  snapshotId: z.string(),
  encrypted: z.boolean(),
  segment,
});

interface Deps {
  readonly objects: Objects;
  readonly writer: SnapshotWriter;
}

/** Puts under way at once. With reads of 4 MiB this keeps a writer far below its 512 MiB. */
const concurrency = 16;
const readBytes = 8 * BLOCK_BYTES;
/** A fresh snapshot may be unknown for up to a minute (awslabs/coldsnap issues 43, 56); twice that is hopeless. */
const patienceMilliseconds = 120_000;
/** Enough to give up in order: with less left, the segment is left to the next try. */
const reserveMilliseconds = 20_000;

interface Block {
  readonly index: number;
  readonly bytes: Uint8Array;
}

async function* readBlocks(disk: ByteSource, indexes: readonly number[]): AsyncGenerator<Block> {
  for (const run of readRuns(indexes, readBytes)) {
    const bytes = await disk.read(run.first * BLOCK_BYTES, run.count * BLOCK_BYTES);
    for (let at = 0; at < run.count; at += 1) {
      yield {
        index: run.first + at,
        bytes: bytes.subarray(at * BLOCK_BYTES, (at + 1) * BLOCK_BYTES),
      };
    }
  }
}

async function write(
  { identity, attempt, snapshotId, encrypted, segment: part }: z.output<typeof input>,
  { objects, writer }: Deps,
  { clock, config, remainingMilliseconds }: Invocation,
): Promise<WrittenSegment> {
  const recipe = await readRecipe(objects, config.storeBucket, { identity, attempt });
  const disk = await openDisk(objects, config, recipe);
  const indexes = blocksBetween(candidateBlocks(disk.plan, encrypted), part.first, part.first + part.count);

  const put = async ({ index, bytes }: Block): Promise<{ digest: BlockDigest; wasPut: boolean }> => {
    const checksum = isZero(bytes) ? zeroChecksum : blockChecksum(bytes);
    const digest: BlockDigest = [index, checksum];
    if (!mustPut(checksum, beneath(index, encrypted, undefined))) return { digest, wasPut: false };
    if (remainingMilliseconds() < reserveMilliseconds) {
      throw new FlotillaError('DeadlineNear', `Block ${index} of ${snapshotId} is left to the next try`);
    }
    await withBackoff(
      {
        clock,
        random: Math.random,
        baseMilliseconds: 100,
        capMilliseconds: 5_000,
        withinMilliseconds: Math.min(patienceMilliseconds, remainingMilliseconds() - reserveMilliseconds / 2),
        retry: (error) => isRetryable(error) || hasCode(error, 'ResourceNotFoundException'),
      },
      () => writer.putBlock(snapshotId, index, bytes, checksum),
    );
    return { digest, wasPut: true };
  };

  const blocks = await mapBounded(readBlocks(disk.bytes, indexes), concurrency, put);
  const written: SegmentBlocks = {
    nonZero: blocks.map(({ digest }) => digest).filter(([, checksum]) => checksum !== zeroChecksum),
    put: blocks.filter(({ wasPut }) => wasPut).map(({ digest: [index] }) => index),
  };
  const file = JSON.stringify(written);
  const key = buildKeys.digests({ identity, attempt }, part.number);
  await objects.put({ bucket: config.storeBucket, key }, file, 'application/json');
  return {
    ...part,
    nonZero: written.nonZero.length,
    put: written.put.length,
    digest: createHash('sha256').update(file).digest('hex'),
  };
}

export const handler = lambdaFunction({
  name: 'write-blocks',
  input,
  deps: (): Deps => ({ objects: openObjects(), writer: openSnapshotWriter() }),
  run: write,
});
