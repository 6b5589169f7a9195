/** Rolling a rollout back, pass by pass. Recovery uses the same passes. */
import * as z from 'zod';
import type { FleetSpec } from '../../contracts/fleet-spec.ts';
import type { FleetItem } from '../../contracts/items.ts';
import { heldCall } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { isMadeAnew } from '../../fleet/fixed-parts.ts';
import { phases } from '../../fleet/phases.ts';
import type { Config } from '../config.ts';
import type { Hold } from './hold.ts';
import { fleetEvent, rolloutKey, updateRollout } from './record.ts';
import { type RenewDeps, renewLive } from './renew.ts';
import { scaleGroup } from './scaling.ts';
import { type UndoDeps, undo } from './undo.ts';

export interface RollBackDeps extends UndoDeps, RenewDeps {}

export const rollBackInput = heldCall.extend({
  /** When the rolling back began. */
  since: z.iso.datetime(),
  /** Counts from 0. */
  pass: z.number().int().min(0),
});

/** Launching, health and draining are waited for anyway; what takes this much longer does not come by itself. */
const patienceSeconds = 900;

/** How long a rollback may take before somebody has to look. */
function undoPatience(spec: Pick<FleetSpec, 'healthCheck' | 'rollout'>): number {
  return patienceSeconds + spec.healthCheck.deadlineSeconds + spec.rollout.drainSeconds;
}

/** Whether whoever holds the fleet has waited for longer than that. */
export function isPatienceOver({ lease, spec }: Pick<FleetItem, 'lease' | 'spec'>, now: Date): boolean {
  return lease !== null && (now.getTime() - Date.parse(lease.since)) / 1000 > undoPatience(spec);
}

/**
 * One pass. `lastCallSeconds`: how long after `since` a call of the rollout may still land, where it did not end by
 * itself.
 * @throws FlotillaError `RollbackIncomplete` once patience is over, `GuardRefused`, `LeaseLost`, `DeadlineNear`.
 */
export async function rollBack(
  call: z.infer<typeof rollBackInput>,
  hold: Hold,
  deps: RollBackDeps,
  config: Pick<Config, 'stack' | 'defaults'>,
  lastCallSeconds?: number,
): Promise<{ done: boolean; reasons: readonly string[] }> {
  const { fleet: name, rollout, execution, fence } = call;
  if (call.pass === 0) {
    await hold.change((item, now) => ({
      fleet: { ...item, gate: null },
      writes: [updateRollout(name, rollout, { phase: phases.undoing })],
      events: [
        fleetEvent({
          fleet: name,
          key: rolloutKey(rollout, `undo-began-f${fence}`),
          kind: 'rollback-began',
          at: now,
          execution,
          data: { rollout, candidate: item.candidate, weights: item.weights },
        }),
      ],
    }));
  }
  const since = Date.parse(call.since);
  const outcome = await undo(hold, deps, {
    stack: config.stack,
    since,
    subject: `rollout-${rollout}`,
    execution,
    aim: 'undo',
    renew: (step) => renewLive(step, call, hold, deps, config),
    ...(lastCallSeconds === undefined ? {} : { lastCallSeconds }),
  });
  if (!outcome.done) {
    const waited = (hold.now().getTime() - since) / 1000;
    if (waited > undoPatience(hold.fleet.spec)) {
      throw new FlotillaError('RollbackIncomplete', outcome.reasons.join('; '), { fleet: name, rollout });
    }
    return { done: false, reasons: outcome.reasons };
  }
  // As after a promotion: a group that was made anew has no policies yet.
  const { live } = hold.fleet;
  if (live !== null && outcome.live !== undefined && isMadeAnew(outcome.live)) {
    await scaleGroup(live, hold, deps);
  }
  await hold.change((item, now) => ({
    fleet: { ...item, candidate: null, gate: null },
    events: [
      fleetEvent({
        fleet: name,
        key: rolloutKey(rollout, `undone-f${fence}`),
        kind: 'rollback-ended',
        at: now,
        execution,
        data: { rollout, live: item.live?.release ?? null, weights: item.weights },
      }),
    ],
  }));
  return { done: true, reasons: [] };
}
