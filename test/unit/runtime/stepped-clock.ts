import type { Clock } from '../../../src/runtime/clock.ts';

/** A clock that goes on to the next sleeper whenever nothing else is left to do. */
export class SteppedClock implements Clock {
  #now = 0;
  readonly #sleepers = new Set<{ readonly at: number; wake(): void }>();

  now(): Date {
    return new Date(this.#now);
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const sleeper = { at: this.#now + Math.max(0, milliseconds), wake: resolve };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers.delete(sleeper);
        reject(signal.reason);
      });
    });
  }

  /** Lets time go on until the work has ended. */
  async during<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const end = (): void => {
      over = true;
    };
    work.then(end, end);
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (over) return work;
      const next = [...this.#sleepers].reduce<{ at: number; wake(): void } | undefined>(
        (first, one) => (first === undefined || one.at < first.at ? one : first),
        undefined,
      );
      if (next === undefined) continue;
      this.#sleepers.delete(next);
      // Timers are late, never early, and fire in whole milliseconds.
      this.#now = Math.max(this.#now, Math.ceil(next.at));
      next.wake();
    }
  }
}
