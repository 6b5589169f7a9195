/** Invariants 1, 2 and 3: weights, requests, and the sizes of who serves. Comparisons of two moments, nothing else. */
import { type Colour, colours, type FleetState, groupOf, healthyOf } from './state.ts';
import type { Broken } from './violation.ts';

/** What a judge of moments must remember of those before. */
export interface TrafficMemory {
  /** When a slot last had a healthy target. */
  readonly healthyAt: Partial<Record<Colour, number>>;
  /** When a machine of a slot last failed by itself, or was killed. */
  readonly failedAt: Partial<Record<Colour, number>>;
  /** When a group was first seen to be live's, by its name. */
  readonly liveSince: Record<string, number>;
  /** When live's minimum was last as pinned, by the name of its group. */
  readonly heldAt: Record<string, number>;
}

/**
 * What a function knows of health and of sizes when it calls may be this old: a late copy's lag, the look at the fence,
 * and the calls in between. Nothing ties a target's health, or a group's minimum, to a change of weights, in AWS neither.
 */
const knowledgeMs = 10_000;
/** So long after a machine failed by itself, its slot may be without a healthy target through nobody's fault. */
const replacedWithinMs = 900_000;

/** Notes what later moments are judged by. */
export function remember(memory: TrafficMemory, state: FleetState): void {
  for (const slot of colours) {
    if (healthyOf(state, slot) > 0) memory.healthyAt[slot] = state.at;
    const ill = state.targets[slot].some(
      (target) =>
        target.state === 'unhealthy' || (!target.alive && ['healthy', 'initial'].includes(target.state)),
    );
    if (ill) memory.failedAt[slot] = state.at;
  }
  const live = liveOf(state);
  if (live !== undefined) memory.liveSince[live.name] ??= state.at;
  if (live !== undefined && live.minimum >= live.wanted) memory.heldAt[live.name] = state.at;
}

/** The group of live, and what its minimum has to be while both serve. */
function liveOf({ item, ...state }: FleetState) {
  const group = item.live === null ? undefined : groupOf({ item, ...state }, item.live.groupName);
  if (group === undefined) return undefined;
  const pin = item.pins.find(({ groupName }) => groupName === group.name);
  return { ...group, wanted: pin?.pinned ?? group.desired };
}

/** Invariant 1, of a call of ours that began at `begunAt`. */
export function judgeWeights(
  before: FleetState,
  after: FleetState,
  memory: TrafficMemory,
  begunAt: number,
): Broken[] {
  const broken: Broken[] = [];
  for (const slot of colours) {
    if (after.weights[slot] <= before.weights[slot]) continue;
    const healthyAt = memory.healthyAt[slot] ?? Number.NEGATIVE_INFINITY;
    if (healthyAt < begunAt - knowledgeMs)
      broken.push({
        invariant: 1,
        words: `${slot} went from ${before.weights[slot]} to ${after.weights[slot]} % and has no healthy target`,
      });
  }
  const all = after.weights.blue + after.weights.green;
  if (all === 0 && before.weights.blue + before.weights.green > 0 && before.item.served)
    broken.push({ invariant: 1, words: 'the weights are all zero on a fleet that has served' });
  return broken;
}

/** Of a call of ours as well: where the test rule leads, a candidate stands. It was written down before the rule was set. */
export function judgeTestRule(before: FleetState, after: FleetState): Broken[] {
  const { candidate, testTraffic } = after.item;
  const broken: Broken[] = [];
  for (const slot of colours) {
    const share = after.testWeights?.[slot] ?? 0;
    if (share <= (before.testWeights?.[slot] ?? 0)) continue;
    if (slot !== candidate?.slot)
      broken.push({ invariant: 1, words: `the test rule was led to ${slot}, where no candidate stands` });
    else if (slot !== testTraffic?.slot)
      broken.push({ invariant: 1, words: `the test rule was led to ${slot} before that was written down` });
  }
  return broken;
}

/** Invariant 2: whatever node a request comes to now, somebody answers it, unless a machine failed by itself. */
export function judgeRequests(state: FleetState, memory: TrafficMemory): Broken[] {
  if (!state.item.served) return [];
  const broken: Broken[] = [];
  for (const node of state.nodes) {
    for (const slot of colours) {
      if (node.weights[slot] === 0) continue;
      const failed = state.at - (memory.failedAt[slot] ?? Number.NEGATIVE_INFINITY) < replacedWithinMs;
      if (failed) continue;
      const healthy = node.healthy[slot];
      const gone = healthy.filter(({ alive }) => !alive);
      if (healthy.length === 0)
        broken.push({ invariant: 2, words: `a node sends requests to ${slot}, where nobody is healthy` });
      else if (gone.length > 0)
        broken.push({ invariant: 2, words: `a node sends requests to an instance of ${slot} that is gone` });
    }
  }
  return broken;
}

/** Invariant 3, of a call of ours: what it did to the group of live, to those with traffic, and to the pins. */
export function judgeSizes(
  before: FleetState,
  after: FleetState,
  memory: TrafficMemory,
  begunAt: number,
): Broken[] {
  if (before.item.lease?.purpose === 'removal') return [];
  const broken: Broken[] = [];
  const live = after.item.live?.groupName === before.item.live?.groupName ? after.item.live : null;
  for (const was of before.groups) {
    if (was.deleting) continue;
    const is = groupOf(after, was.name);
    const what = was.name === live?.groupName ? `${was.name}, which is live,` : was.name;
    const serves = was.slots.filter((slot) => after.weights[slot] > 0);
    if (was.name !== live?.groupName && serves.length === 0) continue;
    if (is === undefined) broken.push({ invariant: 3, words: `${what} was deleted` });
    else if (is.desired < was.desired)
      broken.push({ invariant: 3, words: `${what} was shrunk from ${was.desired} to ${is.desired}` });
    else if (is.slots.length < was.slots.length)
      broken.push({ invariant: 3, words: `${what} was detached from its slot` });
    if (is === undefined || was.name !== live?.groupName) continue;
    // What was called while it was a candidate may land when it is live.
    if (begunAt < (memory.liveSince[was.name] ?? 0)) continue;
    const pinned = after.item.pins.some(({ groupName }) => groupName === was.name);
    if (is.minimum > was.minimum && is.desired === was.desired && !pinned)
      broken.push({ invariant: 5, words: `the minimum of ${what} was raised before its undo was written` });
  }
  return [...broken, ...judgeMinimums(before, after, memory, begunAt)];
}

/**
 * While both serve, nothing may scale either of them in. A call of the rollout before that lands this very moment is
 * seen at the next step, and repaired there.
 */
function judgeMinimums(
  before: FleetState,
  after: FleetState,
  memory: TrafficMemory,
  begunAt: number,
): Broken[] {
  const { live, candidate } = after.item;
  if (live === null || candidate === null || after.weights[candidate.slot] <= before.weights[candidate.slot])
    return [];
  const broken: Broken[] = [];
  const coming = groupOf(after, candidate.groupName);
  if (coming !== undefined && coming.minimum < coming.desired)
    broken.push({
      invariant: 3,
      words: `the candidate gets traffic, and its minimum is ${coming.minimum} of ${coming.desired}`,
    });
  const present = liveOf(after);
  const heldAt = memory.heldAt[live.groupName] ?? Number.NEGATIVE_INFINITY;
  if (present !== undefined && heldAt < begunAt - knowledgeMs)
    broken.push({
      invariant: 3,
      words: `the candidate gets traffic, and live's minimum is not pinned: ${present.minimum} of ${present.desired}`,
    });
  return broken;
}
