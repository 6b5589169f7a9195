import type { Clock } from '../clock.ts';

/** A token bucket as AWS throttles its APIs: `burst` tokens at once, then `perSecond`. */
export class TokenBucket {
  readonly #clock: Clock;
  /** What counts now; tests change it. */
  burst: number;
  perSecond: number;
  #tokens: number;
  #at: number;

  constructor(clock: Clock, burst: number, perSecond: number) {
    this.#clock = clock;
    this.burst = burst;
    this.perSecond = perSecond;
    this.#tokens = burst;
    this.#at = clock.now();
  }

  /** How many tokens there are. */
  get left(): number {
    const now = this.#clock.now();
    this.#tokens = Math.min(this.burst, this.#tokens + ((now - this.#at) / 1000) * this.perSecond);
    this.#at = now;
    return this.#tokens;
  }

  /** Takes `count` tokens, or none; false when there are too few. */
  take(count = 1): boolean {
    // A hair less than whole is whole: refills are sums of fractions.
    if (this.left < count - 1e-9) return false;
    this.#tokens -= count;
    return true;
  }
}
