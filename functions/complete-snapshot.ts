/** Seals a snapshot: so many blocks, with this checksum over all of theirs. */
import { createHash } from 'node:crypto';
import type { EC2Client } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { isRetryable } from '../src/aws/errors.ts';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import { describeSnapshot, openSnapshotWriter, type SnapshotWriter } from '../src/aws/snapshots.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import {
  type BuildAttempt,
  buildAttempt,
  buildKeys,
  executionArn,
  segmentDigests,
  type WrittenSegment,
  writtenSegment,
} from '../src/contracts/build.ts';
import { FlotillaError } from '../src/errors.ts';
import { linearChecksum } from '../src/image/blocks.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';
import { ownAttempt, saveAttempt } from '../src/runtime/image-attempt.ts';

const input = z.strictObject({
  ...buildAttempt.shape,
  executionArn,
  snapshotId: z.string(),
  segments: z.array(writtenSegment),
});

interface Deps {
  readonly table: Table;
  readonly objects: Objects;
  readonly writer: SnapshotWriter;
  readonly ec2: EC2Client;
}

/** The checksums that a segment left in the store, which must be the ones that its writer told of. */
async function readChecksums(
  objects: Objects,
  bucket: string,
  attempt: BuildAttempt,
  told: WrittenSegment,
): Promise<string[]> {
  const key = buildKeys.digests(attempt, told.number);
  const bytes = (await objects.bytes({ bucket, key })) ?? new Uint8Array(0);
  if (createHash('sha256').update(bytes).digest('hex') !== told.digest) {
    throw new FlotillaError('ImageBuildFailed', `${key} is not what its writer left`, { key });
  }
  const entries = segmentDigests.parse(JSON.parse(Buffer.from(bytes).toString('utf8')));
  return entries.map(([, checksum]) => checksum);
}

async function complete(
  { identity, attempt, executionArn: self, snapshotId, segments }: z.output<typeof input>,
  { table, objects, writer, ec2 }: Deps,
  { config }: Invocation,
) {
  const own = await ownAttempt(table, { identity, attempt }, self);
  const checksums: string[] = [];
  for (const told of [...segments].sort((a, b) => a.number - b.number)) {
    checksums.push(...(await readChecksums(objects, config.storeBucket, { identity, attempt }, told)));
  }
  const checksum = linearChecksum(checksums);
  const blocksWritten = checksums.length;
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
