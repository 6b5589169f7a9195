/**
 * How late news arrives inside AWS. What many machines must hear of (the rules of a load balancer, an answer's copies)
 * reaches each of them at a moment of its own. AWS gives no figures; the bounds here are the longest that people have
 * told of and that still count as normal. The delays follow from the region's seed.
 */
import { Random } from './random.ts';

/** Longest delays in milliseconds; tests change them. All zero: everything is known everywhere at once. */
export interface LagBounds {
  /** Rules and weights to a load balancer's node. https://github.com/argoproj/argo-rollouts/issues/4595 */
  rulesMs: number;
  /** A target's registration, health and deregistration to a load balancer's node. */
  targetsMs: number;
  /** A change to the second of two copies that describing calls are answered from. */
  describeMs: number;
  /** A new snapshot to that copy, rarely. https://github.com/awslabs/coldsnap/issues/43 */
  newSnapshotMs: number;
  /** A write in DynamoDB to the copies that may answer a read that does not ask for consistency. */
  copiesMs: number;
  /** A write in DynamoDB to the global secondary indexes of its table. */
  indexesMs: number;
}

const noLag: LagBounds = {
  rulesMs: 0,
  targetsMs: 0,
  describeMs: 0,
  newSnapshotMs: 0,
  copiesMs: 0,
  indexesMs: 0,
};
/** Virtual time is free: the worst that is plausible. */
export const worstLag: LagBounds = {
  rulesMs: 8_000,
  targetsMs: 2_000,
  describeMs: 5_000,
  newSnapshotMs: 60_000,
  copiesMs: 0,
  indexesMs: 0,
};
/** Where somebody waits in front of the machine. */
export const briefLag: LagBounds = {
  rulesMs: 1_500,
  targetsMs: 500,
  describeMs: 500,
  newSnapshotMs: 2_000,
  copiesMs: 100,
  indexesMs: 200,
};

export class Lag {
  readonly bounds: LagBounds;
  readonly #random: Random;

  constructor(seed: number, bounds: LagBounds) {
    this.#random = new Random(seed);
    this.bounds = { ...bounds };
  }

  /** Makes everything known everywhere at once, from now on. */
  off(): void {
    Object.assign(this.bounds, noLag);
  }

  /** A delay for one piece of news on its way to one listener, in milliseconds. */
  draw(kind: keyof LagBounds): number {
    return Math.floor(this.#random.next() * this.bounds[kind]);
  }

  /** True with the probability `share`. */
  chance(share: number): boolean {
    return this.#random.next() < share;
  }

  /** An integer in [0, below). */
  pick(below: number): number {
    return this.#random.integer(below);
  }
}

/**
 * A value as one listener knows it, who hears of changes late but in order. It costs no timers: what has arrived is
 * seen when somebody looks.
 */
export class Lagging<T> {
  #known: T;
  #coming: { readonly at: number; readonly value: T }[] = [];

  constructor(known: T) {
    this.#known = known;
  }

  /** @param at when the news arrives; never before news that was sent earlier. */
  tell(value: T, now: number, at: number): void {
    this.get(now);
    const last = this.#coming.at(-1);
    this.#coming.push({ value, at: Math.max(at, last?.at ?? now) });
    this.get(now);
  }

  get(now: number): T {
    let arrived = 0;
    for (const news of this.#coming) {
      if (news.at > now) break;
      this.#known = news.value;
      arrived += 1;
    }
    if (arrived > 0) this.#coming.splice(0, arrived);
    return this.#known;
  }
}
