/** One at a time, in the order of asking. */
export class Lock {
  #tail: Promise<unknown> = Promise.resolve();
  #released: () => void = () => {};
  /** Whether some work runs now. */
  held = false;

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(async () => {
      this.held = true;
      try {
        return await work();
      } finally {
        this.held = false;
        this.#released();
      }
    });
    this.#tail = result.catch(() => {});
    return result;
  }

  /** Calls back whenever some work has ended, before anybody hears of its result. */
  onRelease(released: () => void): void {
    this.#released = released;
  }
}
