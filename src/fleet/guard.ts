/**
 * The traffic guard: asked before every call that could take traffic or capacity away, whoever makes it. An empty
 * list of reasons lets the call pass.
 */

import type { SlotColour } from '../contracts/ids.ts';
import type { Occupant } from '../contracts/items.ts';
import { healthyCount, type SlotViews, type TrafficWorld, type Weights } from './world.ts';

/**
 * Why these weights must not be set: a slot would gain by them that has no healthy target, or (once the fleet has
 * served) there would be none at all. Where `present` is not given, whoever is weighted gains.
 */
export function guardWeights(
  slots: SlotViews,
  wanted: Weights,
  served: boolean,
  present: Weights = { blue: 0, green: 0 },
): string[] {
  const reasons: string[] = [];
  for (const slot of ['blue', 'green'] as const) {
    if (wanted[slot] > present[slot] && healthyCount(slots[slot]) === 0) {
      reasons.push(`${slot} would get ${wanted[slot]} % of the traffic and has no healthy target`);
    }
  }
  if (served && wanted.blue + wanted.green === 0) {
    reasons.push('the weights would all be zero, on a fleet that has served');
  }
  return reasons;
}

export interface Removal {
  readonly groupName: string;
  /** The slot that the group is in; undefined where it is in none of the two. */
  readonly slot: SlotColour | undefined;
}

export interface FleetRoles {
  readonly live: Occupant | null;
  readonly served: boolean;
}

/**
 * Why a group must not be emptied or deleted: it is live, its slot has weight, it shares live's slot, or nothing
 * healthy would be left to serve. What has no healthy target either cannot be needed; of a group in no slot nobody
 * knows, and it stays.
 */
export function guardRemoval(removal: Removal, roles: FleetRoles, world: TrafficWorld): string[] {
  const reasons: string[] = [];
  const { live } = roles;
  if (live !== null && live.groupName === removal.groupName) reasons.push(`${removal.groupName} is live`);
  if (removal.slot !== undefined) {
    const weight = world.rule.weights[removal.slot];
    if (weight > 0) {
      reasons.push(`${removal.slot}, the slot of ${removal.groupName}, has ${weight} % of the traffic`);
    }
  }
  if (roles.served && live !== null && removal.slot !== live.slot) {
    if (world.rule.weights[live.slot] === 0) reasons.push(`${live.slot}, where live is, has no traffic`);
    const couldServe = removal.slot === undefined || healthyCount(world.slots[removal.slot]) > 0;
    if (couldServe && healthyCount(world.slots[live.slot]) === 0) {
      reasons.push(`live has no healthy target in ${live.slot}; ${removal.groupName} may be needed`);
    }
  }
  return reasons;
}
