/**
 * Whether requests arrive at the candidate: the second half of the proof of a shift, on a fleet with traffic. The rule and
 * the health behind it are read back at once; what arrived is known minutes later, so that it is asked when a gate is
 * left that held long enough, before the next weight or the promotion.
 */
import { otherSlot, type SlotColour } from '../contracts/ids.ts';
import type { Arrival, RolloutPlan, TrafficProof } from '../contracts/rollout.ts';
import { propagationSeconds } from './traffic.ts';
import type { Weights } from './world.ts';

/**
 * Load balancers send their counts in intervals of a minute, and none where nothing flows:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
 */
export const countedSeconds = 60;

/** How long the last whole minute may be missing, generously: AWS names no time. */
const publishedWithinSeconds = 120;

/** Only the newest hour counts of a gate that held for days. */
const mostSeconds = 3_600;

/** A fleet that nobody asked for so long is idle; in a shorter time its visitors may only have been elsewhere. */
const idleSeconds = 900;

/** So many requests would have come by the weights; that none did is not by chance: one time in hundreds of millions. */
const tellingRequests = 20;

/** Requests that the load balancer gave to a slot's targets in one minute, by its beginning: milliseconds since the epoch. */
export interface MinuteCount {
  readonly at: number;
  readonly requests: number;
}

/** Of each slot; a minute without requests may be missing. */
export type Counts = Readonly<Record<SlotColour, readonly MinuteCount[]>>;

/** Whole minutes, in milliseconds since the epoch. */
export interface Minutes {
  /** Of a quarter of an hour at least: whether anybody asks at all. */
  readonly countedFrom: number;
  /** Under the weights in question. */
  readonly from: number;
  readonly to: number;
}

/**
 * Which minutes can tell of the weights that a step set.
 * @returns undefined where none can: the gate was too short.
 */
export function tellingMinutes(weightsSince: string | undefined, now: Date): Minutes | undefined {
  if (weightsSince === undefined) return undefined;
  const minute = countedSeconds * 1000;
  const since = Math.ceil((Date.parse(weightsSince) + propagationSeconds * 1000) / minute) * minute;
  const to = Math.floor((now.getTime() - publishedWithinSeconds * 1000) / minute) * minute;
  if (to <= since) return undefined;
  const from = Math.max(since, to - mostSeconds * 1000);
  return { countedFrom: Math.min(from, to - idleSeconds * 1000), from, to };
}

/**
 * Whether to ask when a gate is left: until it is told, so that a rollout of many steps makes no more calls for it. Nobody
 * asks on the way back, which must not wait for a metric.
 * @param step that has the traffic; 0 before the first
 */
export function asksForArrival(arrival: Arrival, kind: RolloutPlan['kind'], step: number): boolean {
  return kind === 'deploy' && step > 0 && arrival !== 'told';
}

export type ArrivalVerdict =
  | { readonly verdict: 'seen'; readonly requests: NonNullable<TrafficProof['requests']> }
  /** No proof, and nothing against it. */
  | { readonly verdict: 'untold'; readonly idle: boolean; readonly why: string }
  | { readonly verdict: 'missing'; readonly reason: string };

/**
 * What the counts say of the candidate. Of live they say nothing that its health does not: where live is down, the
 * candidate is to get its traffic all the sooner.
 * @param tested whether requests may come to the candidate by the test listener, which no count tells apart
 */
export function decideArrival(
  slot: SlotColour,
  weights: Weights,
  counts: Counts,
  { countedFrom, from, to }: Minutes,
  tested: boolean,
): ArrivalVerdict {
  const sum = (minutes: readonly MinuteCount[]): number =>
    minutes.reduce((total, { requests }) => total + requests, 0);
  const since = (minutes: readonly MinuteCount[]): number => sum(minutes.filter(({ at }) => at >= from));
  const candidate = since(counts[slot]);
  const live = since(counts[otherSlot(slot)]);
  const untold = (why: string, idle = false) => ({ verdict: 'untold' as const, idle, why });
  if (candidate > 0) {
    return tested
      ? untold(`${candidate} requests came to the candidate, maybe by the test listener`)
      : { verdict: 'seen', requests: { candidate, live } };
  }
  if (sum(counts.blue) + sum(counts.green) === 0)
    return untold(`no requests in ${(to - countedFrom) / 60_000} minutes`, true);
  if ((live * weights[slot]) / 100 < tellingRequests)
    return untold(`none of ${live} requests came to the candidate, which may be chance`);
  return {
    verdict: 'missing',
    reason: `none of ${live} requests came to the candidate (${slot}), which has ${weights[slot]} % of the weight`,
  };
}
