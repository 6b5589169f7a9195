/**
 * The region's one clock. Everything that waits, dates or expires takes its time from here, so that a
 * test can let a week pass in seconds and repeat what it saw.
 */

/** A pending call; cancelling it twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls `run` once, `delayMs` from now; never before the present turn of the event loop ends. */
  after(delayMs: number, run: () => void): Timer;
  /** Resolves `delayMs` from now. */
  sleep(delayMs: number): Promise<void>;
  /**
   * Marks work that is real rather than simulated (a request in flight, a read from disk): virtual time
   * stands still until the promise has settled. Wall time does not care.
   */
  hold<T>(work: Promise<T>): Promise<T>;
  /** Hears of each timer that has run, once it is set: what a timer does is seen by nobody else. */
  fired?: (() => void) | undefined;
}

/** Time as the machine tells it. Timers do not keep the process alive by themselves. */
export class WallClock implements Clock {
  fired: (() => void) | undefined;

  now(): number {
    return Date.now();
  }

  after(delayMs: number, run: () => void): Timer {
    // A delay above 2^31-1 ms would fire at once: go there in hops.
    const longest = 2_147_483_647;
    let handle: NodeJS.Timeout;
    const fire = (): void => {
      run();
      this.fired?.();
    };
    const arm = (left: number): void => {
      handle = setTimeout(() => (left > longest ? arm(left - longest) : fire()), Math.min(left, longest));
      handle.unref();
    };
    arm(Math.max(0, delayMs));
    return { cancel: () => clearTimeout(handle) };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  hold<T>(work: Promise<T>): Promise<T> {
    return work;
  }
}

interface Entry {
  readonly at: number;
  readonly order: number;
  /** Undefined once it was cancelled, so that what it would have used can go at once. */
  run: (() => void) | undefined;
}

function before(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

/** Entries by their time, then by the order in which they were set: a binary heap. */
class Queue {
  readonly #heap: Entry[] = [];

  get first(): Entry | undefined {
    return this.#heap[0];
  }

  push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      const above = heap[parent] as Entry; // in range by construction, as below
      if (!before(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  shift(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
      const below = heap[child] as Entry;
      if (!before(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

/**
 * Time that moves only when {@link VirtualClock.advance} (or {@link VirtualClock.runUntil}) is called and
 * nothing is running. Timers due at the same moment run in the order in which they were set.
 */
export class VirtualClock implements Clock {
  fired: (() => void) | undefined;
  /** Hears of each moment at which a timer ran, once all that followed from it has come to rest. */
  settled: (() => void) | undefined;
  #now: number;
  #order = 0;
  #held = 0;
  readonly #queue = new Queue();

  constructor(start: number = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry: Entry = { at: this.#now + Math.max(0, delayMs), order: this.#order++, run };
    this.#queue.push(entry);
    return {
      cancel: () => {
        entry.run = undefined;
      },
    };
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.after(delayMs, resolve));
  }

  async hold<T>(work: Promise<T>): Promise<T> {
    this.#held += 1;
    try {
      return await work;
    } finally {
      this.#held -= 1;
    }
  }

  /** Resolves once nothing is running: no held work, and two quiet turns of the event loop. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2; ) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#held === 0 ? quiet + 1 : 0;
    }
  }

  /** Lets `milliseconds` pass, running each timer at its moment and settling after each. */
  async advance(milliseconds: number): Promise<void> {
    await this.runUntil(() => false, milliseconds);
  }

  /**
   * Runs timer after timer until `done` says so or `withinMs` have passed.
   * @returns whether `done` said so.
   */
  async runUntil(done: () => boolean, withinMs: number): Promise<boolean> {
    const end = this.#now + withinMs;
    await this.settle();
    while (!done()) {
      const next = this.#queue.first;
      if (next === undefined || next.at > end) {
        this.#now = end;
        return done();
      }
      this.#queue.shift();
      const { run } = next;
      if (run === undefined) continue;
      this.#now = Math.max(this.#now, next.at);
      next.run = undefined;
      run();
      this.fired?.();
      await this.settle();
      this.settled?.();
    }
    return true;
  }
}
