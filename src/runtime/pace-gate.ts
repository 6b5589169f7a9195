import { heed, nextStart, type PaceEvent, type PaceLimits, startPace } from '../image/pace.ts';
import type { Clock } from './clock.ts';

/** Where puts wait for their turn. */
export interface PaceGate {
  /**
   * Resolves when a put may be sent, which then counts as sent, first come, first served. The time is to be given
   * to `ended`. Rejects with the signal's reason when that fires first.
   */
  pass(signal: AbortSignal): Promise<number>;
  /** Every put that passed has one end. */
  ended(kind: Exclude<PaceEvent['kind'], 'sent'>, sentAt: number): void;
}

/** A reason at hand: without one, each abort makes an error with a stack. */
const done = 'done';

/** A gate that lets puts through as src/image/pace.ts decides. */
export function openGate(limits: PaceLimits, clock: Clock): PaceGate {
  const now = (): number => clock.now().getTime();
  let pace = startPace(limits, now());
  let timer: AbortController | undefined;
  const waiting = new Set<(sentAt: number) => void>();

  /** Lets through who may pass, and sets the timer for the next. */
  function look(): void {
    timer?.abort(done);
    timer = undefined;
    for (const enter of waiting) {
      const at = now();
      const start = nextStart(pace, at);
      if (start.kind === 'now') {
        waiting.delete(enter);
        pace = heed(pace, { kind: 'sent' }, at);
        enter(at);
        continue;
      }
      if (start.kind === 'at') {
        timer = new AbortController();
        clock.sleep(start.at - at, timer.signal).then(look, () => undefined);
      }
      return;
    }
  }

  return {
    pass: (signal) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const giveUp = (): void => {
          waiting.delete(enter);
          reject(signal.reason);
          look();
        };
        const enter = (sentAt: number): void => {
          signal.removeEventListener('abort', giveUp);
          resolve(sentAt);
        };
        signal.addEventListener('abort', giveUp, { once: true });
        waiting.add(enter);
        if (waiting.size === 1) look();
      }),
    ended(kind, sentAt) {
      pace = heed(pace, { kind, sentAt }, now());
      look();
    },
  };
}
