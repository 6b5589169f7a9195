/**
 * What can be made to go wrong in the region, as data: tests, the API below `/_region/faults` and the command
 * all say it in these words.
 */
import * as z from 'zod';

/** Which call: `ec2:RegisterImage`, `ec2:*`, `*`. */
const action = z
  .string()
  .regex(
    /^(?:\*|[a-z0-9-]+:(?:\*|[A-Za-z0-9]+\*?))$/,
    'an action looks like ec2:RegisterImage, ec2:Describe* or *',
  );
/**
 * Whose calls: a function (`flotilla-register-image`, or `register-image` for short), a user, a service
 * (`autoscaling.amazonaws.com`), or a whole ARN. Anybody's when left out.
 */
const by = z.string().min(1).max(2048);
/** The first that is struck, counted from now: 1 is the next. */
const nth = z.int().min(1).max(1_000_000).default(1);
/** How many are struck, one after the other. */
const times = z.int().min(1).max(1_000_000).default(1);
const seconds = z.number().min(0).max(86_400);

const someCalls = { action, by: by.optional(), nth, times };
const someEvents = {
  /** For example `aws.states`; any when left out. S3's notifications have the source `aws.s3`. */
  source: z.string().min(1).max(256).optional(),
  /** For example `Step Functions Execution Status Change`; for S3 `ObjectCreated:Put`. */
  detailType: z.string().min(1).max(256).optional(),
  times,
};

/** Faults that wait for a call or an event, and go once they have struck often enough. */
export const standingFault = z.discriminatedUnion('kind', [
  /** The call is refused with this error, and nothing is done. */
  z.strictObject({
    kind: z.literal('fail'),
    ...someCalls,
    code: z.string().regex(/^[A-Za-z][A-Za-z0-9.]*$/),
    message: z.string().max(1024).default('Injected by the local region.'),
    status: z.int().min(400).max(599).default(400),
  }),
  /** The call is refused in the words in which its service throttles. */
  z.strictObject({ kind: z.literal('throttle'), ...someCalls }),
  /** The call is done, so much later. */
  z.strictObject({ kind: z.literal('delay'), ...someCalls, seconds }),
  /** The call is done, and its caller never hears of it: the connection breaks. */
  z.strictObject({ kind: z.literal('lose-answer'), ...someCalls }),
  /**
   * The function that makes the call dies: before it (it never reaches the service), or after it (it is done,
   * and nobody hears of it).
   */
  z.strictObject({
    kind: z.literal('crash'),
    function: z.string().min(1).max(140),
    when: z.enum(['before', 'after']),
    nth,
    action: action.optional(),
  }),
  z.strictObject({ kind: z.literal('drop-event'), ...someEvents }),
  z.strictObject({ kind: z.literal('double-event'), ...someEvents }),
]);

const instance = z.string().regex(/^i-[0-9a-f]{17}$/);
/** Which capacity: of a zone, a type, a market, or of what several of them name. */
const pool = {
  zone: z.string().min(1).max(40).optional(),
  type: z.string().min(1).max(40).optional(),
  market: z.enum(['on-demand', 'spot']).optional(),
};

/** What is done at once. */
export const deed = z.discriminatedUnion('kind', [
  /** The host under the instance dies. */
  z.strictObject({ kind: z.literal('kill-instance'), instance }),
  /** EC2's status checks of the instance fail, although its program goes on; or pass again. */
  z.strictObject({ kind: z.literal('impair-instance'), instance }),
  z.strictObject({ kind: z.literal('recover-instance'), instance }),
  /** EC2 takes a Spot Instance back: the notice now, the end two minutes later. */
  z.strictObject({ kind: z.literal('interrupt-spot'), instance }),
  /** EC2 finds a Spot Instance at risk; nothing ends by it. */
  z.strictObject({ kind: z.literal('recommend-rebalance'), instance }),
  /** Launches find no capacity there; what runs goes on. */
  z.strictObject({ kind: z.literal('withhold-capacity'), ...pool, seconds: seconds.optional() }),
  z.strictObject({ kind: z.literal('release-capacity'), ...pool }),
  /** What runs in the zone dies, and nothing launches there until it is restored. */
  z.strictObject({
    kind: z.literal('lose-zone'),
    zone: z.string().min(1).max(40),
    /** Restored by itself after so long; never when left out. */
    seconds: seconds.optional(),
  }),
  z.strictObject({ kind: z.literal('restore-zone'), zone: z.string().min(1).max(40) }),
  /** One byte of a snapshot changes, all its bits flipped, as AWS promises that none does. Twice is as before. */
  z.strictObject({
    kind: z.literal('corrupt-block'),
    snapshot: z.string().regex(/^snap-[0-9a-f]{17}$/),
    /** On the disk, in bytes. */
    offset: z.int().min(0),
  }),
  /** Every environment of the function that is busy dies. */
  z.strictObject({ kind: z.literal('kill-function'), function: z.string().min(1).max(140) }),
  /** As the console's button does. */
  z.strictObject({
    kind: z.literal('stop-execution'),
    execution: z.string().startsWith('arn:aws:states:'),
  }),
]);

export type StandingFault = z.output<typeof standingFault>;
export type Deed = z.output<typeof deed>;
/** As it is said: what has a default may be left out. */
export type FaultInput = z.input<typeof standingFault> | z.input<typeof deed>;

const kinds = new Set<string>(standingFault.options.map((one) => one.shape.kind.value));

/** @throws z.ZodError that names each mistake */
export function parseFault(said: unknown): StandingFault | Deed {
  const kind = (said as { kind?: unknown } | null)?.kind;
  return typeof kind === 'string' && kinds.has(kind) ? standingFault.parse(said) : deed.parse(said);
}

export function isStanding(fault: StandingFault | Deed): fault is StandingFault {
  return kinds.has(fault.kind);
}
