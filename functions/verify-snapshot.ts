/**
 * Reads a part of a snapshot back before it is registered: every block must be what the image has there, and
 * every other one zero. A snapshot that builds on another holds blocks that nobody put for this image.
 */
import * as z from 'zod';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import {
  isWorthReadingAgain,
  openSnapshotReader,
  type SnapshotBlock,
  type SnapshotReader,
} from '../src/aws/snapshot-blocks.ts';
import { buildAttempt } from '../src/contracts/build.ts';
import { FlotillaError } from '../src/errors.ts';
import { rangeToVerify, zeroChecksum } from '../src/image/delta.ts';
import { withBackoff } from '../src/runtime/backoff.ts';
import { readAttemptMap, readDigests } from '../src/runtime/block-map.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';
import { readAhead } from '../src/runtime/parallel.ts';

const input = z.strictObject({
  ...buildAttempt.shape,
  snapshotId: z.string(),
  /** Number of the segment whose part of the volume is read. */
  segment: z.number().int().min(0),
});

interface Deps {
  readonly objects: Objects;
  readonly reader: SnapshotReader;
}

const concurrency = 16;
/** Enough to give up in order: with less left, the part is left to the next try. */
const reserveMilliseconds = 20_000;

async function verify(
  { identity, attempt, snapshotId, segment }: z.output<typeof input>,
  { objects, reader }: Deps,
  { clock, config, remainingMilliseconds }: Invocation,
) {
  const map = await readAttemptMap(objects, config.storeBucket, { identity, attempt });
  const range = rangeToVerify(map, segment);
  const expected = await readDigests(objects, config.storeBucket, map, range);
  const differs = (index: number) =>
    new FlotillaError('SnapshotDiffers', `Block ${index} of ${snapshotId} is not what was built`, {
      snapshotId,
      block: index,
      identity,
    });
  const seen = new Set<number>();
  const read = async (block: SnapshotBlock): Promise<string> => {
    if (remainingMilliseconds() < reserveMilliseconds) {
      throw new FlotillaError('DeadlineNear', `Block ${block.index} is left to the next try`, { snapshotId });
    }
    const again = {
      clock,
      random: Math.random,
      baseMilliseconds: 100,
      capMilliseconds: 5_000,
      withinMilliseconds: remainingMilliseconds() - reserveMilliseconds / 2,
      retry: isWorthReadingAgain,
    };
    return (await withBackoff(again, () => reader.read(snapshotId, block))).checksum;
  };
  for await (const { blocks } of reader.pages(snapshotId, range.first)) {
    const within = blocks.filter(({ index }) => index < range.end);
    for await (const [{ index }, checksum] of readAhead(within, concurrency, read)) {
      if (checksum !== (expected.get(index) ?? zeroChecksum)) throw differs(index);
      seen.add(index);
    }
    if (within.length < blocks.length) break;
  }
  for (const index of expected.keys()) if (!seen.has(index)) throw differs(index);
  return { read: seen.size };
}

export const handler = lambdaFunction({
  name: 'verify-snapshot',
  input,
  deps: (): Deps => ({ objects: openObjects(), reader: openSnapshotReader() }),
  run: verify,
});
