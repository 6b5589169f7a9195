/** Jobs for later that outlive the region: an event on its way, an invocation in a queue. */
import type { Clock } from '../clock.ts';
import type { Collection, Saved } from './persistent.ts';

interface Item<Job> {
  readonly dueAt: number;
  readonly job: Job;
}

/**
 * Runs each job at its time. A job is kept until it is done, so that one which was under way when the process died
 * is run again: at least once, as queues promise.
 */
export class Agenda<Job> {
  readonly #clock: Clock;
  readonly #run: (job: Job) => void | Promise<void>;
  readonly #items = new Map<string, Item<Job>>();
  #next = 0;
  #closed = false;

  constructor(clock: Clock, run: (job: Job) => void | Promise<void>) {
    this.#clock = clock;
    this.#run = run;
  }

  /** @param job plain data */
  add(delayMs: number, job: Job): void {
    const id = String(this.#next++);
    this.#items.set(id, { dueAt: this.#clock.now() + delayMs, job });
    this.#arm(id, delayMs);
  }

  get size(): number {
    return this.#items.size;
  }

  /** Lets what is due later be; jobs under way end. */
  close(): void {
    this.#closed = true;
  }

  collection(name: string): Collection {
    const items = this.#items;
    return {
      name,
      *save(): Iterable<Saved> {
        for (const [id, item] of items) yield { id, stamp: 0, value: () => item };
      },
      load: (id, value) => {
        items.set(id, value as Item<Job>);
        this.#next = Math.max(this.#next, Number(id) + 1);
      },
    };
  }

  /** Sets the timers of what was loaded; what is overdue runs at once. */
  resume(): void {
    const now = this.#clock.now();
    for (const [id, { dueAt }] of this.#items) this.#arm(id, Math.max(0, dueAt - now));
  }

  #arm(id: string, delayMs: number): void {
    this.#clock.after(delayMs, () => void this.#do(id));
  }

  async #do(id: string): Promise<void> {
    const item = this.#items.get(id);
    if (item === undefined || this.#closed) return;
    try {
      await this.#run(item.job);
    } finally {
      // A region that ends breaks jobs off: they are the next one's.
      if (!this.#closed) this.#items.delete(id);
    }
  }
}
