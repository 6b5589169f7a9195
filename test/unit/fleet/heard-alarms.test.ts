/** From when on an alarm is heard: an event that tells of a time before comes late, or once more. */
import { describe, expect, it } from 'vitest';
import { heardSince, rangBefore } from '../../../src/fleet/gates.ts';
import { fleet, lease } from './views.ts';

const began = '2026-11-23T12:00:00.000Z';
const entered = '2026-11-23T12:30:00.000Z';
const watch = (name: string, fromStep: number) => ({
  name,
  fromStep,
  missingData: 'ignore' as const,
  whileWarm: 'ignore' as const,
});
const steps = fleet.spec.rollout.steps.slice(0, 1).flatMap((step) => [step, step, step]);
const alarms = [watch('errors', 1), watch('latency', 2)];
const holding = {
  gate: null,
  lease: lease({ since: began }),
  spec: { ...fleet.spec, rollout: { ...fleet.spec.rollout, steps, alarms } },
};
const gateOf = (rollout: number, ...names: readonly string[]) => ({
  token: 'token',
  rollout,
  step: 2,
  waitsFor: 'time' as const,
  since: entered,
  alarms: names.map((name) => ({ name, missingData: 'ignore' as const })),
});

describe('a rollout hears an alarm', () => {
  it('from its beginning, where it counts from the first step on', () => {
    expect(heardSince('errors', holding, 'deploy')).toBe(began);
    const gate = gateOf(2, 'errors', 'latency');
    expect(heardSince('errors', { ...holding, gate }, 'deploy')).toBe(began);
  });
  it('from its gate, where it counts from a later step on, and not between two', () => {
    expect(heardSince('latency', holding, 'deploy')).toBeUndefined();
    expect(heardSince('latency', { ...holding, gate: gateOf(2, 'latency') }, 'deploy')).toBe(entered);
  });
  it('only if it is among those of its gate, and has that name', () => {
    expect(heardSince('errors', { ...holding, gate: gateOf(2, 'latency') }, 'deploy')).toBeUndefined();
    expect(heardSince('latency', { ...holding, gate: gateOf(2) }, 'deploy')).toBeUndefined();
    expect(heardSince('others', holding, 'deploy')).toBeUndefined();
  });
  it('whatever the gate of another rollout says', () => {
    expect(heardSince('errors', { ...holding, gate: gateOf(1) }, 'deploy')).toBe(began);
    expect(heardSince('latency', { ...holding, gate: gateOf(1, 'latency') }, 'deploy')).toBeUndefined();
  });
  it('never on the way back', () => {
    expect(heardSince('errors', holding, 'rollback')).toBeUndefined();
  });
  it('from the only step on, where it counts from a later one than there are', () => {
    const one = { ...holding.spec.rollout, steps: steps.slice(0, 1) };
    const short = { ...holding, spec: { ...holding.spec, rollout: one } };
    expect(heardSince('latency', short, 'deploy')).toBe(began);
  });
});

describe('an alarm', () => {
  it.each([
    ['2026-11-23T11:59:59.999+0000', true],
    ['2026-11-23T12:00:00.000+0000', false],
    ['2026-11-23T12:00:00.001+0000', false],
    ['2026-11-23T11:59:59.999Z', true],
    ['2026-11-23T12:30:00.000+0100', true],
    ['at noon', false],
    [undefined, false],
  ])('with the time %j rang before it counted: %s', (rangAt, before) => {
    expect(rangBefore(rangAt, began)).toBe(before);
  });
});
