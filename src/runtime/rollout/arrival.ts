/** Asking whether requests arrive, when a gate is left. */
import type { RequestCounts } from '../../aws/request-counts.ts';
import type { Arrival, RolloutPlan, TrafficProof } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { asksForArrival, decideArrival, tellingMinutes } from '../../fleet/arrival.ts';
import type { Hold } from './hold.ts';
import { slotArns } from './look.ts';

export interface ProvenBefore {
  readonly arrival: Arrival;
  /** Of the step that had the traffic, with what arrived where that was told. */
  readonly proof: TrafficProof | 'none';
}

/**
 * Changes nothing, and may be repeated.
 * @param step that has the traffic; 0 before the first
 * @throws FlotillaError `TrafficNotArriving` (worth another look: the counts may be late).
 */
export async function proveArrival(
  call: {
    readonly rollout: number;
    readonly plan: RolloutPlan;
    readonly proof: TrafficProof | 'none';
    readonly arrival: Arrival;
  },
  hold: Hold,
  counts: RequestCounts,
  step: number,
): Promise<ProvenBefore> {
  const { proof, arrival, plan } = call;
  const unchanged = { arrival, proof };
  const { fleet } = hold;
  const minutes = tellingMinutes(fleet.weightsSince, hold.now());
  if (proof === 'none' || minutes === undefined) return unchanged;
  if (!asksForArrival(arrival, { kind: plan.kind, step, steps: plan.steps.length })) return unchanged;
  const requests = await counts.of(fleet.fixed.ruleArn, slotArns(fleet), minutes);
  if (requests === undefined) return { arrival: 'untold', proof };
  const decision = decideArrival(fleet.weights, requests);
  switch (decision.verdict) {
    case 'seen':
      return { arrival: 'told', proof: { ...proof, proof: 'arrival', requests } };
    case 'idle':
      return { arrival: 'told', proof };
    case 'untold':
      return { arrival: 'untold', proof };
    case 'missing':
      throw new FlotillaError('TrafficNotArriving', decision.reasons.join('; '), {
        fleet: fleet.fleet,
        rollout: call.rollout,
        ruleArn: fleet.fixed.ruleArn,
        from: new Date(minutes.from).toISOString(),
        to: new Date(minutes.to).toISOString(),
      });
  }
}
