/** Seals a snapshot: so many blocks, with this checksum over all of theirs. */
import type { EC2Client } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { isRetryable } from '../src/aws/errors.ts';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import { describeSnapshot, openSnapshotWriter, type SnapshotWriter } from '../src/aws/snapshots.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import { buildAttempt, buildKeys, executionArn, writtenSegment } from '../src/contracts/build.ts';
import type { BlockMap } from '../src/contracts/image-blocks.ts';
import { linearChecksum } from '../src/image/blocks.ts';
import { putChecksums } from '../src/image/delta.ts';
import { readBlockFile } from '../src/runtime/block-map.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';
import { ownAttempt, saveAttempt } from '../src/runtime/image-attempt.ts';

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

async function complete(
  { identity, attempt, executionArn: self, snapshotId, encrypted, segments }: z.output<typeof input>,
  { table, objects, writer, ec2 }: Deps,
  { config }: Invocation,
) {
  const own = await ownAttempt(table, { identity, attempt }, self);
  const files = [...segments]
    .sort((a, b) => a.number - b.number)
    .map(({ number, ...file }) => ({ ...file, key: buildKeys.digests({ identity, attempt }, number) }));
  const checksums: string[] = [];
  for (const file of files) {
    checksums.push(...putChecksums(await readBlockFile(objects, config.storeBucket, file)));
  }
  const checksum = linearChecksum(checksums);
  const blocksWritten = checksums.length;
  const map: BlockMap = {
    format: 1,
    identity,
    attempt,
    snapshotId,
    volumeSizeGiB: own.volumeSizeGiB,
    encrypted,
    depth: 0,
    nonZero: files.reduce((sum, file) => sum + file.nonZero, 0),
    put: blocksWritten,
    files,
  };
  const key = buildKeys.blockMap({ identity, attempt });
  await objects.put({ bucket: config.storeBucket, key }, JSON.stringify(map), 'application/json');
  if (own.checksum !== checksum) {
    try {
      await writer.complete(snapshotId, blocksWritten, checksum);
    } catch (error) {
      // Completing twice is refused; a first call whose answer was lost has done it, with the same checksum.
      const known = isRetryable(error) ? undefined : await describeSnapshot(ec2, snapshotId);
      if (known?.prospect !== 'reached') throw error;
    }
    await saveAttempt(table, { ...own, snapshotId, blocksWritten, checksum });
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
