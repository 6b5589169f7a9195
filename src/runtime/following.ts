/** Long polls: an answer is held back until something changed, or the caller's patience ends. */
import type { Invocation } from './handler.ts';

/** A change is seen this late at most; each look costs a few consistent reads. */
const lookEveryMilliseconds = 700;
/** What is left to answer with: API Gateway ends a request after 30 s whatever we do. */
const reserveMilliseconds = 3_000;

/**
 * Reads until `settled` says that there is something to tell, `waitSeconds` are over, or the function's time
 * nearly is.
 * @returns what was read last.
 */
export async function follow<T>(
  read: () => Promise<T>,
  settled: (seen: T) => boolean,
  waitSeconds: number,
  { clock, remainingMilliseconds }: Invocation,
): Promise<T> {
  const until = clock.now().getTime() + waitSeconds * 1000;
  for (;;) {
    const seen = await read();
    const over =
      clock.now().getTime() + lookEveryMilliseconds > until ||
      remainingMilliseconds() < reserveMilliseconds + lookEveryMilliseconds;
    if (over || settled(seen)) return seen;
    await clock.sleep(lookEveryMilliseconds);
  }
}
