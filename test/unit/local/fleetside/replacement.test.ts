/** How a group replaces: what goes, and what comes first, in every combination of bounds. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planReplacement } from '../../../../local/services/autoscaling/replacement.ts';
import type { GroupRecord, Member, Replacement } from '../../../../local/services/autoscaling/state.ts';

// Only what the plan looks at.
const member = (kind?: Replacement['kind'], health: Member['health'] = 'Healthy', inService = true): Member =>
  ({
    health,
    lifecycle: inService ? 'InService' : 'Pending',
    replace: kind === undefined ? undefined : { kind, cause: '' },
  }) as Member;
const group = (desired: number, bounds?: readonly [number, number]): GroupRecord =>
  ({
    desired,
    maintenance:
      bounds === undefined ? undefined : { MinHealthyPercentage: bounds[0], MaxHealthyPercentage: bounds[1] },
  }) as GroupRecord;
const many = (count: number, make: () => Member): Member[] => Array.from({ length: count }, make);

interface Case {
  readonly what: string;
  readonly desired: number;
  readonly bounds?: readonly [number, number];
  readonly leaving: Member[];
  readonly ready?: number;
  readonly pending?: number;
  readonly mayLaunch?: boolean;
  readonly goes: number;
  readonly comes: number;
}

const old = () => member('lifetime');
const sick = () => member('health', 'Unhealthy');
const risky = () => member('spot');

const cases: readonly Case[] = [
  // Without a policy.
  { what: 'the sick go at once', desired: 3, leaving: many(2, sick), ready: 1, goes: 2, comes: 2 },
  { what: 'all sick go at once', desired: 2, leaving: many(2, sick), goes: 2, comes: 2 },
  { what: 'an only one that is old goes first', desired: 1, leaving: many(1, old), goes: 1, comes: 1 },
  { what: 'the old go one at a time', desired: 4, leaving: many(4, old), goes: 1, comes: 1 },
  { what: 'the old go a tenth at a time', desired: 20, leaving: many(20, old), goes: 2, comes: 2 },
  {
    what: 'the old wait for the successor',
    desired: 4,
    leaving: many(3, old),
    pending: 1,
    goes: 0,
    comes: 0,
  },
  { what: 'the old wait for the sick', desired: 3, leaving: [old(), sick()], ready: 1, goes: 1, comes: 1 },
  {
    what: 'one at risk waits for its successor',
    desired: 2,
    leaving: many(1, risky),
    ready: 1,
    goes: 0,
    comes: 1,
  },
  {
    what: 'one at risk goes when that is ready',
    desired: 2,
    leaving: many(1, risky),
    ready: 2,
    goes: 1,
    comes: 0,
  },
  // Launch before terminating.
  {
    what: '100/200: one of one waits',
    desired: 1,
    bounds: [100, 200],
    leaving: many(1, old),
    goes: 0,
    comes: 1,
  },
  {
    what: '100/200: it waits while pending',
    desired: 1,
    bounds: [100, 200],
    leaving: many(1, old),
    pending: 1,
    goes: 0,
    comes: 0,
  },
  {
    what: '100/200: it goes then',
    desired: 1,
    bounds: [100, 200],
    leaving: many(1, old),
    ready: 1,
    goes: 1,
    comes: 0,
  },
  { what: '100/200: all at once', desired: 4, bounds: [100, 200], leaving: many(4, old), goes: 0, comes: 4 },
  {
    what: '100/110: a tenth at a time',
    desired: 20,
    bounds: [100, 110],
    leaving: many(20, old),
    goes: 0,
    comes: 2,
  },
  {
    what: '100/110: rounding leaves one',
    desired: 2,
    bounds: [100, 110],
    leaving: many(2, old),
    goes: 0,
    comes: 1,
  },
  {
    what: '100/100: still one at a time',
    desired: 3,
    bounds: [100, 100],
    leaving: many(1, old),
    ready: 2,
    goes: 0,
    comes: 1,
  },
  {
    what: '100/200: the sick wait, too',
    desired: 1,
    bounds: [100, 200],
    leaving: many(1, sick),
    goes: 0,
    comes: 1,
  },
  {
    what: '100/200: the sick go then',
    desired: 1,
    bounds: [100, 200],
    leaving: many(1, sick),
    ready: 1,
    goes: 1,
    comes: 0,
  },
  {
    what: '100/200: the sick go if none may come',
    desired: 1,
    bounds: [100, 200],
    leaving: many(1, sick),
    mayLaunch: false,
    goes: 1,
    comes: 0,
  },
  // Terminate and launch, and custom policies.
  {
    what: '0/100: all the old at once',
    desired: 3,
    bounds: [0, 100],
    leaving: many(3, old),
    goes: 3,
    comes: 3,
  },
  {
    what: '50/100: half of the old',
    desired: 4,
    bounds: [50, 100],
    leaving: many(4, old),
    goes: 2,
    comes: 2,
  },
  {
    what: '90/100: rounding up leaves no room',
    desired: 4,
    bounds: [90, 100],
    leaving: many(4, old),
    goes: 0,
    comes: 1,
  },
  {
    what: '90/120: one goes, three come',
    desired: 10,
    bounds: [90, 120],
    leaving: many(10, old),
    goes: 1,
    comes: 3,
  },
  {
    what: '50/150: the sick go at once',
    desired: 4,
    bounds: [50, 150],
    leaving: many(1, sick),
    ready: 3,
    goes: 1,
    comes: 1,
  },
];

describe('a plan to replace', () => {
  it.each(cases)(
    '$what',
    ({ desired, bounds, leaving, ready = 0, pending = 0, mayLaunch = true, goes, comes }) => {
      const well = many(ready, () => member());
      const staying = [...well, ...many(pending, () => member(undefined, 'Healthy', false))];
      const plan = planReplacement(group(desired, bounds), { leaving, staying, ready: well, mayLaunch });
      expect({ goes: plan.terminate.length, comes: plan.launch }).toEqual({ goes, comes });
    },
  );

  it('never takes out what serves below the lower bound, nor launches above the upper one', () => {
    const bounds = fc
      .tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 100, max: 200 }))
      .filter(([least, most]) => most - least <= 100);
    const count = fc.integer({ min: 0, max: 12 });
    fc.assert(
      fc.property(bounds, count, count, count, count, (range, olds, sicks, ready, pending) => {
        const desired = Math.max(1, ready + olds + sicks);
        const well = many(ready, () => member());
        const leaving = [...many(olds, old), ...many(sicks, sick)];
        const staying = [...well, ...many(pending, () => member(undefined, 'Healthy', false))];
        const plan = planReplacement(group(desired, range), {
          leaving,
          staying,
          ready: well,
          mayLaunch: true,
        });
        const served = ready + olds;
        const serving = served - plan.terminate.filter((one) => one.health === 'Healthy').length;
        const least = Math.ceil((desired * range[0]) / 100);
        expect(serving).toBeGreaterThanOrEqual(Math.min(served, least));
        const all = staying.length + leaving.length - plan.terminate.length + plan.launch;
        const most = Math.max(Math.floor((desired * range[1]) / 100), desired + 1);
        if (plan.launch > 0) expect(all).toBeLessThanOrEqual(most);
      }),
    );
  });
});
