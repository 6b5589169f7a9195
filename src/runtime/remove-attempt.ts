/** Removing what attempts at an image left in EC2: newest thing first, and never what was recorded. */
import type { EC2Client } from '@aws-sdk/client-ec2';
import { openImages } from '../aws/images.ts';
import { deleteSnapshot, findSnapshots } from '../aws/snapshots.ts';
import type { Table } from '../aws/table.ts';
import { refItem } from '../contracts/items.ts';
import { amiName } from '../image/identity.ts';
import { keys } from '../lineage/keys.ts';

export interface Leftovers {
  readonly identity: string;
  readonly stack: string;
  /** Snapshots that are known without asking: the listing by tags may lag. */
  readonly known: readonly string[];
  /** Which attempts' things may go. */
  readonly mayGo: (attempt: number) => boolean;
}

export interface Removed {
  readonly images: readonly string[];
  readonly snapshots: readonly string[];
}

/** What a look-up leads to was recorded once, and may run somewhere: it is never a leftover. */
async function isRecorded(table: Table, id: string): Promise<boolean> {
  const { items } = await table.query(keys.ref(id, '', '').pk, '', refItem, { limit: 1 });
  return items.length > 0;
}

/**
 * Deregisters the image and deletes the snapshots of the attempts that `mayGo` names. Repeatable.
 * The caller knows that nobody else works on them.
 */
export async function removeLeftovers(
  client: EC2Client,
  table: Table,
  leftovers: Leftovers,
): Promise<Removed> {
  const { identity, stack, known, mayGo } = leftovers;
  const tagged = await findSnapshots(client, { 'flotilla:stack': stack, 'flotilla:identity': identity });
  const snapshots = new Set(known);
  for (const { snapshotId, tags } of tagged) {
    if (mayGo(Number(tags['flotilla:attempt']))) snapshots.add(snapshotId);
  }
  const api = openImages(client);
  const image = await api.findByName(amiName(stack, identity));
  const images: string[] = [];
  const ours = image?.tags['flotilla:stack'] === stack && image.tags['flotilla:identity'] === identity;
  if (
    image !== undefined &&
    ours &&
    mayGo(Number(image.tags['flotilla:attempt'])) &&
    !(await isRecorded(table, image.imageId))
  ) {
    // A snapshot cannot be deleted while an image uses it.
    await api.deregister(image.imageId);
    images.push(image.imageId);
    if (image.snapshotId !== undefined) snapshots.add(image.snapshotId);
  }
  const deleted: string[] = [];
  for (const snapshotId of snapshots) {
    if (await isRecorded(table, snapshotId)) continue;
    await deleteSnapshot(client, snapshotId);
    deleted.push(snapshotId);
  }
  return { images, snapshots: deleted };
}
