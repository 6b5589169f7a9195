/**
 * The same ones, in their order, from another place at each turn: where there may not be time for all, those at the end
 * have theirs.
 * @param first where to begin; counts on behind the last one from the first
 */
export function inTurn<T>(all: readonly T[], first: number): readonly T[] {
  const at = first % Math.max(1, all.length);
  return [...all.slice(at), ...all.slice(0, at)];
}
