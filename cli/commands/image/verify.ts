/** `flotilla image verify AMI`: is what would boot what was built? Every block is read back. */

import { BLOCK_BYTES } from '../../../src/image/blocks.ts';
import type { ByteSource } from '../../../src/image/source.ts';
import type { BlockDifference, BuiltBlocks } from '../../../src/image/verify.ts';
import { readBuiltBlocks } from '../../../src/runtime/built-blocks.ts';
import { openDisk } from '../../../src/runtime/disk.ts';
import { type Explanation, explainDifference } from '../../../src/runtime/explain-difference.ts';
import { readRecipe } from '../../../src/runtime/recipe.ts';
import { openSnapshotSource } from '../../../src/runtime/snapshot-source.ts';
import { verifySnapshot } from '../../../src/runtime/verify-snapshot.ts';
import type { Command } from '../../command.ts';
import { exitCodes } from '../../exit-codes.ts';
import { findImage, type ImageTarget } from '../../image-target.ts';

/** 16 MiB at once: a GiB is read in seconds, and the account's 1,000 reads a second are far away. */
const concurrency = 32;
/** More differences than a person reads; `--json` has all. */
const mostShown = 20;

export const verifyImage: Command = async (context) => {
  const { invocation, output } = context;
  const [id = ''] = invocation.positionals;
  const image = await findImage(context, id);
  const { known, bootsFrom, reader, objects, storeBucket } = image;
  const { identity, imageId } = known;
  const built = await readBuiltBlocks(objects, storeBucket, known);
  const { differences, listed, read } = await verifySnapshot(
    reader,
    { snapshotId: bootsFrom, built },
    {
      concurrency,
      onProgress: (done, of) => output.progress(`  … ${done} of ${of} blocks`, false),
    },
  );
  output.endProgress();
  const otherSnapshot = bootsFrom !== known.snapshotId;
  const matches = differences.length === 0 && !otherSnapshot;
  const [first] = differences;
  const explained = first === undefined ? undefined : await explain(image, built, first);
  output.line(
    matches
      ? `${imageId} holds what was built: ${read} blocks of ${bootsFrom}, byte for byte.`
      : `${imageId} does NOT hold what was built.`,
  );
  if (otherSnapshot) output.line(`  It boots from ${bootsFrom}; lineage made ${known.snapshotId}.`);
  for (const { index, kind } of differences.slice(0, mostShown)) {
    output.line(`  block ${index} (from byte ${index * BLOCK_BYTES}) ${words[kind]}`);
  }
  if (differences.length > mostShown) output.line(`  and ${differences.length - mostShown} more`);
  if (explained !== undefined && 'untold' in explained) {
    output.line(`  What lies there cannot be told: ${explained.untold}.`);
  } else if (explained !== undefined) {
    const { offset, place, built: wanted, found } = explained;
    output.line(`  The first byte that differs is ${offset}: ${hex(found)} for ${hex(wanted)}, in ${place}.`);
  }
  output.result({
    matches,
    imageId,
    identity,
    snapshotId: bootsFrom,
    builtSnapshotId: known.snapshotId,
    blocks: { built: built.nonZero.size, listed, read },
    differences,
    ...(explained === undefined ? {} : { first: explained }),
  });
  return matches ? exitCodes.ok : exitCodes.failed;
};

const words = {
  changed: 'holds other bytes',
  missing: 'is not there',
  unexpected: 'is not zero, and nothing was written there',
} as const satisfies Record<BlockDifference['kind'], string>;

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

/** Told where it can be told: the artifact or the kernel may be gone, or be nobody's to read. */
async function explain(
  { objects, storeBucket, known, reader, bootsFrom }: ImageTarget,
  built: BuiltBlocks,
  difference: BlockDifference,
): Promise<Explanation | { readonly untold: string }> {
  try {
    const recipe = await readRecipe(objects, storeBucket, known);
    const { bytes } = await openDisk(objects, { storeBucket, standInKernel: 'allowed' }, recipe);
    const snapshot: ByteSource = await openSnapshotSource(reader, bootsFrom);
    const explained = await explainDifference(difference, { built, disk: bytes, snapshot });
    return explained ?? { untold: 'the recipe no longer gives the block that was written' };
  } catch (error) {
    // The verdict stands without it.
    return { untold: error instanceof Error ? error.message : String(error) };
  }
}
