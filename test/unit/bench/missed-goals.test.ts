import { describe, expect, it } from 'vitest';
import { missedGoals } from '../../../bench/rollout-report.ts';

type Measured = Parameters<typeof missedGoals>[0];

const fourStep = { what: 'bakes', calls: 60, transitions: 60 } as Measured['fourSteps'][number];
const ours = { what: 'a poll', seconds: 5 };
const firstTraffic = { seconds: 60, ours: [ours], aws: [] } as unknown as Measured['firstTraffic'];
const atOnce = { failed: [] as string[], share: 1, ratio: 1.2 } as unknown as Measured['atOnce'];
const met: Measured = { fourSteps: [fourStep], firstTraffic, atOnce };

describe('the goals of the bench', () => {
  it('are met by what is at their limits', () => {
    expect(missedGoals(met)).toEqual([]);
  });

  it.each<[string, Partial<Measured>]>([
    ['bakes: 61 requests, 60 transitions', { fourSteps: [{ ...fourStep, calls: 61 }] }],
    ['bakes: 60 requests, 61 transitions', { fourSteps: [{ ...fourStep, transitions: 61 }] }],
    ['first traffic after 61 s, 5 s of them ours', { firstTraffic: { ...firstTraffic, seconds: 61 } }],
    [
      'first traffic after 60 s, 6 s of them ours',
      { firstTraffic: { ...firstTraffic, ours: [ours, { ...ours, seconds: 1 }] } },
    ],
    ['a rollout among others failed: Throttled', { atOnce: { ...atOnce, failed: ['Throttled'] } }],
    ['rollouts at once: ratio 1.21', { atOnce: { ...atOnce, ratio: 1.21 } }],
  ])('are missed: %s', (words, beyond) => {
    expect(missedGoals({ ...met, ...beyond })).toEqual([words]);
  });

  it('are not judged by a share of the rates', () => {
    expect(missedGoals({ ...met, atOnce: { ...atOnce, share: 0.1, ratio: 1.5 } })).toEqual([]);
  });
});
