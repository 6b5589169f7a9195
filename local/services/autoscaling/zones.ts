/**
 * Availability zones: where the next instance goes, and what it takes to make the group even.
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-availability-zone-balanced.html
 */
import type { AutoScalingState, GroupRecord, Member } from './state.ts';
import { zoneOf } from './state.ts';

/** A zone that had no capacity is left alone for so long; twice as long each time. */
const firstAvoidMs = 300_000;
const longestAvoidMs = 3_600_000;

export interface Place {
  readonly subnetId: string;
  readonly zone: string;
}

/** The group's subnets, in the order in which it names them. */
export function placesOf(state: AutoScalingState, group: GroupRecord): Place[] {
  return group.subnetIds.flatMap((subnetId) => {
    const subnet = state.ec2.network.subnet(subnetId);
    return subnet === undefined ? [] : [{ subnetId, zone: subnet.zone }];
  });
}

/** How many of the members each zone of the group has. */
export function countByZone(places: readonly Place[], members: readonly Member[]): Map<string, number> {
  const counts = new Map(places.map((place) => [place.zone, 0]));
  for (const member of members) {
    const count = counts.get(zoneOf(member));
    if (count !== undefined) counts.set(zoneOf(member), count + 1);
  }
  return counts;
}

/** The zones with the fewest instances first; those that lately had no capacity last. */
export function placesByNeed(
  state: AutoScalingState,
  group: GroupRecord,
  members: readonly Member[],
): Place[] {
  const places = placesOf(state, group);
  const counts = countByZone(places, members);
  return places.toSorted(
    (a, b) =>
      Number(isAvoided(state, group, a.zone)) - Number(isAvoided(state, group, b.zone)) ||
      (counts.get(a.zone) ?? 0) - (counts.get(b.zone) ?? 0),
  );
}

/**
 * The zones in which an instance must be launched, and one terminated elsewhere, to make the group even: the counts
 * then differ by one at most, and nothing is in a zone that the group has left. Members that are protected from
 * scaling in stay where they are.
 */
export function zoneMoves(places: readonly Place[], members: readonly Member[]): string[] {
  const counts = countByZone(places, members);
  const movable = new Map<string, number>();
  for (const member of members)
    if (!member.protectedFromScaleIn) movable.set(zoneOf(member), (movable.get(zoneOf(member)) ?? 0) + 1);
  const moves: string[] = [];
  for (;;) {
    const to = extreme(counts, -1);
    if (to === undefined) return moves;
    const foreign = [...movable].find(([zone, count]) => count > 0 && !counts.has(zone))?.[0];
    const from = foreign ?? extreme(counts, 1);
    if (from === undefined || (movable.get(from) ?? 0) === 0) return moves;
    if (foreign === undefined && (counts.get(from) ?? 0) - (counts.get(to) ?? 0) < 2) return moves;
    movable.set(from, (movable.get(from) ?? 0) - 1);
    if (foreign === undefined) counts.set(from, (counts.get(from) ?? 0) - 1);
    counts.set(to, (counts.get(to) ?? 0) + 1);
    moves.push(to);
  }
}

/** The first of the zones with the most (1) or the fewest (-1). */
function extreme(counts: ReadonlyMap<string, number>, sign: 1 | -1): string | undefined {
  let best: [string, number] | undefined;
  for (const entry of counts) if (best === undefined || (entry[1] - best[1]) * sign > 0) best = entry;
  return best?.[0];
}

export function isAvoided(state: AutoScalingState, group: GroupRecord, zone: string): boolean {
  return (group.avoided.get(zone)?.until ?? 0) > state.context.clock.now();
}

/** Leaves a zone alone for a while, because a launch there found no capacity. */
export function avoid(state: AutoScalingState, group: GroupRecord, zone: string): void {
  const former = group.avoided.get(zone)?.waitMs;
  const waitMs = former === undefined ? firstAvoidMs : Math.min(longestAvoidMs, former * 2);
  group.avoided.set(zone, { until: state.context.clock.now() + waitMs, waitMs });
}
