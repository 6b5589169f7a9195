/**
 * Whether requests arrive where the weights lead: the second half of the proof of a shift, on a fleet with traffic. The
 * rule and the health behind it are read back at once; what arrived is known minutes later, so that it is asked when a
 * gate is left that held long enough, before the next weight or the promotion.
 */
import type { SlotColour } from '../contracts/ids.ts';
import type { Arrival, RolloutPlan } from '../contracts/rollout.ts';
import { formatWeights, propagationSeconds } from './traffic.ts';
import type { Weights } from './world.ts';

/**
 * Load balancers send their counts in intervals of a minute, and none where nothing flows:
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
 */
export const countedSeconds = 60;

/** How long the last whole minute may be missing, generously: AWS names no time. */
const publishedWithinSeconds = 120;

/** What arrives now counts: of a bake of days its last hour. */
const mostSeconds = 3_600;

/** So many requests would have come by the weights; that none did is no chance then: one in hundreds of millions. */
const tellingRequests = 20;

/** Requests that the load balancer gave to each slot's targets. */
export type Requests = Readonly<Record<SlotColour, number>>;

/** Whole minutes, in milliseconds since the epoch. */
export interface Minutes {
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
  return { from: Math.max(since, to - mostSeconds * 1000), to };
}

/**
 * Whether to ask when this step's gate is left: until it is told, and twice at most, so that a rollout of many steps
 * makes no more calls for it. Where too few requests came to the first gate, the last one's may be enough: all of them
 * go to the candidate there. Nobody asks on the way back, which must not wait for a metric.
 */
export function asksForArrival(
  arrival: Arrival,
  {
    kind,
    step,
    steps,
  }: { readonly kind: RolloutPlan['kind']; readonly step: number; readonly steps: number },
): boolean {
  if (kind === 'rollback' || step === 0) return false;
  return arrival === 'unasked' || (arrival === 'untold' && step === steps);
}

export type ArrivalVerdict =
  | { readonly verdict: 'seen' }
  /** Not one request: what was read back is the proof. */
  | { readonly verdict: 'idle' }
  /** Too few requests: no proof, and nothing against it. */
  | { readonly verdict: 'untold' }
  | { readonly verdict: 'missing'; readonly reasons: readonly string[] };

/** What the counts say of the weights under which they were made. */
export function decideArrival(weights: Weights, requests: Requests): ArrivalVerdict {
  const total = requests.blue + requests.green;
  if (total === 0) return { verdict: 'idle' };
  const without = (['blue', 'green'] as const).filter((slot) => weights[slot] > 0 && requests[slot] === 0);
  if (without.length === 0) return { verdict: 'seen' };
  const missing = without.filter((slot) => (total * weights[slot]) / 100 >= tellingRequests);
  if (missing.length === 0) return { verdict: 'untold' };
  return {
    verdict: 'missing',
    reasons: missing.map(
      (slot) =>
        `${slot} got none of ${total} requests, and should have got ${weights[slot]} % (${formatWeights(weights)})`,
    ),
  };
}
