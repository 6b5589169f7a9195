/**
 * Watching a candidate while its rollout waits at a gate. The machine itself does not poll there: a bake may take days,
 * and an execution's history ends at 25,000 events. So the sweeper looks, once a minute.
 */
import type { Alarms } from '../../aws/alarms.ts';
import type { Executions } from '../../aws/executions.ts';
import { together } from '../../aws/together.ts';
import type { FleetItem } from '../../contracts/items.ts';
import { type ErrorName, isFlotillaError } from '../../errors.ts';
import type { Clock } from '../clock.ts';
import { failureMessage } from '../failure.ts';
import { answerGate } from './answer-gate.ts';
import { type HealthDeps, refuseIfFailing } from './check-health.ts';
import { slotArns } from './look.ts';
import { refuseIfRinging } from './orders.ts';

const gateClosers: readonly string[] = [
  'CandidateUnhealthy',
  'AlarmRang',
  'AlarmMissing',
] satisfies ErrorName[];

/**
 * Tells the gate of a rollout what was ordered and did not reach it, and closes it where an alarm rings, or the candidate
 * has traffic and fails; the machine then rolls back. Safe to repeat.
 * @returns what was done.
 */
export async function watchGate(
  fleet: FleetItem,
  deps: HealthDeps & { readonly executions: Executions; readonly alarms: Alarms },
  clock: Pick<Clock, 'now'>,
): Promise<string[]> {
  const { gate, candidate } = fleet;
  if (gate === null || candidate === null) return [];
  // Whoever gave an order may have died before the gate was told.
  const told = await answerGate(fleet, deps.executions);
  if (told === 'delivered') return [`told rollout ${gate.rollout} what it was ordered`];
  if (told === 'stale') return [];
  const [group, targets, activities] = await together([
    deps.groups.describe(candidate.groupName),
    deps.balancer.targets(slotArns(fleet)[candidate.slot]),
    deps.groups.activities(candidate.groupName),
  ]);
  try {
    // Events are edges, who hears them may fail, and an alarm that was renamed has none under its old name.
    await refuseIfRinging(fleet, gate.rollout, gate.alarms, deps.alarms);
    await refuseIfFailing(
      {
        fleet: fleet.fleet,
        rollout: gate.rollout,
        groupName: candidate.groupName,
        share: fleet.weights[candidate.slot],
      },
      {
        spec: fleet.spec,
        wanted: group?.desired ?? 1,
        targets,
        // What a warm group went through before is no fault of this rollout's.
        activities: activities.filter(({ startedAt }) => startedAt >= Date.parse(gate.since)),
        now: clock.now(),
      },
      deps.instances,
    );
    return [];
  } catch (error) {
    if (!isFlotillaError(error) || !gateClosers.includes(error.name)) throw error;
    const outcome = await deps.executions.fail(gate.token, error.name, failureMessage(error));
    return outcome === 'delivered' ? [`stopped rollout ${gate.rollout}: ${error.message}`] : [];
  }
}
