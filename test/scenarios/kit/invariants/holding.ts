/** Invariant 4: who may call. */
import type { CallDone } from '../../../../local/onlookers.ts';
import { traceRoot } from '../../../../local/trace.ts';
import type { FleetItem } from '../../../../src/contracts/items.ts';
import type { Broken } from './violation.ts';

/** A lease as it was from a moment on. */
export interface HeldSince {
  readonly at: number;
  readonly lease: FleetItem['lease'];
}

/** A look at the fence counts for a second; a call that begins within it is the one that was in flight. */
const inFlightMs = 1_000;
/** A client's further tries of one call begin within this time (src/aws/clients/prompt-retries.ts). */
const triesMs = 6_000;
/** Functions that hold a fleet for an execution; what others change is no rollout's. */
const fenced = new Set([
  'empty-slot',
  'launch-candidate',
  'shift-traffic',
  'promote-release',
  'roll-back',
  'remove-group',
]);
const recovering = new Set(['recover-rollout', 'sweep']);
/** What changes a fleet in AWS. */
const changesFleet = /^(?:autoscaling|elasticloadbalancing|ec2):/;

/** Whether a function that holds fleets made the call, and for which of them. */
export function heldBy(
  call: CallDone,
  by: string,
  leases: ReadonlyMap<string, readonly HeldSince[]>,
): string | undefined {
  if (!fenced.has(by) || !changesFleet.test(call.action)) return undefined;
  for (const [fleet, history] of leases)
    if (history.some(({ lease }) => lease !== null && isOf(call, lease.holder))) return fleet;
  return undefined;
}

/**
 * Judges the calls of executions that hold a fleet. A client's own further tries belong to the call that it began:
 * that one may be in flight when the fence falls.
 */
export class Holding {
  readonly #begun = new Map<string, number>();

  /** @param leases of the call's fleet, from the first to the present one */
  judge(call: CallDone, by: string, leases: readonly HeldSince[]): Broken[] {
    const key = `${call.trace} ${by} ${call.action}`;
    // Whoever held it within the second before the call may have looked then.
    if (couldHave(call, leases).some(({ lease }) => lease?.state === 'held' && isOf(call, lease.holder))) {
      this.#begun.set(key, call.begunAt);
      return [];
    }
    const begunAt = this.#begun.get(key) ?? Number.NEGATIVE_INFINITY;
    if (call.begunAt - begunAt <= triesMs) return [];
    return [{ invariant: 4, words: `${by} called without holding the fleet${holderNow(leases)}` }];
  }
}

/** Recovery and the sweeper change a fleet only that nobody holds, or that they have fenced off. */
export function judgeRecovery(call: CallDone, by: string, leases: readonly HeldSince[]): Broken[] {
  if (!recovering.has(by) || couldHave(call, leases).some(({ lease }) => lease?.state !== 'held')) return [];
  return [{ invariant: 4, words: `${by} called while a rollout holds the fleet${holderNow(leases)}` }];
}

function couldHave(call: CallDone, leases: readonly HeldSince[]): readonly HeldSince[] {
  return leases.filter(
    ({ at }, index) => at <= call.begunAt && (leases[index + 1]?.at ?? Infinity) >= call.begunAt - inFlightMs,
  );
}

function isOf(call: CallDone, execution: string): boolean {
  return call.trace?.includes(traceRoot(execution)) === true;
}

function holderNow(leases: readonly HeldSince[]): string {
  const lease = leases.at(-1)?.lease;
  return lease == null ? '; nobody does' : `; ${lease.holder.split(':').at(-1)} does (${lease.state})`;
}
