/**
 * Starts the snapshot of an attempt, as a difference to its parent or in full, and divides its blocks among
 * writers.
 */
import { createHash } from 'node:crypto';
import type { EC2Client } from '@aws-sdk/client-ec2';
import * as z from 'zod';
import { ec2Client } from '../src/aws/clients/ec2.ts';
import { hasCode } from '../src/aws/errors.ts';
import { type Objects, openObjects } from '../src/aws/objects.ts';
import { deleteSnapshot, openSnapshotWriter, type SnapshotWriter } from '../src/aws/snapshots.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import { buildAttempt, executionArn } from '../src/contracts/build.ts';
import type { ParentImage } from '../src/contracts/image-blocks.ts';
import type { ImageItem } from '../src/contracts/items.ts';
import { candidateBlocks, planSegments, writersOf } from '../src/image/segments.ts';
import { imageParentRefused, imageSnapshotStarted } from '../src/lineage/events.ts';
import { unrecorded } from '../src/runtime/abandon-attempt.ts';
import { findBlockMap, parentDigests } from '../src/runtime/block-map.ts';
import { openDisk } from '../src/runtime/disk.ts';
import { caughtError, readCaughtError, refusalOf } from '../src/runtime/failure.ts';
import { type Invocation, lambdaFunction } from '../src/runtime/handler.ts';
import { attemptTags, ownAttempt, saveAttempt } from '../src/runtime/image-attempt.ts';
import { readRecipe } from '../src/runtime/recipe.ts';
import { removeLeftovers } from '../src/runtime/remove-attempt.ts';

const input = z.strictObject({
  ...buildAttempt.shape,
  executionArn,
  /** Why the difference that this attempt has written is not to be used. */
  refused: caughtError.nullable(),
});

interface Deps {
  readonly table: Table;
  readonly objects: Objects;
  readonly writer: SnapshotWriter;
  readonly ec2: EC2Client;
}

/**
 * The same attempt asks for the same snapshot. The attempt's number is in it because a token gives its first
 * answer for ever, even for a snapshot that was deleted; the parent, because a token with other parameters is
 * refused.
 */
function clientToken(stack: string, { identity, attempt, parent }: ImageItem): string {
  const place = parent === undefined ? `${attempt}` : `${attempt}/${parent.snapshotId}`;
  return createHash('sha256').update(`${stack}/${identity}/${place}`).digest('hex');
}

interface Started {
  readonly snapshotId: string;
  readonly encrypted: boolean;
  /** Checksums of the parent's blocks. */
  readonly beneath?: ReadonlyMap<number, string>;
}

async function startSnapshot(writer: SnapshotWriter, item: ImageItem, stack: string) {
  const { identity, attempt, volumeSizeGiB, parent } = item;
  return await writer.start({
    volumeSizeGiB,
    clientToken: clientToken(stack, item),
    description: `Flotilla image ${identity}`,
    tags: attemptTags(stack, { identity, attempt }),
    parentSnapshotId: parent?.snapshotId,
  });
}

/** As a difference to its parent, or the reason why that cannot be. */
async function startDelta(
  item: ImageItem & { readonly parent: ParentImage },
  { objects, writer, ec2 }: Deps,
  { config }: Invocation,
): Promise<Started | { readonly refused: string }> {
  const { parent } = item;
  const map = await findBlockMap(objects, config.storeBucket, parent.identity);
  let beneath: ReadonlyMap<number, string>;
  try {
    beneath = await parentDigests(objects, config.storeBucket, parent);
  } catch (error) {
    if (hasCode(error, 'ImageBuildFailed')) return { refused: (error as Error).message };
    throw error;
  }
  let started: Started;
  try {
    started = await startSnapshot(writer, item, config.stack);
  } catch (error) {
    // A parent that is gone, or one that is not encrypted in an account that encrypts by default:
    // https://docs.aws.amazon.com/ebs/latest/userguide/ebsapis-using-encryption.html
    if (hasCode(error, 'ResourceNotFoundException', 'ValidationException')) {
      return { refused: `EBS refuses the parent ${parent.snapshotId}: ${(error as Error).message}` };
    }
    throw error;
  }
  // What lies beneath is known only where the parent was encrypted, or not, as the new one is.
  if (started.encrypted === map?.encrypted) return { ...started, beneath };
  await deleteSnapshot(ec2, started.snapshotId);
  const is = map?.encrypted ? 'is encrypted' : 'is not encrypted';
  return { refused: `The parent ${parent.snapshotId} ${is}, the new snapshot is otherwise` };
}

/** Gives up the parent of an attempt, and removes what was written as a difference to it. */
async function refuseParent(
  item: ImageItem,
  reason: string,
  { table, ec2 }: Deps,
  { clock, log }: Invocation,
): Promise<ImageItem> {
  log.warn('writing the image in full', { identity: item.identity, reason });
  if (item.snapshotId !== undefined) await deleteSnapshot(ec2, item.snapshotId);
  const { parent: _, snapshotId: _gone, blocks: _b, blocksWritten: _w, checksum: _c, ...rest } = item;
  const inFull: ImageItem = { ...rest, parentRefused: reason };
  const when = { at: clock.now().toISOString(), executionArn: item.owner };
  await saveAttempt(table, inFull, { events: [imageParentRefused(item, reason, when)] });
  return inFull;
}

async function start(
  { identity, attempt, executionArn: self, refused }: z.output<typeof input>,
  deps: Deps,
  invocation: Invocation,
) {
  const { table, objects, writer, ec2 } = deps;
  const { clock, config, log } = invocation;
  const { stack, storeBucket } = config;
  let own = await ownAttempt(table, { identity, attempt }, self);
  const recipe = await readRecipe(objects, storeBucket, { identity, attempt });
  const { plan } = await openDisk(objects, config, recipe);
  if (attempt > 1) {
    const mayGo = (other: number) => other < attempt;
    const removed = await removeLeftovers(ec2, table, { identity, stack, known: [], mayGo });
    log.info('removed what earlier attempts left', { ...removed });
  }
  let started: Started | undefined;
  const { parent } = own;
  if (parent !== undefined) {
    const delta =
      refused === null
        ? await startDelta({ ...own, parent }, deps, invocation)
        : { refused: readCaughtError(refused).message };
    if ('refused' in delta) own = await refuseParent(own, delta.refused, deps, invocation);
    else started = delta;
  }
  started ??= await startSnapshot(writer, own, stack);
  const { snapshotId, encrypted, beneath } = started;
  const when = { at: clock.now().toISOString(), executionArn: self };
  try {
    await saveAttempt(
      table,
      { ...own, snapshotId },
      { events: [imageSnapshotStarted(own, snapshotId, when)] },
    );
  } catch (error) {
    // It stays: the same token would give it to another try even if it were deleted. Who undoes the attempt, when no other
    // try comes, learns of it from this, as a listing may not show it yet.
    throw refusalOf(error, 'told', unrecorded(snapshotId)) ?? error;
  }
  const segments = planSegments(candidateBlocks(plan, encrypted, beneath));
  return { snapshotId, encrypted, parent: own.parent ?? null, segments, writers: writersOf(segments) };
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
