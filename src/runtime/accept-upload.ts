/** An upload takes its place in its fleet's order, and is accepted once it has been inspected. */
import type { Condition, Table, Write } from '../aws/table.ts';
import {
  type ArtifactItem,
  artifactItem,
  type FleetItem,
  fleetItem,
  type UploadItem,
  uploadItem,
  uploadKeyItem,
} from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import type { Advice } from '../image/advice.ts';
import { artifactSeen, uploadAccepted } from '../lineage/events.ts';
import { type Key, keys } from '../lineage/keys.ts';
import { fleetPlace, uploadPlace } from '../lineage/places.ts';
import { artifactRefs, uploadRefs } from '../lineage/refs.ts';
import { isLaterEvent, parseUploadKey } from '../lineage/upload.ts';

/** Tries of a change that others change too; each reads anew. */
const tries = 12;

/** @throws FlotillaError FleetNotFound */
export async function requireFleet(table: Table, fleet: string): Promise<FleetItem> {
  const item = await table.get(keys.fleet(fleet), fleetItem);
  if (item === undefined) {
    throw new FlotillaError('FleetNotFound', `There is no fleet ${JSON.stringify(fleet)}`, { fleet });
  }
  return item;
}

/** @throws FlotillaError UploadNotFound */
export async function requireUpload(table: Table, id: string): Promise<UploadItem> {
  const item = await table.get(keys.upload(id), uploadItem);
  if (item === undefined) throw new FlotillaError('UploadNotFound', `No upload ${id} is known`, { id });
  return item;
}

/**
 * What was told stands: a redriven execution must not make a release of an upload whose uploader heard that it failed.
 * @throws FlotillaError UploadNotFound, UploadEnded
 */
export async function requireOpenUpload(table: Table, id: string): Promise<UploadItem> {
  const upload = await requireUpload(table, id);
  if (upload.endedAt !== undefined) {
    throw new FlotillaError('UploadEnded', `The upload ended as ${upload.state}, at ${upload.endedAt}`, {
      id,
    });
  }
  return upload;
}

/** Writes an upload anew. */
export function putUpload(item: UploadItem, condition?: Condition): Write {
  const write = { kind: 'put', key: keys.upload(item.id), item, list: uploadPlace(item) } as const;
  return condition === undefined ? write : { ...write, condition };
}

function putFleet(fleet: FleetItem, changes: Partial<FleetItem>, at: string): Write {
  return {
    kind: 'put',
    key: keys.fleet(fleet.fleet),
    item: { ...fleet, ...changes, updatedAt: at, revision: fleet.revision + 1 },
    list: fleetPlace(fleet.fleet),
    condition: { kind: 'equals', values: { revision: fleet.revision } },
  };
}

/** Writes a look-up; it says the same however often it is written. */
export function putRef(item: { id: string; toType: string; to: string }): Write {
  return { kind: 'put', key: keys.ref(item.id, item.toType, item.to), item: { ...item } };
}

async function contended(what: string, attempt: () => Promise<boolean>): Promise<void> {
  for (let left = tries; left > 0; left -= 1) if (await attempt()) return;
  throw new FlotillaError('AwsUnavailable', `Too many others change ${what} at once`);
}

/** @throws FlotillaError SupersededUpload when a later event of the same key has come */
async function requireNewestOfKey(table: Table, upload: UploadItem): Promise<void> {
  const newest = await table.get(keys.uploadKey(upload.bucket, upload.key), uploadKeyItem);
  if (newest !== undefined && isLaterEvent(newest.sequencer, upload.sequencer)) {
    throw new FlotillaError('SupersededUpload', `The upload ${newest.upload} of the same key is newer`, {
      newer: newest.upload,
    });
  }
}

/**
 * Gives the upload the next number of its fleet, once: uploads are numbered when their inspection begins, so
 * that a large file does not fall behind a small one that came later.
 *
 * @throws FlotillaError UploadEnded, UploadKeyInvalid, FleetNotFound, SupersededUpload
 */
export async function numberUpload(
  table: Table,
  id: string,
  now: () => Date,
): Promise<{ readonly upload: UploadItem & { readonly number: number }; readonly fleet: FleetItem }> {
  let result: { upload: UploadItem & { number: number }; fleet: FleetItem } | undefined;
  await contended('the fleet', async () => {
    const upload = await requireOpenUpload(table, id);
    const fleet = await requireFleet(table, parseUploadKey(upload.key).fleet);
    if (upload.number !== undefined) {
      result = { upload: { ...upload, number: upload.number }, fleet };
      return true;
    }
    await requireNewestOfKey(table, upload);
    const numbered = { ...upload, fleet: fleet.fleet, number: fleet.nextUpload };
    const { outcome } = await table.commit({
      writes: [
        putFleet(fleet, { nextUpload: fleet.nextUpload + 1 }, now().toISOString()),
        putUpload(numbered, { kind: 'equals', values: { number: undefined } }),
      ],
    });
    result = { upload: numbered, fleet };
    return outcome === 'committed';
  });
  return result as NonNullable<typeof result>; // contended() returns only after an attempt that set it
}

/** Records the artifact and that the upload is being built. Repeatable. @throws FlotillaError UploadEnded */
export async function acceptUpload(
  table: Table,
  id: string,
  found: Omit<ArtifactItem, 'firstSeenAt'>,
  advice: readonly Advice[],
  now: () => Date,
): Promise<void> {
  await contended('the fleet', async () => {
    const at = now().toISOString();
    const upload = await requireOpenUpload(table, id);
    // An earlier call did it, and its answer was lost.
    if (upload.artifactSha256 === found.sha256) return true;
    const fleet = await requireFleet(table, parseUploadKey(upload.key).fleet);
    const known = await table.get(keys.artifact(found.sha256), artifactItem);
    const artifact = known ?? { ...found, firstSeenAt: at };
    const accepted = {
      ...upload,
      state: 'building' as const,
      artifactSha256: found.sha256,
      ...(advice.length === 0 ? {} : { advice: [...advice] }),
    };
    const artifactKey: Key = keys.artifact(found.sha256);
    const newestUpload = Math.max(fleet.newestUpload, upload.number ?? 0);
    const { outcome } = await table.commit({
      writes: [
        putUpload(accepted, { kind: 'equals', values: { state: 'received' } }),
        ...(known === undefined
          ? [{ kind: 'put', key: artifactKey, item: artifact, condition: { kind: 'absent' } } as const]
          : []),
        ...[...artifactRefs(artifact, at), ...uploadRefs(accepted, at)].map(putRef),
        ...(newestUpload === fleet.newestUpload ? [] : [putFleet(fleet, { newestUpload }, at)]),
      ],
      events: [
        uploadAccepted(accepted, { at, by: upload.by, executionArn: upload.executionArn }),
        artifactSeen(found.sha256, accepted, { at, by: upload.by, executionArn: upload.executionArn }),
      ],
    });
    return outcome !== 'refused';
  });
}
