/** Asking whether requests arrive, when a gate is left. */
import type { RequestCounts } from '../../aws/request-counts.ts';
import type { FleetItem } from '../../contracts/items.ts';
import type { Arrival, RolloutPlan, TrafficProof } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import {
  asksForArrival,
  type Counts,
  decideArrival,
  type Minutes,
  tellingMinutes,
} from '../../fleet/arrival.ts';
import type { Known } from '../../fleet/quotas.ts';
import { sameWeights } from '../../fleet/traffic.ts';
import type { RuleView } from '../../fleet/world.ts';
import type { Invocation } from '../handler.ts';
import type { Hold } from './hold.ts';
import { slotArns } from './look.ts';
import { known } from './look-at-quotas.ts';

interface Call {
  readonly rollout: number;
  readonly plan: RolloutPlan;
  readonly proof: TrafficProof | 'none';
  readonly arrival: Arrival;
}

export interface ArrivalDeps {
  readonly counts: RequestCounts;
  readonly log: Pick<Invocation['log'], 'warn'>;
}

/** What was counted, and in which minutes; undefined where nobody had to ask. */
export type Counted = { readonly minutes: Minutes; readonly requests: Known<Counts> } | undefined;

/**
 * What CloudWatch cannot or may not tell stops no rollout; the log tells it, and the record.
 * @param step that has the traffic; 0 before the first
 * @throws FlotillaError `LeaseLost`, `DeadlineNear`, where the answer took its time.
 */
export async function countArrivals(
  { plan, proof, arrival }: Call,
  hold: Pick<Hold, 'fleet' | 'now' | 'before'>,
  { counts, log }: ArrivalDeps,
  step: number,
): Promise<Counted> {
  const { fleet } = hold;
  const minutes = tellingMinutes(fleet.weightsSince, hold.now());
  if (proof === 'none' || minutes === undefined || !asksForArrival(arrival, plan.kind, step))
    return undefined;
  const requests = await known(counts.of(fleet.fixed.ruleArn, slotArns(fleet), minutes));
  if (!requests.known) log.warn('requests not counted', { why: requests.why });
  // An order may have come meanwhile: what was read of the fleet is read again where that is long ago.
  await hold.before();
  return { minutes, requests };
}

/**
 * @returns the proof of the step that had the traffic, with what arrived where that was told.
 * @throws FlotillaError `TrafficNotArriving` (worth another look: the counts may be late).
 */
export function judgeArrival(
  { rollout, plan, proof, arrival }: Call,
  fleet: FleetItem,
  rule: Pick<RuleView, 'weights' | 'foreign'>,
  counted: Counted,
): { readonly arrival: Arrival; readonly proof: TrafficProof | 'none' } {
  // Under another rule than lineage's the counts say nothing; who made them is named by whoever looks at the rule.
  const asExpected = sameWeights(rule.weights, fleet.weights) && rule.foreign.length === 0;
  if (counted === undefined || proof === 'none' || !asExpected) return { arrival, proof };
  const { minutes, requests } = counted;
  if (!requests.known) return { arrival: 'untold', proof: { ...proof, untold: requests.why } };
  const tested = fleet.testTraffic?.slot === plan.slot;
  const decision = decideArrival(plan.slot, fleet.weights, requests.value, minutes, tested);
  switch (decision.verdict) {
    case 'seen':
      return { arrival: 'told', proof: { ...proof, proof: 'arrival', requests: decision.requests } };
    case 'untold':
      return { arrival: decision.idle ? 'told' : 'untold', proof: { ...proof, untold: decision.why } };
    case 'missing':
      throw new FlotillaError('TrafficNotArriving', decision.reason, {
        fleet: fleet.fleet,
        rollout,
        ruleArn: fleet.fixed.ruleArn,
        from: new Date(minutes.from).toISOString(),
        to: new Date(minutes.to).toISOString(),
      });
  }
}
