/** Moving weights, and proving that they moved. */
import * as z from 'zod';
import type { Alarms } from '../../aws/alarms.ts';
import type { Groups } from '../../aws/groups.ts';
import type { Instances } from '../../aws/instances.ts';
import type { LoadBalancer } from '../../aws/load-balancer.ts';
import { heldCall, rolloutPlan, trafficProof } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { phases } from '../../fleet/phases.ts';
import { decideShift, proveTraffic, stepWeights } from '../../fleet/traffic.ts';
import type { TrafficWorld, Weights } from '../../fleet/world.ts';
import { refuseIfFailing } from './check-health.ts';
import type { Hold } from './hold.ts';
import { lookAtTraffic, refuseIfStale, slotArns } from './look.ts';
import { refuseIfEnded, refuseIfRinging } from './orders.ts';
import { fleetEvent, rolloutKey, updateRollout } from './record.ts';

/** `step` counts from 1. */
export const shiftInput = heldCall.extend({
  plan: rolloutPlan,
  step: z.number().int().min(1),
  /** Of the step before. Not null at the first: JSONata's $merge drops a variable that is null. */
  proof: z.union([trafficProof, z.literal('none')]),
});

export interface ShiftDeps {
  readonly balancer: LoadBalancer;
  readonly groups: Groups;
  readonly instances: Instances;
  readonly alarms: Alarms;
}

type Call = z.infer<typeof shiftInput>;

/** What is asked when a gate is left: orders, alarms, and whether the candidate is still well. */
export async function leaveGate(
  call: Pick<Call, 'fleet' | 'rollout' | 'plan' | 'step'>,
  hold: Hold,
  deps: ShiftDeps,
): Promise<TrafficWorld> {
  const { plan } = call;
  refuseIfEnded(hold.fleet, call.rollout);
  const [world, activities] = await Promise.all([
    lookAtTraffic(deps.balancer, hold.fleet),
    plan.way === 'launch' ? deps.groups.activities(plan.groupName) : [],
    refuseIfRinging(hold.fleet, call.rollout, deps.alarms),
  ]);
  refuseIfStale(world.rule, hold.fleet, hold.now());
  await refuseIfFailing(
    {
      fleet: call.fleet,
      rollout: call.rollout,
      groupName: plan.groupName,
      share: hold.fleet.weights[plan.slot],
    },
    { wanted: plan.capacity.desired, targets: world.slots[plan.slot].targets, activities },
    deps.instances,
  );
  return world;
}

/**
 * Sets the weights of one step. Safe to repeat: weights that are there already are recorded, not set again.
 * @throws FlotillaError `TrafficChangedByHand`, `GuardRefused`, `CandidateUnhealthy`, `AlarmRang`, `GateAborted`,
 * `LeaseLost`, `DeadlineNear`.
 */
export async function shiftTraffic(
  call: Call,
  hold: Hold,
  deps: ShiftDeps,
): Promise<{ weights: Weights; share: number }> {
  const { plan, rollout } = call;
  const step = plan.steps[call.step - 1];
  if (step === undefined)
    throw new FlotillaError('RequestInvalid', `The plan has no step ${call.step}`, { rollout });
  const world = await leaveGate(call, hold, deps);
  const { fleet } = hold;
  const wanted = stepWeights(plan.slot, step.weight, fleet.live !== null);
  const decision = decideShift(world, fleet.weights, wanted, fleet.served);
  if (decision.do === 'refuse') {
    throw new FlotillaError(decision.error, decision.reasons.join('; '), {
      fleet: fleet.fleet,
      rollout,
      ruleArn: fleet.fixed.ruleArn,
    });
  }
  if (decision.do === 'modify') {
    await hold.before();
    await deps.balancer.setWeights(fleet.fixed.ruleArn, slotArns(fleet), wanted);
  }
  await hold.change((item, now) => ({
    fleet: {
      ...item,
      weights: wanted,
      weightsSince: now,
      gate: null,
      // A word given for the gate before counts for no later one; abort and promote count until the end.
      orders: item.orders.filter(
        (order) => order.rollout !== rollout || order.verb === 'abort' || order.verb === 'promote',
      ),
    },
    writes: [updateRollout(fleet.fleet, rollout, { phase: phases.proving })],
    events: [
      fleetEvent({
        fleet: fleet.fleet,
        key: rolloutKey(rollout, `shifted-${call.step}`),
        kind: 'traffic-shifted',
        at: now,
        execution: call.execution,
        data: {
          rollout,
          step: call.step,
          share: step.weight,
          weights: wanted,
          from: fleet.weights,
          provenBefore: call.proof,
        },
      }),
    ],
  }));
  return { weights: wanted, share: step.weight };
}

export const proveInput = heldCall.extend({
  plan: rolloutPlan,
  step: z.number().int().min(1),
});

/**
 * Reads back what the rule has, and who is healthy behind it.
 * @throws FlotillaError `TrafficNotProven` (worth another look), `LeaseLost`.
 */
export async function prove(
  call: z.infer<typeof proveInput>,
  hold: Hold,
  balancer: LoadBalancer,
): Promise<z.infer<typeof trafficProof>> {
  const world = await lookAtTraffic(balancer, hold.fleet);
  const proof = proveTraffic(world, hold.fleet.weights);
  if (!proof.proven) {
    throw new FlotillaError('TrafficNotProven', proof.reasons.join('; '), {
      fleet: call.fleet,
      rollout: call.rollout,
      ruleArn: hold.fleet.fixed.ruleArn,
    });
  }
  return { step: call.step, proof: proof.proof, healthy: proof.healthy };
}
