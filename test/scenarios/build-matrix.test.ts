/** A part of `npm run crash-matrix -- build`, another one for each seed. */
import { describe, expect, it } from 'vitest';
import { Random } from '../fuzz/random.ts';
import { builds, openDoors } from './kit/build-matrix/builds.ts';
import { wordsOf } from './kit/build-matrix/faults.ts';
import { allCases, tryCase } from './kit/build-matrix/run.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

/** Of each way to build. */
const sampled = 5;
const seed = 1;

describe('a build that something happens to', () => {
  it('ends truthfully, leaves nothing behind, and can be had again', { timeout: 300_000 }, async ({
    skip,
  }) => {
    if (notPackaged !== undefined) skip(notPackaged);
    const cases = await allCases();
    expect(cases.length).toBeGreaterThan(1000);
    const random = new Random(seed);
    const doors = await openDoors();
    const troubles: string[] = [];
    for (const build of builds) {
      const ofBuild = cases.filter((one) => one.build === build);
      for (let left = sampled; left > 0; left -= 1) {
        const one = random.pick(ofBuild);
        const { wrong } = await tryCase(doors, one);
        troubles.push(...wrong.map((words) => `${wordsOf(one)}: ${words}`));
      }
    }
    await doors.close();
    expect(troubles).toEqual([]);
  });
});
