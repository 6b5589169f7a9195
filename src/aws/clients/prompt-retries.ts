/** Further tries of a call, only soon after its first one. */
import { StandardRetryStrategy } from '@smithy/core/retry';

/**
 * How long after the first try another one may begin. Throttling is answered at once, and the service's own faults are
 * too: their tries fall within this time. What does not answer for longer was not answered for the whole of a client's
 * timeout, and whoever called asks the fence before it calls again.
 */
export const triesWithinMilliseconds = 5_000;

type Token = Awaited<ReturnType<StandardRetryStrategy['acquireInitialRetryToken']>>;
type ErrorInfo = Parameters<StandardRetryStrategy['refreshRetryTokenForRetry']>[1];

/**
 * The SDK's own strategy tries again after each timeout, so that one call may go on for four of them: long after the
 * fence that its caller looked at has fallen, and past the time that its caller has left.
 */
export class PromptRetries extends StandardRetryStrategy {
  readonly #begun = new WeakMap<object, number>();
  readonly #throttled: 'tried again' | 'left to patience';

  /** @param throttled who tries again what is throttled: this, or what `withPatience` has put beneath it */
  constructor(maxAttempts: number, throttled: 'tried again' | 'left to patience' = 'tried again') {
    super(maxAttempts);
    this.#throttled = throttled;
  }

  override async acquireInitialRetryToken(scope: string): Promise<Token> {
    const token = await super.acquireInitialRetryToken(scope);
    this.#begun.set(token, Date.now());
    return token;
  }

  /** @throws Error once it is too late; the client throws what the call ended with then */
  override async refreshRetryTokenForRetry(token: Token, error: ErrorInfo): Promise<Token> {
    if (this.#throttled === 'left to patience' && error.errorType === 'THROTTLING')
      throw new Error('It was tried for as long as it may be');
    const begun = this.#begun.get(token) ?? Date.now();
    if (Date.now() - begun > triesWithinMilliseconds) throw new Error('Too late for another try');
    const next = await super.refreshRetryTokenForRetry(token, error);
    this.#begun.set(next, begun);
    return next;
  }
}
