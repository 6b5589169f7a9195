/** Seals a snapshot: so many blocks, with this checksum over all of theirs. */
import type { EC2Client } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { hasCode, isDenied, isRetryable } from '../src/aws/errors.ts';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import { describeSnapshot, openSnapshotWriter, type SnapshotWriter } from '../src/aws/snapshots.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import { buildAttempt, buildKeys, executionArn, writtenSegment } from '../src/contracts/build.ts';
import type { BlockFile, BlockMap } from '../src/contracts/image-blocks.ts';
import { FlotillaError } from '../src/errors.ts';
import { linearSum } from '../src/image/blocks.ts';
import { putChecksums } from '../src/image/delta.ts';
import { readBlockFile } from '../src/runtime/block-map.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';
import { ownAttempt, saveAttempt } from '../src/runtime/image-attempt.ts';
import { readAhead } from '../src/runtime/parallel.ts';

const input = z.strictObject({
  ...buildAttempt.shape,
  executionArn,
  snapshotId: z.string(),
  encrypted: z.boolean(),
  segments: z.array(writtenSegment),
});

interface Deps {
  readonly table: Table;
  readonly objects: Objects;
  readonly writer: SnapshotWriter;
  readonly ec2: EC2Client;
}

/** Of the at most some hundred files; those of a disk of a TiB have 300 KB each, and only so many are held. */
const filesAtOnce = 8;

/**
 * Completing twice is refused; a first call whose answer was lost has done it, with the same checksum.
 * @throws FlotillaError AwsUnavailable while the first call may still be at work, otherwise the refusal
 */
async function requireCompleted(ec2: EC2Client, snapshotId: string, refusal: unknown): Promise<void> {
  if (isRetryable(refusal) || isDenied(refusal)) throw refusal;
  const prospect = (await describeSnapshot(ec2, snapshotId))?.prospect;
  if (prospect === 'reached') return;
  // Listings lag. A snapshot that was deleted is one that EBS does not know, which is no SnapshotFailed.
  const unlisted = prospect === undefined && hasCode(refusal, 'SnapshotFailed');
  if (prospect !== 'waiting' && !unlisted) throw refusal;
  throw new FlotillaError(
    'AwsUnavailable',
    `${snapshotId} is not sealed yet, or cannot be: ${(refusal as Error).message}`,
    { snapshotId },
    { cause: refusal },
  );
}

async function complete(
  { identity, attempt, executionArn: self, snapshotId, encrypted, segments }: z.output<typeof input>,
  { table, objects, writer, ec2 }: Deps,
  { config }: Invocation,
) {
  const own = await ownAttempt(table, { identity, attempt }, self);
  const files = [...segments]
    .sort((a, b) => a.number - b.number)
    .map(({ number, ...file }) => ({ ...file, key: buildKeys.digests({ identity, attempt }, number) }));
  const sum = linearSum();
  let blocksWritten = 0;
  const read = (file: BlockFile) => readBlockFile(objects, config.storeBucket, file);
  for await (const [, blocks] of readAhead(files, filesAtOnce, read)) {
    const checksums = putChecksums(blocks);
    for (const checksum of checksums) sum.add(checksum);
    blocksWritten += checksums.length;
  }
  const checksum = sum.checksum();
  const { parent } = own;
  const map: BlockMap = {
    format: 1,
    identity,
    attempt,
    snapshotId,
    volumeSizeGiB: own.volumeSizeGiB,
    encrypted,
    depth: parent === undefined ? 0 : parent.depth + 1,
    ...(parent === undefined ? {} : { parent: { identity: parent.identity, snapshotId: parent.snapshotId } }),
    nonZero: files.reduce((sum, file) => sum + file.nonZero, 0),
    put: blocksWritten,
    files,
  };
  const key = buildKeys.blockMap({ identity, attempt });
  await objects.put({ bucket: config.storeBucket, key }, JSON.stringify(map), 'application/json');
  if (own.checksum !== checksum) {
    await writer
      .complete(snapshotId, blocksWritten, checksum)
      .catch((refusal: unknown) => requireCompleted(ec2, snapshotId, refusal));
    await saveAttempt(table, { ...own, snapshotId, blocks: map.nonZero, blocksWritten, checksum });
  }
  return { blocksWritten, checksum };
}

export const handler = lambdaFunction({
  name: 'complete-snapshot',
  input,
  deps: (config): Deps => ({
    table: openTable(config.table),
    objects: openObjects(),
    writer: openSnapshotWriter(),
    ec2: ec2Client(),
  }),
  run: complete,
});
