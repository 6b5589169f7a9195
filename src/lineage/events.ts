/**
 * The events of an upload's way to an image. Keys follow from what happened, never from when: the same step,
 * repeated, is the same event.
 */
import type { Actor, EventItem, ImageItem, SmokeBootItem, UploadItem } from '../contracts/items.ts';

/** Who did it, in which execution, when. */
export interface Circumstances {
  readonly at: string;
  readonly by?: Actor;
  readonly executionArn?: string;
}

/** Makes an event; `undefined` in the data is left out. */
export function lineageEvent(
  subject: string,
  key: string,
  kind: string,
  data: Readonly<Record<string, unknown>>,
  { at, by, executionArn }: Circumstances,
): EventItem {
  return {
    type: 'event',
    subject,
    key,
    kind,
    at,
    ...(by === undefined ? {} : { by }),
    ...(executionArn === undefined ? {} : { executionArn }),
    data: Object.fromEntries(Object.entries(data).filter(([, value]) => value !== undefined)),
  };
}

/** What events are about. */
export const subjects = {
  upload: (id: string) => `upload/${id}`,
  artifact: (sha256: string) => `artifact/${sha256}`,
  image: (identity: string) => `image/${identity}`,
  fleet: (fleet: string) => `fleet/${fleet}`,
} as const;

export function uploadReceived(upload: UploadItem, when: Circumstances): EventItem {
  const { bucket, key, versionId, sizeBytes, fleet } = upload;
  const data = { bucket, key, versionId, sizeBytes, fleet };
  return lineageEvent(subjects.upload(upload.id), 'received', 'upload-received', data, when);
}

/** The upload has been inspected, and takes its place in the fleet's order. */
export function uploadAccepted(upload: UploadItem, when: Circumstances): EventItem {
  const { fleet, number, artifactSha256 } = upload;
  const data = { fleet, number, artifactSha256 };
  return lineageEvent(subjects.upload(upload.id), 'accepted', 'upload-accepted', data, when);
}

/** The upload's way has ended, well or not; the data say how. */
export function uploadEnded(upload: UploadItem, when: Circumstances): EventItem {
  const { state, identity, imageId, release, rollout, error } = upload;
  const data = { state, identity, imageId, release, rollout, error };
  return lineageEvent(subjects.upload(upload.id), 'ended', `upload-${state}`, data, when);
}

/** The rollout that carried the upload has ended; the data say how. */
export function uploadCarried(upload: UploadItem, when: Circumstances): EventItem {
  const { state, release, rollout, error } = upload;
  const data = { state, release, rollout, error };
  return lineageEvent(subjects.upload(upload.id), `rollout-${rollout}/ended`, `upload-${state}`, data, when);
}

export function artifactSeen(sha256: string, upload: UploadItem, when: Circumstances): EventItem {
  const data = { upload: upload.id, bucket: upload.bucket, key: upload.key, versionId: upload.versionId };
  return lineageEvent(subjects.artifact(sha256), `seen/${upload.id}`, 'artifact-seen', data, when);
}

type Attempted = Pick<ImageItem, 'identity' | 'attempt'>;

function imageEvent(
  image: Attempted,
  step: string,
  data: Readonly<Record<string, unknown>>,
  when: Circumstances,
): EventItem {
  const key = `attempt-${image.attempt}/${step}`;
  return lineageEvent(subjects.image(image.identity), key, `image-${step}`, data, when);
}

export function imageClaimed(image: ImageItem, tookOver: boolean, when: Circumstances): EventItem {
  const { artifactSha256, kernel, kernelDigest, builderVersion, volumeSizeGiB, parent } = image;
  return imageEvent(
    image,
    'claimed',
    { artifactSha256, kernel, kernelDigest, builderVersion, volumeSizeGiB, parent, tookOver },
    when,
  );
}

export function imageSnapshotStarted(image: ImageItem, snapshotId: string, when: Circumstances): EventItem {
  const step = image.parentRefused === undefined ? 'snapshot-started' : 'snapshot-started-in-full';
  return imageEvent(image, step, { snapshotId, parentSnapshotId: image.parent?.snapshotId }, when);
}

/** The parent was given up: the image is written in full instead. What was written as a difference is gone. */
export function imageParentRefused(image: ImageItem, reason: string, when: Circumstances): EventItem {
  const { parent, snapshotId } = image;
  return imageEvent(image, 'parent-refused', { parent, snapshotId, reason }, when);
}

export function imageRegistered(image: ImageItem, when: Circumstances): EventItem {
  const { imageId, snapshotId, parent, blocks, blocksWritten, checksum } = image;
  const data = { imageId, snapshotId, parent, blocks, blocksWritten, checksum };
  return imageEvent(image, 'registered', data, when);
}

/** An instance of the image was asked for its health; the data say what was asked, and how it ended. */
export function imageBooted(
  boot: SmokeBootItem,
  outcome: { readonly passed: boolean; readonly reason?: string | undefined },
  when: Circumstances,
): EventItem {
  const { fleet, imageId, instanceId, question, console } = boot;
  const place = instanceId === undefined ? undefined : boot.places[boot.place];
  const { port, path, statusCodes } = question;
  return lineageEvent(
    subjects.image(boot.identity),
    `booted/${boot.id}`,
    outcome.passed ? 'image-booted' : 'image-boot-failed',
    { fleet, imageId, instanceId, ...place, port, path, statusCodes, console, reason: outcome.reason },
    when,
  );
}

/** An attempt was given up, and what it made was removed. */
export function imageAbandoned(
  image: Attempted,
  data: { readonly error: string; readonly snapshotId?: string; readonly imageId?: string },
  when: Circumstances,
): EventItem {
  return imageEvent(image, 'abandoned', data, when);
}

/** Another upload found the image made already. */
export function imageAdopted(identity: string, uploadId: string, when: Circumstances): EventItem {
  return lineageEvent(
    subjects.image(identity),
    `adopted/${uploadId}`,
    'image-adopted',
    { upload: uploadId },
    when,
  );
}

/** Somebody, or the schedule, said that the image is not to be deployed. */
export function imageVetoed(
  image: ImageItem,
  data: Readonly<Record<string, unknown>>,
  when: Circumstances,
): EventItem {
  return lineageEvent(subjects.image(image.identity), `vetoed/${when.at}`, 'image-vetoed', data, when);
}

/** The veto was taken back. */
export function imageUnvetoed(
  image: ImageItem,
  data: Readonly<Record<string, unknown>>,
  when: Circumstances,
): EventItem {
  return lineageEvent(subjects.image(image.identity), `unvetoed/${when.at}`, 'image-unvetoed', data, when);
}
