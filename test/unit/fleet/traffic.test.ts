import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guardRemoval, guardWeights } from '../../../src/fleet/guard.ts';
import {
  decideShift,
  mayBeStale,
  propagationSeconds,
  proveTraffic,
  settleSeconds,
  stepWeights,
  weightsFor,
} from '../../../src/fleet/traffic.ts';
import { healthyCount, type SlotViews, type TrafficWorld, type Weights } from '../../../src/fleet/world.ts';

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
    expect(decideShift(world({ blue: 70, green: 30 }), expected, wanted, true)).toEqual({
      do: 'refuse',
      error: 'TrafficChangedByHand',
      reasons: ['the rule has blue 70 %, green 30 %; lineage expects blue 90 %, green 10 %'],
    });
    expect(decideShift(world({ blue: 90, green: 0 }), expected, wanted, true).do).toBe('refuse');
    expect(decideShift(world({ blue: 0, green: 10 }), expected, wanted, true).do).toBe('refuse');
  });
  it('refuses a rule that forwards elsewhere too', () => {
    const foreign = {
      ...world(expected),
      rule: { weights: expected, foreign: ['arn:other'], sticky: false },
    };
    expect(decideShift(foreign, expected, wanted, true)).toEqual({
      do: 'refuse',
      error: 'TrafficChangedByHand',
      reasons: ['the rule also forwards to arn:other, which is no slot of the fleet'],
    });
  });
  it('moves nothing to a slot without healthy targets', () => {
    expect(decideShift(world(expected, slots(2, 0)), expected, wanted, true)).toEqual({
      do: 'refuse',
      error: 'GuardRefused',
      reasons: ['green would get 50 % of the traffic and has no healthy target'],
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
    expect(stepWeights('green', 10, false)).toEqual({ blue: 0, green: 100 });
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
    expect(mayBeStale(before, { weights: lineage.weights, weightsSince: undefined }, new Date(NaN))).toBe(
      false,
    );
    expect(mayBeStale(lineage.weights, lineage, later(0))).toBe(false);
  });
});

describe('after a change of weights', () => {
  it('only a fleet without live waits for the nodes: elsewhere one that lags has somebody to ask', () => {
    expect(settleSeconds({ live: null })).toBe(propagationSeconds);
    expect(settleSeconds({ live: { release: 1 } })).toBe(0);
  });
});

describe('the proof', () => {
  const weights = { blue: 90, green: 10 };
  it('is that the rule has the weights and who is weighted has healthy targets', () => {
    expect(proveTraffic({ weights }, { blue: 2, green: 1 }, weights)).toEqual({
      proven: true,
      proof: 'read-back',
    });
    const all = { blue: 0, green: 100 };
    expect(proveTraffic({ weights: all }, { blue: 0, green: 1 }, all)).toMatchObject({ proven: true });
  });
  it('fails on other weights, and names both', () => {
    expect(proveTraffic({ weights: { blue: 100, green: 0 } }, { blue: 2, green: 2 }, weights)).toEqual({
      proven: false,
      reasons: ['the rule has blue 100 %, green 0 %, not blue 90 %, green 10 %'],
    });
  });
  it('fails on each weighted slot without healthy targets', () => {
    expect(proveTraffic({ weights }, { blue: 0, green: 0 }, weights)).toEqual({
      proven: false,
      reasons: [
        'blue should get 90 % and has no healthy target',
        'green should get 10 % and has no healthy target',
      ],
    });
  });
  it('counts as healthy who is called so, and nobody else', () => {
    const targets = ['healthy', 'unhealthy', 'draining', 'healthy'].map((state, index) => ({
      id: `i-${index}`,
      state,
    }));
    expect(healthyCount({ targets })).toBe(2);
  });
});

describe('the traffic guard', () => {
  const rest = { blue: 100, green: 0 };
  const candidate = { groupName: 'flt-web-v2-r2', slot: 'green' as const };

  it('lets a group go that has no part in the traffic', () => {
    expect(guardRemoval(candidate, { live, served: true }, world(rest))).toEqual([]);
  });
  it('keeps live', () => {
    expect(
      guardRemoval({ groupName: live.groupName, slot: 'blue' }, { live, served: true }, world(rest)),
    ).toEqual(['flt-web-v1-r1 is live', 'blue, the slot of flt-web-v1-r1, has 100 % of the traffic']);
  });
  it('keeps live wherever it is, and what shares its slot', () => {
    const none = world({ blue: 0, green: 100 });
    expect(guardRemoval({ groupName: live.groupName, slot: 'blue' }, { live, served: true }, none)).toEqual([
      'flt-web-v1-r1 is live',
    ]);
    expect(
      guardRemoval({ groupName: 'flt-web-v0-r9', slot: 'blue' }, { live, served: true }, world(rest)),
    ).toEqual(['blue, the slot of flt-web-v0-r9, has 100 % of the traffic']);
  });
  it('keeps what has weight', () => {
    expect(guardRemoval(candidate, { live, served: true }, world({ blue: 90, green: 10 }))).toEqual([
      'green, the slot of flt-web-v2-r2, has 10 % of the traffic',
    ]);
  });
  it('keeps the other group while live has no healthy target, or no traffic', () => {
    expect(guardRemoval(candidate, { live, served: true }, world(rest, slots(0, 2)))).toEqual([
      'live has no healthy target in blue; flt-web-v2-r2 may be needed',
    ]);
    expect(guardRemoval(candidate, { live, served: true }, world({ blue: 0, green: 0 }))).toEqual([
      'blue, where live is, has no traffic',
    ]);
  });
  it('lets a group go that could not serve either, when live cannot', () => {
    expect(guardRemoval(candidate, { live, served: true }, world(rest, slots(0, 0)))).toEqual([]);
    expect(guardRemoval(candidate, { live, served: true }, world(rest, slots(0, 1)))).toEqual([
      'live has no healthy target in blue; flt-web-v2-r2 may be needed',
    ]);
  });
  it('keeps a group in no slot, too, while live cannot serve', () => {
    const lost = { groupName: 'flt-web-v9-r9', slot: undefined };
    expect(guardRemoval(lost, { live, served: true }, world(rest, slots(0, 0)))).toEqual([
      'live has no healthy target in blue; flt-web-v9-r9 may be needed',
    ]);
    expect(guardRemoval(lost, { live, served: true }, world(rest))).toEqual([]);
  });
  it('minds live only once the fleet has served', () => {
    expect(
      guardRemoval(candidate, { live, served: false }, world({ blue: 0, green: 0 }, slots(0, 0))),
    ).toEqual([]);
    expect(
      guardRemoval(candidate, { live: null, served: true }, world({ blue: 0, green: 0 }, slots(0, 0))),
    ).toEqual([]);
  });
  it('lets the candidate of a first rollout go, whose fleet never served', () => {
    const never = { live: null, served: false };
    expect(guardRemoval({ ...candidate, slot: 'blue' }, never, world({ blue: 0, green: 0 }))).toEqual([]);
  });
  it('allows weights of zero only before the fleet has served', () => {
    expect(guardWeights(slots(0, 0), { blue: 0, green: 0 }, false)).toEqual([]);
    expect(guardWeights(slots(1, 1), { blue: 0, green: 0 }, true)).toEqual([
      'the weights would all be zero, on a fleet that has served',
    ]);
  });
  it('allows weight only where a target is healthy, and says so of each slot', () => {
    expect(guardWeights(slots(0, 0), { blue: 90, green: 10 }, true)).toEqual([
      'blue would get 90 % of the traffic and has no healthy target',
      'green would get 10 % of the traffic and has no healthy target',
    ]);
    expect(guardWeights(slots(1, 0), { blue: 100, green: 0 }, true)).toEqual([]);
  });
});
