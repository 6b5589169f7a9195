/** A process that writes segments, as build-image has each in a function; told what by its parent. */
import { type FileHandle, open } from 'node:fs/promises';
import { openSnapshotWriter } from '../src/aws/snapshots.ts';
import { zeroChecksum } from '../src/image/delta.ts';
import { blocksBetween, readPlan } from '../src/image/extents.ts';
import { type BlockRun, candidateBlocks } from '../src/image/segments.ts';
import type { ByteSource } from '../src/image/source.ts';
import { writeBlocks } from '../src/runtime/block-writer.ts';
import { systemClock } from '../src/runtime/clock.ts';
import { usage } from './child-process.ts';
import { type DiskToUpload, planOf } from './disk-to-upload.ts';

export interface SegmentToWrite {
  /** Comes back with the answer: one process may write several segments at a time. */
  readonly number: number;
  readonly disk: DiskToUpload;
  readonly snapshotId: string;
  readonly segment: BlockRun;
  readonly writers: number;
}

export interface SegmentWritten {
  readonly number: number;
  readonly checksums: readonly string[];
  readonly peakMegabytes: number;
}

const writer = openSnapshotWriter();

async function fileSource(file: FileHandle): Promise<ByteSource> {
  const { size } = await file.stat();
  return {
    sizeBytes: size,
    async read(offset, length) {
      const buffer = Buffer.allocUnsafeSlow(Math.min(length, size - offset));
      await file.read(buffer, 0, buffer.length, offset);
      return buffer;
    },
  };
}

async function write({
  number,
  disk,
  snapshotId,
  segment,
  writers,
}: SegmentToWrite): Promise<SegmentWritten> {
  const plan = planOf(disk);
  const { first, count } = segment;
  await using file = await open(disk.file);
  const seen = await writeBlocks(
    {
      snapshotId,
      disk: readPlan(plan, { file: await fileSource(file) }),
      indexes: blocksBetween(candidateBlocks(plan, false), first, first + count),
      mustPut: (_, checksum) => checksum !== zeroChecksum,
      writers,
    },
    { writer, clock: systemClock, random: Math.random, remainingMilliseconds: () => 900_000 },
  );
  return {
    number,
    checksums: seen.filter(({ wasPut }) => wasPut).map(({ digest: [, checksum] }) => checksum),
    peakMegabytes: Math.round(process.resourceUsage().maxRSS / 1_024),
  };
}

process.on('message', (segment: SegmentToWrite | typeof usage) => {
  if (segment === usage) {
    process.send?.(process.cpuUsage());
    return;
  }
  write(segment).then(
    (written) => process.send?.(written),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
