/**
 * Telling what became of an upload, wherever its uploader may look: tags on the object, a file in the store, the
 * item that the API shows, an event. First when its image stands or cannot, and again when its rollout has ended.
 */
import * as z from 'zod';
import type { Events } from '../aws/events.ts';
import type { Objects } from '../aws/objects.ts';
import type { Table } from '../aws/table.ts';
import { together } from '../aws/together.ts';
import { executionArn, uploadJob } from '../contracts/build.ts';
import { fleetName, rolloutId, sha256Hex } from '../contracts/ids.ts';
import {
  type EventItem,
  eventItem,
  fleetItem,
  type RolloutItem,
  rolloutItem,
  type UploadItem,
  uploadItem,
} from '../contracts/items.ts';
import {
  type RolloutEvent,
  rolloutEvent,
  rolloutEventSource,
  rolloutEventType,
} from '../contracts/rollout-event.ts';
import { errorCatalogue, FlotillaError } from '../errors.ts';
import { withConsole } from '../fleet/failure-card.ts';
import { uploadCarried, uploadEnded } from '../lineage/events.ts';
import { keys } from '../lineage/keys.ts';
import { uploadId } from '../lineage/upload.ts';
import { putUpload, requireUpload } from './accept-upload.ts';
import { caughtError, type ReadableFailure, readCaughtError } from './failure.ts';
import { toldOf, writeResult } from './result-file.ts';
import { liveIn, rolloutCard } from './rollout-card.ts';

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

/** A rollout that has ended; told where it came from an upload. */
export const rolloutOutcome = z.strictObject({
  fleet: fleetName,
  rollout: z.number().int().min(1),
  executionArn,
  /** How it ended, where whoever calls has just written that, and no upload waits to hear of it. */
  ended: z
    .strictObject({
      kind: rolloutItem.shape.kind,
      release: rolloutItem.shape.release,
      endedAt: z.iso.datetime(),
    })
    .optional(),
});
export type RolloutOutcome = z.output<typeof rolloutOutcome>;

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

/** The most important first: an object has room for ten, and its uploader may have set some. */
function tagsOf(upload: UploadItem): Record<string, string | undefined> {
  const tags: Record<string, string | undefined> = {
    'flotilla:outcome': upload.state,
    'flotilla:error': upload.error?.name,
    'flotilla:cause': upload.error?.message,
    'flotilla:advice': upload.error?.advice,
    'flotilla:release': upload.release === undefined ? undefined : `v${upload.release}`,
    'flotilla:rollout': upload.rollout === undefined ? undefined : `${upload.fleet}-${upload.rollout}`,
    'flotilla:image': upload.imageId,
  };
  return Object.fromEntries(
    Object.entries(tags).map(([key, value]) => [key, value === undefined ? undefined : tagValue(value)]),
  );
}

function withImage(present: UploadItem, image: UploadOutcome['image']): UploadItem {
  const { identity, imageId } = image ?? {};
  return {
    ...present,
    ...(identity === undefined ? {} : { identity }),
    ...(imageId === undefined ? {} : { imageId }),
  };
}

function ended(present: UploadItem, outcome: UploadOutcome, at: string): UploadItem {
  const failure = outcome.failure && readCaughtError(outcome.failure);
  const { release, rollout } = outcome.rollout ?? {};
  return {
    ...withImage(present, outcome.image),
    state: outcomeState(failure, outcome.rollout, outcome.image?.imageId !== undefined),
    ...(release === undefined ? {} : { release }),
    ...(rollout === undefined ? {} : { rollout }),
    ...(failure === undefined ? {} : { error: failure }),
    endedAt: at,
  };
}

/** Writes an upload, and an event of it, unless somebody else wrote it meanwhile. @throws FlotillaError AwsUnavailable */
async function saveUpload(
  table: Table,
  before: UploadItem,
  after: UploadItem,
  events: readonly EventItem[],
): Promise<void> {
  const { state, endedAt } = before;
  const { outcome } = await table.commit({
    writes: [putUpload(after, { kind: 'equals', values: { state, endedAt } })],
    events,
  });
  if (outcome !== 'refused') return;
  throw new FlotillaError('AwsUnavailable', `The upload ${after.id} was written by somebody else`, {
    id: after.id,
  });
}

/**
 * Tells what became of an upload; a repeated call tells the same story again. How its rollout ended may have been
 * written before: that stands, and the image is added to it.
 *
 * @throws FlotillaError AwsUnavailable when somebody else wrote the upload meanwhile: try again
 */
export async function reportOutcome(
  outcome: UploadOutcome,
  { table, objects, events }: ReportDeps,
  { storeBucket, now }: { readonly storeBucket: string; readonly now: Date },
): Promise<{ readonly state: UploadItem['state']; readonly tagged: 'tagged' | 'gone' }> {
  const present = await requireUpload(table, uploadId(outcome.upload));
  const { executionArn: execution } = outcome;
  let item: UploadItem;
  if (present.endedAt === undefined) {
    const at = now.toISOString();
    item = ended(present, outcome, at);
    await saveUpload(table, present, item, [uploadEnded(item, { at, by: item.by, executionArn: execution })]);
  } else {
    item = withImage(present, outcome.image);
    await saveUpload(table, present, item, []);
  }
  const tagged = await tell(item, { table, objects, events }, storeBucket);
  return { state: item.state, tagged };
}

/**
 * Tells what the item says, and then that it was told. Whoever dies in between has it told again by the sweeper: the
 * table was written first, and says what is owed. The tags come last: what S3 may refuse keeps nobody from the event.
 */
export async function tell(
  item: UploadItem,
  { table, objects, events }: ReportDeps,
  storeBucket: string,
): Promise<'tagged' | 'gone'> {
  await writeResult(item, { table, objects }, storeBucket);
  await events.put('flotilla', 'Flotilla Upload Outcome', toldOf(item));
  const { bucket, key, versionId } = item;
  const tagged = await objects.tag({ bucket, key, versionId }, tagsOf(item));
  if (item.told !== item.state) {
    await table.commit({
      writes: [{ kind: 'update', key: keys.upload(item.id), set: { told: item.state } }],
    });
  }
  return tagged;
}

const carriedTo = {
  succeeded: 'live',
  failed: 'rolled-back',
  aborted: 'aborted',
  superseded: 'superseded',
} as const satisfies Partial<Record<RolloutItem['status'], UploadItem['state']>>;

function carried(
  present: UploadItem,
  rollout: RolloutItem,
  state: UploadItem['state'],
  at: string,
): UploadItem {
  const { error: _former, ...rest } = present;
  const known = Object.entries(errorCatalogue).find(([name]) => name === rollout.error?.name)?.[1];
  return {
    ...rest,
    state,
    release: rollout.release,
    rollout: rollout.number,
    ...(rollout.error === undefined
      ? {}
      : {
          error: {
            name: rollout.error.name,
            message: withConsole({
              message: rollout.error.message,
              details: rollout.error.details ?? {},
            }).join('\n'),
            advice: known?.advice ?? 'Read the execution in the Step Functions console.',
          },
        }),
    endedAt: at,
  };
}

/**
 * Tells how a rollout ended, or that it needs attention: an event for whoever subscribed, and the uploader where an
 * upload asked for it. Nothing where it has not ended; a repeated call tells the same story again.
 * @throws FlotillaError AwsUnavailable when somebody else wrote the upload meanwhile: try again
 */
export async function reportRollout(
  outcome: RolloutOutcome,
  deps: ReportDeps,
  { storeBucket }: { readonly storeBucket: string },
): Promise<{ readonly state: UploadItem['state'] | 'told' | 'untold' }> {
  const { fleet, rollout: number } = outcome;
  const { table, events } = deps;
  if (outcome.ended !== undefined) {
    const { executionArn: arn, ended: how } = outcome;
    const id = rolloutId(fleet, number);
    const event: RolloutEvent = {
      id,
      fleet,
      rollout: number,
      status: 'succeeded',
      executionArn: arn,
      ...how,
      card: null,
    };
    await events.put(rolloutEventSource, rolloutEventType, event);
    await markTold(fleet, number, 'succeeded', table);
    return { state: 'told' };
  }
  const rollout = await table.get(keys.rollout(fleet, number), rolloutItem);
  const told = rolloutEvent.shape.status.safeParse(rollout?.status);
  if (rollout === undefined || !told.success) return { state: 'untold' };
  await events.put(rolloutEventSource, rolloutEventType, await rolloutEventOf(rollout, told.data, table));
  const state = await carryUpload(rollout, outcome.executionArn, deps, storeBucket);
  if (rollout.told !== rollout.status) await markTold(fleet, number, rollout.status, table);
  return { state: state ?? 'told' };
}

async function markTold(
  fleet: string,
  number: number,
  told: RolloutItem['status'],
  table: Table,
): Promise<void> {
  await table.commit({ writes: [{ kind: 'update', key: keys.rollout(fleet, number), set: { told } }] });
}

async function rolloutEventOf(
  rollout: RolloutItem,
  status: RolloutEvent['status'],
  table: Table,
): Promise<RolloutEvent> {
  const { fleet, number, kind, release, executionArn: arn, endedAt, error } = rollout;
  // What ended well has no page, and needs nothing read for one.
  const [item, steps] =
    error === undefined
      ? [undefined, []]
      : await together([
          table.get(keys.fleet(fleet), fleetItem),
          table.queryAll(keys.event(`fleet/${fleet}`, '').pk, `rollout-${number}/`, eventItem),
        ]);
  return {
    id: rolloutId(fleet, number),
    fleet,
    rollout: number,
    kind,
    release,
    status,
    executionArn: arn,
    ...(endedAt === undefined ? {} : { endedAt }),
    card: rolloutCard(rollout, steps, item, liveIn(item)),
  };
}

/** Tells the uploader; undefined where nobody uploaded, or the rollout has not ended. */
async function carryUpload(
  rollout: RolloutItem,
  execution: string,
  deps: ReportDeps,
  storeBucket: string,
): Promise<UploadItem['state'] | undefined> {
  const { table } = deps;
  const state = Object.entries(carriedTo).find(([status]) => status === rollout.status)?.[1];
  if (rollout.uploadId === undefined || state === undefined) return undefined;
  const present = await table.get(keys.upload(rollout.uploadId), uploadItem);
  if (present === undefined) return undefined;
  const item = present.state === state ? present : carried(present, rollout, state, rollout.endedAt ?? '');
  if (item !== present) {
    // build-image may be telling its own part at this moment.
    const when = { at: item.endedAt ?? '', by: rollout.by, executionArn: execution };
    await saveUpload(table, present, item, [uploadCarried(item, when)]);
  }
  await tell(item, deps, storeBucket);
  return state;
}
