import type { Clock } from '../../clock.ts';
import { Cancelled } from './state-error.ts';

/** A tree of things that may have to stop: an execution, its branches, their branches. */
export class Scope {
  #cancelled = false;
  readonly #listeners = new Set<() => void>();

  get cancelled(): boolean {
    return this.#cancelled;
  }

  /** Stops all that runs in here; repeating it does nothing. */
  cancel(): void {
    if (this.#cancelled) return;
    this.#cancelled = true;
    for (const listener of [...this.#listeners]) listener();
    this.#listeners.clear();
  }

  /** @returns takes the listener away again. */
  onCancel(listener: () => void): () => void {
    if (this.#cancelled) listener();
    else this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A scope that ends with this one, or before. The caller closes it when its work is done. */
  child(): { scope: Scope; close: () => void } {
    const scope = new Scope();
    const close = this.onCancel(() => scope.cancel());
    return { scope, close };
  }

  /** The promise, or Cancelled as soon as this scope is. */
  guard<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const off = this.onCancel(() => reject(new Cancelled()));
      work.then(
        (value) => {
          off();
          resolve(value);
        },
        (error) => {
          off();
          reject(error);
        },
      );
    });
  }

  /** Waits on the clock. @throws Cancelled */
  pause(clock: Clock, delayMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const off = this.onCancel(() => {
        timer?.cancel();
        reject(new Cancelled());
      });
      const timer = this.#cancelled
        ? undefined
        : clock.after(delayMs, () => {
            off();
            resolve();
          });
    });
  }
}

/** Variables of one scope, which sees those of the scopes around it. */
export class Variables<T> {
  readonly own: Record<string, T>;
  readonly #outer: Variables<T> | undefined;

  constructor(own: Record<string, T>, outer?: Variables<T>) {
    this.own = own;
    this.#outer = outer;
  }

  /** Every variable that is seen here. */
  all(): Record<string, T> {
    return this.#outer === undefined ? this.own : { ...this.#outer.all(), ...this.own };
  }
}
