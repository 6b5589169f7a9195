/** Moving weights, and proving that they moved. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { Alarms } from '../../aws/alarms.ts';
import type { Groups } from '../../aws/groups.ts';
import type { Instances } from '../../aws/instances.ts';
import type { LoadBalancer } from '../../aws/load-balancer.ts';
import type { SlotColour } from '../../contracts/ids.ts';
import type { FleetItem, Order } from '../../contracts/items.ts';
import {
  heldCall,
  type RolloutPlan,
  rolloutPlan,
  type Shifted,
  shifted,
  trafficProof,
} from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { type AlarmVerdict, watchedAt } from '../../fleet/gates.ts';
import { phases } from '../../fleet/phases.ts';
import { decideShift, proveTraffic, sameWeights, settleSeconds, stepWeights } from '../../fleet/traffic.ts';
import type { TargetView, TrafficWorld } from '../../fleet/world.ts';
import { refuseIfFailing } from './check-health.ts';
import { type GrowthView, growForShare } from './grow.ts';
import type { Hold } from './hold.ts';
import { lookAtTraffic, refuseIfStale, ruleOf, slotArns } from './look.ts';
import { refuseIfEnded, refuseIfPaused, refuseIfRinging } from './orders.ts';
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

/** Which targets these are, in a few characters: a large slot has thousands. */
function digestOf(targets: readonly TargetView[]): string {
  const ids = targets.map(({ id }) => id).sort();
  return createHash('sha256').update(ids.join()).digest('hex').slice(0, 32);
}

/**
 * What is asked when a gate is left: orders, alarms, and whether the candidate is still well. Of the other slot nothing
 * is asked. What Auto Scaling did meanwhile is asked where the candidate's targets are not those of the last proof:
 * nothing was replaced where they are.
 */
export async function leaveGate(
  call: Pick<Call, 'fleet' | 'rollout' | 'plan' | 'proof'>,
  hold: Hold,
  deps: ShiftDeps,
  /** The step that has the traffic; 0 before the first. */
  step: number,
): Promise<TrafficWorld & GrowthView & { readonly alarms: AlarmVerdict['verdict'] }> {
  const { plan } = call;
  const steps = plan.steps.length;
  const watched = watchedAt(hold.fleet.spec.rollout.alarms, { kind: plan.kind, step, steps });
  refuseIfEnded(hold.fleet, call.rollout);
  refuseIfPaused(hold.fleet, call.rollout);
  const [world, alarms] = await Promise.all([
    lookAtTraffic(deps.balancer, hold.fleet, [plan.slot]),
    refuseIfRinging(hold.fleet, call.rollout, watched, deps.alarms),
  ]);
  refuseIfStale(world.rule, hold.fleet, hold.now());
  const { targets } = world.slots[plan.slot];
  // A candidate that grows is new in part: why it does not get there is told by what Auto Scaling tries.
  const growing = hold.fleet.candidate?.growth?.proven === false;
  const same = !growing && call.proof !== 'none' && call.proof.targets === digestOf(targets);
  const activities = plan.way === 'warm' || same ? [] : await deps.groups.activities(plan.groupName);
  await refuseIfFailing(
    {
      fleet: call.fleet,
      rollout: call.rollout,
      groupName: plan.groupName,
      share: hold.fleet.weights[plan.slot],
    },
    { spec: hold.fleet.spec, wanted: provenSize(hold.fleet, plan), targets, activities },
    deps.instances,
  );
  return { ...world, targets, activities, alarms };
}

/** The size at which the candidate was proven last: instances that are only just added count for no failure. */
function provenSize({ candidate }: FleetItem, plan: RolloutPlan): number {
  const growth = candidate?.growth;
  return growth?.proven === true ? growth.to : plan.capacity.desired;
}

function provenNow(candidate: FleetItem['candidate']): FleetItem['candidate'] {
  const growth = candidate?.growth;
  return candidate === null || growth === undefined
    ? candidate
    : { ...candidate, growth: { ...growth, proven: true } };
}

/**
 * Sets the weights of one step. Safe to repeat: weights that are there already are recorded, not set again.
 * @throws FlotillaError `CandidateGrowing` (try again), `TrafficChangedByHand`, `GuardRefused`, `CandidateUnhealthy`,
 * `AlarmRang`, `GateAborted`, `RolloutPaused`, `LeaseLost`, `DeadlineNear`.
 */
export async function shiftTraffic(call: Call, hold: Hold, deps: ShiftDeps): Promise<Shifted> {
  const { plan, rollout } = call;
  const step = plan.steps[call.step - 1];
  if (step === undefined)
    throw new FlotillaError('RequestInvalid', `The plan has no step ${call.step}`, { rollout });
  const world = await leaveGate(call, hold, deps, call.step - 1);
  await growForShare({ ...call, share: step.weight }, hold, deps, world);
  const { fleet } = hold;
  const read = new Set(fleet.orders.map(orderKey));
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
      candidate: provenNow(item.candidate),
      weights: wanted,
      weightsSince: now,
      gate: null,
      // A word given for the gate before counts for no later one. What was ordered meanwhile was not read yet.
      orders: item.orders.filter((order) => order.verb !== 'approve' || !read.has(orderKey(order))),
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
          alarmsBefore: world.alarms,
        },
      }),
    ],
  }));
  return {
    weights: wanted,
    ruleArn: fleet.fixed.ruleArn,
    slotArns: slotArns(fleet),
    settleSeconds: settleSeconds(fleet),
  };
}

const orderKey = ({ rollout, verb, at }: Order): string => `${rollout} ${verb} ${at}`;

export const proveInput = heldCall.extend({
  plan: rolloutPlan,
  step: z.number().int().min(1),
  shifted,
});

/**
 * Reads back what the rule has, and who is healthy behind it. It changes nothing, so that it asks for no fence: whoever
 * lost the fleet meanwhile learns it at the next state.
 * @throws FlotillaError `TrafficNotProven` (worth another look).
 */
export async function prove(
  call: z.infer<typeof proveInput>,
  balancer: LoadBalancer,
): Promise<z.infer<typeof trafficProof>> {
  const { ruleArn, weights } = call.shifted;
  const slots = call.shifted.slotArns;
  const rule = await ruleOf(balancer, call.fleet, ruleArn, slots);
  // A rule that does not show the change yet is looked at again, and its targets then.
  const targetsOf = (slot: SlotColour) =>
    sameWeights(rule.weights, weights) && weights[slot] > 0 ? balancer.targets(slots[slot]) : [];
  const [blue, green] = await Promise.all([targetsOf('blue'), targetsOf('green')]);
  const seen = { blue: { targets: blue }, green: { targets: green } };
  const proof = proveTraffic({ rule, slots: seen }, weights);
  if (!proof.proven) {
    throw new FlotillaError('TrafficNotProven', proof.reasons.join('; '), {
      fleet: call.fleet,
      rollout: call.rollout,
      ruleArn,
    });
  }
  return {
    step: call.step,
    proof: proof.proof,
    healthy: proof.healthy,
    targets: digestOf(seen[call.plan.slot].targets),
  };
}
