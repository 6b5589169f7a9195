/** What a rollout costs, in requests and in transitions: counts, which no machine's speed changes. */
import { afterEach, describe, expect, it } from 'vitest';
import { costOf } from './kit/execution-cost.ts';
import { Fleet } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const hour = 3_600;

/** Two of them are spare, for what a late copy shows as it was, and is asked again. */
const requestsAtMost = 60;

describe.skipIf(notPackaged !== undefined)('a four-step rollout of a healthy fleet', () => {
  let fleet: Fleet;
  afterEach(() => fleet?.world.close());

  /** A rollout of the second release, each of whose steps bakes so long. */
  async function cost(bakeSeconds: number, seed: number) {
    const steps = [10, 25, 50, 100].map((weight) => ({ weight, bakeSeconds }));
    fleet = await Fleet.create({ rollout: { steps, drainSeconds: 20 } }, { seed });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    const answer = await fleet.ask(await fleet.image('two'));
    expect(await fleet.ended(answer, 5 * bakeSeconds + hour)).toMatchObject({ status: 'SUCCEEDED' });
    return costOf(fleet.world.region, 'a four-step rollout', answer.executionArn ?? '');
  }

  // Late copies make some reads come twice, with other seeds others.
  it.each([1, 2, 3])(
    'makes at most 60 requests and 60 transitions, health polls apart (seed %i)',
    async (seed) => {
      const { calls, transitions, healthPolls } = await cost(60, seed);
      expect(calls).toBeGreaterThan(30);
      expect(calls).toBeLessThanOrEqual(requestsAtMost);
      expect(transitions).toBeLessThanOrEqual(60);
      expect(healthPolls).toMatchObject({ intervalSeconds: 5, looks: expect.any(Number) });
    },
  );

  it('costs no more when it bakes for hours', async () => {
    const { calls, transitions, seconds } = await cost(2 * hour, 1);
    expect(seconds).toBeGreaterThan(8 * hour);
    expect(calls).toBeLessThanOrEqual(requestsAtMost);
    expect(transitions).toBeLessThanOrEqual(60);
  });
});
