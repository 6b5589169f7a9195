/**
 * Which requests two listener rules have in common. A rule with a lower priority number shadows a later one
 * that overlaps it, so that a fleet could starve in silence: overlapping rules are refused instead.
 *
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
 */

/** The part of a rule that says what it matches: any of the hosts *and* any of the paths. */
export interface Condition {
  /** Empty: every host. Patterns with `*` (any run of characters) and `?` (any one). */
  readonly hosts: readonly string[];
  /** Empty: every path. */
  readonly paths: readonly string[];
}

/**
 * True where some text matches both patterns. A table over the two patterns' prefixes, so that it costs their
 * lengths multiplied, whatever stars they hold.
 */
export function patternsIntersect(left: string, right: string): boolean {
  // `row[j]`: the first i characters of left and the first j of right can match one text.
  let row: boolean[] = [true];
  for (let j = 1; j <= right.length; j++) row[j] = row[j - 1] === true && right[j - 1] === '*';
  for (let i = 1; i <= left.length; i++) {
    const a = left[i - 1];
    const next: boolean[] = [row[0] === true && a === '*'];
    for (let j = 1; j <= right.length; j++) {
      const b = right[j - 1];
      // A star matches nothing, or one character more of the other side.
      const star = (a === '*' || b === '*') && (row[j] === true || next[j - 1] === true);
      const one = (a === b || a === '?' || b === '?') && row[j - 1] === true;
      next[j] = star || one;
    }
    row = next;
  }
  return row[right.length] === true;
}

function someIntersect(left: readonly string[], right: readonly string[]): boolean {
  if (left.length === 0 || right.length === 0) return true;
  return left.some((a) => right.some((b) => patternsIntersect(a, b)));
}

/** True where some request would match both. Host names are compared without regard to case, paths with. */
export function conditionsOverlap(left: Condition, right: Condition): boolean {
  const lower = (hosts: readonly string[]) => hosts.map((host) => host.toLowerCase());
  return someIntersect(lower(left.hosts), lower(right.hosts)) && someIntersect(left.paths, right.paths);
}

/** True where both say the same, in whatever order. */
export function sameCondition(left: Condition, right: Condition): boolean {
  const key = (c: Condition) =>
    JSON.stringify([c.hosts.map((host) => host.toLowerCase()).sort(), [...c.paths].sort()]);
  return key(left) === key(right);
}
