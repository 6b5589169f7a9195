/**
 * Builds whose execution was stopped or timed out: such an execution runs no Catch, so what it made is removed here, and
 * its uploader is told. One that never began is begun. So is one whose rollout ended without telling. Events of Step Functions are best effort; this looks by itself.
 */
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { ExecutionState, Executions } from '../aws/executions.ts';
import type { Table } from '../aws/table.ts';
import type { UploadJob } from '../contracts/build.ts';
import { rolloutId } from '../contracts/ids.ts';
import {
  fleetItem,
  imageItem,
  refItem,
  rolloutItem,
  type UploadItem,
  uploadItem,
} from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { isGone } from '../image/claim.ts';
import { keys, lists, prefixes } from '../lineage/keys.ts';
import { abandonAttempt } from './abandon-attempt.ts';
import { beginBuild } from './begin-build.ts';
import { type CaughtError, failureMessage, readCaughtError } from './failure.ts';
import { ownerState } from './image-attempt.ts';
import { type ReportDeps, reportOutcome, reportRollout, tell } from './report-outcome.ts';
import { rolloutOfUpload, rolloutsLookedAt } from './upload-rollout.ts';

export interface SweepBuildsDeps extends ReportDeps {
  readonly table: Table;
  readonly executions: Executions;
  readonly ec2: EC2Client;
}

export interface SweepBuildsSettings {
  readonly stack: string;
  readonly storeBucket: string;
  readonly machinePrefix: string;
  readonly now: Date;
}

const hour = 3_600_000;
/**
 * Lambda keeps an event for six hours while it is throttled, or fails itself: until then the execution may still begin.
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
const beginsWithinMilliseconds = 6 * hour;
/** A call of S3's that fails is repeated twice, within minutes; after that nobody else may begin the execution. */
const begunAfterMilliseconds = 15 * 60_000;
/** An execution of build-image ends after three hours at the latest (its TimeoutSeconds). */
const lookBackMilliseconds = beginsWithinMilliseconds + 4 * hour;

/** Uploads of the last hours that have not ended, or whose rollout may have, or that were not told; oldest first. */
async function unfinished(table: Table, now: Date): Promise<UploadItem[]> {
  const found: UploadItem[] = [];
  const since = new Date(now.getTime() - lookBackMilliseconds).toISOString();
  for (let from: string | undefined; ; ) {
    const page = await table.list(lists.uploads, uploadItem, {
      only: { kind: 'from-place', listSk: since },
      ...(from === undefined ? {} : { from }),
    });
    for (const upload of page.items) {
      if (upload.endedAt === undefined || upload.state === 'deploying' || upload.told !== upload.state) {
        found.push(upload);
      }
    }
    if (page.next === undefined) return found;
    from = page.next;
  }
}

/** Undefined where it ended well, and only could not say so. */
function whyItEnded(upload: UploadItem, state: ExecutionState): CaughtError | undefined {
  if (state.status === 'succeeded') return undefined;
  if (state.status === 'failed' && state.error !== undefined) {
    return { Error: state.error, Cause: state.cause ?? '' };
  }
  const what = state.status === 'unknown' ? 'never began' : `ended as ${state.status}`;
  const why = 'cause' in state && state.cause ? ` (${state.cause})` : '';
  const error = new FlotillaError('ImageBuildFailed', `The execution ${what}${why}`, {
    execution: upload.executionArn,
  });
  return { Error: error.name, Cause: failureMessage(error) };
}

function jobOf({ bucket, key, versionId, sequencer, sizeBytes, by }: UploadItem): UploadJob {
  return { bucket, key, versionId, sequencer, sizeBytes, uploader: by };
}

/** Cleans up after one upload's execution, if that has ended and is quiet; begins it, if nobody else did. */
async function recover(
  upload: UploadItem,
  deps: SweepBuildsDeps,
  { stack, storeBucket, machinePrefix, now }: SweepBuildsSettings,
): Promise<boolean> {
  const { executionArn } = upload;
  const state = await deps.executions.describe(executionArn);
  if (!isGone(ownerState(state), now, new Date(upload.receivedAt))) return false;
  const age = now.getTime() - Date.parse(upload.receivedAt);
  if (state.status === 'unknown' && age < begunAfterMilliseconds) return false;
  // The listing may lag: what is told once is not told again.
  const present = await deps.table.get(keys.upload(upload.id), uploadItem);
  if (present === undefined || present.endedAt !== undefined) return false;
  if (state.status === 'unknown' && age < beginsWithinMilliseconds)
    return (await beginBuild(jobOf(upload), deps, { machinePrefix })) === 'started';

  const failure = whyItEnded(upload, state);
  let image: { identity: string; imageId?: string } | undefined;
  for (const { to: identity } of await deps.table.queryAll(keys.ref(executionArn, '', '').pk, '', refItem)) {
    const item = await deps.table.get(keys.image(identity), imageItem);
    if (item?.owner !== executionArn) continue;
    if (item.state === 'available' && item.imageId !== undefined) image = { identity, imageId: item.imageId };
    const { attempt } = item;
    await abandonAttempt(deps, {
      identity,
      attempt,
      owner: executionArn,
      stack,
      failure: readCaughtError(failure ?? neverTold),
      now,
    });
  }
  const { id, fleet } = present;
  const rollout = fleet === undefined ? undefined : await rolloutOfUpload(deps.table, fleet, id);
  await reportOutcome(
    {
      upload: jobOf(upload),
      executionArn,
      ...(failure === undefined ? {} : { failure }),
      ...(image === undefined ? {} : { image }),
      ...(rollout === undefined
        ? {}
        : { rollout: { outcome: 'started', rollout: rollout.number, release: rollout.release } }),
    },
    deps,
    { storeBucket, now },
  );
  return true;
}

/** For what such an execution no longer owns; an image that it finished stands. */
const neverTold: CaughtError = { Error: 'ImageBuildFailed', Cause: 'The execution ended without telling' };

/** Whoever ended it may be about to tell it. */
const tellsWithinMilliseconds = 2 * 60_000;

/** Tells what stands in the table and was not told: whoever wrote it died before, or was refused. */
async function tellUpload(
  { id }: UploadItem,
  deps: SweepBuildsDeps,
  { storeBucket, now }: SweepBuildsSettings,
): Promise<boolean> {
  // The listing may lag.
  const upload = await deps.table.get(keys.upload(id), uploadItem);
  if (upload?.endedAt === undefined || upload.told === upload.state) return false;
  if (now.getTime() - Date.parse(upload.endedAt) < tellsWithinMilliseconds) return false;
  await tell(upload, deps, storeBucket);
  return true;
}

/** The same for rollouts, of fleets that changed in the last hours. @returns the ids of those told */
async function tellRollouts(
  deps: SweepBuildsDeps,
  { storeBucket, now }: SweepBuildsSettings,
  failed: (error: unknown) => void,
): Promise<string[]> {
  const told: string[] = [];
  const since = new Date(now.getTime() - lookBackMilliseconds).toISOString();
  const recently = (at: string | undefined): boolean =>
    now.getTime() - Date.parse(at ?? '') <= lookBackMilliseconds;
  for (let from: string | undefined; ; ) {
    const page = await deps.table.list(lists.fleets, fleetItem, {
      only: { kind: 'updated-since', since },
      ...(from === undefined ? {} : { from }),
    });
    for (const { fleet } of page.items) {
      const { items } = await deps.table.query(keys.fleet(fleet).pk, prefixes.rollout, rolloutItem, {
        newestFirst: true,
        limit: rolloutsLookedAt,
      });
      for (const { number, status, told: last, executionArn, endedAt, requestedAt } of items) {
        const endedFor = now.getTime() - Date.parse(endedAt ?? requestedAt);
        if (last === status || endedFor < tellsWithinMilliseconds || !recently(endedAt ?? requestedAt))
          continue;
        try {
          const { state } = await reportRollout({ fleet, rollout: number, executionArn }, deps, {
            storeBucket,
          });
          if (state !== 'untold') told.push(rolloutId(fleet, number));
        } catch (error) {
          failed(error);
        }
      }
    }
    from = page.next;
    if (from === undefined) return told;
  }
}

/** Tells how an upload's rollout ended, where its own execution could not: it was stopped, or never began. */
async function tellRollout(
  { fleet, rollout, executionArn, state: from }: UploadItem,
  deps: SweepBuildsDeps,
  { storeBucket }: SweepBuildsSettings,
): Promise<boolean> {
  if (fleet === undefined || rollout === undefined || from !== 'deploying') return false;
  const { state } = await reportRollout({ fleet, rollout, executionArn }, deps, { storeBucket });
  return state !== 'untold';
}

/**
 * @returns the ids of the uploads that were cleaned up after or begun, or whose uploader was told, and of rollouts that were told.
 * @throws the first failure, once every upload had its turn
 */
export async function sweepBuilds(deps: SweepBuildsDeps, settings: SweepBuildsSettings): Promise<string[]> {
  const recovered: string[] = [];
  const failures: unknown[] = [];
  for (const upload of await unfinished(deps.table, settings.now)) {
    try {
      const steps = upload.endedAt === undefined ? [recover] : [tellRollout, tellUpload];
      for (const done of steps) {
        if (!(await done(upload, deps, settings))) continue;
        recovered.push(upload.id);
        break;
      }
    } catch (error) {
      // One upload's trouble must not keep the others waiting; it is told, and tried again, by the next sweep.
      failures.push(error);
    }
  }
  recovered.push(...(await tellRollouts(deps, settings, (error) => failures.push(error))));
  if (failures.length > 0) throw failures[0];
  return recovered;
}
