import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asksForArrival, decideArrival, tellingMinutes } from '../../../src/fleet/arrival.ts';
import { weightsFor } from '../../../src/fleet/traffic.ts';

const at = (time: string): number => Date.parse(`2026-01-01T${time}Z`);
const minutes = (since: string | undefined, now: string) =>
  tellingMinutes(since === undefined ? undefined : `2026-01-01T${since}.000Z`, new Date(at(now)));

describe('the minutes that tell of a step', () => {
  it('are whole, begin once every node follows, and end where their counts are shown', () => {
    expect(minutes('10:00:49', '10:05:30')).toEqual({
      countedFrom: at('09:48:00'),
      from: at('10:01:00'),
      to: at('10:03:00'),
    });
    expect(minutes('10:00:50', '10:05:59')).toEqual({
      countedFrom: at('09:48:00'),
      from: at('10:01:00'),
      to: at('10:03:00'),
    });
    expect(minutes('10:00:51', '10:06:00')).toEqual({
      countedFrom: at('09:49:00'),
      from: at('10:02:00'),
      to: at('10:04:00'),
    });
  });

  it('are none where the gate was too short, or nobody set weights', () => {
    expect(minutes('10:00:50', '10:03:59')).toBeUndefined();
    expect(minutes('10:00:50', '10:04:00')).toEqual({
      countedFrom: at('09:47:00'),
      from: at('10:01:00'),
      to: at('10:02:00'),
    });
    expect(minutes(undefined, '10:30:00')).toBeUndefined();
  });

  it('are the last hour of a bake of days', () => {
    expect(minutes('00:00:00', '23:00:10')).toEqual({
      countedFrom: at('21:58:00'),
      from: at('21:58:00'),
      to: at('22:58:00'),
    });
  });
});

describe('a rollout', () => {
  it('asks at each gate until it is told', () => {
    expect(asksForArrival('unasked', 'deploy', 1)).toBe(true);
    expect(asksForArrival('untold', 'deploy', 2)).toBe(true);
    expect(asksForArrival('told', 'deploy', 3)).toBe(false);
  });

  it('does not ask before the first step, or on the way back', () => {
    expect(asksForArrival('unasked', 'deploy', 0)).toBe(false);
    expect(asksForArrival('unasked', 'rollback', 1)).toBe(false);
  });
});

describe('the counts of two slots', () => {
  const minutesAsked = { countedFrom: at('10:00:00'), from: at('10:10:00'), to: at('10:15:00') };
  interface Requests {
    readonly blue: number;
    readonly green: number;
    /** To each slot, under the weights of before. */
    readonly before?: number;
  }
  const decide = (share: number, { blue, green, before = 0 }: Requests, { tested = false } = {}) =>
    decideArrival(
      'green',
      weightsFor('green', share),
      {
        blue: [
          { at: at('10:14:00'), requests: blue },
          { at: at('10:09:00'), requests: before },
        ],
        green: [
          { at: at('10:10:00'), requests: green },
          { at: at('10:09:00'), requests: before },
        ],
      },
      minutesAsked,
      tested,
    );

  it('prove that requests arrive where the candidate got some', () => {
    expect(decide(10, { blue: 900, green: 1 })).toEqual({
      verdict: 'seen',
      requests: { candidate: 1, live: 900 },
    });
    expect(decide(100, { blue: 0, green: 7 })).toMatchObject({ verdict: 'seen' });
  });

  it('prove nothing where the test listener leads to the candidate, too', () => {
    expect(decide(10, { blue: 900, green: 1 }, { tested: true })).toEqual({
      verdict: 'untold',
      idle: false,
      why: '1 requests came to the candidate, maybe by the test listener',
    });
  });

  it('prove nothing where none came in a quarter of an hour: the fleet is idle', () => {
    expect(decide(10, { blue: 0, green: 0 })).toEqual({
      verdict: 'untold',
      idle: true,
      why: 'no requests in 15 minutes',
    });
    expect(decide(10, { blue: 0, green: 0, before: 1 })).toEqual({
      verdict: 'untold',
      idle: false,
      why: 'none of 0 requests came to the candidate, which may be chance',
    });
  });

  it('prove nothing where too few came', () => {
    expect(decide(10, { blue: 199, green: 0 })).toEqual({
      verdict: 'untold',
      idle: false,
      why: 'none of 199 requests came to the candidate, which may be chance',
    });
  });

  it('tell nothing of requests from before the weights in question', () => {
    expect(decide(10, { blue: 199, green: 0, before: 500 })).toMatchObject({ verdict: 'untold' });
  });

  it.each([true, false])('tell of a candidate that got none of many (test listener: %s)', (tested) => {
    expect(decide(10, { blue: 200, green: 0 }, { tested })).toEqual({
      verdict: 'missing',
      reason: 'none of 200 requests came to the candidate (green), which has 10 % of the weight',
    });
  });

  it('never fail a candidate that got a request, nor one whose live got none', () => {
    const count = fc.nat(100_000);
    fc.assert(
      fc.property(fc.nat(100), count, count, fc.boolean(), (share, blue, green, tested) => {
        const { verdict } = decide(share, { blue, green }, { tested });
        if (verdict === 'missing') expect([green, blue >= 20]).toEqual([0, true]);
        if (blue === 0) expect(verdict).not.toBe('missing');
      }),
    );
  });
});
