import { describe, expect, it } from 'vitest';
import { caseOf, fuzz } from '../../fuzz/fuzz.ts';
import { makeSeeds } from '../../fuzz/seeds.ts';
import { examine } from '../../fuzz/subjects.ts';

describe('whatever is uploaded', () => {
  it('ends in an error with a name, for little work, or is recognised: a thousand cases', {
    timeout: 120_000,
  }, async () => {
    const seeds = await makeSeeds();
    const { outcomes } = await fuzz(seeds, 1, 1000);
    // The cases reach far: each reader saw what is right, and several kinds of what is wrong.
    for (const reader of ['recognise', 'walk', 'region']) {
      expect([...outcomes.keys()].filter((one) => one.startsWith(`${reader}:`)).length).toBeGreaterThan(1);
    }
    expect(outcomes.get('recognise: DiskMalformed')).toBeGreaterThan(50);
    expect(outcomes.get('recognise: ArtifactMalformed')).toBeGreaterThan(10);
    expect(outcomes.get('recognise: nanos-disk')).toBeGreaterThan(10);
    expect(outcomes.get('recognise: go-elf')).toBeGreaterThan(10);
  });

  it('is the same for the same seed', async () => {
    const seeds = await makeSeeds();
    const told = (seed: number) => {
      const { bytes: _, ...one } = caseOf(seed, seeds);
      return one;
    };
    for (const seed of [3, 4, 5]) expect(told(seed)).toEqual(told(seed));
    expect(told(3)).not.toEqual(told(4));
    const [first, again] = [await examine(caseOf(9, seeds)), await examine(caseOf(9, seeds))];
    expect(first).toEqual(again);
  });
});
