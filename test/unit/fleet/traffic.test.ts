import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guardRemoval, guardWeights } from '../../../src/fleet/guard.ts';
import {
  decideShift,
  mayBeStale,
  proveTraffic,
  stepWeights,
  weightsFor,
} from '../../../src/fleet/traffic.ts';
import type { SlotViews, TrafficWorld, Weights } from '../../../src/fleet/world.ts';

const slots = (blue: number, green: number): SlotViews => ({
  blue: { targets: Array.from({ length: blue }, (_, i) => ({ id: `i-b${i}`, state: 'healthy' })) },
  green: { targets: Array.from({ length: green }, (_, i) => ({ id: `i-a${i}`, state: 'healthy' })) },
});
const world = (weights: Weights, healthy: SlotViews = slots(2, 2)): TrafficWorld => ({
  rule: { weights, foreign: [], sticky: false },
  slots: healthy,
});
const live = { release: 1, slot: 'blue' as const, groupName: 'flt-web-v1-r1' };

describe('shifting', () => {
  const expected = { blue: 90, green: 10 };
  const wanted = { blue: 50, green: 50 };

  it('goes from the expected weights to the wanted ones', () => {
    expect(decideShift(world(expected), expected, wanted, true)).toEqual({ do: 'modify', weights: wanted });
  });
  it('finds its own work done', () => {
    expect(decideShift(world(wanted), expected, wanted, true)).toEqual({ do: 'nothing' });
  });
  it('overwrites nobody', () => {
    expect(decideShift(world({ blue: 70, green: 30 }), expected, wanted, true)).toMatchObject({
      do: 'refuse',
      error: 'TrafficChangedByHand',
    });
  });
  it('refuses a rule that forwards elsewhere too', () => {
    const foreign = {
      ...world(expected),
      rule: { weights: expected, foreign: ['arn:other'], sticky: false },
    };
    expect(decideShift(foreign, expected, wanted, true)).toMatchObject({ error: 'TrafficChangedByHand' });
  });
  it('moves nothing to a slot without healthy targets', () => {
    expect(decideShift(world(expected, slots(2, 0)), expected, wanted, true)).toMatchObject({
      do: 'refuse',
      error: 'GuardRefused',
    });
  });
  it('does not ask whether the slot is well that loses weight', () => {
    expect(decideShift(world(expected, slots(0, 2)), expected, wanted, true)).toMatchObject({ do: 'modify' });
  });
  it('never leaves a fleet that has served without traffic, nor moves any to where no target is', () => {
    const share = fc.integer({ min: 0, max: 100 });
    const weights = fc.record({ blue: share, green: share });
    const count = fc.integer({ min: 0, max: 3 });
    fc.assert(
      fc.property(weights, weights, count, count, (before, after, blue, green) => {
        const decision = decideShift(world(before, slots(blue, green)), before, after, true);
        if (decision.do !== 'modify') return;
        expect(decision.weights.blue + decision.weights.green).toBeGreaterThan(0);
        if (decision.weights.blue > before.blue) expect(blue).toBeGreaterThan(0);
        if (decision.weights.green > before.green) expect(green).toBeGreaterThan(0);
      }),
    );
  });
  it('gives the rest to live, and everything to the first release', () => {
    expect(stepWeights('green', 10, true)).toEqual({ blue: 90, green: 10 });
    expect(stepWeights('blue', 10, true)).toEqual({ blue: 10, green: 90 });
    expect(stepWeights('blue', 10, false)).toEqual({ blue: 100, green: 0 });
    expect(weightsFor('green', 100)).toEqual({ blue: 0, green: 100 });
  });
});

describe('weights that lineage does not expect', () => {
  const since = '2026-01-01T00:00:00.000Z';
  const lineage = { weights: { blue: 50, green: 50 }, weightsSince: since };
  const later = (seconds: number) => new Date(Date.parse(since) + seconds * 1000);

  it('may be old ones for a while after our own change, and are somebody else’s later', () => {
    const before = { blue: 100, green: 0 };
    expect(mayBeStale(before, lineage, later(0))).toBe(true);
    expect(mayBeStale(before, lineage, later(9.9))).toBe(true);
    expect(mayBeStale(before, lineage, later(10))).toBe(false);
    expect(mayBeStale(before, { weights: lineage.weights }, later(0))).toBe(false);
    expect(mayBeStale(lineage.weights, lineage, later(0))).toBe(false);
  });
});

describe('the proof', () => {
  it('is that the rule has the weights and who is weighted has healthy targets', () => {
    expect(proveTraffic(world({ blue: 90, green: 10 }), { blue: 90, green: 10 })).toMatchObject({
      proven: true,
      proof: 'read-back',
      healthy: { blue: 2, green: 2 },
    });
  });
  it('fails on other weights, and on a weighted slot without healthy targets', () => {
    expect(proveTraffic(world({ blue: 100, green: 0 }), { blue: 90, green: 10 })).toMatchObject({
      proven: false,
    });
    expect(proveTraffic(world({ blue: 90, green: 10 }, slots(2, 0)), { blue: 90, green: 10 })).toMatchObject({
      proven: false,
    });
  });
});

describe('the traffic guard', () => {
  const rest = { blue: 100, green: 0 };
  const candidate = { groupName: 'flt-web-v2-r2', slot: 'green' as const };

  it('lets a group go that has no part in the traffic', () => {
    expect(guardRemoval(candidate, { live, served: true }, world(rest))).toEqual([]);
  });
  it('keeps live', () => {
    const reasons = guardRemoval(
      { groupName: live.groupName, slot: 'blue' },
      { live, served: true },
      world(rest),
    );
    expect(reasons.join()).toContain('is live');
  });
  it('keeps what has weight', () => {
    expect(guardRemoval(candidate, { live, served: true }, world({ blue: 90, green: 10 })).join()).toContain(
      '10 % of the traffic',
    );
  });
  it('keeps the other group while live has no healthy target, or no traffic', () => {
    expect(guardRemoval(candidate, { live, served: true }, world(rest, slots(0, 2))).join()).toContain(
      'no healthy target',
    );
    expect(guardRemoval(candidate, { live, served: true }, world({ blue: 0, green: 0 })).join()).toContain(
      'has no traffic',
    );
  });
  it('lets the candidate of a first rollout go, whose fleet never served', () => {
    const never = { live: null, served: false };
    expect(guardRemoval({ ...candidate, slot: 'blue' }, never, world({ blue: 0, green: 0 }))).toEqual([]);
  });
  it('allows weights of zero only before the fleet has served', () => {
    expect(guardWeights(slots(0, 0), { blue: 0, green: 0 }, false)).toEqual([]);
    expect(guardWeights(slots(1, 1), { blue: 0, green: 0 }, true)).toHaveLength(1);
  });
});
