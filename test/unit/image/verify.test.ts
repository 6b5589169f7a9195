import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, blockChecksum, linearChecksum } from '../../../src/image/blocks.ts';
import {
  builtBlocks,
  firstDifference,
  judgeBlock,
  missingBlocks,
  sampleBlocks,
} from '../../../src/image/verify.ts';

const sum = (text: string) => blockChecksum(Buffer.from(text));
const whole = (...texts: string[]) => linearChecksum(texts.map(sum));
const zero = blockChecksum(new Uint8Array(BLOCK_BYTES));
const map = { attempt: 2, snapshotId: 'snap-1', encrypted: false };
const segment = (...blocks: [number, string][]) => ({
  nonZero: blocks.map(([index, text]): [number, string] => [index, sum(text)]),
  put: blocks.map(([index]) => index),
});
const image = (checksum: string | undefined, changes: object = {}) => ({
  attempt: 2,
  snapshotId: 'snap-1',
  checksum,
  ...changes,
});

describe('the digests that the writers left', () => {
  it('are one map of the blocks that are not zero', () => {
    const segments = [segment([0, 'a'], [2, 'b']), segment([7, 'c'])];
    const { nonZero, present } = builtBlocks(map, segments, image(whole('a', 'b', 'c')));
    expect([...nonZero]).toEqual([
      [0, sum('a')],
      [2, sum('b')],
      [7, sum('c')],
    ]);
    expect([...present]).toEqual([0, 2, 7]);
  });

  it('name blocks that an earlier snapshot put, beside those that the checksum covers', () => {
    const inherited = { nonZero: segment([0, 'a'], [2, 'b']).nonZero, put: [2] };
    expect([...builtBlocks(map, [inherited], image(whole('b'))).present]).toEqual([0, 2]);
  });

  it('of an encrypted snapshot want the zero blocks that were put', () => {
    const segments = [{ nonZero: segment([1, 'a']).nonZero, put: [0, 1] }];
    const encrypted = builtBlocks(
      { ...map, encrypted: true },
      segments,
      image(linearChecksum([zero, sum('a')])),
    );
    expect(missingBlocks(encrypted, new Set([1]))).toEqual([{ index: 0, kind: 'missing' }]);
    expect(judgeBlock(encrypted, 0, zero)).toBeUndefined();
  });

  it.each<[string, Parameters<typeof builtBlocks>, RegExp]>([
    [
      'replaced',
      [map, [segment([0, 'b'])], image(whole('a'))],
      /not those that the snapshot was completed with/,
    ],
    ['partly gone', [map, [segment([0, 'a'])], image(whole('a', 'b'))], /not those that/],
    ['of an image without a checksum', [map, [segment([0, 'a'])], image(undefined)], /no checksum/],
    ['of another attempt', [map, [segment([0, 'a'])], image(whole('a'), { attempt: 1 })], /another attempt/],
    [
      'of another snapshot',
      [map, [segment([0, 'a'])], image(whole('a'), { snapshotId: 'snap-2' })],
      /another attempt/,
    ],
  ])('vouch for nothing when they are %s', (_, [said, segments, kept], why) => {
    expect(() => builtBlocks(said, segments, kept)).toThrow(
      expect.objectContaining({ name: 'ImageUnverifiable', message: expect.stringMatching(why) }),
    );
  });
});

describe('a block of a snapshot', () => {
  const built = builtBlocks(map, [segment([0, 'a'], [2, 'b'])], image(whole('a', 'b')));

  it.each([
    ['is what was built', 0, sum('a'), undefined],
    ['holds other bytes', 0, sum('b'), { index: 0, kind: 'changed' }],
    ['holds zeros where bytes were written', 2, zero, { index: 2, kind: 'changed' }],
    ['is zero where nothing was written', 1, zero, undefined],
    ['holds bytes where nothing was written', 1, sum('a'), { index: 1, kind: 'unexpected' }],
  ])('%s', (_, index, checksum, verdict) => {
    expect(judgeBlock(built, index, checksum)).toEqual(verdict);
  });

  it('is missed where it was written and is not listed', () => {
    expect(missingBlocks(built, new Set([0, 1, 2]))).toEqual([]);
    expect(missingBlocks(built, new Set([1, 2]))).toEqual([{ index: 0, kind: 'missing' }]);
  });

  it('differs from another at the first byte that does', () => {
    expect(firstDifference(Buffer.from('abc'), Buffer.from('abd'))).toBe(2);
    expect(firstDifference(Buffer.from('abc'), Buffer.from('ab'))).toBe(2);
    expect(firstDifference(Buffer.from('abc'), Buffer.from('abc'))).toBeUndefined();
  });
});

describe('a sample', () => {
  const identity = 'a'.repeat(64);

  it('looks at every block once in as many samples as it says', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 1, max: 64 }),
        fc.nat(1000),
        (count, size, round) => {
          const blocks = Array.from({ length: count }, (_, index) => index * 3);
          const { samplesForAll } = sampleBlocks(blocks, { identity, number: 0, size });
          const seen = Array.from(
            { length: samplesForAll },
            (_, at) => sampleBlocks(blocks, { identity, number: round * samplesForAll + at, size }).indexes,
          );
          expect(seen.every((one) => one.length <= size)).toBe(true);
          expect(seen.flat().sort((a, b) => a - b)).toEqual(blocks);
        },
      ),
      { numRuns: 20 },
    );
  });

  it('is the same when it is taken again, and another for another image, hour and round', () => {
    const blocks = Array.from({ length: 200 }, (_, index) => index);
    const take = (number: number, of = identity) =>
      sampleBlocks(blocks, { identity: of, number, size: 20 }).indexes;
    expect(take(3)).toEqual(take(3));
    expect(take(4)).not.toEqual(take(3));
    expect(take(13)).not.toEqual(take(3));
    expect(take(3, 'b'.repeat(64))).not.toEqual(take(3));
  });
});
