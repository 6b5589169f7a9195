/** The invariants' checker is proven by mistakes in the product that it must see, each by its name. */
import { describe, expect, it } from 'vitest';
import { Fleet } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { Invariants, type Violation } from './kit/invariants.ts';
import { packageMutant } from './kit/mutants/bundle.ts';
import { type Mutant, mutants } from './kit/mutants/mutants.ts';
import { nextImage } from './kit/rollout-matrix/acts.ts';
import { tryOnce } from './kit/rollout-matrix/run.ts';
import { matrixSpec } from './kit/rollout-matrix/scenarios.ts';

/** Somebody gives a warm release half of the traffic, and then its time is over. */
async function weightsByHand(packageDir?: string): Promise<readonly Violation[]> {
  const fleet = await Fleet.create(matrixSpec, packageDir === undefined ? {} : { packageDir });
  try {
    for (const _ of ['one', 'two']) await fleet.deploy(await nextImage(fleet));
    const watch = await Invariants.over([fleet]);
    await fleet.setWeights({ blue: 50, green: 50 });
    await fleet.world.seconds(120);
    return watch.violations;
  } finally {
    await fleet.world.close();
  }
}

function run({ scenario, fault }: Mutant, packageDir?: string): Promise<readonly Violation[]> {
  if (scenario === 'weights by hand') return weightsByHand(packageDir);
  return tryOnce(scenario, fault === undefined ? undefined : { scenario, ...fault }, 1, packageDir);
}

describe.skipIf(notPackaged !== undefined)('the invariants catch', { timeout: 120_000 }, () => {
  it.each(mutants.map((mutant) => [mutant.name, mutant] as const))('%s', async (_, mutant) => {
    expect(await run(mutant)).toEqual([]);
    const found = await run(mutant, await packageMutant(mutant));
    expect(found).toContainEqual(
      expect.objectContaining({
        invariant: mutant.invariant,
        fleet: 'web',
        words: expect.stringMatching(mutant.words),
      }),
    );
  });
});
