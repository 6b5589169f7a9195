/** How large a group has to be, at each moment of its life. All counts are instances. */
import type { CapacityMode, FleetSpec } from '../contracts/fleet-spec.ts';

export interface Capacity {
  readonly minimum: number;
  readonly desired: number;
  readonly maximum: number;
}

type InstanceCounts = Pick<FleetSpec['instances'], 'minimum' | 'desired' | 'maximum'>;

/**
 * Size of a candidate: as many instances as live has *now* (the spec's count may be weeks old), at least the spec's
 * minimum. Its minimum equals its desired count until it is promoted, so that nothing scales it in meanwhile.
 *
 * A live group that reads zero desired is not believed: no healthy fleet has that, and a candidate of that
 * size could not serve. The spec's count is taken then, as it is where there is no live release.
 */
export function candidateCapacity(
  spec: InstanceCounts,
  live: Pick<Capacity, 'desired'> | undefined,
): Capacity {
  const present = live === undefined || live.desired === 0 ? spec.desired : live.desired;
  const desired = Math.max(present, spec.minimum, 1);
  return { minimum: desired, desired, maximum: Math.max(spec.maximum, desired) };
}

/**
 * Instances that a candidate needs before it gets `share` per cent of the traffic: all of its size at once, or (where
 * it follows the weights) that share of it, rounded up. Its whole size is what was planned, or what live has grown to
 * meanwhile; live that shrank is no reason to be smaller.
 */
export function sizeForShare(
  mode: CapacityMode,
  share: number,
  planned: number,
  live: Pick<Capacity, 'desired'> | undefined,
): number {
  const whole = Math.max(planned, live?.desired ?? 0, 1);
  return mode === 'full' ? whole : Math.max(1, Math.ceil((whole * share) / 100));
}

/** Bounds of a group once its release is live: the spec's, but never such that they would shrink it at once. */
export function promotedBounds(
  spec: InstanceCounts,
  present: Pick<Capacity, 'desired'>,
): Pick<Capacity, 'minimum' | 'maximum'> {
  return {
    minimum: Math.min(spec.minimum, present.desired),
    maximum: Math.max(spec.maximum, present.desired),
  };
}

/**
 * Size of a live group that is made anew during a rollout: as many as it was pinned at, or as serve now, whichever is
 * more. Its minimum is as pinned, so that taking the pin back gives it the former one.
 */
export function renewedCapacity(
  spec: InstanceCounts,
  pinned: number | undefined,
  serving: Pick<Capacity, 'desired'> | undefined,
): Capacity {
  const present = Math.max(pinned ?? 0, serving?.desired ?? 0);
  return { ...candidateCapacity(spec, { desired: present }), minimum: pinned ?? spec.minimum };
}

/** What to pin live's minimum to while both serve; undefined where nothing could scale it in. */
export function pinFor(live: Capacity): { readonly former: number; readonly pinned: number } | undefined {
  return live.minimum >= live.desired ? undefined : { former: live.minimum, pinned: live.desired };
}

/**
 * The minimum to write again where a group has less than was pinned: a call of the rollout before, given up and made
 * once more, may land after the pin, and no call of Auto Scaling can be told that it is too late.
 */
export function lostPin(pinned: number | undefined, live: Pick<Capacity, 'minimum'>): number | undefined {
  return pinned === undefined || live.minimum >= pinned ? undefined : pinned;
}

/**
 * The minimum to give a live group back where it has the one at which it was held as a candidate: a call that grew it,
 * given up and made once more, may land after its promotion. Any other minimum is somebody's wish, and is left.
 */
export function lateHold(
  spec: InstanceCounts,
  heldAt: number | undefined,
  live: Capacity,
): number | undefined {
  const { minimum } = promotedBounds(spec, live);
  return live.minimum === heldAt && minimum < heldAt ? minimum : undefined;
}

/**
 * Size that a release needs before traffic returns to it: the greater of what it has and what the release that
 * serves now has, because that count carries today's load.
 */
export function returnCapacity(
  returning: Capacity,
  serving: Pick<Capacity, 'desired'> | undefined,
): Capacity {
  const desired = Math.max(returning.desired, serving?.desired ?? 0, 1);
  return {
    minimum: Math.min(Math.max(returning.minimum, 1), desired),
    desired,
    maximum: Math.max(returning.maximum, desired),
  };
}
