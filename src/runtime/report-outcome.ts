/**
 * Telling what became of an upload, wherever its uploader may look: tags on the object, a file in the store, the
 * item that the API shows, an event.
 */
import * as z from 'zod';
import type { Events } from '../aws/events.ts';
import type { Objects } from '../aws/objects.ts';
import type { Table } from '../aws/table.ts';
import { buildKeys, executionArn, uploadJob } from '../contracts/build.ts';
import { sha256Hex } from '../contracts/ids.ts';
import type { UploadItem } from '../contracts/items.ts';
import { errorCatalogue } from '../errors.ts';
import { uploadEnded } from '../lineage/events.ts';
import { uploadId } from '../lineage/upload.ts';
import { putUpload, requireUpload } from './accept-upload.ts';
import { caughtError, type ReadableFailure, readCaughtError } from './failure.ts';

export const uploadOutcome = z.strictObject({
  upload: uploadJob,
  executionArn,
  /** Present as soon as the image is known. */
  image: z.strictObject({ identity: sha256Hex, imageId: z.string().optional() }).optional(),
  rollout: z
    .object({
      outcome: z.string(),
      rollout: z.number().int().optional(),
      release: z.number().int().optional(),
    })
    .optional(),
  failure: caughtError.optional(),
});
export type UploadOutcome = z.output<typeof uploadOutcome>;

export interface ReportDeps {
  readonly table: Table;
  readonly objects: Objects;
  readonly events: Events;
}

/**
 * What the uploader can cure is a rejection; what broke on our side, or in AWS, is a failure. An image that
 * stands although its rollout was refused is built.
 */
export function outcomeState(
  failure: Pick<ReadableFailure, 'name'> | undefined,
  rollout: { readonly outcome: string } | undefined,
  imageStands: boolean,
): UploadItem['state'] {
  if (failure === undefined) {
    if (rollout?.outcome === 'superseded') return 'superseded';
    return rollout === undefined || rollout.outcome === 'already-live' ? 'built' : 'deploying';
  }
  if (failure.name === 'SupersededUpload') return 'superseded';
  if (imageStands) return 'built';
  const known = Object.entries(errorCatalogue).find(([name]) => name === failure.name)?.[1];
  return known !== undefined && known.status < 500 ? 'rejected' : 'failed';
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html: these characters, 256 of them */
export function tagValue(text: string): string {
  return text
    .replaceAll(/[^\p{L}\p{Z}\p{N}_.:/=+\-@]/gu, ' ')
    .slice(0, 256)
    .replace(/[\uD800-\uDBFF]$/, '');
}

function tagsOf(upload: UploadItem): Record<string, string> {
  const tags: Record<string, string | undefined> = {
    'flotilla:outcome': upload.state,
    'flotilla:error': upload.error?.name,
    'flotilla:advice': upload.error?.advice,
    'flotilla:image': upload.imageId,
    'flotilla:release': upload.release === undefined ? undefined : `v${upload.release}`,
    'flotilla:rollout': upload.rollout === undefined ? undefined : `${upload.fleet}-${upload.rollout}`,
  };
  return Object.fromEntries(
    Object.entries(tags).flatMap(([key, value]) => (value === undefined ? [] : [[key, tagValue(value)]])),
  );
}

function ended(present: UploadItem, outcome: UploadOutcome, at: string): UploadItem {
  const failure = outcome.failure && readCaughtError(outcome.failure);
  const { identity, imageId } = outcome.image ?? {};
  const { release, rollout } = outcome.rollout ?? {};
  return {
    ...present,
    state: outcomeState(failure, outcome.rollout, imageId !== undefined),
    ...(identity === undefined ? {} : { identity }),
    ...(imageId === undefined ? {} : { imageId }),
    ...(release === undefined ? {} : { release }),
    ...(rollout === undefined ? {} : { rollout }),
    ...(failure === undefined ? {} : { error: failure }),
    endedAt: at,
  };
}

/** Tells what became of an upload; a repeated call tells the same story again. */
export async function reportOutcome(
  outcome: UploadOutcome,
  { table, objects, events }: ReportDeps,
  { storeBucket, now }: { readonly storeBucket: string; readonly now: Date },
): Promise<{ readonly state: UploadItem['state']; readonly tagged: 'tagged' | 'gone' }> {
  const present = await requireUpload(table, uploadId(outcome.upload));
  const item = present.endedAt === undefined ? ended(present, outcome, now.toISOString()) : present;
  const when = { at: item.endedAt ?? '', by: item.by, executionArn: outcome.executionArn };
  await table.commit({ writes: [putUpload(item)], events: [uploadEnded(item, when)] });
  const { type: _type, ...told } = item;
  await objects.put(
    { bucket: storeBucket, key: buildKeys.result(item.key) },
    `${JSON.stringify(told, null, 2)}\n`,
    'application/json',
  );
  const tagged = await objects.tag(outcome.upload, tagsOf(item));
  await events.put('flotilla', 'Flotilla Upload Outcome', told);
  return { state: item.state, tagged };
}
