/** Moving weights, and proving that they moved. */
import * as z from 'zod';
import type { Alarms } from '../../aws/alarms.ts';
import type { Groups } from '../../aws/groups.ts';
import type { Instances } from '../../aws/instances.ts';
import type { LoadBalancer } from '../../aws/load-balancer.ts';
import { together } from '../../aws/together.ts';
import type { SlotColour } from '../../contracts/ids.ts';
import type { FleetItem, Order } from '../../contracts/items.ts';
import {
  type Arrival,
  arrivalState,
  heldCall,
  isJustSeen,
  justSeen,
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
import { type ActivityView, healthyCount, type TargetView, type TrafficWorld } from '../../fleet/world.ts';
import { type ArrivalDeps, countArrivals, judgeArrival } from './arrival.ts';
import { refuseIfFailing } from './check-health.ts';
import { type GrowthView, growForShare } from './grow.ts';
import { type HandedFleet, type Hold, handOver } from './hold.ts';
import { digestOf, lookAtTraffic, refuseIfStale, ruleOf, slotArns } from './look.ts';
import { refuseIfEnded, refuseIfPaused, refuseIfRinging } from './orders.ts';
import { fleetEvent, rolloutKey, updateRollout } from './record.ts';

/** `step` counts from 1. */
export const shiftInput = heldCall.extend({
  plan: rolloutPlan,
  step: z.number().int().min(1),
  /** Of the step before. Not null at the first: JSONata's $merge drops a variable that is null. */
  proof: z.union([trafficProof, z.literal('none')]),
  /** What is known by now of whether requests arrive. An execution with an older definition hands nothing, and is not asked. */
  arrival: arrivalState.default('told'),
  /** Which targets the candidate had when it was last proven well: their digest. */
  seen: z.string(),
  /** What CheckHealth saw; it counts for a moment only. */
  justSeen,
});

export interface ShiftDeps extends ArrivalDeps {
  readonly balancer: LoadBalancer;
  readonly groups: Groups;
  readonly instances: Instances;
  readonly alarms: Alarms;
}

type Call = z.infer<typeof shiftInput>;

type LeftGate = TrafficWorld &
  GrowthView & {
    readonly alarms: AlarmVerdict['verdict'];
    /** Milliseconds since the epoch. */
    readonly lookedAt: number;
    /** What is known of the step that had the traffic. */
    readonly proven: ReturnType<typeof judgeArrival>;
  };

/**
 * What is asked when a gate is left: whether requests arrive, orders, alarms, and whether the candidate is still well. Of the other slot nothing
 * is asked. What Auto Scaling did meanwhile is asked where the candidate's targets are not those that were last
 * proven well: nothing was replaced where they are.
 */
export async function leaveGate(
  call: Pick<Call, 'fleet' | 'rollout' | 'plan' | 'proof' | 'arrival' | 'seen' | 'justSeen'>,
  hold: Hold,
  deps: ShiftDeps,
  /** The step that has the traffic; 0 before the first. */
  step: number,
): Promise<LeftGate> {
  const { plan } = call;
  // Asked first, so that nothing else that is looked at grows old meanwhile.
  const counted = await countArrivals(call, hold, deps, step);
  const lookedAt = hold.now().getTime();
  const steps = plan.steps.length;
  const watched = watchedAt(hold.fleet.spec.rollout.alarms, { kind: plan.kind, step, steps });
  refuseIfEnded(hold.fleet, call.rollout);
  refuseIfPaused(hold.fleet, call.rollout);
  const handed = isJustSeen(call.justSeen, hold.now()) ? call.justSeen.targets : null;
  const [world, alarms] = await together([
    lookAtTraffic(deps.balancer, hold.fleet, handed === null ? [plan.slot] : []),
    refuseIfRinging(hold.fleet, call.rollout, watched, deps.alarms),
  ]);
  refuseIfStale(world.rule, hold.fleet, hold.now());
  const targets = handed ?? world.slots[plan.slot].targets;
  const activities = await tellingActivities(call, hold.fleet, targets, deps.groups);
  await refuseIfFailing(
    {
      fleet: call.fleet,
      rollout: call.rollout,
      groupName: plan.groupName,
      share: hold.fleet.weights[plan.slot],
    },
    { spec: hold.fleet.spec, wanted: provenSize(hold.fleet, plan), targets, activities, now: hold.now() },
    deps.instances,
  );
  return {
    ...world,
    slots: { ...world.slots, [plan.slot]: { targets } },
    targets,
    activities,
    alarms,
    lookedAt,
    proven: judgeArrival(call, hold.fleet, world.rule, counted),
  };
}

/** What Auto Scaling did with the candidate, as far as it tells of this rollout. */
async function tellingActivities(
  { plan, seen }: Pick<Call, 'plan' | 'seen'>,
  { candidate }: FleetItem,
  targets: readonly TargetView[],
  groups: Groups,
): Promise<readonly ActivityView[]> {
  const growth = candidate?.growth;
  const warm = plan.way === 'warm';
  // A candidate that grows is new in part: why it does not get there is told by what Auto Scaling tries.
  if (growth?.proven !== false && (warm || seen === digestOf(targets))) return [];
  const activities = await groups.activities(plan.groupName);
  // A warm group has a past; what counts is what happened since it began to grow.
  const since = warm && growth !== undefined ? Date.parse(growth.since) : 0;
  return activities.filter(({ startedAt }) => startedAt >= since);
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

/** From the first step on the weights are the rollout's, also where a person had set the same: they are undone with it. */
function ledByUs(candidate: FleetItem['candidate']): FleetItem['candidate'] {
  if (candidate === null) return null;
  const { byHand: _byHand, ...led } = candidate;
  return led;
}

/**
 * Sets the weights of one step. Safe to repeat: weights that are there already are recorded, not set again.
 * @throws FlotillaError `CandidateGrowing` and `TrafficNotArriving` (try again), `TrafficChangedByHand`, `GuardRefused`,
 * `CandidateUnhealthy`, `AlarmRang`, `AlarmMissing`, `GateAborted`, `RolloutPaused`, `LeaseLost`, `DeadlineNear`.
 */
export async function shiftTraffic(
  call: Call,
  hold: Hold,
  deps: ShiftDeps,
): Promise<{ readonly shifted: Shifted; readonly arrival: Arrival; readonly held: HandedFleet }> {
  const { plan, rollout } = call;
  const step = plan.steps[call.step - 1];
  if (step === undefined)
    throw new FlotillaError('RequestInvalid', `The plan has no step ${call.step}`, { rollout });
  const world = await leaveGate(call, hold, deps, call.step - 1);
  const { proven, lookedAt } = world;
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
      candidate: ledByUs(provenNow(item.candidate)),
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
          provenBefore: proven.proof,
          alarmsBefore: world.alarms,
        },
      }),
    ],
  }));
  const candidate = world.slots[plan.slot].targets;
  return {
    shifted: {
      weights: wanted,
      ruleArn: fleet.fixed.ruleArn,
      slotArns: slotArns(fleet),
      settleSeconds: settleSeconds(fleet),
      candidate: { healthy: healthyCount({ targets: candidate }), targets: digestOf(candidate) },
      freshUntil: new Date(lookedAt + fleet.spec.healthCheck.intervalSeconds * 1000).toISOString(),
    },
    arrival: proven.arrival,
    held: handOver(hold.fleet),
  };
}

const orderKey = ({ rollout, verb, at }: Order): string => `${rollout} ${verb} ${at}`;

export const proveInput = heldCall.extend({
  plan: rolloutPlan,
  step: z.number().int().min(1),
  shifted,
});

/**
 * Reads back what the rule has, and who is healthy behind it. A slot whose targets were looked at before the change is
 * not asked again within one interval of its health check: the balancer knows nothing new of them before.
 *
 * It changes nothing, so that it asks for no fence: whoever lost the fleet meanwhile learns it at the next state.
 * @throws FlotillaError `TrafficNotProven` (worth another look).
 */
export async function prove(
  call: z.infer<typeof proveInput>,
  balancer: LoadBalancer,
  now: Date,
): Promise<{ readonly proof: z.infer<typeof trafficProof>; readonly seen: string }> {
  const { ruleArn, weights, slotArns: slots, freshUntil } = call.shifted;
  const { slot } = call.plan;
  const rule = await ruleOf(balancer, call.fleet, ruleArn, slots);
  const moved = sameWeights(rule.weights, weights);
  const look = async (colour: SlotColour) => {
    // A rule that does not show the change yet is looked at again, and its targets then.
    if (!moved || weights[colour] === 0) return { healthy: 0, targets: '' };
    if (colour === slot && now.toISOString() < freshUntil) return call.shifted.candidate;
    const targets = await balancer.targets(slots[colour]);
    return { healthy: healthyCount({ targets }), targets: digestOf(targets) };
  };
  const [blue, green] = await together([look('blue'), look('green')]);
  const healthy = { blue: blue.healthy, green: green.healthy };
  const proof = proveTraffic(rule, healthy, weights);
  if (!proof.proven) {
    throw new FlotillaError('TrafficNotProven', proof.reasons.join('; '), {
      fleet: call.fleet,
      rollout: call.rollout,
      ruleArn,
    });
  }
  const candidate = slot === 'blue' ? blue : green;
  return { proof: { step: call.step, proof: proof.proof, healthy }, seen: candidate.targets };
}
