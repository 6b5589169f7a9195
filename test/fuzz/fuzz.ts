/** Runs cases; each follows from a number of its own, by which it can be had again alone. */
import { type Case, mutate } from './mutate.ts';
import { Random } from './random.ts';
import type { Seed } from './seeds.ts';
import { Broken, examine } from './subjects.ts';

export interface Told {
  readonly cases: number;
  /** How often each reader came to which end. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly mostReads: number;
  readonly mostBytes: number;
  readonly slowest: { readonly seed: number; readonly ms: number };
}

export function caseOf(seed: number, seeds: readonly Seed[]): Case {
  return mutate(new Random(seed), seeds);
}

/** @throws Broken that names the case's seed and what was done to which file */
export async function fuzz(seeds: readonly Seed[], firstSeed: number, cases: number): Promise<Told> {
  const outcomes = new Map<string, number>();
  const told = { mostReads: 0, mostBytes: 0, slowest: { seed: firstSeed, ms: 0 } };
  for (let seed = firstSeed; seed < firstSeed + cases; seed += 1) {
    const one = caseOf(seed, seeds);
    const began = performance.now();
    try {
      const found = await examine(one);
      for (const outcome of found.outcomes) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      told.mostReads = Math.max(told.mostReads, found.work.reads);
      told.mostBytes = Math.max(told.mostBytes, found.work.bytes);
    } catch (error) {
      if (!(error instanceof Broken)) throw error;
      throw new Broken(`--seed ${seed} --cases 1 (${one.seed}: ${one.words.join('; ')}): ${error.message}`);
    }
    const ms = performance.now() - began;
    if (ms > told.slowest.ms) told.slowest = { seed, ms };
  }
  return { cases, outcomes, ...told };
}
