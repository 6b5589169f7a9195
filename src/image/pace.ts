/**
 * How fast a writer of a snapshot may put blocks: a decision from what was sent, answered, throttled and lost so
 * far, and from the time, which is an argument. Two limits that learn stand beside each other:
 *
 * - a rate, for the account's quota. It never exceeds this writer's share; throttling cuts it, time heals it (additive
 *   increase, multiplicative decrease);
 * - a window of puts in flight, for the way there and the service. It grows while answers come as fast as they ever
 *   did, and shrinks when they take longer, fail or do not come.
 */

/**
 * PutSnapshotBlock requests a second of an account, and of a snapshot.
 * https://docs.aws.amazon.com/general/latest/gr/ebs-service.html
 */
export const putsPerSecond = 1_000;

export interface PaceLimits {
  /** In any second, retries included. At least 1. */
  readonly putsPerSecond: number;
  readonly mostInFlight: number;
}

/** What a writer may take that is one of `writers` at work on one snapshot. @param writers at least 1 */
export function shareOf(writers: number): number {
  return Math.max(1, Math.floor(putsPerSecond / writers));
}

export interface Pace {
  readonly limits: PaceLimits;
  readonly inFlight: number;
  /** Puts that may be in flight; a fraction counts once it has grown to one. */
  readonly window: number;
  /** When the window was full last: what was sent before then tells whether it may be larger. */
  readonly fullAt: number;
  /** The window doubles from answer time to answer time, until something speaks against it. */
  readonly doubling: boolean;
  /** When the next put would be due if all came evenly. */
  readonly dueAt: number;
  /** The rate at the last cut, a second, and when that was. */
  readonly rateAfterCut: number;
  readonly cutAt: number;
  /** What speaks of puts sent before this was heard already: many that are lost together count once. */
  readonly heardAt: number;
  /** The shortest time to an answer, which forgets slowly, and the present one; milliseconds, 0 before the first. */
  readonly shortest: number;
  readonly smoothed: number;
}

/** What happened to a put: `sent`, or its end with the time at which it had been sent. */
export type PaceEvent =
  | { readonly kind: 'sent' }
  | { readonly kind: 'answered' | 'throttled' | 'failed' | 'timed-out'; readonly sentAt: number };

/** Whether another put may be sent: now, not before a time, or not before another has ended. */
export type Start =
  | { readonly kind: 'now' }
  | { readonly kind: 'at'; readonly at: number }
  | { readonly kind: 'after-an-end' };

/** All blocks of an image of usual size, 20 to 30 MB, at once: most snapshots are written in one time to an answer. */
const firstWindow = 64;
const leastWindow = 4;
/** From nothing to the whole share. */
const healMilliseconds = 10_000;
/** A second. So slow a writer still notices that it may be faster. */
const leastRate = 0.5;
/** With 1,000 answers a second, a way that has become longer for good counts 2 % more a second. */
const forgetting = 1.000_02;

/**
 * Puts that may follow each other at once, so that a late timer costs nothing. With rate and allowance making up the
 * share together, no second holds more than the share, wherever it begins.
 */
function allowance({ putsPerSecond: share }: PaceLimits): number {
  return Math.max(1, Math.floor(share * 0.04));
}

function topRate(limits: PaceLimits): number {
  return Math.max(leastRate, limits.putsPerSecond - allowance(limits));
}

/** Puts a second that are allowed at a time. */
export function rateAt({ limits, rateAfterCut, cutAt }: Pace, at: number): number {
  const top = topRate(limits);
  return Math.min(top, rateAfterCut + (top * Math.max(0, at - cutAt)) / healMilliseconds);
}

export function startPace(limits: PaceLimits, at: number): Pace {
  return {
    limits,
    inFlight: 0,
    window: Math.min(firstWindow, limits.mostInFlight),
    fullAt: Number.NEGATIVE_INFINITY,
    doubling: true,
    dueAt: at,
    rateAfterCut: topRate(limits),
    cutAt: at,
    heardAt: Number.NEGATIVE_INFINITY,
    shortest: 0,
    smoothed: 0,
  };
}

/** When the next put may be sent. */
export function nextStart(pace: Pace, at: number): Start {
  if (pace.inFlight >= Math.floor(pace.window)) return { kind: 'after-an-end' };
  const tolerance = ((allowance(pace.limits) - 1) * 1_000) / topRate(pace.limits);
  const earliest = pace.dueAt - tolerance;
  return earliest <= at ? { kind: 'now' } : { kind: 'at', at: earliest };
}

/** The pace after an event. Events come in the order of their times. */
export function heed(pace: Pace, event: PaceEvent, at: number): Pace {
  switch (event.kind) {
    case 'sent':
      return {
        ...pace,
        inFlight: pace.inFlight + 1,
        fullAt: pace.inFlight + 1 >= Math.floor(pace.window) ? at : pace.fullAt,
        dueAt: Math.max(pace.dueAt, at) + 1_000 / rateAt(pace, at),
      };
    case 'answered':
      return answered(pace, at - event.sentAt, at);
    case 'throttled': {
      const ended = ending(pace);
      if (event.sentAt < pace.heardAt) return ended;
      const rate = Math.max(leastRate, Math.min(topRate(pace.limits), rateAt(pace, at) * 0.8));
      return { ...ended, rateAfterCut: rate, cutAt: at, heardAt: at, doubling: false };
    }
    case 'failed':
    case 'timed-out': {
      const ended = ending(pace);
      if (event.sentAt < pace.heardAt) return ended;
      const window = Math.max(leastFor(pace), pace.window * (event.kind === 'failed' ? 0.8 : 0.5));
      return { ...ended, window, heardAt: at, doubling: false };
    }
  }
}

function ending(pace: Pace): Pace {
  return { ...pace, inFlight: Math.max(0, pace.inFlight - 1) };
}

function leastFor({ limits }: Pace): number {
  return Math.min(leastWindow, limits.mostInFlight);
}

function answered(pace: Pace, took: number, at: number): Pace {
  const first = pace.smoothed === 0;
  const milliseconds = Math.max(1, took);
  const shortest = first ? milliseconds : Math.min(milliseconds, pace.shortest * forgetting);
  const smoothed = first ? milliseconds : pace.smoothed * 0.9 + milliseconds * 0.1;
  const next = { ...ending(pace), shortest, smoothed };
  const sentAt = at - took;
  if (smoothed > 2 * shortest + 20) {
    if (sentAt < pace.heardAt) return next;
    // Answers queue somewhere. Twice what the allowed rate keeps in flight on an empty way leaves room for times that
    // vary; and it may be this very process that gets too little of its core, which fewer puts would not cure.
    const enough = Math.max(firstWindow, (2 * rateAt(pace, at) * shortest) / 1_000);
    const window = Math.min(pace.window, Math.max(enough, pace.window * 0.9));
    return { ...next, window, heardAt: at, doubling: false };
  }
  if (sentAt > pace.fullAt) return next; // it is not the window that holds us back
  const window = Math.min(pace.limits.mostInFlight, pace.window + (pace.doubling ? 1 : 1 / pace.window));
  return { ...next, window };
}
