/** Writes one segment of a snapshot: puts what is not there by itself, and keeps the checksums. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import { openSnapshotWriter, type SnapshotWriter } from '../src/aws/snapshots.ts';
import { buildAttempt, buildKeys, segment, type WrittenSegment } from '../src/contracts/build.ts';
import { parentImage, type SegmentBlocks } from '../src/contracts/image-blocks.ts';
import { beneath, mustPut, zeroChecksum } from '../src/image/delta.ts';
import { blocksBetween } from '../src/image/extents.ts';
import { candidateBlocks } from '../src/image/segments.ts';
import { parentDigests } from '../src/runtime/block-map.ts';
import { writeBlocks } from '../src/runtime/block-writer.ts';
import { openDisk } from '../src/runtime/disk.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';
import { readRecipe } from '../src/runtime/recipe.ts';

const input = z.strictObject({
  ...buildAttempt.shape,
  snapshotId: z.string(),
  encrypted: z.boolean(),
  /** The image whose blocks show where nothing is put. */
  parent: parentImage.nullable(),
  segment,
  /** How many segments are written at the same time. */
  writers: z.number().int().min(1),
});

interface Deps {
  readonly objects: Objects;
  readonly writer: SnapshotWriter;
}

async function write(
  { identity, attempt, snapshotId, encrypted, parent, segment: part, writers }: z.output<typeof input>,
  { objects, writer }: Deps,
  { clock, config, remainingMilliseconds }: Invocation,
): Promise<WrittenSegment> {
  const recipe = await readRecipe(objects, config.storeBucket, { identity, attempt });
  const disk = await openDisk(objects, config, recipe);
  const run = { first: part.first, end: part.first + part.count };
  const under = parent === null ? undefined : await parentDigests(objects, config.storeBucket, parent, run);
  const blocks = await writeBlocks(
    {
      snapshotId,
      disk: disk.bytes,
      indexes: blocksBetween(candidateBlocks(disk.plan, encrypted, under), run.first, run.end),
      mustPut: (index, checksum) => mustPut(checksum, beneath(index, encrypted, under)),
      writers,
    },
    { writer, clock, random: Math.random, remainingMilliseconds },
  );
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
