/** A sample of the crash matrix of rollouts, a few runs of each scenario; `npm run crash-matrix` runs all of it. */
import { describe, expect, it } from 'vitest';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { wordsOf } from './kit/rollout-matrix/faults.ts';
import { casesOf, pointsOf, tryCases } from './kit/rollout-matrix/run.ts';
import { type ScenarioName, scenarios } from './kit/rollout-matrix/scenarios.ts';

const seed = 1;
const ofScenario = 3;
/** A prime apart, so that each fault and each kind of point has its turn. */
const distances = [3, 13, 53, 97, 139, 181, 229];

describe.skipIf(notPackaged !== undefined)(
  'a rollout that is broken at one point',
  { timeout: 240_000 },
  () => {
    it.each(Object.keys(scenarios) as ScenarioName[])('rests as it should: %s', async (name) => {
      const cases = casesOf(name, await pointsOf(name, seed));
      const distance = distances.findLast((one) => one * ofScenario <= cases.length) ?? 1;
      const sample = cases.filter((_, index) => index % distance === distance - 1).slice(0, ofScenario);
      const results = await tryCases(sample, seed);
      expect(
        results
          .filter(({ violations }) => violations.length > 0)
          .map(({ one, violations }) => [wordsOf(one), ...violations]),
      ).toEqual([]);
      expect(results).toHaveLength(ofScenario);
    });
  },
);
