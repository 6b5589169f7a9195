/**
 * `"plan": true`: what a rollout would do, and everything that stands against it, from the looks and the decisions
 * that the rollout itself is made of. Nothing is written, in the table or in AWS.
 */
import type { Table } from '../aws/table.ts';
import type { RolloutAnswer } from '../contracts/api.ts';
import { releaseLabel, rolloutId } from '../contracts/ids.ts';
import { type FleetItem, imageItem } from '../contracts/items.ts';
import type { RolloutRequest } from '../contracts/request.ts';
import { FlotillaError } from '../errors.ts';
import { planRollout } from '../fleet/plan.ts';
import { decideRequest } from '../fleet/request.ts';
import { keys } from '../lineage/keys.ts';
import type { Clock } from './clock.ts';
import type { Config } from './config.ts';
import { lookAround, newRelease } from './request-rollout.ts';
import { readFleet } from './rollout/hold.ts';
import { refuseIfLate } from './rollout/look.ts';
import { type LookForPlanDeps, lookForPlan } from './rollout/look-for-plan.ts';

export interface PlanRequestDeps extends LookForPlanDeps {
  readonly table: Table;
}

function whoHolds({ lease, queue }: FleetItem): string | undefined {
  if (lease?.purpose === 'rollout') return `rollout ${lease.rollout}`;
  if (lease !== null) return `the ${lease.purpose} of ${releaseLabel(lease.release)}`;
  return queue[0] === undefined ? undefined : `rollout ${queue[0]}, which came first`;
}

/**
 * Plans what was asked for. A fleet that is held cannot be planned for, because what comes depends on how that ends.
 * @throws FlotillaError `FleetNotFound`, `ReleaseNotFound`, `ImageNotFound`, `SupersededUpload`: nothing to plan.
 */
export async function planRequest(
  request: RolloutRequest,
  deps: PlanRequestDeps,
  { clock, config }: { readonly clock: Pick<Clock, 'now'>; readonly config: Pick<Config, 'stack'> },
): Promise<RolloutAnswer> {
  const { table } = deps;
  const fleet = await readFleet(table, request.fleet);
  const wanted =
    request.target.kind === 'image'
      ? await table.get(keys.image(request.target.identity), imageItem)
      : undefined;
  const world = await lookAround(request, fleet, wanted, table);
  const asked = decideRequest(request, world);
  if (asked.verdict === 'already-live') {
    const { release, rollout, message } = asked;
    return {
      outcome: 'already-live',
      message,
      release,
      ...(rollout === undefined ? {} : { rollout: rolloutId(fleet.fleet, rollout) }),
    };
  }
  // Forced, the request finds its release whatever stands against it; what does is the plan's to say, all at once.
  const found = decideRequest({ ...request, force: true }, world);
  if (found.verdict === 'refused') {
    if (found.error !== 'LeaseHeld') {
      throw new FlotillaError(found.error, found.reasons.join('; '), { fleet: fleet.fleet });
    }
    return refused(found.reasons, []);
  }
  if (found.verdict !== 'go') {
    throw new FlotillaError('SupersededUpload', found.message, { fleet: fleet.fleet });
  }
  const holder = whoHolds(fleet);
  if (holder !== undefined) {
    return {
      outcome: 'planned',
      message: `Nothing was changed. ${fleet.fleet} is held by ${holder}; the rollout would wait, and be planned when that has ended.`,
    };
  }

  const now = clock.now();
  const release =
    found.release === 'new' ? newRelease(request, fleet, wanted, now.toISOString()) : found.release;
  const seen = await lookForPlan(fleet, deps, config.stack);
  refuseIfLate(seen, fleet, now);
  const verdict = planRollout({
    ...seen,
    fleet,
    release,
    image: world.image,
    rollout: fleet.nextRollout,
    kind: found.kind,
    force: request.force === true,
  });
  // What the request itself is refused for, but would not be where it is forced.
  const before = asked.verdict === 'refused' ? asked.reasons : [];
  if (verdict.verdict === 'refused') {
    return refused([...new Set([...before, ...verdict.reasons])], verdict.notes);
  }
  if (before.length > 0) return refused(before, verdict.plan.notes);
  return {
    outcome: 'planned',
    message: `Nothing was changed. ${releaseLabel(release.number)} would be rolled out so.`,
    release: release.number,
    plan: verdict.plan,
  };
}

function refused(reasons: readonly string[], notes: readonly string[]): RolloutAnswer {
  return {
    outcome: 'refused',
    message: 'Nothing was changed. The rollout would be refused.',
    reasons: [...reasons],
    ...(notes.length === 0 ? {} : { notes: [...notes] }),
  };
}
