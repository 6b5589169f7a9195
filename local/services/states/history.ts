import type { HistoryEvent, HistoryEventType } from '@aws-sdk/client-sfn';
import type { Clock } from '../../clock.ts';
import { StateError } from './state-error.ts';

/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html: a hard limit. */
export const historyLimit = 25_000;

/**
 * Where a branch stands in the history: the event that its next one follows, and zero at the start (the first
 * state's event follows none, not even ExecutionStarted).
 */
export interface Cursor {
  previous: number;
}

export type EventDetails = Omit<HistoryEvent, 'timestamp' | 'type' | 'id' | 'previousEventId'>;

/** The events of one execution. */
export class History {
  readonly events: HistoryEvent[] = [];
  readonly #clock: Clock;
  readonly #added: (event: HistoryEvent) => void;

  /** @param added hears of each event as it happens */
  constructor(clock: Clock, added: (event: HistoryEvent) => void = () => {}) {
    this.#clock = clock;
    this.#added = added;
  }

  /** Adds an event after the cursor, and moves the cursor there. @throws StateError when the history is full. */
  add(type: HistoryEventType, cursor: Cursor, details: EventDetails = {}): number {
    cursor.previous = this.note(type, cursor, details);
    return cursor.previous;
  }

  /** Adds an event that nothing follows; the cursor stays. @throws StateError when the history is full. */
  note(type: HistoryEventType, cursor: Cursor, details: EventDetails = {}): number {
    // The last place is kept for the event that ends the execution.
    if (this.events.length >= historyLimit - 1 && !type.startsWith('Execution')) {
      throw new StateError(
        'States.Runtime',
        `The execution reached the maximum number of history events (${historyLimit}).`,
      );
    }
    const id = this.events.length + 1;
    const event: HistoryEvent = {
      timestamp: new Date(this.#clock.now()),
      type,
      id,
      previousEventId: cursor.previous,
      ...details,
    };
    this.events.push(event);
    this.#added(event);
    return id;
  }
}
