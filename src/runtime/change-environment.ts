/** A change of some values of a fleet's environment, on the spec as it is at that moment. */
import type { EnvironmentChange, FleetSpec } from '../contracts/fleet-spec.ts';
import { type Actor, fleetItem } from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { keys } from '../lineage/keys.ts';
import { type EnsuredFleet, type EnsureFleetDeps, ensureFleet } from './ensure-fleet.ts';
import type { Invocation } from './handler.ts';

/** Two people who change different values at once both get theirs; a rollout's own writes do not count as somebody. */
const mostTries = 4;

/**
 * Safe to repeat.
 * @throws FlotillaError `FleetNotFound`, `RequestConflict` where others were faster each time, and what `ensureFleet`
 * throws
 */
export async function changeEnvironment(
  request: { readonly fleet: string; readonly change: EnvironmentChange; readonly by: Actor },
  deps: EnsureFleetDeps,
  invocation: Invocation,
): Promise<EnsuredFleet> {
  const { fleet, change, by } = request;
  for (let attempt = 1; ; attempt += 1) {
    const item = await deps.table.get(keys.fleet(fleet), fleetItem);
    if (item === undefined)
      throw new FlotillaError('FleetNotFound', `There is no fleet ${fleet}.`, { fleet });
    const spec = withEnvironment(item.spec, change);
    try {
      return await ensureFleet({ fleet, spec, by, ifRevision: item.revision }, deps, invocation);
    } catch (error) {
      const raced = error instanceof FlotillaError && error.name === 'RequestConflict';
      if (!raced || attempt === mostTries) throw error;
    }
  }
}

export function withEnvironment(spec: FleetSpec, { set, unset }: EnvironmentChange): FleetSpec {
  const kept = Object.entries(spec.image.environment).filter(([name]) => !unset.includes(name));
  return { ...spec, image: { ...spec.image, environment: { ...Object.fromEntries(kept), ...set } } };
}
