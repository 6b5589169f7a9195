/**
 * Patience with throttling. An account's buckets let through as many calls as they refill, whoever asks. Where a hundred
 * rollouts ask at once, what matters is that none gives up and that no call is let through for nothing: so an invocation
 * waits long for the first thing that it reads, asks the rest one at a time and soon, and what it then changes it asks
 * for soonest of all.
 */
import type {
  FinalizeHandlerOutput,
  FinalizeRequestMiddleware,
  MetadataBearer,
  Pluggable,
} from '@smithy/types';
import { isThrottling } from '../errors.ts';
import { triesWithinMilliseconds } from './prompt-retries.ts';

/** Read operations change nothing, so that no fence has to be asked before another try. */
const reading = /^(Describe|Get|List)/;

/** Longest delays before another try; each is drawn evenly from nothing to so much (full jitter), in milliseconds. */
const delays = {
  /** Of an invocation that was let through with nothing yet: doubled with each try, up to the second. */
  arriving: [1_000, 8_000],
  /** Of one that has begun, whose reads would have to be made anew if it gave up. */
  begun: [500, 1_000],
  /** Of a change, which may not land late: there are only a few seconds for it. */
  changing: [500, 500],
} as const;

/** A process of Lambda has one invocation at a time, so that this serves all of its clients. */
const invocation = { number: 0, patientUntil: 0 };

/**
 * To be called when an invocation begins.
 * @param moment milliseconds since the epoch, after which throttled reads are given up
 */
export function bePatientUntil(moment: number): void {
  invocation.number += 1;
  invocation.patientUntil = moment;
}

/** What of a client is needed here. */
interface Stacked {
  readonly middlewareStack: { use(plugin: Pluggable<object, MetadataBearer>): void };
}

/** Has a client with `patientSettings` ask on for what is throttled; the SDK's own tries are for all else. */
export function withPatience<Client extends Stacked>(client: Client): Client {
  client.middlewareStack.use({
    applyToStack: (stack) =>
      stack.addRelativeTo(patience(), {
        relation: 'after',
        toMiddleware: 'retryMiddleware',
        name: 'patienceMiddleware',
      }),
  });
  return client;
}

function patience(): FinalizeRequestMiddleware<object, MetadataBearer> {
  let queue: Promise<unknown> = Promise.resolve();
  /** The last invocation of which a call was let through. */
  let begun = -1;
  return (next, { commandName = '' }) =>
    async (args) => {
      const ask: Ask = async () => {
        const answer = await next(args);
        begun = invocation.number;
        return answer;
      };
      const firstAsked = Date.now();
      try {
        return await ask();
      } catch (error) {
        if (!isThrottling(error)) throw error;
        if (!reading.test(commandName))
          return askOn(ask, error, firstAsked + triesWithinMilliseconds, () => delays.changing);
        const until = Math.max(invocation.patientUntil, firstAsked + triesWithinMilliseconds);
        const turn = queue.then(() =>
          askOn(ask, error, until, () => (begun === invocation.number ? delays.begun : delays.arriving)),
        );
        queue = turn.catch(() => undefined);
        return turn;
      }
    };
}

type Ask = () => Promise<FinalizeHandlerOutput<MetadataBearer>>;

/** @throws the last refusal once it is `until`, and any other error at once */
async function askOn(
  ask: Ask,
  refusal: unknown,
  until: number,
  longest: () => readonly [number, number],
): ReturnType<Ask> {
  let last = refusal;
  for (let tries = 0; ; tries += 1) {
    const [from, to] = longest();
    const delay = Math.random() * Math.min(to, from * 2 ** tries);
    if (Date.now() + delay > until) throw last;
    await new Promise((resolve) => setTimeout(resolve, delay));
    try {
      return await ask();
    } catch (error) {
      if (!isThrottling(error)) throw error;
      last = error;
    }
  }
}
