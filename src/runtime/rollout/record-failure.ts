/** The record of a rollout that failed. */
import * as z from 'zod';
import type { Table } from '../../aws/table.ts';
import { together } from '../../aws/together.ts';
import {
  eventItem,
  type FleetItem,
  type ReleaseItem,
  type RolloutItem,
  releaseItem,
  rolloutItem,
} from '../../contracts/items.ts';
import { type RolloutCall, rolloutCall } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { cardText } from '../../fleet/card-text.ts';
import {
  blamesRelease,
  endedAs,
  type Failure,
  failureCardOf,
  failureOf,
  splitDetails,
} from '../../fleet/failure-card.ts';
import { phases } from '../../fleet/phases.ts';
import { redact } from '../../fleet/redaction.ts';
import { undoneWords } from '../../fleet/undone.ts';
import { keys } from '../../lineage/keys.ts';
import type { Clock } from '../clock.ts';
import { caughtError, readCaughtError } from '../failure.ts';
import { liveIn } from '../rollout-card.ts';
import { changeFleet, readFleet } from './hold.ts';
import { fleetEvent, rolloutKey, updateRelease, updateRollout } from './record.ts';

export const failureInput = rolloutCall.extend({
  /** 0 where the lease was never acquired. */
  fence: z.number().int().min(0),
  error: caughtError,
  /** Whether everything was undone; if not, the fleet stays held and is tried again. */
  rolledBack: z.boolean(),
  /** What stopped the undoing, where it was stopped: the reason that the fleet needs attention. */
  undoError: caughtError.optional(),
});

/**
 * Records the failure. Safe to repeat.
 * @returns name and cause for the Fail state that ends the execution; the cause is the failure card.
 */
export async function recordFailure(
  call: z.infer<typeof failureInput>,
  table: Table,
  clock: Pick<Clock, 'now'>,
): Promise<{ error: string; cause: string }> {
  const caught = readCaughtError(call.error);
  const failure = failureOf(caught.name, caught.message);
  const attention =
    call.undoError === undefined ? undefined : splitDetails(readCaughtError(call.undoError).message).message;
  const { first, rollout, fleet } = await writeFailure(
    { ...call, failure, ...(attention === undefined ? {} : { attention }) },
    table,
    clock,
  );
  const { pk } = keys.event(`fleet/${call.fleet}`, '');
  const events = await table.queryAll(pk, rolloutKey(call.rollout, ''), eventItem);
  const card = failureCardOf(
    {
      ...rollout,
      executionArn: call.execution,
      status: endedAs(first.name, call.rolledBack),
      undone: undoneWords(events, fleet.live?.release ?? null, attention),
      live: liveIn(fleet),
    },
    first,
  );
  return { error: first.name, cause: cardText(card) };
}

/** What is known beside what was caught: the alarm that gave the order. */
function withAlarm(failure: Failure, rollout: number, { orders }: Pick<FleetItem, 'orders'>): Failure {
  if (failure.name !== 'AlarmRang' || failure.details.alarms !== undefined) return failure;
  const alarms = orders.flatMap((order) => (order.rollout === rollout ? (order.alarm ?? []) : []));
  return { ...failure, details: { ...failure.details, alarms } };
}

/** The same for a failure that nobody caught. */
export async function writeFailure(
  call: Omit<z.infer<typeof failureInput>, 'error' | 'undoError'> & {
    readonly failure: Failure;
    /** Why the fleet needs attention; the failure itself unless told otherwise. */
    readonly attention?: string;
  },
  table: Table,
  clock: Pick<Clock, 'now'>,
): Promise<{ first: Failure; rollout: RolloutItem; fleet: FleetItem }> {
  const { fleet: name, rollout: number, fence, rolledBack, execution } = call;
  const [rollout, present] = await together([
    table.get(keys.rollout(name, number), rolloutItem),
    readFleet(table, name),
  ]);
  if (rollout === undefined) {
    throw new FlotillaError('RolloutNotFound', `There is no rollout ${number} of ${name}`, { fleet: name });
  }
  const release = await table.get(keys.release(name, rollout.release), releaseItem);
  // The item is shown, told and sent: what a program printed of its environment stays out of it.
  const failure = redact(withAlarm(call.failure, number, present), release?.image.environment ?? {});
  // A first reason stays: what recovery meets later is no better explanation than what began it.
  const kept = rollout.error;
  const first: Failure =
    kept === undefined ? failure : { name: kept.name, message: kept.message, details: { ...kept.details } };
  const status = endedAs(first.name, rolledBack);
  const blamed = blamesRelease(first, rollout.kind);
  const alike = blamed && rolledBack ? await queuedAlike(present, release, table) : [];
  const keptWarm = blamed && rolledBack && release?.state === 'warm' && (await wasTakenUpWarm(call, table));

  const attention = (call.attention ?? failure.message).slice(0, 1000);

  const after = await changeFleet(table, name, clock, (item, now) => {
    // Nobody's failure is written over a fleet that somebody else holds by now.
    const lost = fence > 0 && item.lease?.fence !== fence;
    const ended = ['succeeded', 'superseded'].includes(rollout.status);
    if (lost || ended) return undefined;
    const known = item.lease?.state === 'needs-attention' && item.lease.reason === attention;
    if (!rolledBack && known) return undefined;
    const state = blamed ? 'failed' : release?.servedAt === undefined ? 'new' : 'retired';
    // What serves is live, whatever became of a rollout of it.
    const touched = release?.state === 'candidate' && item.live?.release !== release.number;
    return {
      fleet: {
        ...item,
        queue: item.queue.filter((one) => one !== number),
        lease:
          item.lease === null || fence === 0 || rolledBack
            ? item.lease
            : { ...item.lease, state: 'needs-attention', reason: attention },
      },
      writes: [
        updateRollout(name, number, {
          status,
          phase: rolledBack ? phases.ended : phases.undoing,
          error: { name: first.name, message: first.message, details: { ...first.details } },
          ...(rolledBack ? { endedAt: now } : {}),
        }),
        ...(touched && rolledBack
          ? [
              updateRelease(name, rollout.release, {
                state,
                ...(blamed ? { failedAt: now, reason: first.message } : {}),
              }),
            ]
          : []),
        // Warm it was and is again; it is marked for what it did meanwhile all the same.
        ...(keptWarm ? [updateRelease(name, rollout.release, { failedAt: now, reason: first.message })] : []),
        ...alike.map((one) =>
          updateRelease(name, one, { state: 'failed', failedAt: now, reason: first.message }),
        ),
      ],
      events: [
        fleetEvent({
          fleet: name,
          // Another reason is another event, and so is one that comes back: the lease must show the newest.
          key: rolloutKey(
            number,
            rolledBack ? `failed-f${fence}` : `needs-attention-f${fence}-at-${item.revision}`,
          ),
          kind: rolledBack ? 'rollout-failed' : 'rollout-needs-attention',
          at: now,
          execution,
          data: { rollout: number, release: rollout.release, error: first.name, message: first.message },
        }),
      ],
    };
  });
  return { first, rollout, fleet: after };
}

/**
 * Whether the rollout had taken its release up while that was warm: its plan says so. One that ended before that says
 * nothing of it. Read by its key, as the sweeper, which writes failures too, may not query the table.
 */
async function wasTakenUpWarm({ fleet, rollout }: RolloutCall, table: Table): Promise<boolean> {
  const planned = await table.get(keys.event(`fleet/${fleet}`, rolloutKey(rollout, 'planned')), eventItem);
  return planned?.data.way === 'warm';
}

/** Releases of the same image that wait for their turn: they were asked for before it was known. */
async function queuedAlike(
  { fleet, queue }: FleetItem,
  failed: ReleaseItem | undefined,
  table: Table,
): Promise<number[]> {
  const waiting = await together(queue.map((one) => table.get(keys.rollout(fleet, one), rolloutItem)));
  const numbers = new Set(waiting.flatMap((one) => (one === undefined ? [] : [one.release])));
  const releases = await together(
    [...numbers].map((one) => table.get(keys.release(fleet, one), releaseItem)),
  );
  return releases.flatMap((one) =>
    one !== undefined && one.state === 'new' && one.identity === failed?.identity ? [one.number] : [],
  );
}
