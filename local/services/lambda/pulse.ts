/** The heart of a function's environment inside this process: what may go on in it, and what waits or never comes. */
import { type Clock, type Timer, WallClock } from '../../clock.ts';

/** Machine time: the one thing here that virtual time cannot bound. */
const wall = new WallClock();
/** How long a function may work on something real before time goes on without it. */
const longestRealWorkMs = 3_000;

/**
 * Timers, and answers of calls, that are held while the environment is frozen and dropped when it is gone. Everything
 * that reaches a function, and everything by which it is seen, goes through here: of a dead one nothing is heard again.
 */
export class Pulse {
  readonly clock: Clock;
  readonly #timers = new Map<object, Timer>();
  readonly #held: (() => void)[] = [];
  #frozen = true;
  #dead = false;
  #calls = 0;
  #works = 0;
  #release: (() => void) | undefined;

  readonly #loose: () => void;

  /** @param loose hears that the function has answered while a call of its was out, or was yet to be made */
  constructor(clock: Clock, loose: () => void = () => {}) {
    this.clock = clock;
    this.#loose = loose;
  }

  get dead(): boolean {
    return this.#dead;
  }

  /** Runs it now, when the environment thaws, or never. */
  run(action: () => void): void {
    if (this.#dead) return;
    if (this.#frozen) this.#held.push(action);
    else action();
  }

  set(delayMs: number, action: () => void, everyMs?: number): object {
    const handle = {
      ref: () => handle,
      unref: () => handle,
      hasRef: () => true,
      refresh: () => handle,
      [Symbol.toPrimitive]: () => 0,
    };
    const arm = (wait: number): void => {
      if (this.#dead) return;
      const timer = this.clock.after(wait, () => {
        this.#timers.delete(handle);
        this.run(() => {
          if (everyMs !== undefined) arm(everyMs);
          action();
        });
        this.#look();
      });
      this.#timers.set(handle, timer);
    };
    arm(Math.max(1, Number(delayMs) || 0));
    this.#look();
    return handle;
  }

  clear(handle: unknown): void {
    this.#timers.get(handle as object)?.cancel();
    this.#timers.delete(handle as object);
    this.#look();
  }

  /**
   * A call to the region, which may take its time there. A dead environment makes none, and a frozen one makes it
   * when it thaws.
   * @param answered hears what came of it, unless the environment is gone by then
   * @returns gives the call up: the caller no longer waits for it, as after a time-out of its own
   */
  call<T>(
    begin: () => Promise<T>,
    answered: (answer: T) => void,
    failed: (error: unknown) => void,
  ): () => void {
    if (this.#dead) return () => {};
    if (this.#frozen) {
      this.#loose();
      this.#held.push(() => this.call(begin, answered, failed));
      return () => {};
    }
    this.#calls += 1;
    this.#look();
    let out = true;
    const end = (): void => {
      if (!out) return;
      out = false;
      this.#calls -= 1;
      this.#look();
    };
    const done = (tell: () => void): void => {
      end();
      this.run(tell);
    };
    begin().then(
      (answer) => done(() => answered(answer)),
      (error: unknown) => done(() => failed(error)),
    );
    return end;
  }

  /** Real work (a file is read), for which time stands still; the dead hear nothing of its end. */
  work<T>(promise: Promise<T>): Promise<T> {
    this.#works += 1;
    return new Promise((resolve, reject) => {
      const done = (tell: () => void): void => {
        this.#works -= 1;
        this.run(tell);
      };
      this.clock.hold(promise).then(
        (value) => done(() => resolve(value)),
        (error: unknown) => done(() => reject(error)),
      );
    });
  }

  freeze(): void {
    if (this.#frozen || this.#dead) return;
    this.#frozen = true;
    if (this.#calls > 0 || this.#works > 0) this.#loose();
    this.#look();
  }

  thaw(): void {
    this.#frozen = false;
    for (const action of this.#held.splice(0)) this.run(action);
    this.#look();
  }

  /**
   * A function that runs while neither a timer nor a call of it is out does something real (reads a file,
   * compresses, hashes): time stands still meanwhile, though not for ever, as it may also wait for nothing.
   */
  #look(): void {
    const real = !this.#frozen && !this.#dead && this.#calls === 0 && this.#timers.size === 0;
    if (!real) {
      this.#release?.();
      this.#release = undefined;
    } else if (this.#release === undefined) {
      void this.clock.hold(
        new Promise<void>((resolve) => {
          const guard = wall.after(longestRealWorkMs, resolve);
          this.#release = () => {
            guard.cancel();
            resolve();
          };
        }),
      );
    }
  }

  /** Nothing that waits ever goes on. */
  kill(): void {
    this.#dead = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#held.length = 0;
    this.#look();
  }
}
