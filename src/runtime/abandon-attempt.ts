/**
 * Undoing an attempt at an image: its AMI and its snapshot go, if this attempt is still its owner's and nothing was
 * recorded. Repeatable.
 */
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { Table } from '../aws/table.ts';
import type { BuildAttempt } from '../contracts/build.ts';
import { type ImageItem, imageItem } from '../contracts/items.ts';
import type { ErrorDetails } from '../errors.ts';
import { splitDetails } from '../fleet/failure-card.ts';
import { imageAbandoned } from '../lineage/events.ts';
import { keys } from '../lineage/keys.ts';
import type { ReadableFailure } from './failure.ts';
import { saveAttempt } from './image-attempt.ts';
import { type Removed, removeLeftovers } from './remove-attempt.ts';

export interface Abandonment extends BuildAttempt {
  /** The execution that made the attempt. */
  readonly owner: string;
  readonly stack: string;
  readonly failure: Pick<ReadableFailure, 'name' | 'message'>;
  readonly now: Date;
}

/** What a failure says of a snapshot that was started, and that the table refused to hold. */
export function unrecorded(snapshotId: string): ErrorDetails {
  return { unrecordedSnapshotId: snapshotId };
}

/** The snapshots that are known without asking EC2. */
function knownSnapshots(item: ImageItem, failure: Abandonment['failure']): string[] {
  const { unrecordedSnapshotId } = splitDetails(failure.message).details;
  return [item.snapshotId, unrecordedSnapshotId].filter((one) => typeof one === 'string');
}

/** @returns what was removed, or undefined where the attempt is not the owner's any more. */
export async function abandonAttempt(
  { table, ec2 }: { readonly table: Table; readonly ec2: EC2Client },
  { identity, attempt, owner, stack, failure, now }: Abandonment,
): Promise<Removed | undefined> {
  const item = await table.get(keys.image(identity), imageItem);
  if (item?.owner !== owner || item.attempt !== attempt || item.state !== 'building') return undefined;
  const removed = await removeLeftovers(ec2, table, {
    identity,
    stack,
    known: knownSnapshots(item, failure),
    mayGo: (other) => other <= attempt,
  });
  const { snapshotId, imageId: _gone, ...rest } = item;
  const gone = {
    error: failure.name,
    ...(snapshotId === undefined ? {} : { snapshotId }),
    ...(removed.images[0] === undefined ? {} : { imageId: removed.images[0] }),
  };
  await saveAttempt(
    table,
    { ...rest, state: 'failed', error: { name: failure.name, message: failure.message } },
    { events: [imageAbandoned(item, gone, { at: now.toISOString(), executionArn: owner })] },
  );
  return removed;
}
