/** What the states of swap-fleet and retire-release hand to their functions, and hand on. */
import * as z from 'zod';
import { capacityMode, hookArn } from './fleet-spec.ts';
import { fleetName, slotColour } from './ids.ts';

const count = z.number().int().min(0);
const ordinal = z.number().int().min(1);

/** Which rollout of which fleet, on whose behalf. */
export const rolloutCall = z.strictObject({
  fleet: fleetName,
  rollout: ordinal,
  /** ARN of the execution that calls. */
  execution: z.string().startsWith('arn:'),
});
export type RolloutCall = z.infer<typeof rolloutCall>;

/** The same, by an execution that holds the fleet. */
export const heldCall = rolloutCall.extend({
  /** What AcquireLease gave out; a function that finds another one stops. */
  fence: ordinal,
});
export type HeldCall = z.infer<typeof heldCall>;

export const plannedStep = z.strictObject({
  weight: z.number().int().min(1).max(100),
  bakeSeconds: count,
  approval: z.boolean(),
  approvalSeconds: ordinal,
});
export type PlannedStep = z.infer<typeof plannedStep>;

export const rolloutPlan = z.strictObject({
  /** On the way back no alarm is watched: what rings then is why somebody goes back. */
  kind: z.enum(['deploy', 'rollback']).default('deploy'),
  /** `warm`: the candidate is the former live release, whose group still stands; a deploy of it goes by the spec all the same. */
  way: z.enum(['launch', 'warm']),
  release: ordinal,
  /** The AMI of its instances. */
  imageId: z.string(),
  slot: slotColour,
  groupName: z.string(),
  /** `follow`: the candidate begins at the size for its first step, and grows with its share of the traffic. */
  mode: capacityMode.default('full'),
  /** Instances that it has before all of the traffic goes there; live may grow meanwhile, and it follows. */
  wholeSize: ordinal.default(1),
  /** Of the candidate when it is launched, in instances; its minimum stays its size until it is promoted. */
  capacity: z.strictObject({ minimum: count, desired: ordinal, maximum: ordinal }),
  /** Live's minimum while both serve; null where nothing could scale it in. */
  pin: z.strictObject({ groupName: z.string(), former: count, pinned: count }).nullable(),
  steps: z.array(plannedStep).min(1),
  /** The warm release that must leave the slot first. */
  evict: z.strictObject({ release: ordinal, groupName: z.string() }).nullable(),
  smokeTest: z.boolean(),
  /** The test listener's rule leads to the candidate before any traffic. */
  testTraffic: z.boolean().default(false),
  /** Functions to ask; a member that is absent is nobody. */
  hooks: z
    .strictObject({
      beforeTraffic: hookArn.optional(),
      afterTraffic: hookArn.optional(),
      timeoutSeconds: ordinal,
    })
    .optional(),
  /** What a person should know of the plan, such as a quota that could not be read; it stops nothing. */
  notes: z.array(z.string()).default([]),
});
export type RolloutPlan = z.infer<typeof rolloutPlan>;

/** What a hook is told, beside the moment: `before-traffic` or `after-traffic`. */
export interface HookView {
  readonly fleet: string;
  readonly rollout: number;
  readonly release: number;
  readonly imageId: string;
  readonly slot: 'blue' | 'green';
  readonly targetGroupArn: string;
  readonly port: number;
  /** The first of the candidate's healthy instances, as they were when it was found healthy. */
  readonly targets: readonly { readonly instance: string; readonly address: string }[];
}

/** What CheckHealth saw of the world, so that the first step, which mostly comes right after, need not ask again. */
export const justSeen = z.strictObject({
  /** Instances that the candidate's group wants. */
  candidate: count,
  /** Of live's group; null where nothing is live. */
  live: z.strictObject({ minimum: count, desired: count }).nullable(),
  /** The candidate's, where they are few enough to be handed on. */
  targets: z.array(z.strictObject({ id: z.string(), state: z.string() })).nullable(),
  /** ISO 8601. */
  at: z.iso.datetime(),
});
export type JustSeen = z.infer<typeof justSeen>;

/** As long as a look at the fence counts. */
const justSeenMilliseconds = 1_000;

/** Whether what was seen is so new that asking again would be asking twice. */
export function isJustSeen({ at }: Pick<JustSeen, 'at'>, now: Date): boolean {
  return now.getTime() - Date.parse(at) <= justSeenMilliseconds;
}

/** What ShiftTraffic did, as ProveTraffic reads it back. */
export const shifted = z.strictObject({
  weights: z.strictObject({ blue: count, green: count }),
  ruleArn: z.string(),
  slotArns: z.strictObject({ blue: z.string(), green: z.string() }),
  /** Until each node of the load balancer follows, where nobody answers at one that does not yet; 0 elsewhere. */
  settleSeconds: count,
  /** The candidate's targets as they were just before: how many were healthy, and which they were, as a digest. */
  candidate: z.strictObject({ healthy: count, targets: z.string() }),
  /** Until then the balancer has checked none of them again. ISO 8601. */
  freshUntil: z.iso.datetime(),
});
export type Shifted = z.infer<typeof shifted>;

/** What lineage keeps of a proof. */
export const trafficProof = z.strictObject({
  step: ordinal,
  /** `read-back`: the rule has the weights, and who is weighted has healthy targets. `arrival`: and requests came. */
  proof: z.enum(['read-back', 'arrival']),
  healthy: z.strictObject({ blue: count, green: count }),
  /** Requests that each got in the minutes that were counted, where the proof is `arrival`. */
  requests: z.strictObject({ candidate: count, live: count }).optional(),
  /** Why the requests are no part of the proof, where it was asked for them. */
  untold: z.string().optional(),
});
export type TrafficProof = z.infer<typeof trafficProof>;

/** Whether requests arrive: not asked yet; asked, and no proof; told, also that the fleet is idle. */
export const arrivalState = z.enum(['unasked', 'untold', 'told']);
export type Arrival = z.infer<typeof arrivalState>;
