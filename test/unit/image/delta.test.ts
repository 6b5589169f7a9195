import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlockMap } from '../../../src/contracts/image-blocks.ts';
import type { ImageItem } from '../../../src/contracts/items.ts';
import {
  beneath,
  chooseParent,
  mustPut,
  type ParentCandidate,
  putChecksums,
  zeroChecksum,
} from '../../../src/image/delta.ts';

const wanted = { identity: 'f'.repeat(64), architecture: 'x86_64', volumeSizeGiB: 1 } as const;

function candidate(
  letter: string,
  image: Partial<ImageItem> = {},
  map: Partial<BlockMap> = {},
): ParentCandidate {
  const identity = letter.repeat(64);
  const snapshotId = `snap-${letter}`;
  return {
    image: {
      type: 'image',
      identity,
      state: 'available',
      owner: 'arn:aws:states:x',
      attempt: 1,
      artifactSha256: identity,
      architecture: 'x86_64',
      kernel: '',
      kernelDigest: '',
      builderVersion: '1',
      volumeSizeGiB: 1,
      snapshotId,
      createdAt: '2026-11-26T00:00:00.000Z',
      ...image,
    },
    map: {
      format: 1,
      identity,
      attempt: 1,
      snapshotId,
      volumeSizeGiB: 1,
      encrypted: false,
      depth: 0,
      nonZero: 0,
      put: 0,
      files: [],
      ...map,
    },
  };
}

describe('the parent of an image', () => {
  it('is the newest image of the fleet that stands', () => {
    expect(chooseParent(wanted, [candidate('a'), candidate('b')])).toEqual({
      identity: 'a'.repeat(64),
      snapshotId: 'snap-a',
      depth: 0,
    });
    expect(chooseParent(wanted, [])).toBeUndefined();
  });

  const unfit: [string, ParentCandidate][] = [
    ['is being built', candidate('a', { state: 'building' })],
    ['was vetoed', candidate('a', { state: 'vetoed' })],
    ['has another architecture', candidate('a', { architecture: 'arm64' })],
    ['has a volume of another size', candidate('a', { volumeSizeGiB: 2 }, { volumeSizeGiB: 2 })],
    ['is this very image', candidate('f')],
    ['has no map', { ...candidate('a'), map: undefined }],
    ['has the map of another snapshot', candidate('a', {}, { snapshotId: 'snap-former' })],
  ];
  it.each(unfit)('is not one that %s', (_why, one) => {
    expect(chooseParent(wanted, [one])).toBeUndefined();
    expect(chooseParent(wanted, [one, candidate('b')])).toMatchObject({ snapshotId: 'snap-b' });
  });
});

describe('the blocks that are put', () => {
  it('make of what lies beneath exactly what was wanted, and none of them without need', () => {
    const content = fc.array(fc.constantFrom(zeroChecksum, 'a', 'b'), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(content, fc.option(content), fc.boolean(), (image, before, encrypted) => {
        const parent =
          before && new Map([...before.entries()].filter(([, checksum]) => checksum !== zeroChecksum));
        for (const [index, checksum] of image.entries()) {
          const under = beneath(index, encrypted, parent ?? undefined);
          const untouched = before ? before[index] : encrypted ? 'garbage' : zeroChecksum;
          expect(mustPut(checksum, under)).toBe(checksum !== untouched);
        }
      }),
    );
  });

  it('are sealed with their checksums, zeros included', () => {
    const nonZero: [number, string][] = [
      [1, 'a'],
      [2, 'b'],
    ];
    expect(putChecksums({ nonZero, put: [2, 5] })).toEqual(['b', zeroChecksum]);
  });
});
