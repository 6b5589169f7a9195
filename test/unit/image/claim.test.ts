import { describe, expect, it } from 'vitest';
import type { ImageItem } from '../../../src/contracts/items.ts';
import { type ClaimSituation, decideClaim, longestCallSeconds } from '../../../src/image/claim.ts';

const now = new Date('2026-11-23T12:00:00.000Z');
const item: ImageItem = {
  type: 'image',
  identity: 'a'.repeat(64),
  state: 'building',
  owner: 'arn:other',
  attempt: 3,
  artifactSha256: 'b'.repeat(64),
  architecture: 'x86_64',
  kernel: '0.1.54',
  kernelDigest: 'c'.repeat(64),
  builderVersion: '1',
  volumeSizeGiB: 1,
  createdAt: now.toISOString(),
};
const situation = (changes: Partial<ClaimSituation>): ClaimSituation => ({
  item,
  self: 'arn:self',
  owner: { kind: 'running' },
  imageStands: false,
  now,
  ...changes,
});
const available = { ...item, state: 'available', imageId: 'ami-1', snapshotId: 'snap-1' } as const;

describe('the claim to build an image', () => {
  it('is given to the first who asks', () => {
    expect(decideClaim(situation({ item: undefined }))).toMatchObject({ kind: 'build', attempt: 1 });
  });

  it('waits for a builder that is alive', () => {
    expect(decideClaim(situation({}))).toMatchObject({ kind: 'wait' });
  });

  it('resumes where the builder asks again', () => {
    expect(decideClaim(situation({ self: item.owner, owner: undefined }))).toEqual({
      kind: 'resume',
      attempt: 3,
    });
  });

  it('adopts an image that stands', () => {
    expect(decideClaim(situation({ item: available, imageStands: true }))).toEqual({
      kind: 'adopt',
      imageId: 'ami-1',
      snapshotId: 'snap-1',
    });
  });

  it('builds anew what EC2 has lost', () => {
    expect(decideClaim(situation({ item: available }))).toMatchObject({
      kind: 'build',
      attempt: 4,
      tookOver: false,
    });
  });

  it('tries again after an attempt that failed', () => {
    expect(decideClaim(situation({ item: { ...item, state: 'failed' } }))).toMatchObject({
      kind: 'build',
      attempt: 4,
    });
  });

  it('refuses a vetoed image, even one that stands', () => {
    const vetoed = { ...available, state: 'vetoed' } as const;
    expect(decideClaim(situation({ item: vetoed, imageStands: true }))).toEqual({ kind: 'vetoed' });
  });

  it('takes over from a dead builder only when its last call cannot be under way any more', () => {
    const ended = (secondsAgo: number) =>
      situation({ owner: { kind: 'ended', at: new Date(now.getTime() - secondsAgo * 1000) } });
    expect(decideClaim(ended(longestCallSeconds - 1))).toMatchObject({ kind: 'wait' });
    expect(decideClaim(ended(longestCallSeconds))).toMatchObject({
      kind: 'build',
      attempt: 4,
      tookOver: true,
    });
  });

  it('takes over from a builder that Step Functions has forgotten', () => {
    const began = (secondsAgo: number) =>
      situation({
        item: { ...item, createdAt: new Date(now.getTime() - secondsAgo * 1000).toISOString() },
        owner: { kind: 'unknown' },
      });
    expect(decideClaim(began(longestCallSeconds))).toMatchObject({ tookOver: true });
    // One that began just now may not be known yet.
    expect(decideClaim(began(longestCallSeconds - 1))).toMatchObject({ kind: 'wait' });
  });
});
