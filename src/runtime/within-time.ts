import type { Clock } from './clock.ts';

export interface TimeLimit {
  readonly clock: Clock;
  readonly milliseconds: number;
  /** For the message: `PutSnapshotBlock`. */
  readonly what: string;
  /** Ends the work early, for a reason of the caller's. */
  readonly signal: AbortSignal;
}

/** A reason at hand: without one, each abort makes an error with a stack, thousands of times. */
const done = 'done';

/**
 * Does the work, and gives it up after its time: its signal fires, and what it does then is not waited for.
 * @throws Error `TimeoutError`, which counts as worth another try; the signal's reason; or what the work throws
 */
export async function withinTime<T>(
  { clock, milliseconds, what, signal }: TimeLimit,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const own = new AbortController();
  const over = new AbortController();
  const end = (): void => own.abort(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  const ended = new Promise<never>((_, reject) => {
    own.signal.addEventListener('abort', () => reject(own.signal.reason), { once: true });
  });
  clock.sleep(milliseconds, over.signal).then(
    () => own.abort(timeoutError(what, milliseconds)),
    () => undefined, // the work was faster
  );
  try {
    return await Promise.race([work(own.signal), ended]);
  } finally {
    signal.removeEventListener('abort', end);
    over.abort(done);
  }
}

function timeoutError(what: string, milliseconds: number): Error {
  return Object.assign(new Error(`${what} took longer than ${milliseconds / 1_000} s`), {
    name: 'TimeoutError',
  });
}
