import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asksForArrival, decideArrival, tellingMinutes } from '../../../src/fleet/arrival.ts';

const at = (time: string): number => Date.parse(`2026-01-01T${time}Z`);
const minutes = (since: string | undefined, now: string) =>
  tellingMinutes(since === undefined ? undefined : `2026-01-01T${since}.000Z`, new Date(at(now)));

describe('the minutes that tell of a step', () => {
  it('are whole, begin once every node follows, and end where their counts are shown', () => {
    expect(minutes('10:00:49', '10:05:30')).toEqual({ from: at('10:01:00'), to: at('10:03:00') });
    expect(minutes('10:00:50', '10:05:59')).toEqual({ from: at('10:01:00'), to: at('10:03:00') });
    expect(minutes('10:00:51', '10:06:00')).toEqual({ from: at('10:02:00'), to: at('10:04:00') });
  });

  it('are none where the gate was too short, or nobody set weights', () => {
    expect(minutes('10:00:50', '10:03:59')).toBeUndefined();
    expect(minutes('10:00:50', '10:04:00')).toEqual({ from: at('10:01:00'), to: at('10:02:00') });
    expect(minutes(undefined, '10:30:00')).toBeUndefined();
  });

  it('are the last hour of a bake of days', () => {
    expect(minutes('00:00:00', '23:00:10')).toEqual({ from: at('21:58:00'), to: at('22:58:00') });
  });
});

describe('a rollout', () => {
  const deploy = { kind: 'deploy', step: 1, steps: 3 } as const;

  it('asks until it is told, and twice at most', () => {
    expect(asksForArrival('unasked', deploy)).toBe(true);
    expect(asksForArrival('untold', deploy)).toBe(false);
    expect(asksForArrival('untold', { ...deploy, step: 3 })).toBe(true);
    expect(asksForArrival('told', { ...deploy, step: 3 })).toBe(false);
  });

  it('does not ask before the first step, or on the way back', () => {
    expect(asksForArrival('unasked', { ...deploy, step: 0 })).toBe(false);
    expect(asksForArrival('unasked', { ...deploy, kind: 'rollback' })).toBe(false);
  });
});

describe('the counts of two slots', () => {
  const tenth = { blue: 90, green: 10 };

  it('prove that requests arrive where each weighted slot got some', () => {
    expect(decideArrival(tenth, { blue: 900, green: 1 })).toEqual({ verdict: 'seen' });
    expect(decideArrival({ blue: 0, green: 100 }, { blue: 0, green: 1 })).toEqual({ verdict: 'seen' });
  });

  it('prove nothing on an idle fleet, or where too few came', () => {
    expect(decideArrival(tenth, { blue: 0, green: 0 })).toEqual({ verdict: 'idle' });
    expect(decideArrival(tenth, { blue: 1, green: 0 })).toEqual({ verdict: 'untold' });
    expect(decideArrival(tenth, { blue: 199, green: 0 })).toEqual({ verdict: 'untold' });
  });

  it('tell of a slot that got none of many', () => {
    expect(decideArrival(tenth, { blue: 200, green: 0 })).toEqual({
      verdict: 'missing',
      reasons: ['green got none of 200 requests, and should have got 10 % (blue 90 %, green 10 %)'],
    });
    expect(decideArrival({ blue: 50, green: 50 }, { blue: 0, green: 41 })).toMatchObject({
      verdict: 'missing',
      reasons: [expect.stringMatching(/^blue got none of 41/)],
    });
    expect(decideArrival({ blue: 100, green: 0 }, { blue: 0, green: 20 })).toMatchObject({
      verdict: 'missing',
    });
  });

  it('never fail a slot without weight, nor one that got a request', () => {
    const count = fc.nat(100_000);
    fc.assert(
      fc.property(fc.nat(100), count, count, (share, blue, green) => {
        const decision = decideArrival({ blue: 100 - share, green: share }, { blue, green });
        if (decision.verdict === 'missing') expect(blue === 0 || green === 0).toBe(true);
        if (blue > 0 && green > 0) expect(decision).toEqual({ verdict: 'seen' });
      }),
    );
  });
});
