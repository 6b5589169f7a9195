/**
 * What a person may order, and when. One table, from which the API's answers, the functions' behaviour and the
 * documentation follow.
 */
import type { FleetItem, Order } from '../contracts/items.ts';
import type { PhaseKey } from './phases.ts';

export type Verb = Order['verb'];

/**
 * - `now`: carried out at once (through the gate's token, or by taking the rollout out of the queue).
 * - `kept`: kept on the fleet's item, and carried out at the next border between two states.
 * - `no`: not legal in this phase.
 */
export type Legality = 'now' | 'kept' | 'no';

type Row = Readonly<Record<PhaseKey, Legality>>;

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
  promoting: 'no',
  undoing: 'no',
  ended: 'no',
};

const beforePromotion: Row = {
  ...never,
  acquiring: 'kept',
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
  abort: { ...beforePromotion, queued: 'now', baking: 'now', approval: 'now' },
  /** Goes to full weight next, past every gate that is left. */
  promote: {
    ...beforePromotion,
    acquiring: 'no',
    planning: 'no',
    emptying: 'no',
    launching: 'no',
    baking: 'now',
  },
  /** The word that an approval gate waits for; given during the bake before it, it is kept. */
  approve: { ...never, shifting: 'kept', proving: 'kept', baking: 'kept', approval: 'now' },
  reject: { ...never, shifting: 'kept', proving: 'kept', baking: 'now', approval: 'now' },
  /** Holding a rollout at a gate without end; not offered yet. */
  pause: never,
  resume: never,
} as const satisfies Record<Verb, Row>;

export type OrderVerdict =
  | { readonly verdict: 'now' | 'kept' }
  | { readonly verdict: 'refused'; readonly reasons: readonly string[] };

/** Whether `verb` may be given to a rollout in `phase`. */
export function judgeOrder(verb: Verb, phase: PhaseKey | undefined): OrderVerdict {
  const legality = phase === undefined ? 'no' : legalOrders[verb][phase];
  if (legality !== 'no') return { verdict: legality };
  const others = Object.entries(legalOrders)
    .filter(([, row]) => phase !== undefined && row[phase] !== 'no')
    .map(([name]) => name);
  return {
    verdict: 'refused',
    reasons: [
      `${verb} is not legal while the rollout is ${phase ?? 'in an unknown phase'}`,
      others.length === 0 ? 'no order is legal now' : `legal now: ${others.join(', ')}`,
    ],
  };
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

/** Who ordered, in words for a reason. */
export function describeOrder(order: Order): string {
  const why = order.reason === undefined || order.reason === '' ? '' : `: ${order.reason}`;
  return `${order.verb} by ${order.by.principal} (${order.by.through})${why}`;
}

/** How an ending order is named as an error. */
export function errorOfOrder(order: Order): 'AlarmRang' | 'GateRejected' | 'GateAborted' {
  if (order.by.through === 'alarm') return 'AlarmRang';
  return order.verb === 'reject' ? 'GateRejected' : 'GateAborted';
}
