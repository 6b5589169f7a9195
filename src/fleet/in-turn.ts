/** Who comes first where there may not be time for all. */

/** The sweeper has time for so many in any case; it comes each minute. */
const eachMinute = 20;

/**
 * The same ones, from another place each minute: the next sweep begins behind those that this one has time for, and
 * all of them have their turn.
 */
export function inTurn<T>(all: readonly T[], now: Date): readonly T[] {
  const first = (Math.floor(now.getTime() / 60_000) * eachMinute) % Math.max(1, all.length);
  return [...all.slice(first), ...all.slice(0, first)];
}
