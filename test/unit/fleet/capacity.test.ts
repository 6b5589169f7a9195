import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  candidateCapacity,
  lateHold,
  lostPin,
  pinFor,
  promotedBounds,
  renewedCapacity,
  returnCapacity,
  sizeForShare,
} from '../../../src/fleet/capacity.ts';

const spec = { minimum: 2, desired: 3, maximum: 6 };

describe('the size of a candidate', () => {
  it('follows what live has now, not the spec', () => {
    expect(candidateCapacity(spec, { desired: 5 })).toEqual({ minimum: 5, desired: 5, maximum: 6 });
  });
  it("is the spec's where nothing is live", () => {
    expect(candidateCapacity(spec, undefined)).toEqual({ minimum: 3, desired: 3, maximum: 6 });
  });
  it('does not believe a live group of zero', () => {
    expect(candidateCapacity(spec, { desired: 0 }).desired).toBe(3);
  });
  it("is at least the spec's minimum, and may exceed its maximum", () => {
    expect(candidateCapacity(spec, { desired: 1 }).desired).toBe(2);
    expect(candidateCapacity(spec, { desired: 9 })).toEqual({ minimum: 9, desired: 9, maximum: 9 });
  });
  it('never has less than live', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), (desired) => {
        const candidate = candidateCapacity(spec, { desired });
        expect(candidate.desired).toBeGreaterThanOrEqual(desired);
        expect(candidate.minimum).toBe(candidate.desired);
        expect(candidate.maximum).toBeGreaterThanOrEqual(candidate.desired);
      }),
    );
  });
});

describe('the size of a live group that is made anew', () => {
  it('is what it was pinned at, or what serves, whichever is more', () => {
    expect(renewedCapacity(spec, 4, { desired: 3 })).toEqual({ minimum: 4, desired: 4, maximum: 6 });
    expect(renewedCapacity(spec, 4, { desired: 7 })).toEqual({ minimum: 4, desired: 7, maximum: 7 });
  });
  it('has the minimum of the spec where nothing was pinned', () => {
    expect(renewedCapacity(spec, undefined, { desired: 4 })).toEqual({ minimum: 2, desired: 4, maximum: 6 });
  });
  it("is the spec's where nothing tells another", () => {
    expect(renewedCapacity(spec, undefined, undefined)).toEqual({ minimum: 2, desired: 3, maximum: 6 });
  });
});

describe('bounds', () => {
  it("become the spec's at promotion, and shrink nothing", () => {
    expect(promotedBounds(spec, { desired: 4 })).toEqual({ minimum: 2, maximum: 6 });
    expect(promotedBounds(spec, { desired: 8 })).toEqual({ minimum: 2, maximum: 8 });
    expect(promotedBounds(spec, { desired: 1 })).toEqual({ minimum: 1, maximum: 6 });
  });
  it('are pinned to what live has, where something could scale it in', () => {
    expect(pinFor({ minimum: 1, desired: 3, maximum: 4 })).toEqual({ former: 1, pinned: 3 });
    expect(pinFor({ minimum: 3, desired: 3, maximum: 4 })).toBeUndefined();
  });
  it('are pinned again where a late call took the pin away, and not lowered where live has grown', () => {
    expect(lostPin(3, { minimum: 1 })).toBe(3);
    expect(lostPin(3, { minimum: 3 })).toBeUndefined();
    expect(lostPin(3, { minimum: 4 })).toBeUndefined();
    expect(lostPin(undefined, { minimum: 1 })).toBeUndefined();
  });
  it('are given back where a late call held a live release once more, and left where they are a wish', () => {
    expect(lateHold(spec, 3, { minimum: 3, desired: 3, maximum: 6 })).toBe(2);
    expect(lateHold(spec, 3, { minimum: 4, desired: 4, maximum: 6 })).toBeUndefined();
    expect(lateHold(spec, 2, { minimum: 2, desired: 2, maximum: 6 })).toBeUndefined();
    expect(lateHold(spec, undefined, { minimum: 3, desired: 3, maximum: 6 })).toBeUndefined();
  });
  it('of a returning release hold the greater of both sizes', () => {
    expect(returnCapacity({ minimum: 1, desired: 2, maximum: 4 }, { desired: 5 })).toEqual({
      minimum: 1,
      desired: 5,
      maximum: 5,
    });
    expect(returnCapacity({ minimum: 1, desired: 4, maximum: 4 }, { desired: 2 }).desired).toBe(4);
    expect(returnCapacity({ minimum: 0, desired: 0, maximum: 4 }, undefined)).toEqual({
      minimum: 1,
      desired: 1,
      maximum: 4,
    });
  });
});

describe('the size for a share of the traffic', () => {
  it.each([
    ['full', 1, 4, 4, 4],
    ['full', 50, 4, 6, 6],
    ['follow', 1, 4, 4, 1],
    ['follow', 25, 4, 4, 1],
    ['follow', 26, 4, 4, 2],
    ['follow', 50, 4, 10, 5],
    ['follow', 100, 4, 3, 4],
    ['follow', 100, 4, 9, 9],
  ] as const)('%s, %i %%, planned %i, live has %i: %i', (mode, share, planned, desired, size) => {
    expect(sizeForShare(mode, share, planned, { desired })).toBe(size);
  });

  it('is that of the plan where nothing is live', () => {
    expect(sizeForShare('full', 100, 3, undefined)).toBe(3);
  });

  it('never shrinks from step to step, and is never nothing', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2000 }),
        fc.integer({ min: 0, max: 2000 }),
        fc.integer({ min: 1, max: 99 }),
        (planned, desired, share) => {
          const size = (mode: 'full' | 'follow', percent: number) =>
            sizeForShare(mode, percent, planned, { desired });
          expect(size('follow', share)).toBeGreaterThanOrEqual(1);
          expect(size('follow', share + 1)).toBeGreaterThanOrEqual(size('follow', share));
          expect(size('follow', 100)).toBe(size('full', share));
        },
      ),
    );
  });
});
