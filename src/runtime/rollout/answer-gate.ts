/** Telling a gate, by its token, what has been ordered. */
import type { Executions } from '../../aws/executions.ts';
import type { FleetItem } from '../../contracts/items.ts';
import { leavingGate } from '../../fleet/orders.ts';

/**
 * Answers the gate where a rollout waits, if what has been ordered ends the waiting. Safe to repeat.
 * @returns `waits`: nothing that was ordered ends it; `stale`: the gate was left before.
 */
export async function answerGate(
  fleet: Pick<FleetItem, 'orders' | 'gate'>,
  executions: Pick<Executions, 'succeed' | 'fail'>,
): Promise<'delivered' | 'stale' | 'waits'> {
  const { gate } = fleet;
  if (gate === null) return 'waits';
  const leaving = leavingGate(fleet, gate.rollout, gate.waitsFor);
  if (leaving === undefined) return 'waits';
  return leaving.way === 'fails'
    ? executions.fail(gate.token, leaving.error, leaving.cause)
    : executions.succeed(gate.token, { ended: leaving.by });
}
