/**
 * Recovery: the execution that holds a fleet has ended without giving it back. Fence it off, let its last call land,
 * undo, say so, free the fleet. The same passes as RollBack, asked again by the sweeper until they are done.
 */
import type { ExecutionState, Executions } from '../../aws/executions.ts';
import { type FleetItem, rolloutItem } from '../../contracts/items.ts';
import { type ErrorName, isFlotillaError } from '../../errors.ts';
import { keys } from '../../lineage/keys.ts';
import type { Config } from '../config.ts';
import { changeFleet, type Hold, type Time, takeHold } from './hold.ts';
import { releaseLease } from './lease.ts';
import { fleetEvent } from './record.ts';
import { writeFailure } from './record-failure.ts';
import { needAttention, startRetirement, stuck } from './retire.ts';
import { type RollBackDeps, rollBack } from './roll-back.ts';
import { type UndoDeps, undo } from './undo.ts';

/**
 * A stopped execution does not stop a function that runs; this is the longest time that one may run
 * (infra/functions/rollout.yml), so that after it no call of the fenced-off execution can land any more.
 */
export const longestFunctionSeconds = 60;

/**
 * A request that AWS had taken when its function ended may be carried out later still. Recovery undoes what it sees at
 * once, and ends, forgetting how to undo, only so long after the fence.
 */
const lastCallSeconds = 2 * longestFunctionSeconds;

export interface RecoverDeps extends RollBackDeps {
  readonly executions: Executions;
}

export type Recovery =
  | { readonly outcome: 'not-held' | 'running' | 'recovered' }
  | { readonly outcome: 'later'; readonly reasons: readonly string[] };

/**
 * Recovers a fleet as far as it goes now. Safe to repeat.
 * @throws FlotillaError `LeaseLost` where somebody else recovered it meanwhile.
 */
export async function recoverFleet(
  fleet: FleetItem,
  deps: RecoverDeps,
  time: Time,
  config: Pick<Config, 'stack' | 'machinePrefix' | 'defaults'>,
): Promise<Recovery> {
  const ended = await fenceEnded(fleet, deps, time);
  if (ended.outcome !== 'fenced') return ended;
  const { lease, execution } = ended;
  const endedAt = execution.status === 'unknown' ? Date.parse(lease.since) : execution.stoppedAt.getTime();
  const sinceEnd = (time.clock.now().getTime() - endedAt) / 1000;
  if (sinceEnd < longestFunctionSeconds) {
    return {
      outcome: 'later',
      reasons: [`its last call may still land; ended ${Math.round(sinceEnd)} s ago`],
    };
  }

  const { fence } = lease;
  const hold = await takeHold(deps.table, fleet.fleet, fence, time);
  const done =
    lease.purpose === 'rollout'
      ? await recoverRollout(hold, fence, execution.status, deps, config)
      : await recoverRetirement(hold, deps, config.stack);
  if (done.length > 0) return { outcome: 'later', reasons: done };
  return { outcome: 'recovered' };

  async function recoverRetirement(held: Hold, undoing: UndoDeps, stack: string): Promise<readonly string[]> {
    try {
      const outcome = await undo(held, undoing, {
        stack,
        since: Date.parse(lease.since),
        subject: `release-${lease.release}`,
        execution: lease.holder,
        aim: 'remove',
      });
      if (!outcome.done) {
        await stuck(held, outcome.reasons);
        return outcome.reasons;
      }
    } catch (error) {
      return await tell(error, (attention) => needAttention(held, attention));
    }
    await release(held, 'ended');
    return [];
  }

  async function recoverRollout(
    held: Hold,
    heldFence: number,
    ended: string,
    undoing: RecoverDeps,
    settings: Pick<Config, 'stack' | 'machinePrefix' | 'defaults'>,
  ): Promise<readonly string[]> {
    const { rollout } = lease;
    const call = { fleet: fleet.fleet, rollout, execution: lease.holder, fence: heldFence };
    // Promoted already: what was left to do is to finish.
    if (held.fleet.candidate === null && held.fleet.live?.release === lease.release) {
      const item = await undoing.table.get(keys.rollout(fleet.fleet, rollout), rolloutItem);
      if (item?.phase === 'promoting') {
        const { warm } = held.fleet;
        if (warm !== null) {
          await startRetirement(held.fleet, warm.release, rollout, undoing.executions, settings);
        }
        await release(held, 'succeeded');
        return [];
      }
    }
    const failure = {
      name: 'RolloutInterrupted',
      message: `The execution ended (${ended}) without finishing`,
      details: {},
    };
    try {
      const outcome = await rollBack(
        { ...call, since: lease.since, pass: 0 },
        held,
        undoing,
        settings,
        lastCallSeconds,
      );
      if (!outcome.done) return outcome.reasons;
    } catch (error) {
      return await tell(error, (attention) =>
        writeFailure({ ...call, failure, attention, rolledBack: false }, undoing.table, time.clock),
      );
    }
    await writeFailure({ ...call, failure, rolledBack: true }, undoing.table, time.clock);
    await release(held, 'failed');
    return [];
  }

  async function release(held: Hold, outcome: 'succeeded' | 'failed' | 'ended'): Promise<void> {
    await held.before();
    await releaseLease(
      {
        fleet: fleet.fleet,
        rollout: lease.rollout,
        execution: lease.holder,
        fence: held.fleet.lease?.fence ?? 0,
        outcome,
      },
      { ...deps, clock: time.clock, config },
    );
  }
}

/** Somebody else goes on, the next sweep does, or AWS does: nobody has to look, as nobody has when RollBack meets these. */
const passing: readonly string[] = ['LeaseLost', 'DeadlineNear', 'AwsUnavailable'] satisfies ErrorName[];

/**
 * Writes down what stopped recovery, unless it passes by itself.
 * @throws the error where it passes, and where it is none of ours: that is a fault of the control plane, for its log.
 */
async function tell(error: unknown, write: (attention: string) => Promise<unknown>): Promise<string[]> {
  if (isFlotillaError(error) && passing.includes(error.name)) throw error;
  const attention = error instanceof Error ? error.message : String(error);
  await write(attention);
  if (!isFlotillaError(error)) throw error;
  return [attention];
}

type Ended =
  | { readonly outcome: 'not-held' | 'running' }
  | {
      readonly outcome: 'fenced';
      readonly fleet: FleetItem;
      readonly lease: NonNullable<FleetItem['lease']>;
      readonly execution: Exclude<ExecutionState, { readonly status: 'running' }>;
    };

/** Fences off the execution that holds a fleet, if it has ended. Safe to repeat. */
export async function fenceEnded(
  fleet: FleetItem,
  deps: Pick<RecoverDeps, 'table' | 'executions'>,
  time: Time,
): Promise<Ended> {
  const { lease } = fleet;
  if (lease === null) return { outcome: 'not-held' };
  // The removal of a fleet is no execution; who began it repeats it.
  if (lease.purpose === 'removal') return { outcome: 'not-held' };
  const execution = await deps.executions.describe(lease.holder);
  if (execution.status === 'running') return { outcome: 'running' };
  // DescribeExecution is eventually consistent: one that began just now may not be known yet.
  const heldSeconds = (time.clock.now().getTime() - Date.parse(lease.since)) / 1000;
  if (execution.status === 'unknown' && heldSeconds < longestFunctionSeconds) return { outcome: 'running' };

  const fenced = lease.state === 'held' ? await fenceOff(fleet, execution.status, deps, time) : fleet;
  if (fenced.lease === null || fenced.lease.state === 'held') return { outcome: 'not-held' };
  return { outcome: 'fenced', fleet: fenced, lease: fenced.lease, execution };
}

/** A new fence: whatever of the old execution still runs finds it lost before its next call. */
async function fenceOff(
  fleet: FleetItem,
  ended: string,
  deps: Pick<RecoverDeps, 'table'>,
  time: Time,
): Promise<FleetItem> {
  return changeFleet(
    deps.table,
    fleet.fleet,
    time.clock,
    (item, now) => {
      const { lease } = item;
      if (lease === null || lease.holder !== fleet.lease?.holder || lease.state !== 'held') return undefined;
      const fence = item.fence + 1;
      return {
        fleet: {
          ...item,
          fence,
          gate: null,
          lease: {
            ...lease,
            fence,
            since: now,
            state: 'recovering',
            reason: `the execution ended (${ended})`,
          },
        },
        events: [
          fleetEvent({
            fleet: item.fleet,
            key: `recovery/f${fence}`,
            kind: 'recovery-began',
            at: now,
            execution: lease.holder,
            data: { rollout: lease.rollout, release: lease.release, purpose: lease.purpose, ended },
          }),
        ],
      };
    },
    fleet,
  );
}
