/**
 * Waiting before another try: exponential with full jitter, so that many callers that were throttled
 * together do not come back together.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
import type { Clock } from './clock.ts';

export interface BackoffOptions {
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly random: () => number;
  /** Longest possible wait before the second try; doubles from try to try. */
  readonly baseMilliseconds: number;
  readonly capMilliseconds: number;
  /** No try begins later than this after the first. */
  readonly withinMilliseconds: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
  /** Which failures are worth another try. */
  readonly retry: (error: unknown) => boolean;
}

/** How long to wait before try `attempt` (the second is 1). */
export function jitteredDelay(
  attempt: number,
  options: Pick<BackoffOptions, 'random' | 'baseMilliseconds' | 'capMilliseconds'>,
): number {
  return options.random() * Math.min(options.capMilliseconds, options.baseMilliseconds * 2 ** (attempt - 1));
}

/**
 * Calls `operation` until it succeeds, fails for good, or the time is used up.
 * @throws the last failure, unchanged.
 */
export async function withBackoff<T>(options: BackoffOptions, operation: () => Promise<T>): Promise<T> {
  const start = options.clock.now().getTime();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await operation();
    } catch (error) {
      const wait = jitteredDelay(attempt, options);
      const spent = options.clock.now().getTime() - start;
      if (!options.retry(error) || spent + wait > options.withinMilliseconds) throw error;
      await options.clock.sleep(wait, options.signal);
    }
  }
}
