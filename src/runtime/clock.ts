/** The time that functions go by; a test gives its own. */
export interface Clock {
  now(): Date;
  /** Resolves after so many milliseconds, or rejects when the signal fires first. */
  sleep(milliseconds: number): Promise<void>;
}

/** Time as the runtime tells it. In a local region the runtime takes it from the region's one clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
