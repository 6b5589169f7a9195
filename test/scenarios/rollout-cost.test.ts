/** What rollouts cost and how long they take, as the bench measures it: counts and virtual time, which no machine's speed changes. */
import { describe, expect, it } from 'vitest';
import { measureFirstTraffic } from '../../bench/first-traffic.ts';
import { measureFourSteps } from '../../bench/four-step-rollout.ts';
import { leastSeconds, measureRolloutsAtOnce } from '../../bench/rollouts-at-once.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const hour = 3_600;

/** One is spare in a long bake, two in a short one: for what a late copy shows as it was, and is asked again. */
const requestsAtMost = 60;

describe.skipIf(notPackaged !== undefined)('a four-step rollout of a healthy fleet', () => {
  // Late copies make some reads come twice, with other seeds others.
  it.each([1, 2, 3])(
    'makes at most 60 requests and 60 transitions, health polls apart (seed %i)',
    async (seed) => {
      const { calls, transitions, healthPolls } = await measureFourSteps(60, seed);
      expect(calls).toBeGreaterThan(50);
      expect(calls).toBeLessThanOrEqual(requestsAtMost);
      expect(transitions).toBeLessThanOrEqual(60);
      expect(healthPolls).toMatchObject({ intervalSeconds: 5, looks: expect.any(Number) });
    },
  );

  it.each([300, 2 * hour])('costs no more when it bakes for %i s', async (bakeSeconds) => {
    const { calls, transitions, seconds } = await measureFourSteps(bakeSeconds, 1);
    expect(seconds).toBeGreaterThan(4 * bakeSeconds);
    expect(calls).toBeGreaterThan(50);
    expect(calls).toBeLessThanOrEqual(requestsAtMost);
    expect(transitions).toBeLessThanOrEqual(60);
  });
});

describe.skipIf(notPackaged !== undefined)('an upload', () => {
  it.each([1, 2])('has traffic within 60 seconds, of which ours are at most five (seed %i)', async (seed) => {
    const { seconds, aws, ours } = await measureFirstTraffic(seed);
    const sum = (parts: typeof aws): number => parts.reduce((total, part) => total + part.seconds, 0);
    expect(seconds).toBeLessThanOrEqual(60);
    expect(sum(ours)).toBeLessThanOrEqual(5);
    expect(sum(aws) + sum(ours)).toBeCloseTo(seconds, 0);
  });
});

describe.skipIf(notPackaged !== undefined)('rollouts at once', () => {
  it('all succeed within what AWS lets through, in little more than the time that this takes at best', async () => {
    const { failed, refused, succeeded, ratio } = await measureRolloutsAtOnce(10, 0.1, 1);
    expect(failed).toEqual([]);
    expect(succeeded).toBe(10);
    // Else there was nothing to wait for.
    expect(refused).toBeGreaterThan(100);
    expect(ratio).toBeLessThan(1.3);
  });
});

describe('the least time that a bucket allows', () => {
  const bucket = { burst: 10, perSecond: 1 };

  it('is that of the course where the bucket is large enough', () => {
    expect(leastSeconds(10, [1, 1, 1, 1], bucket)).toBe(3);
  });

  it('is that of the bucket where all is asked for in the end', () => {
    expect(leastSeconds(10, [0, 0, 0, 5], bucket)).toBe(40);
  });

  it('has the rest of the course after what all need in the beginning', () => {
    expect(leastSeconds(10, [5, 5, 5, 5], bucket)).toBe(43);
  });
});
