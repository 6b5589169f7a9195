/** The time that functions go by; a test gives its own. */
export interface Clock {
  now(): Date;
  /** Resolves after so many milliseconds, or rejects with the signal's reason when that fires first. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Time as the runtime tells it. In a local region the runtime takes it from the region's one clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const stop = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', stop);
        resolve();
      }, milliseconds);
      signal?.addEventListener('abort', stop, { once: true });
    }),
};
