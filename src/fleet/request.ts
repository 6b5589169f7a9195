/** What becomes of a wish to make a release live: decided from the fleet and its releases as they are. */

import { releaseLabel, rolloutId } from '../contracts/ids.ts';
import type { FleetItem, ImageItem, ReleaseItem, RolloutItem } from '../contracts/items.ts';
import type { RolloutRequest } from '../contracts/request.ts';
import type { ErrorName } from '../errors.ts';
import { attentionWords } from './attention.ts';
import { failedBefore, failedWords } from './failed-before.ts';
import { noTargetWords, rollbackTarget } from './going-back.ts';
import { judgeOrder, orderState } from './orders.ts';

export interface RequestWorld {
  readonly fleet: FleetItem;
  /** The release that was asked for by number, or the image by identity; undefined where there is none. */
  readonly image: Pick<ImageItem, 'identity' | 'state' | 'imageId'> | undefined;
  /** The fleet asks for a smoke boot that this image has not passed. */
  readonly unbooted: boolean;
  readonly release: ReleaseItem | undefined;
  /** Every release of the fleet that runs the image that was asked for, itself included. Not for a way back. */
  readonly sameImage: readonly ReleaseItem[];
  readonly live: ReleaseItem | undefined;
  /** The release that will be live once everything under way and queued has ended; live's where nothing is. */
  readonly last: { readonly release: ReleaseItem; readonly rollout: number } | undefined;
  /** The rollouts that hold the fleet or wait for it. */
  readonly ahead: readonly Pick<RolloutItem, 'number' | 'kind' | 'phase' | 'status'>[];
  /** Releases that served before, any order. Only for a rollback. */
  readonly former: readonly ReleaseItem[];
}

export type RequestVerdict =
  | {
      readonly verdict: 'already-live';
      readonly release: number;
      readonly rollout?: number;
      readonly message: string;
    }
  | { readonly verdict: 'superseded'; readonly message: string }
  | { readonly verdict: 'refused'; readonly error: ErrorName; readonly reasons: readonly string[] }
  | {
      readonly verdict: 'go';
      readonly kind: 'deploy' | 'rollback';
      /** An existing release, or a new one on the image that was asked for. */
      readonly release: ReleaseItem | 'new';
      /** Whether the execution starts now, or when those before it have ended. */
      readonly start: boolean;
      /** Queued rollouts that this one makes pointless. */
      readonly supersedes: readonly number[];
      /** The rollout under way that is to be aborted for this one. */
      readonly aborts: number | null;
      /** Those that it would supersede or abort, did they not go back. */
      readonly spares: readonly number[];
      /** What somebody has to cure before the rollout's turn can come. */
      readonly waitsFor?: string | undefined;
    };

/** Why a release that is live is not rolled out, with the cure. */
export function alreadyLiveWords({ number, imageId }: Pick<ReleaseItem, 'number' | 'imageId'>): string {
  return `${releaseLabel(number)} is live already; to launch it anew, force a deploy of its image, ${imageId}`;
}

/** Why an image is refused that was vetoed, with the cure. */
export const vetoedWords = 'the image has been vetoed; deploy another, or force it';

/** Decides on a request. */
export function decideRequest(request: RolloutRequest, world: RequestWorld): RequestVerdict {
  const { fleet } = world;
  const force = request.force === true;
  if (request.upload !== undefined && request.upload < fleet.newestUpload && !force) {
    return {
      verdict: 'superseded',
      message: `Upload ${request.upload} of ${fleet.fleet} is older than upload ${fleet.newestUpload}, which was deployed or is being built.`,
    };
  }
  const wanted = find(request, world);
  const early = request.target.kind === 'rollback' ? rollbackTooEarly(world) : undefined;
  if (wanted.verdict !== 'found') return early ?? wanted;

  const { release } = wanted;
  // Going back to what has served is for who is in need, whatever became of its image later.
  const marked = failedBefore(wanted.kind === 'deploy' ? world.sameImage : [wanted.release]);
  const { image, unbooted } = world;
  const asksForImage = request.target.kind === 'image' && image !== undefined;
  const ofImage = asksForImage && !force ? againstImage(image, unbooted) : [];
  const asked = release === 'new' ? undefined : release.number;
  const refusal = (): RequestVerdict => ({
    verdict: 'refused',
    error: ofImage.includes(vetoedWords) ? 'ImageVetoed' : 'RequestRefused',
    reasons: [...ofImage, ...(marked === undefined ? [] : [failedWords(marked, asked)])],
  });
  if (ofImage.length > 0) return refusal();
  const last = world.last;
  if (last !== undefined) {
    const same =
      release === 'new'
        ? last.release.identity === world.image?.identity
        : last.release.number === release.number;
    const live = last.release.number === fleet.live?.release;
    // A release has one group: anew is a new release of the same image.
    if (same && live && force && release !== 'new')
      return { verdict: 'refused', error: 'AlreadyLive', reasons: [alreadyLiveWords(release)] };
    if (same && !force) {
      return {
        verdict: 'already-live',
        release: last.release.number,
        ...(last.rollout > 0 ? { rollout: last.rollout } : {}),
        message: live
          ? `${alreadyLiveWords(last.release)}.`
          : `${releaseLabel(last.release.number)} with this image is on its way already.`,
      };
    }
  }
  if (early !== undefined) return early;
  if (marked !== undefined && !force) return refusal();

  const { lease, queue } = fleet;
  const busy = lease?.purpose === 'rollout' || queue.length > 0;
  const { whenBusy } = fleet.spec.rollout;
  const holder = lease?.purpose === 'rollout' ? lease.rollout : queue[0];
  const trouble = attentionWords(fleet);
  if (busy && whenBusy === 'refuse') {
    return {
      verdict: 'refused',
      error: 'LeaseHeld',
      reasons: [
        `rollout ${holder} is under way, and the fleet's spec refuses a second one`,
        ...(trouble === undefined ? [] : [trouble]),
      ],
    };
  }
  // What is being recovered is being undone already.
  const held = lease?.purpose === 'rollout' && lease.state === 'held' ? [lease.rollout] : [];
  const overtaken = [...held, ...queue].filter(() => whenBusy === 'supersede');
  // Somebody is in need, and what is deployed meanwhile knows nothing of it.
  const spares = wanted.kind === 'rollback' ? [] : overtaken.filter((one) => goesBack(one, world));
  const ends = (one: number): boolean => overtaken.includes(one) && !spares.includes(one);
  const supersedes = queue.filter(ends);
  return {
    verdict: 'go',
    kind: wanted.kind,
    release,
    start: lease === null && supersedes.length === queue.length,
    supersedes,
    aborts: held.find(ends) ?? null,
    spares,
    waitsFor: trouble,
  };
}

/** What stands against an image itself. */
function againstImage(
  { state, identity }: Pick<ImageItem, 'state' | 'identity'>,
  unbooted: boolean,
): string[] {
  const reasons: string[] = [];
  if (state === 'vetoed') reasons.push(vetoedWords);
  if (unbooted) {
    reasons.push(
      `No instance of the image ${identity} was asked for this fleet's health check yet; upload its artifact again, or force it`,
    );
  }
  return reasons;
}

function goesBack(number: number, { ahead }: RequestWorld): boolean {
  return ahead.some((rollout) => rollout.number === number && rollout.kind === 'rollback');
}

/** A rollback that names no release is about what serves now; where something else is on its way, that is to go first. */
function rollbackTooEarly({
  fleet,
  ahead,
}: RequestWorld): Extract<RequestVerdict, { verdict: 'refused' }> | undefined {
  const { lease, queue, live } = fleet;
  const holds = lease?.purpose === 'rollout' && lease.release !== live?.release;
  const first = holds ? lease.rollout : queue[0];
  if (first === undefined) return undefined;
  const serving = live === null ? 'nothing' : releaseLabel(live.release);
  const rollout = ahead.find(({ number }) => number === first);
  const abort = judgeOrder('abort', rollout && orderState(rollout, fleet));
  const cure =
    abort.verdict === 'refused'
      ? 'wait until it has ended'
      : `abort it, and ${serving} goes on serving (flotilla abort ${rolloutId(fleet.fleet, first)})`;
  const trouble = attentionWords(fleet);
  return {
    verdict: 'refused',
    error: 'RequestRefused',
    reasons: [
      `rollout ${first} is not live yet: ${cure}; or name the release to go back to`,
      ...(trouble === undefined ? [] : [trouble]),
    ],
  };
}

type Found =
  | { readonly verdict: 'found'; readonly kind: 'deploy'; readonly release: ReleaseItem | 'new' }
  | { readonly verdict: 'found'; readonly kind: 'rollback'; readonly release: ReleaseItem }
  | Extract<RequestVerdict, { verdict: 'refused' }>;

function find(request: RolloutRequest, world: RequestWorld): Found {
  const refuse = (error: ErrorName, reason: string): Found => ({
    verdict: 'refused',
    error,
    reasons: [reason],
  });
  const { target } = request;
  switch (target.kind) {
    case 'image': {
      const { image } = world;
      if (image === undefined) return refuse('ImageNotFound', `There is no image ${target.identity}`);
      if (image.imageId === undefined || image.state === 'building' || image.state === 'failed') {
        return refuse('ImageNotFound', `The image ${target.identity} is ${image.state}`);
      }
      return { verdict: 'found', kind: 'deploy', release: 'new' };
    }
    case 'release':
      if (world.release === undefined) {
        return refuse('ReleaseNotFound', `${request.fleet} has no release ${releaseLabel(target.number)}`);
      }
      return {
        verdict: 'found',
        kind: isWayBack(request, world.release, world.fleet) ? 'rollback' : 'deploy',
        release: world.release,
      };
    case 'rollback': {
      const release = rollbackTarget(world.fleet, world.former);
      if (release === undefined) {
        return refuse('ReleaseNotFound', noTargetWords(world.fleet, world.former));
      }
      return { verdict: 'found', kind: 'rollback', release };
    }
  }
}

/** Whether a wish for a release is one to go back: to an older one that has served, or on an alarm's word to any. */
export function isWayBack(
  { by }: Pick<RolloutRequest, 'by'>,
  { servedAt, number }: Pick<ReleaseItem, 'servedAt' | 'number'>,
  { live }: Pick<FleetItem, 'live'>,
): boolean {
  return by.through === 'alarm' || (servedAt !== undefined && number < (live?.release ?? 0));
}
