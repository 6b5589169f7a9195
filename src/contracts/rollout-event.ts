/** What others may subscribe to: how a rollout ended, on the account's default event bus (docs/events.md). */
import * as z from 'zod';
import { failureCardView } from './failure-card.ts';
import { fleetName } from './ids.ts';

export const rolloutEventSource = 'flotilla';
export const rolloutEventType = 'Flotilla Rollout Outcome';

/** The event's detail. Told at least once: who must not act twice keeps `id` with `status`. */
export const rolloutEvent = z.object({
  id: z.string().describe('`web-12`'),
  fleet: fleetName,
  rollout: z.number().int().min(1),
  kind: z.enum(['deploy', 'rollback']),
  release: z.number().int().min(1),
  status: z.enum(['succeeded', 'failed', 'aborted', 'superseded', 'needs-attention']),
  executionArn: z.string(),
  endedAt: z.iso.datetime().optional().describe('Absent while it needs attention: it has not ended.'),
  card: failureCardView.nullable().describe('Why it failed, on one page; null where it did not.'),
});
export type RolloutEvent = z.infer<typeof rolloutEvent>;
