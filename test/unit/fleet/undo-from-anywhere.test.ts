/** Whatever a rollout had done, and whatever went with it: the steps of the undo end, and in the right order. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sameWeights } from '../../../src/fleet/traffic.ts';
import { nextUndo, restWeights, type UndoStep, type UndoWorld } from '../../../src/fleet/undo.ts';
import { candidate, group, live, restFleet, slot, world } from './undo-kit.ts';

describe('undoing from anywhere', () => {
  /** What AWS would make of a step, at once. */
  function after(step: UndoStep, before: UndoWorld): UndoWorld {
    switch (step.do) {
      case 'weights':
        return {
          ...before,
          rule: { ...before.rule, weights: step.weights },
          fleet: { ...before.fleet, weights: step.weights },
          secondsSinceShift: 0,
        };
      case 'record-weights':
        return { ...before, fleet: { ...before.fleet, weights: step.weights }, secondsSinceShift: 0 };
      case 'resize':
        return {
          ...before,
          groups: before.groups.map((one) =>
            one.name === step.groupName ? group(live, step.capacity.desired, step.capacity.minimum) : one,
          ),
          slots: { ...before.slots, blue: slot('blue', step.capacity.desired) },
        };
      case 'shrink':
        return {
          ...before,
          groups: before.groups.map((one) =>
            one.name === step.groupName ? { ...one, minimum: 0, desired: 0, members: [] } : one,
          ),
          slots: { ...before.slots, green: slot('green', 0) },
        };
      case 'delete':
        return { ...before, groups: before.groups.filter(({ name }) => name !== step.groupName) };
      case 'unpin':
        return { ...before, fleet: { ...before.fleet, pins: [] } };
      default:
        return { ...before, secondsSinceShift: 60, undoingSeconds: before.undoingSeconds + 60 };
    }
  }

  it('ends with live alone at full weight, without losing traffic on the way', () => {
    const share = fc.integer({ min: 0, max: 100 });
    const anywhere = fc.record({
      share,
      recorded: share,
      size: fc.integer({ min: 1, max: 3 }),
      candidateSize: fc.integer({ min: 0, max: 4 }),
      candidateHealthy: fc.integer({ min: 0, max: 4 }),
      exists: fc.boolean(),
      pinned: fc.boolean(),
      secondsSinceShift: fc.integer({ min: 0, max: 60 }),
      undoingSeconds: fc.integer({ min: 0, max: 60 }),
    });
    fc.assert(
      fc.property(anywhere, (given) => {
        const pins = given.pinned
          ? [
              {
                kind: 'minimum-pinned' as const,
                groupName: live.groupName,
                former: 1,
                pinned: given.size,
                deadline: '',
              },
            ]
          : [];
        const { secondsSinceShift, undoingSeconds } = given;
        let state = world({
          secondsSinceShift,
          undoingSeconds,
          fleet: { ...restFleet, pins, weights: { blue: 100 - given.recorded, green: given.recorded } },
          rule: { weights: { blue: 100 - given.share, green: given.share }, foreign: [], sticky: false },
          groups: [group(live, given.size), ...(given.exists ? [group(candidate, given.candidateSize)] : [])],
          slots: {
            blue: slot('blue', given.size),
            green: slot('green', given.exists ? Math.min(given.candidateHealthy, given.candidateSize) : 0),
          },
        });
        for (let count = 0; count < 40; count += 1) {
          const step = nextUndo(state);
          if (step.do === 'done') {
            expect(state.groups.map(({ name }) => name)).toEqual([live.groupName]);
            expect(sameWeights(state.rule.weights, restWeights(live))).toBe(true);
            expect(sameWeights(state.fleet.weights, restWeights(live))).toBe(true);
            expect(state.fleet.pins).toEqual([]);
            return;
          }
          if (step.do === 'shrink' || step.do === 'delete') {
            expect(step.groupName).not.toBe(live.groupName);
            expect(state.rule.weights).toEqual({ blue: 100, green: 0 });
          }
          if (step.do === 'resize') {
            expect(step.capacity.desired).toBeGreaterThanOrEqual(given.size);
          }
          state = after(step, state);
        }
        throw new Error('undoing does not end');
      }),
    );
  });
});
