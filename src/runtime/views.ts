/** Items of the table as the API shows them. What must not leave (a gate's task token) is not copied. */
import { createHash } from 'node:crypto';
import type {
  EventView,
  FleetSummary,
  OccupantView,
  ReleaseView,
  RolloutView,
  UploadView,
} from '../contracts/api-views.ts';
import { releaseLabel, rolloutId } from '../contracts/ids.ts';
import type {
  ArtifactItem,
  EventItem,
  FleetItem,
  ImageItem,
  Occupant,
  ReleaseItem,
  RolloutItem,
  UploadItem,
} from '../contracts/items.ts';
import { errorCatalogue } from '../errors.ts';
import { attentionWords } from '../fleet/attention.ts';
import { leftSince } from '../fleet/going-back.ts';

/** Whether nothing more happens to a rollout by itself. One that needs attention is tried again by the sweeper. */
export function rolloutEnded(status: RolloutItem['status']): boolean {
  switch (status) {
    case 'requested':
    case 'queued':
    case 'running':
    case 'needs-attention':
      return false;
    case 'succeeded':
    case 'failed':
    case 'aborted':
    case 'superseded':
      return true;
  }
}

/** Whether an upload has its outcome: rejected, built, or handed on to a rollout. */
export function uploadEnded(upload: UploadItem): boolean {
  return upload.endedAt !== undefined;
}

export function rolloutView(item: RolloutItem): RolloutView {
  const { type: _type, error, told: _told, ...rest } = item;
  const id = rolloutId(item.fleet, item.number);
  const known =
    error !== undefined && Object.hasOwn(errorCatalogue, error.name)
      ? errorCatalogue[error.name as keyof typeof errorCatalogue]
      : { title: 'The rollout failed', advice: 'Read the execution in the Step Functions console.' };
  return {
    ...rest,
    id,
    address: `/rollouts/${id}`,
    ended: rolloutEnded(item.status),
    ...(error === undefined ? {} : { error: { ...error, title: known.title, advice: known.advice } }),
  };
}

export function releaseView(item: ReleaseItem): ReleaseView {
  const { type: _type, image: _image, leftAt: _leftAt, ...rest } = item;
  return { ...rest, ...leftOf(item), label: releaseLabel(item.number) };
}

function leftOf(release: Pick<ReleaseItem, 'leftAt' | 'servedAt'> | undefined): { leftAt?: string } {
  const leftAt = release && leftSince(release);
  return leftAt === undefined ? {} : { leftAt };
}

export function uploadView(item: UploadItem): UploadView {
  const { type: _type, sequencer: _sequencer, told: _told, rollout, ...rest } = item;
  return {
    ...rest,
    address: `/uploads/${encodeURIComponent(item.id)}`,
    ended: uploadEnded(item),
    ...(rollout === undefined || item.fleet === undefined ? {} : { rollout: rolloutId(item.fleet, rollout) }),
  };
}

export function eventView(item: EventItem): EventView {
  const { type: _type, ...rest } = item;
  return rest;
}

/** In the order in which things happened; keys, which sort otherwise, decide between equal times. */
export function inOrder(events: readonly EventItem[]): EventItem[] {
  return [...events].sort((a, b) => (a.at === b.at ? (a.key < b.key ? -1 : 1) : a.at < b.at ? -1 : 1));
}

/** What a release is made of, for the slots of a fleet. */
export interface ReleaseFacts {
  readonly release: ReleaseItem | undefined;
  readonly artifact: ArtifactItem | undefined;
  readonly image: ImageItem | undefined;
}

export function occupantView(
  occupant: (Occupant & { keepUntil?: string }) | null,
  weights: FleetItem['weights'],
  facts: ReleaseFacts | undefined,
): OccupantView | null {
  if (occupant === null) return null;
  const { release, artifact } = facts ?? {};
  return {
    release: occupant.release,
    slot: occupant.slot,
    groupName: occupant.groupName,
    weight: weights[occupant.slot],
    ...(occupant.keepUntil === undefined ? {} : { keepUntil: occupant.keepUntil }),
    ...leftOf(release),
    ...(release === undefined ? {} : { imageId: release.imageId, artifactSha256: release.artifactSha256 }),
    ...(artifact?.module === undefined ? {} : { module: artifact.module }),
    ...(artifact?.vcsRevision === undefined ? {} : { vcsRevision: artifact.vcsRevision }),
  };
}

/**
 * Why a person should look, in words; empty where all is well.
 *
 * @param image of the live release
 */
export function needsAttention(item: FleetItem, image: ImageItem | undefined): string[] {
  const { lease, weights, served } = item;
  const reasons: string[] = [];
  const trouble = attentionWords(item);
  if (trouble !== undefined) reasons.push(`${trouble} (${lease?.holder})`);
  if (image?.state === 'vetoed' && item.live !== null) {
    const { imageId = image.identity, veto } = image;
    reasons.push(
      `${releaseLabel(item.live.release)} is live on ${imageId}, which was vetoed: ${veto?.reason ?? 'no reason was recorded'}`,
    );
  }
  if (served && weights.blue + weights.green === 0) reasons.push('no slot gets any traffic');
  return reasons;
}

/** @param reasons of {@link needsAttention} */
export function fleetState(item: FleetItem, reasons: readonly string[]): FleetSummary['state'] {
  const { lease } = item;
  if (lease?.purpose === 'removal') return 'being-removed';
  if (reasons.length > 0) return 'needs-attention';
  if (lease?.purpose === 'rollout' || item.candidate !== null) return 'rolling-out';
  return item.live === null ? 'empty' : 'serving';
}

/** A text that changes whenever what it is made from does: for `since` of a long poll. */
export function versionOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 16);
}
