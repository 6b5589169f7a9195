/** Faults that strike API calls, whoever makes them: refused, late, or done without an answer. */
import type { Clock } from '../clock.ts';
import { AwsError } from '../service.ts';
import { throttled } from '../throttling/throttled.ts';
import { covers, type FaultBook, means } from './book.ts';

/**
 * The call is done, and its answer is lost: on the wire the connection breaks; a service that called inside the
 * region hears that the other one is not available.
 */
export class AnswerLost extends AwsError {
  constructor(action: string) {
    super('ServiceUnavailable', `The answer of ${action} was lost (a fault that was asked for).`, 503);
  }
}

/** Stands around each call in the dispatcher. */
export class CallFaults {
  readonly #book: FaultBook;
  readonly #clock: Clock;

  constructor(book: FaultBook, clock: Clock) {
    this.#book = book;
    this.#clock = clock;
  }

  /**
   * Performs the call as the faults in the book will have it.
   * @param action `ec2:RegisterImage`
   * @param who the caller's ARN
   * @param struck hears which kind of fault struck
   * @throws AwsError what was asked for; AnswerLost
   */
  async around<T>(
    serviceId: string,
    action: string,
    who: string,
    perform: () => Promise<T>,
    struck: (kind: string) => void,
  ): Promise<T> {
    if (this.#book.empty) return perform();
    const delay = this.#book.strike(['delay'], (one) => covers(one.action, action) && means(one.by, who));
    if (delay !== undefined) {
      struck(delay.kind);
      await this.#clock.sleep(delay.seconds * 1000);
    }
    const fault = this.#book.strike(
      ['fail', 'throttle', 'lose-answer'],
      (one) => covers(one.action, action) && means(one.by, who),
    );
    if (fault === undefined) return perform();
    struck(fault.kind);
    switch (fault.kind) {
      case 'fail':
        throw new AwsError(fault.code, fault.message, fault.status);
      case 'throttle':
        throw throttled(serviceId);
      case 'lose-answer':
        // What the call itself refuses is lost as well: the caller learns nothing either way.
        await perform().catch(() => undefined);
        throw new AnswerLost(action);
    }
  }
}
