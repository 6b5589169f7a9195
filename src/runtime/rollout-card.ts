/** The failure card of a rollout, from its item and its events. */

import type * as z from 'zod';
import type { FailureCard, failureCardView } from '../contracts/failure-card.ts';
import type { EventItem, FleetItem, RolloutItem } from '../contracts/items.ts';
import { cardText } from '../fleet/card-text.ts';
import { failureCardOf } from '../fleet/failure-card.ts';
import { undoneWords } from '../fleet/undone.ts';
import { inOrder } from './views.ts';

/** What serves, as far as the fleet's item tells. */
export function liveIn(fleet: Pick<FleetItem, 'live' | 'weights'> | undefined): FailureCard['live'] {
  const live = fleet?.live ?? null;
  return live === null ? null : { release: live.release, weight: fleet?.weights[live.slot] ?? 0 };
}

/** Null where the rollout did not fail. */
export function rolloutCard(
  rollout: RolloutItem,
  events: readonly EventItem[],
  fleet: Pick<FleetItem, 'lease'> | undefined,
  live: FailureCard['live'],
): z.infer<typeof failureCardView> | null {
  const { error, status } = rollout;
  if (error === undefined || (status !== 'failed' && status !== 'aborted' && status !== 'needs-attention')) {
    return null;
  }
  const undoing = status === 'needs-attention' ? (fleet?.lease?.reason ?? 'no reason is known') : undefined;
  const card = failureCardOf(
    { ...rollout, status, undone: undoneWords(inOrder(events), live?.release ?? null, undoing), live },
    { name: error.name, message: error.message, details: { ...error.details } },
  );
  return { ...card, text: cardText(card) };
}
