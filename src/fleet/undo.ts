/**
 * Undoing a rollout, whatever it had done: one decision, asked again and again until it says `done`. The same code
 * serves a failed rollout, an aborted one, and one whose execution vanished.
 *
 * The order never changes: live back to its size, healthy, to full weight, proven; only then does the candidate leave.
 */

import type { SlotColour } from '../contracts/ids.ts';
import type { FleetItem, Occupant } from '../contracts/items.ts';
import { type Capacity, renewedCapacity, returnCapacity } from './capacity.ts';
import { guardRemoval } from './guard.ts';
import { leadsTo } from './test-listener.ts';
import { formatWeights, noWeights, propagationSeconds, sameWeights, weightsFor } from './traffic.ts';
import { type GroupView, healthyCount, type RuleView, type TrafficWorld, type Weights } from './world.ts';

export interface UndoWorld extends TrafficWorld {
  readonly fleet: Pick<
    FleetItem,
    'live' | 'warm' | 'candidate' | 'served' | 'pins' | 'weights' | 'testTraffic'
  >;
  /** Of the spec: what a live group needs that is made anew. */
  readonly instances: Pick<FleetItem['spec']['instances'], 'minimum' | 'desired' | 'maximum'>;
  /** The test listener's rule, where it was led to a candidate. */
  readonly testRule?: RuleView | undefined;
  /** Every Auto Scaling group that carries the fleet's tags. */
  readonly groups: readonly GroupView[];
  /** Which slot a target group is, by ARN. */
  readonly slotOfArn: Readonly<Record<string, SlotColour>>;
  /** Since the weights were last changed by us. */
  readonly secondsSinceShift: number;
  /** Since the undoing began; patience with a live group that does not get to its full size again. */
  readonly undoingSeconds: number;
  /** How long after the undoing began a call of the rollout may still land, and show. */
  readonly lastCallSeconds: number;
}

export type UndoStep =
  /** Live's group, which somebody deleted, is made anew. */
  | { readonly do: 'renew'; readonly live: Occupant; readonly capacity: Capacity }
  | { readonly do: 'resize'; readonly groupName: string; readonly capacity: Capacity; readonly why: string }
  | { readonly do: 'weights'; readonly weights: Weights; readonly why: string }
  /** Lineage follows what the rule already has. */
  | { readonly do: 'record-weights'; readonly weights: Weights }
  /** `set`: the rule leads where it was told to, or not yet. What somebody else made of it stays, and the next plan tells. */
  | { readonly do: 'close-test'; readonly set: boolean }
  /** A candidate that was warm before is warm again: nothing was made for it that would have to go. */
  | { readonly do: 'keep-warm'; readonly warm: NonNullable<FleetItem['warm']> }
  | { readonly do: 'shrink'; readonly groupName: string }
  | { readonly do: 'delete'; readonly groupName: string }
  | { readonly do: 'unpin'; readonly groupName: string; readonly minimum: number; readonly pinned: number }
  | { readonly do: 'wait'; readonly reasons: readonly string[] }
  | { readonly do: 'done' };

/** After this long, live is taken back with fewer healthy targets than instances, as long as there is one. */
export const fullSizePatienceSeconds = 120;

/** The slot that a group is attached to. */
export function slotOfGroup(
  group: GroupView,
  slotOfArn: Readonly<Record<string, SlotColour>>,
): SlotColour | undefined {
  return group.targetGroupArns.map((arn) => slotOfArn[arn]).find((slot) => slot !== undefined);
}

/** The weights that a fleet at rest has. */
export function restWeights(live: FleetItem['live']): Weights {
  return live === null ? noWeights : weightsFor(live.slot, 100);
}

/**
 * Groups of the fleet that have no role: the candidate of a failed rollout, a retired release, what a crash left
 * behind. `keep` is one more group to leave alone.
 */
export function withoutRole(world: Pick<UndoWorld, 'fleet' | 'groups'>, keep?: string): readonly GroupView[] {
  const kept = [world.fleet.live?.groupName, world.fleet.warm?.groupName, keep];
  return world.groups.filter((group) => !kept.includes(group.name));
}

/**
 * The next step towards a fleet in which only groups with a role stand, and nothing drains; `keep` is the candidate
 * where there is one that shall stay.
 */
export function nextRemoval(world: UndoWorld, keep?: string): UndoStep {
  for (const group of withoutRole(world, keep)) return removeStep(group, world);
  const draining = (['blue', 'green'] as const).flatMap((slot) =>
    // The live slot always has something that comes and goes.
    slot === world.fleet.live?.slot
      ? []
      : world.slots[slot].targets.filter(({ state }) => state.endsWith('draining')),
  );
  return draining.length > 0
    ? { do: 'wait', reasons: draining.map(({ id, state }) => `${id} is ${state}`) }
    : { do: 'done' };
}

/** The next step of undoing, or `done`. */
export function nextUndo(world: UndoWorld): UndoStep {
  const { fleet, rule } = world;
  const rest = restWeights(fleet.live);
  const leaving = withoutRole(world);
  // A late copy may show the rule as it was before our own change: then lineage knows better than the rule.
  const movedJustNow = !sameWeights(fleet.weights, rest) && world.secondsSinceShift < propagationSeconds;
  const warm = warmAgain(world);
  // Traffic that a person led to a candidate that stands was not moved by us: it fled from live, and stays there.
  const ledByHand = fleet.candidate?.byHand === true && warm !== undefined;
  const misdirected = !ledByHand && (movedJustNow || !sameWeights(rule.weights, rest));

  // Without a candidate no weight was moved by us: what a person set stays, and a refused plan changes nothing.
  const { candidate } = fleet;
  const moved = candidate !== null;
  if (moved) {
    const needed = readyLive(world, candidate, leaving, misdirected);
    if (needed !== undefined) return needed;
  }
  if (moved && misdirected) {
    return {
      do: 'weights',
      weights: rest,
      why: `from ${formatWeights(rule.weights)} back to ${formatWeights(rest)}`,
    };
  }
  if (moved && !sameWeights(fleet.weights, rest)) return { do: 'record-weights', weights: rest };

  // The rollout's last call may have made a group, moved traffic or pinned a minimum, without living to write so; while
  // it does not show, what stands with traffic must not be emptied, what stands not be overlooked, no undo forgotten.
  if (moved && world.undoingSeconds < world.lastCallSeconds) {
    return { do: 'wait', reasons: ['the last call of the rollout may not show yet'] };
  }
  const tested = fleet.testTraffic?.slot ?? null;
  if (tested !== null) {
    const { testRule } = world;
    // A copy that shows nobody may be from before a call that landed a moment ago.
    const set = testRule !== undefined && (leadsTo(testRule, tested) || leadsTo(testRule, null));
    return { do: 'close-test', set };
  }
  if (warm !== undefined) return { do: 'keep-warm', warm };
  const removal = nextRemoval(world);
  if (removal.do !== 'done') return removal;

  for (const pin of fleet.pins) {
    return { do: 'unpin', groupName: pin.groupName, minimum: pin.former, pinned: pin.pinned };
  }
  return { do: 'done' };
}

/** What a candidate was before its rollout took it up, where its group still stands; else undefined. */
function warmAgain({ fleet: { candidate }, groups }: UndoWorld): NonNullable<FleetItem['warm']> | undefined {
  if (candidate?.warm === undefined) return undefined;
  const { release, slot, groupName, warm: promises } = candidate;
  const stands = groups.some((group) => group.name === groupName && !group.deleting);
  return stands ? { release, slot, groupName, ...promises } : undefined;
}

/** The group that is live, as it shows; undefined where there is none. */
export function liveGroup({ fleet, groups }: Pick<UndoWorld, 'fleet' | 'groups'>): GroupView | undefined {
  return groups.find(({ name }) => name === fleet.live?.groupName);
}

/**
 * What live needs before the candidate may leave: its group, made anew where somebody deleted it, and what the weights
 * need that return to it. Undefined when it is ready, or there is no live.
 */
function readyLive(
  world: UndoWorld,
  candidate: Occupant,
  leaving: readonly GroupView[],
  misdirected: boolean,
): UndoStep | undefined {
  const { live, pins } = world.fleet;
  if (live === null) return undefined;
  const group = liveGroup(world);
  if (group === undefined) {
    const pin = pins.find(({ groupName }) => groupName === live.groupName);
    const serving = leaving.find(({ name }) => name === candidate.groupName);
    return { do: 'renew', live, capacity: renewedCapacity(world.instances, pin?.pinned, serving) };
  }
  if (group.deleting) return { do: 'wait', reasons: [`${group.name}, which is live, is being deleted`] };
  return misdirected ? bringBack(world, live, group, candidate, leaving) : undefined;
}

/** What live needs before the weights may return to it; undefined when it is ready. */
function bringBack(
  world: UndoWorld,
  live: Occupant,
  group: GroupView,
  candidate: Occupant,
  leaving: readonly GroupView[],
): UndoStep | undefined {
  const serving = leaving.find(({ name }) => name === candidate.groupName);
  const wanted = returnCapacity(group, serving);
  if (group.desired < wanted.desired) {
    return {
      do: 'resize',
      groupName: group.name,
      capacity: wanted,
      why: `live has ${group.desired} instances, the traffic needs ${wanted.desired}`,
    };
  }
  const healthy = healthyCount(world.slots[live.slot]);
  const candidateServes = healthyCount(world.slots[candidate.slot]) > 0;
  if (healthy >= wanted.desired) return undefined;
  // Less than all of it is better than a candidate that answers nobody, and than waiting for ever.
  if (healthy > 0 && (!candidateServes || world.undoingSeconds >= fullSizePatienceSeconds)) return undefined;
  return { do: 'wait', reasons: [`live has ${healthy} healthy targets of ${wanted.desired}`] };
}

/** The next step towards a group's end. */
function removeStep(group: GroupView, world: UndoWorld): UndoStep {
  if (group.deleting) return { do: 'wait', reasons: [`${group.name} is being deleted`] };
  const slot = slotOfGroup(group, world.slotOfArn);
  const refused = guardRemoval({ groupName: group.name, slot }, world.fleet, world);
  if (refused.length > 0) return { do: 'wait', reasons: refused };
  if (world.secondsSinceShift < propagationSeconds) {
    return {
      do: 'wait',
      reasons: [`the weights changed ${Math.floor(world.secondsSinceShift)} s ago; nodes may lag`],
    };
  }
  if (group.minimum > 0 || group.desired > 0) return { do: 'shrink', groupName: group.name };
  if (group.members.length > 0) {
    return { do: 'wait', reasons: [`${group.members.length} instances of ${group.name} still drain or end`] };
  }
  return { do: 'delete', groupName: group.name };
}
