import type { Clock } from '../../clock.ts';
import { Agenda } from '../../state/agenda.ts';
import type { Collection } from '../../state/persistent.ts';
import type { Outcome } from './executor.ts';

/** What is to be run, and what became of each try. */
export interface AsyncEvent {
  readonly functionName: string;
  readonly requestId: string;
  readonly payload: string;
}

interface QueuedEvent {
  readonly event: AsyncEvent;
  readonly putAt: number;
  readonly failures: number;
  readonly throttles: number;
}

export interface AsyncSettings {
  /** Retries after an error of the function: 0 to 2. */
  readonly retries: number;
  readonly maxAgeSeconds: number;
}

// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const functionErrorDelaysMs = [60_000, 120_000] as const;
const throttleDelayMs = { first: 1_000, longest: 300_000 } as const;

/**
 * Asynchronous invocations: each is tried again one and then two minutes after an error of the function, and
 * with growing pauses for up to six hours while the function is throttled.
 */
export class AsyncQueue {
  readonly #clock: Clock;
  readonly #settings: (functionName: string) => AsyncSettings;
  /** Resolves with undefined when the function is throttled or Lambda itself failed. */
  readonly #run: (event: AsyncEvent) => Promise<Outcome | undefined>;
  readonly #agenda: Agenda<QueuedEvent>;

  constructor(
    clock: Clock,
    settings: (functionName: string) => AsyncSettings,
    run: (event: AsyncEvent) => Promise<Outcome | undefined>,
  ) {
    this.#clock = clock;
    this.#settings = settings;
    this.#run = run;
    this.#agenda = new Agenda(clock, (queued) => this.#try(queued));
  }

  put(event: AsyncEvent): void {
    this.#agenda.add(0, { event, putAt: this.#clock.now(), failures: 0, throttles: 0 });
  }

  close(): void {
    this.#agenda.close();
  }

  /** Events that wait or run: the next region runs what ran once more, as Lambda does after a failure of its own. */
  collection(name: string): Collection {
    return this.#agenda.collection(name);
  }

  resume(): void {
    this.#agenda.resume();
  }

  async #try({ event, putAt, failures, throttles }: QueuedEvent): Promise<void> {
    const outcome = await this.#run(event);
    if (outcome !== undefined && !outcome.failed) return;
    const { retries, maxAgeSeconds } = this.#settings(event.functionName);
    const throttled = outcome === undefined;
    const delayMs = throttled
      ? Math.min(throttleDelayMs.longest, throttleDelayMs.first * 2 ** throttles)
      : functionErrorDelaysMs[failures];
    if (delayMs === undefined || (!throttled && failures >= retries)) return;
    if (this.#clock.now() + delayMs - putAt > maxAgeSeconds * 1000) return;
    this.#agenda.add(delayMs, {
      event,
      putAt,
      failures: failures + (throttled ? 0 : 1),
      throttles: throttles + (throttled ? 1 : 0),
    });
  }
}
