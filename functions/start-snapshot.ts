/** Starts the snapshot of an attempt and divides its blocks among writers. */
import { createHash } from 'node:crypto';
import type { EC2Client } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import { openSnapshotWriter, type SnapshotWriter } from '../src/aws/snapshots.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import { buildAttempt, executionArn } from '../src/contracts/build.ts';
import { candidateBlocks, planSegments, writersOf } from '../src/image/segments.ts';
import { imageSnapshotStarted } from '../src/lineage/events.ts';
import { openDisk } from '../src/runtime/disk.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';
import { attemptTags, ownAttempt, saveAttempt } from '../src/runtime/image-attempt.ts';
import { readRecipe } from '../src/runtime/recipe.ts';
import { removeLeftovers } from '../src/runtime/remove-attempt.ts';

const input = z.strictObject({ ...buildAttempt.shape, executionArn });

interface Deps {
  readonly table: Table;
  readonly objects: Objects;
  readonly writer: SnapshotWriter;
  readonly ec2: EC2Client;
}

/**
 * The same attempt asks for the same snapshot. The attempt's number is in it because a token gives its first
 * answer for ever, even for a snapshot that was deleted.
 */
function clientToken(stack: string, identity: string, attempt: number): string {
  return createHash('sha256').update(`${stack}/${identity}/${attempt}`).digest('hex');
}

async function start(
  { identity, attempt, executionArn: self }: z.output<typeof input>,
  { table, objects, writer, ec2 }: Deps,
  { clock, config, log }: Invocation,
) {
  const { stack, storeBucket } = config;
  const own = await ownAttempt(table, { identity, attempt }, self);
  const recipe = await readRecipe(objects, storeBucket, { identity, attempt });
  const { plan } = await openDisk(objects, config, recipe);
  if (attempt > 1) {
    const mayGo = (other: number) => other < attempt;
    const removed = await removeLeftovers(ec2, table, { identity, stack, known: [], mayGo });
    log.info('removed what earlier attempts left', { ...removed });
  }
  const { snapshotId, encrypted } = await writer.start({
    volumeSizeGiB: recipe.volumeSizeGiB,
    clientToken: clientToken(stack, identity, attempt),
    description: `Flotilla image ${identity}`,
    tags: attemptTags(stack, { identity, attempt }),
  });
  const when = { at: clock.now().toISOString(), executionArn: self };
  await saveAttempt(table, { ...own, snapshotId }, { events: [imageSnapshotStarted(own, snapshotId, when)] });
  const segments = planSegments(candidateBlocks(plan, encrypted));
  return { snapshotId, encrypted, segments, writers: writersOf(segments) };
}

export const handler = lambdaFunction({
  name: 'start-snapshot',
  input,
  deps: (config): Deps => ({
    table: openTable(config.table),
    objects: openObjects(),
    writer: openSnapshotWriter(),
    ec2: ec2Client(),
  }),
  run: start,
});
