/** Giving an order to a rollout: kept first, then told to the gate, if the rollout waits at one. */
import type { Executions } from '../aws/executions.ts';
import type { Table } from '../aws/table.ts';
import type { AlarmEvidence } from '../contracts/failure-card.ts';
import { rolloutId } from '../contracts/ids.ts';
import { type Actor, type FleetItem, type Order, type RolloutItem, rolloutItem } from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { describeOrder, judgeOrder, orderState, pauseOf, type Verb, withOrder } from '../fleet/orders.ts';
import { phases } from '../fleet/phases.ts';
import { keys } from '../lineage/keys.ts';
import type { Clock } from './clock.ts';
import { answerGate } from './rollout/answer-gate.ts';
import { changeFleet, type FleetChange, readFleet } from './rollout/hold.ts';
import { fleetEvent, rolloutKey, updateRollout } from './rollout/record.ts';

export interface OrderDeps {
  readonly table: Table;
  readonly executions: Executions;
  readonly clock: Pick<Clock, 'now'>;
}

export interface GivenOrder {
  readonly fleet: string;
  readonly rollout: number;
  readonly verb: Verb;
  readonly by: Actor;
  readonly reason?: string;
  /** What the alarm had measured, where an alarm orders. */
  readonly alarm?: AlarmEvidence;
}

export interface OrderAnswer {
  /** `now`: carried out; `kept`: at the next border between two states. */
  readonly outcome: 'now' | 'kept';
  readonly message: string;
}

/** An order is judged by two items; where somebody writes in between it is judged anew. */
const tries = 8;

/**
 * Gives an order. Safe to repeat: what has been ordered already is told to the gate once more.
 * @throws FlotillaError `RolloutNotFound`, `FleetNotFound`, `RequestRefused` (with the orders that are legal now).
 */
export async function giveOrder(given: GivenOrder, deps: OrderDeps): Promise<OrderAnswer> {
  const { fleet: name, rollout: number, verb } = given;
  const id = rolloutId(name, number);
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    // In this order: a phase that was written after the fleet was read has made the revision an old one.
    const fleet = await readFleet(deps.table, name);
    const rollout = await deps.table.get(keys.rollout(name, number), rolloutItem);
    if (rollout === undefined) {
      throw new FlotillaError('RolloutNotFound', `There is no rollout ${id}`, { rollout: id });
    }
    const state = orderState(rollout, fleet);
    const verdict = judgeOrder(verb, state);
    if (verdict.verdict === 'refused') {
      throw new FlotillaError('RequestRefused', verdict.reasons.join('; '), {
        rollout: id,
        phase: rollout.phase,
      });
    }
    const waiting = state === 'queued' || state === 'acquiring';
    let overtaken = false;
    const after = await changeFleet(
      deps.table,
      name,
      deps.clock,
      (item, now) => {
        overtaken = item.revision !== fleet.revision;
        if (overtaken) return undefined;
        return waiting && verb === 'abort' ? dequeue(given, item, now) : keep(given, item, now);
      },
      fleet,
    );
    if (overtaken) continue;
    if (waiting && verb === 'abort') return { outcome: 'now', message: `${id} was taken out of the queue.` };
    return answer(given, fleet, after, deps);
  }
  throw new FlotillaError('AwsUnavailable', `The item of ${name} kept changing`, { fleet: name });
}

function orderOf(given: GivenOrder, at: string): Order {
  const { verb, rollout, by, reason, alarm } = given;
  return {
    verb,
    rollout,
    by,
    at,
    ...(reason === undefined ? {} : { reason }),
    ...(alarm === undefined ? {} : { alarm }),
  };
}

function orderGiven({ fleet, rollout, verb, by, reason }: GivenOrder, item: FleetItem, at: string) {
  return fleetEvent({
    fleet,
    key: rolloutKey(rollout, `ordered-${verb}-at-${item.revision}`),
    kind: 'order-given',
    at,
    by,
    data: { rollout, verb, reason },
  });
}

/** Undefined where the order changes nothing. */
function keep(given: GivenOrder, item: FleetItem, now: string): FleetChange | undefined {
  const orders = withOrder(item.orders, orderOf(given, now));
  if (orders === item.orders) return undefined;
  return { fleet: { ...item, orders: [...orders] }, events: [orderGiven(given, item, now)] };
}

/** It holds nothing yet. Its execution, where there is one, finds that it may not begin. */
function dequeue(given: GivenOrder, item: FleetItem, now: string): FleetChange {
  const { fleet, rollout } = given;
  const error: RolloutItem['error'] = { name: 'GateAborted', message: describeOrder(orderOf(given, now)) };
  return {
    fleet: {
      ...item,
      queue: item.queue.filter((one) => one !== rollout),
      orders: item.orders.filter((one) => one.rollout !== rollout),
    },
    writes: [updateRollout(fleet, rollout, { status: 'aborted', phase: phases.ended, endedAt: now, error })],
    events: [orderGiven(given, item, now)],
  };
}

async function answer(
  given: GivenOrder,
  before: FleetItem,
  after: FleetItem,
  deps: OrderDeps,
): Promise<OrderAnswer> {
  const { rollout, verb } = given;
  const id = rolloutId(given.fleet, rollout);
  const told = after.gate?.rollout === rollout ? await answerGate(after, deps.executions) : 'waits';
  if (verb === 'resume') {
    const held = pauseOf(before, rollout) !== undefined || told === 'delivered';
    return { outcome: 'now', message: held ? `${id} goes on.` : `${id} is not paused.` };
  }
  if (told === 'delivered') return { outcome: 'now', message: `${id}: ${verb}.` };
  if (told === 'stale') {
    return { outcome: 'kept', message: `${id} has left the gate; it reads the order at its next step.` };
  }
  if (verb === 'pause') {
    const message = `${id} goes no further until flotilla resume ${id}; what it does now it ends.`;
    return { outcome: 'kept', message };
  }
  return { outcome: 'kept', message: `${id} reads the order (${verb}) at its next step.` };
}
