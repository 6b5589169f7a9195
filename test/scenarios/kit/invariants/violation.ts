/** The invariants by their numbers in the design, in a few words each, and what breaks one. */

export const invariants = {
  1: 'no weight without health',
  2: 'no request fails because of us',
  3: 'live is never shrunk',
  4: 'one holder, and a fenced-off one starts no call',
  5: 'back to rest',
  6: 'every image is recorded or removed',
  7: 'one image for one identity',
  8: 'lineage from every instance',
  9: 'no event is changed, lost or doubled',
  10: 'what is refused has a name',
} as const;
export type Invariant = keyof typeof invariants;

/** What a judge says. */
export interface Broken {
  readonly invariant: Invariant;
  readonly words: string;
}

export interface Violation extends Broken {
  readonly name: (typeof invariants)[Invariant];
  /** The fleet's name; empty where it is about the account. */
  readonly fleet: string;
  /** ISO 8601, by the region's clock. */
  readonly at: string;
  /** The call after which it was seen, `shift-traffic, elasticloadbalancing:ModifyRule`; undefined where time passed. */
  readonly call: string | undefined;
}

export function wordsOfViolation(one: Violation): string {
  const cause = one.call === undefined ? 'with time' : `after ${one.call}`;
  const whose = one.fleet === '' ? '' : `${one.fleet}, `;
  return `invariant ${one.invariant} (${one.name}): ${whose}${one.at}, ${cause}: ${one.words}`;
}
