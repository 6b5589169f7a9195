/** Who builds an image: one execution for each identity; the others wait for it and adopt what it made. */
import type { ImageItem } from '../contracts/items.ts';

/**
 * The longest time that a call of a dead execution may still be under way: the timeout of each function that
 * changes something beyond its own snapshot (infra/functions/build.yml).
 */
export const longestCallSeconds = 60;

/** What is known of the execution that owns the build. */
export type OwnerState =
  | { readonly kind: 'running' }
  | { readonly kind: 'ended'; readonly at: Date }
  /** Step Functions knows it no more. */
  | { readonly kind: 'unknown' };

/** Whether an owner has ended, and so long ago that none of its calls can be under way any more. */
export function isGone(owner: OwnerState, now: Date, since: Date): boolean {
  switch (owner.kind) {
    case 'running':
      return false;
    case 'unknown':
      // DescribeExecution is eventually consistent: one that began just now may not be known yet.
      return now.getTime() - since.getTime() >= longestCallSeconds * 1000;
    case 'ended':
      return now.getTime() - owner.at.getTime() >= longestCallSeconds * 1000;
  }
}

export interface ClaimSituation {
  readonly item: ImageItem | undefined;
  /** The execution that asks. */
  readonly self: string;
  /** Of the item's owner; looked up only where the item is being built by somebody else. */
  readonly owner: OwnerState | undefined;
  /** Whether EC2 still has the image that the item names. */
  readonly imageStands: boolean;
  readonly now: Date;
}

export type ClaimDecision =
  | { readonly kind: 'adopt'; readonly imageId: string; readonly snapshotId: string }
  | { readonly kind: 'wait'; readonly reason: string }
  /** It is ours already: the answer to an earlier call was lost. */
  | { readonly kind: 'resume'; readonly attempt: number }
  | { readonly kind: 'build'; readonly attempt: number; readonly reason: string; readonly tookOver: boolean }
  | { readonly kind: 'vetoed' };

export function decideClaim({ item, self, owner, imageStands, now }: ClaimSituation): ClaimDecision {
  if (item === undefined) {
    return { kind: 'build', attempt: 1, reason: 'nobody built this image before', tookOver: false };
  }
  const again = (reason: string, tookOver: boolean): ClaimDecision => ({
    kind: 'build',
    attempt: item.attempt + 1,
    reason,
    tookOver,
  });
  switch (item.state) {
    case 'vetoed':
      return { kind: 'vetoed' };
    case 'failed':
      return again(`attempt ${item.attempt} failed`, false);
    case 'available':
      return imageStands && item.imageId !== undefined && item.snapshotId !== undefined
        ? { kind: 'adopt', imageId: item.imageId, snapshotId: item.snapshotId }
        : again('EC2 no longer has the image that was recorded', false);
    case 'building': {
      if (item.owner === self) return { kind: 'resume', attempt: item.attempt };
      if (owner === undefined || owner.kind === 'running') {
        return { kind: 'wait', reason: `${item.owner} is building it` };
      }
      if (!isGone(owner, now, new Date(item.createdAt))) {
        return { kind: 'wait', reason: `${item.owner} has ended, and its last call may still be under way` };
      }
      return again(`${item.owner} ended without finishing`, true);
    }
  }
}
