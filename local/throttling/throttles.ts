/**
 * How often each API may be called: token buckets of the account, at AWS's published rates. Services that call on
 * their own behalf have buckets of their own, whose sizes nobody publishes; they are let through.
 */
import type { Clock } from '../clock.ts';
import type { Principal } from '../service.ts';
import { type PublishedRate, publishedRates } from './published-rates.ts';
import { throttled } from './throttled.ts';
import { TokenBucket } from './token-bucket.ts';

/** One bucket as it stands. */
export interface BucketView {
  readonly service: string;
  /** With the action, where each action has a bucket of its own. */
  readonly name: string;
  readonly burst: number;
  readonly perSecond: number;
  readonly left: number;
  /** How many tokens were taken. */
  readonly taken: number;
  /** How many calls it has refused. */
  readonly refused: number;
  /** The page that publishes it. */
  readonly source: string;
}

interface Bucket {
  readonly rate: PublishedRate;
  readonly name: string;
  readonly tokens: TokenBucket;
  taken: number;
  refused: number;
}

export class Throttles {
  readonly #clock: Clock;
  #off = false;
  readonly #buckets = new Map<string, Bucket>();
  /** Which rates a call may fall under, found once for each operation. */
  readonly #rates = new Map<string, readonly PublishedRate[]>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes the tokens of a call out of its buckets. @throws AwsError in the service's words when one is empty */
  admit(service: string, operation: string, input: unknown, principal: Principal): void {
    if (this.#off || (principal.kind !== 'user' && principal.kind !== 'role')) return;
    const given = (input ?? {}) as Readonly<Record<string, unknown>>;
    const needs: { readonly bucket: Bucket; readonly count: number }[] = [];
    let settled = false;
    for (const rate of this.#ratesOf(service, operation)) {
      if (settled && rate.besides !== true) continue;
      const count = rate.tokens === undefined ? 1 : rate.tokens(given);
      if (count === 0) continue;
      needs.push({ bucket: this.#bucket(rate, operation), count });
      if (rate.besides !== true) settled = true;
    }
    const empty = needs.find(({ bucket, count }) => bucket.tokens.left < count - 1e-9);
    if (empty !== undefined) {
      empty.bucket.refused += 1;
      throw throttled(service);
    }
    for (const { bucket, count } of needs) {
      bucket.tokens.take(count);
      bucket.taken += count;
    }
  }

  /** Lets every call through from now on. */
  off(): void {
    this.#off = true;
  }

  /** Other sizes than the published ones: what AWS calls an increase, and tests a decrease. */
  set(service: string, name: string, size: { readonly burst: number; readonly perSecond: number }): void {
    const rates = publishedRates.filter((rate) => rate.service === service && rate.name === name);
    if (rates.length === 0) throw new Error(`There is no bucket ${service} ${name}`);
    for (const rate of rates) {
      const actions = rate.shared || typeof rate.actions === 'string' ? [''] : rate.actions;
      for (const action of actions) {
        const { tokens } = this.#bucket(rate, action);
        tokens.burst = size.burst;
        tokens.perSecond = size.perSecond;
      }
    }
  }

  /** The buckets that have been used. */
  list(): readonly BucketView[] {
    return [...this.#buckets.values()].map(({ rate, name, tokens, taken, refused }) => ({
      service: rate.service,
      name,
      burst: tokens.burst,
      perSecond: tokens.perSecond,
      left: Math.floor(tokens.left + 1e-9),
      taken,
      refused,
      source: rate.source,
    }));
  }

  #ratesOf(service: string, operation: string): readonly PublishedRate[] {
    const key = `${service}:${operation}`;
    let found = this.#rates.get(key);
    if (found === undefined) {
      found = publishedRates.filter((rate) => rate.service === service && covers(rate, operation));
      this.#rates.set(key, found);
    }
    return found;
  }

  #bucket(rate: PublishedRate, operation: string): Bucket {
    const name = rate.shared || rate.actions.length === 1 ? rate.name : `${rate.name}: ${operation}`;
    const key = `${rate.service} ${name}`;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      const tokens = new TokenBucket(this.#clock, rate.burst, rate.perSecond);
      bucket = { rate, name, tokens, taken: 0, refused: 0 };
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }
}

const reading = /^(Describe|List|Search|Get)/;

function covers(rate: PublishedRate, operation: string): boolean {
  if (rate.except?.includes(operation) === true) return false;
  switch (rate.actions) {
    case 'all':
      return true;
    case 'reading':
      return reading.test(operation);
    case 'writing':
      return !reading.test(operation);
    default:
      return rate.actions.includes(operation);
  }
}
