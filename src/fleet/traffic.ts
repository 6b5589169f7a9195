/** Weights of the two slots: what they should be, whether they may be moved, and what proves that they took. */
import { otherSlot, type SlotColour } from '../contracts/ids.ts';
import { guardWeights } from './guard.ts';
import type { RuleView, TrafficWorld, Weights } from './world.ts';

/**
 * How long a change of weights may take until each node of the load balancer follows it; nothing that the old
 * weights pointed to is taken away before. People saw 503s within seconds of a change (argo-rollouts issue 4595).
 */
export const propagationSeconds = 10;

export const noWeights: Weights = { blue: 0, green: 0 };

/**
 * Whether other weights than lineage's may be those from before our own change: a description that is answered from a
 * late copy still shows them. https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
 */
export function mayBeStale(
  present: Weights,
  lineage: { readonly weights: Weights; readonly weightsSince?: string | undefined },
  now: Date,
): boolean {
  if (sameWeights(present, lineage.weights) || lineage.weightsSince === undefined) return false;
  return now.getTime() - Date.parse(lineage.weightsSince) < propagationSeconds * 1000;
}

/** How long what is new may be missing where it is read, generously: AWS names no time. */
const appearingSeconds = 60;

/** Whether a fleet is so new that the load balancer may not yet show what was made for it. */
export function mayAppear({ createdAt }: { readonly createdAt: string }, now: Date): boolean {
  return now.getTime() - Date.parse(createdAt) < appearingSeconds * 1000;
}

/**
 * How many seconds to wait after a change of weights until each node follows. A node that does not yet sends requests
 * where they went before: to live, which answers them, and for a fleet without live to nobody (503). So the first
 * release is not called live before that.
 */
export function settleSeconds(fleet: { readonly live: object | null }): number {
  return fleet.live === null ? propagationSeconds : 0;
}

/** Weights that give `share` per cent to `slot` and the rest to the other. */
export function weightsFor(slot: SlotColour, share: number): Weights {
  const rest = 100 - share;
  return slot === 'blue' ? { blue: share, green: rest } : { blue: rest, green: share };
}

export function sameWeights(one: Weights, other: Weights): boolean {
  return one.blue === other.blue && one.green === other.green;
}

export function formatWeights(weights: Weights): string {
  return `blue ${weights.blue} %, green ${weights.green} %`;
}

/** Where the candidate's slot leads: the step's share for it, the rest for live, all of it where there is no live. */
export function stepWeights(candidate: SlotColour, share: number, hasLive: boolean): Weights {
  if (hasLive) return weightsFor(candidate, share);
  return candidate === 'blue' ? { blue: 100, green: 0 } : { blue: 0, green: 100 };
}

export type ShiftDecision =
  | { readonly do: 'modify'; readonly weights: Weights }
  /** A repeated call finds its own work done. */
  | { readonly do: 'nothing' }
  | {
      readonly do: 'refuse';
      readonly error: 'TrafficChangedByHand' | 'GuardRefused';
      readonly reasons: readonly string[];
    };

/**
 * Whether the weights may go from `expected` (what lineage says) to `wanted`, as the rule stands.
 *
 * A rule that has other weights than expected was changed by somebody else, whom we do not overwrite. No weight goes
 * to a slot without healthy targets; whether the one that loses some is well is asked by the proof after it, so that
 * only the targets of the one that gains are looked at here.
 */
export function decideShift(
  world: TrafficWorld,
  expected: Weights,
  wanted: Weights,
  served: boolean,
): ShiftDecision {
  const present = world.rule.weights;
  if (world.rule.foreign.length > 0) {
    return {
      do: 'refuse',
      error: 'TrafficChangedByHand',
      reasons: world.rule.foreign.map(
        (arn) => `the rule also forwards to ${arn}, which is no slot of the fleet`,
      ),
    };
  }
  if (sameWeights(present, wanted)) return { do: 'nothing' };
  if (!sameWeights(present, expected)) {
    return {
      do: 'refuse',
      error: 'TrafficChangedByHand',
      reasons: [`the rule has ${formatWeights(present)}; lineage expects ${formatWeights(expected)}`],
    };
  }
  const reasons = guardWeights(world.slots, wanted, served, present);
  return reasons.length > 0
    ? { do: 'refuse', error: 'GuardRefused', reasons }
    : { do: 'modify', weights: wanted };
}

export type Proof =
  | {
      readonly proven: true;
      /** Whether requests arrive is known later: arrival.ts. */
      readonly proof: 'read-back';
    }
  | { readonly proven: false; readonly reasons: readonly string[] };

/**
 * Whether traffic goes where it should: the rule has the weights, and who is weighted has healthy targets, of which
 * `healthy` says how many.
 */
export function proveTraffic(
  rule: Pick<RuleView, 'weights'>,
  healthy: Readonly<Record<SlotColour, number>>,
  wanted: Weights,
): Proof {
  const reasons: string[] = [];
  if (!sameWeights(rule.weights, wanted)) {
    reasons.push(`the rule has ${formatWeights(rule.weights)}, not ${formatWeights(wanted)}`);
  }
  for (const slot of ['blue', 'green'] as const) {
    if (wanted[slot] > 0 && healthy[slot] === 0) {
      reasons.push(`${slot} should get ${wanted[slot]} % and has no healthy target`);
    }
  }
  if (reasons.length > 0) return { proven: false, reasons };
  return { proven: true, proof: 'read-back' };
}

/** The slot for the next candidate: the one that live is not in. */
export function idleSlot(live: { readonly slot: SlotColour } | null): SlotColour {
  return live === null ? 'blue' : otherSlot(live.slot);
}
