import { describe, expect, it } from 'vitest';
import { jitteredDelay, withBackoff } from '../../../src/runtime/backoff.ts';

/** A clock on which sleeping is all that takes time. */
function fakeClock() {
  let now = 0;
  const waits: number[] = [];
  return {
    waits,
    now: () => new Date(now),
    sleep: async (milliseconds: number) => {
      waits.push(milliseconds);
      now += milliseconds;
    },
  };
}
const settings = { random: () => 0.999, baseMilliseconds: 100, capMilliseconds: 1000 };

describe('trying again', () => {
  it('waits longer from try to try, up to the cap', () => {
    const delays = [1, 2, 3, 4, 5, 6].map((attempt) => Math.round(jitteredDelay(attempt, settings)));
    expect(delays).toEqual([100, 200, 400, 799, 999, 999]);
  });

  it('ends with the answer once there is one', async () => {
    const clock = fakeClock();
    let calls = 0;
    const work = async () => {
      calls += 1;
      if (calls < 4) throw new Error('busy');
      return 'done';
    };
    const options = { ...settings, clock, withinMilliseconds: 10_000, retry: () => true };
    await expect(withBackoff(options, work)).resolves.toBe('done');
    expect(clock.waits).toHaveLength(3);
  });

  it('gives up at once on what another try cannot cure', async () => {
    const clock = fakeClock();
    const options = { ...settings, clock, withinMilliseconds: 10_000, retry: () => false };
    await expect(withBackoff(options, () => Promise.reject(new Error('denied')))).rejects.toThrow('denied');
    expect(clock.waits).toEqual([]);
  });

  it('begins no try after its time, and throws the last failure', async () => {
    const clock = fakeClock();
    const options = { ...settings, clock, withinMilliseconds: 2_000, retry: () => true };
    await expect(withBackoff(options, () => Promise.reject(new Error('busy')))).rejects.toThrow('busy');
    expect(clock.now().getTime()).toBeLessThanOrEqual(2_000);
  });
});
