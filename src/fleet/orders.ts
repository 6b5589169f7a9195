/**
 * What a person may order, and when. One table, from which the API's answers, the functions' behaviour and
 * docs/orders.md follow.
 */
import type { FleetItem, Order, RolloutItem } from '../contracts/items.ts';
import { type PhaseKey, phaseKey, phases } from './phases.ts';

export type Verb = Order['verb'];

/**
 * What a rollout is in: its phase, or what became of the execution that had it. These outrank the phase, which stays
 * as it was when the execution ended.
 */
export type OrderState = PhaseKey | 'recovering' | 'needsAttention' | 'retiring' | 'unsuccessful';

export const orderStates = {
  ...phases,
  recovering: 'being recovered',
  needsAttention: 'in need of attention',
  retiring: 'ended, and its former release is being retired',
  unsuccessful: 'ended without success',
} as const satisfies Record<OrderState, string>;

/**
 * - `now`: carried out at once (through the gate's token, or by taking the rollout out of the queue).
 * - `kept`: kept on the fleet's item, and carried out at the next border between two states.
 * - `no`: not legal in this state.
 */
export type Legality = 'now' | 'kept' | 'no';

type Row = Readonly<Record<OrderState, Legality>>;

const never: Row = {
  queued: 'no',
  acquiring: 'no',
  planning: 'no',
  emptying: 'no',
  launching: 'no',
  checking: 'no',
  smoke: 'no',
  shifting: 'no',
  proving: 'no',
  baking: 'no',
  approval: 'no',
  paused: 'no',
  promoting: 'no',
  undoing: 'no',
  ended: 'no',
  recovering: 'no',
  needsAttention: 'no',
  retiring: 'no',
  unsuccessful: 'no',
};

const underWay: Row = {
  ...never,
  planning: 'kept',
  emptying: 'kept',
  launching: 'kept',
  checking: 'kept',
  smoke: 'kept',
  shifting: 'kept',
  proving: 'kept',
};

export const legalOrders = {
  /** Ends the rollout, undoes it. Once promoting began there is nothing to abort: roll back instead. */
  abort: { ...underWay, queued: 'now', acquiring: 'now', baking: 'now', approval: 'now', paused: 'now' },
  /** Goes to full weight next, past every gate that is left, and past a pause that was ordered before. */
  promote: {
    ...never,
    checking: 'kept',
    smoke: 'kept',
    shifting: 'kept',
    proving: 'kept',
    baking: 'now',
    approval: 'now',
    paused: 'now',
  },
  /** The word that an approval gate waits for, of the step that has the traffic now; given before it, it is kept. */
  approve: { ...never, proving: 'kept', baking: 'kept', approval: 'now', paused: 'kept' },
  reject: { ...never, shifting: 'kept', proving: 'kept', baking: 'now', approval: 'now', paused: 'now' },
  /**
   * Holds before the next change of weights, and before the promotion, without end. A bake goes on meanwhile: its time
   * is spent watching the same weights, paused or not. An approval's time does not.
   */
  pause: { ...underWay, acquiring: 'kept', baking: 'kept', approval: 'now', paused: 'kept' },
  /** Takes the pause back. */
  resume: { ...underWay, acquiring: 'kept', baking: 'kept', approval: 'kept', paused: 'now' },
} as const satisfies Record<Verb, Row>;

/** What to know, or to do instead, where an order is not legal. */
export const insteadOf: Readonly<Partial<Record<OrderState, string>>> = {
  promoting: 'it is being promoted; flotilla rollback goes back',
  undoing: 'it is being rolled back by itself',
  ended: 'flotilla rollback goes back to the release before',
  recovering: 'its execution ended, and recovery puts the fleet back by itself',
  needsAttention:
    'what it did could not be undone: cure the reason that flotilla status names, and the sweeper undoes the rest within a minute',
  // No rollback goes there after one that went back itself: who was left by it is passed over.
  retiring: 'flotilla deploy --release N launches the former release, vN, anew',
  // Who were told to roll back would send away what serves well.
  unsuccessful: 'nothing of it is left to undo; flotilla status shows what is live',
};

/** The state of a rollout by its own item and the fleet's; undefined for a phase that this code does not know. */
export function orderState(
  rollout: Pick<RolloutItem, 'number' | 'phase' | 'status'>,
  { lease }: Pick<FleetItem, 'lease'>,
): OrderState | undefined {
  if (lease?.purpose === 'rollout' && lease.rollout === rollout.number && lease.state !== 'held') {
    return lease.state === 'recovering' ? 'recovering' : 'needsAttention';
  }
  const phase = phaseKey(rollout.phase);
  if (phase === 'ended' && rollout.status !== 'succeeded') return 'unsuccessful';
  return phase === 'ended' && lease?.purpose === 'retirement' ? 'retiring' : phase;
}

export type OrderVerdict =
  | { readonly verdict: 'now' | 'kept' }
  | { readonly verdict: 'refused'; readonly reasons: readonly string[] };

/** Whether `verb` may be given to a rollout in `state`. */
export function judgeOrder(verb: Verb, state: OrderState | undefined): OrderVerdict {
  const legality = state === undefined ? 'no' : legalOrders[verb][state];
  if (legality !== 'no') return { verdict: legality };
  const others = Object.entries(legalOrders)
    .filter(([, row]) => state !== undefined && row[state] !== 'no')
    .map(([name]) => name);
  const instead = state === undefined ? undefined : insteadOf[state];
  return {
    verdict: 'refused',
    reasons: [
      `${verb} is not legal while the rollout is ${state === undefined ? 'in an unknown phase' : orderStates[state]}`,
      ...(instead === undefined ? [] : [instead]),
      others.length === 0 ? 'no order is legal now' : `legal now: ${others.join(', ')}`,
    ],
  };
}

/** The orders of a fleet with one more; the same orders where it changes nothing. A pause is on while it stands here. */
export function withOrder(orders: readonly Order[], order: Order): readonly Order[] {
  const own = ({ rollout }: Order): boolean => rollout === order.rollout;
  const paused = orders.some((one) => own(one) && one.verb === 'pause');
  const rest =
    paused && (order.verb === 'resume' || order.verb === 'promote')
      ? orders.filter((one) => !own(one) || one.verb !== 'pause')
      : orders;
  if (order.verb === 'resume' || rest.some((one) => own(one) && one.verb === order.verb)) return rest;
  return [...rest, order];
}

/** The orders that wait for a rollout; abort and reject first, because caution wins over haste. */
export function ordersFor(fleet: Pick<FleetItem, 'orders'>, rollout: number): readonly Order[] {
  const rank = (order: Order): number => (order.verb === 'abort' ? 0 : order.verb === 'reject' ? 1 : 2);
  return fleet.orders.filter((order) => order.rollout === rollout).sort((a, b) => rank(a) - rank(b));
}

/** An order that ends the rollout wherever it is read. */
export function endingOrder(fleet: Pick<FleetItem, 'orders'>, rollout: number): Order | undefined {
  return ordersFor(fleet, rollout).find(({ verb }) => verb === 'abort' || verb === 'reject');
}

/** The pause that holds a rollout, or will at its next border. */
export function pauseOf(fleet: Pick<FleetItem, 'orders'>, rollout: number): Order | undefined {
  return ordersFor(fleet, rollout).find(({ verb }) => verb === 'pause');
}

/** What a gate waits for: time, a person's word, or the end of a pause. */
export type WaitsFor = NonNullable<FleetItem['gate']>['waitsFor'];

export type Leaving =
  | { readonly way: 'fails'; readonly error: OrderError | 'RolloutPaused'; readonly cause: string }
  | { readonly way: 'opens'; readonly by: 'promote' | 'approve' | 'resume' };

/**
 * How a rollout leaves the gate where it is, by what has been ordered; undefined while it waits on. Everybody asks here:
 * who enters the gate, who gives an order, and the sweeper, so that none of them carries an order out another way.
 */
export function leavingGate(
  fleet: Pick<FleetItem, 'orders'>,
  rollout: number,
  waitsFor: WaitsFor,
): Leaving | undefined {
  const ending = endingOrder(fleet, rollout);
  if (ending !== undefined) {
    return { way: 'fails', error: errorOfOrder(ending), cause: describeOrder(ending) };
  }
  const pause = pauseOf(fleet, rollout);
  if (pause !== undefined) {
    // An approval gate has a deadline, and a pause has none: the rollout waits elsewhere, and comes back.
    return waitsFor === 'approval'
      ? { way: 'fails', error: 'RolloutPaused', cause: describeOrder(pause) }
      : undefined;
  }
  const verbs = ordersFor(fleet, rollout).map(({ verb }) => verb);
  if (verbs.includes('promote')) return { way: 'opens', by: 'promote' };
  if (waitsFor === 'approval' && verbs.includes('approve')) return { way: 'opens', by: 'approve' };
  return waitsFor === 'resume' ? { way: 'opens', by: 'resume' } : undefined;
}

/** Who ordered, in words for a reason. */
export function describeOrder(order: Order): string {
  const why = order.reason === undefined || order.reason === '' ? '' : `: ${order.reason}`;
  if (order.by.through === 'alarm') return `alarm ${order.by.principal} rings${why}`;
  return `${order.verb} by ${order.by.principal} (${order.by.through})${why}`;
}

export type OrderError = 'AlarmRang' | 'GateRejected' | 'GateAborted';

/** How an ending order is named as an error. */
export function errorOfOrder(order: Order): OrderError {
  if (order.by.through === 'alarm') return 'AlarmRang';
  return order.verb === 'reject' ? 'GateRejected' : 'GateAborted';
}
