/** Acquiring and releasing a fleet's lease. */
import type { Executions } from '../../aws/executions.ts';
import type { Table } from '../../aws/table.ts';
import { rolloutId } from '../../contracts/ids.ts';
import {
  type FleetItem,
  fleetItem,
  type Lease,
  type RolloutItem,
  rolloutItem,
} from '../../contracts/items.ts';
import { FlotillaError } from '../../errors.ts';
import { attentionWords } from '../../fleet/attention.ts';
import { phases } from '../../fleet/phases.ts';
import { keys } from '../../lineage/keys.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config.ts';
import { startRollout } from '../request-rollout.ts';
import { changeFleet, type FleetChange, found } from './hold.ts';
import { fleetEvent, rolloutKey, updateRollout } from './record.ts';

export interface LeaseCall {
  readonly fleet: string;
  readonly rollout: number;
  readonly execution: string;
  readonly purpose: 'rollout' | 'retirement';
  readonly release?: number | undefined;
  readonly startedAt: string;
}

/** Statuses in which a rollout may begin; a redriven or superseded one may not. */
const mayBegin: readonly string[] = ['requested', 'queued'];

function whoHolds(fleet: FleetItem, lease: Lease, now: string): string {
  const trouble = attentionWords(fleet);
  const seconds = Math.round((Date.parse(now) - Date.parse(lease.since)) / 1000);
  const what =
    lease.purpose === 'rollout' ? `rollout ${lease.rollout}` : `the ${lease.purpose} of v${lease.release}`;
  return `${what} (${lease.state}, for ${seconds} s; execution ${lease.holder})${trouble === undefined ? '' : `; ${trouble}`}`;
}

/**
 * Acquires the lease; asked again by the same execution it answers with the same fence.
 * @throws FlotillaError `LeaseHeld` (try again), `LeaseTimeout`, `LeaseLost` (this rollout is over), `RolloutNotFound`.
 */
export async function acquireLease(
  call: LeaseCall,
  table: Table,
  clock: Pick<Clock, 'now'>,
): Promise<GivenLease> {
  const { fleet, rollout, execution } = call;
  const [present, asked] = await table.getTogether([
    [keys.fleet(fleet), fleetItem],
    [keys.rollout(fleet, rollout), rolloutItem],
  ]);
  const item = found(present, fleet);
  if (item.lease?.holder === execution && item.lease.state === 'held') return given(item.lease, asked);
  if (call.purpose === 'rollout') {
    const id = rolloutId(fleet, rollout);
    if (asked === undefined)
      throw new FlotillaError('RolloutNotFound', `There is no rollout ${id}`, { rollout: id });
    if (!mayBegin.includes(asked.status)) {
      throw new FlotillaError('LeaseLost', `Rollout ${id} is ${asked.status} and cannot begin`, {
        rollout: id,
      });
    }
  }

  const after = await changeFleet(
    table,
    fleet,
    clock,
    (present, now) => {
      if (present.lease?.holder === execution && present.lease.state === 'held') return undefined;
      refuseIfHeld(call, asked?.requestedAt ?? call.startedAt, present, now);
      const release = call.purpose === 'rollout' ? asked?.release : call.release;
      return grant(call, release ?? 0, present, now, asked?.status);
    },
    item,
  );
  if (after.lease?.holder !== execution) {
    throw new FlotillaError('LeaseLost', `This execution's lease of ${fleet} is over already`, { fleet });
  }
  return given(after.lease, asked);
}

/** What the functions after it are told of the lease, and of the rollout that holds it. */
interface GivenLease {
  readonly fence: number;
  readonly release: number;
  /** Of the release's image; empty where the rollout does not name it. */
  readonly identity: string;
  /** Whether an upload asked for the rollout, and somebody waits to hear how it ends. */
  readonly uploader: boolean;
}

function given({ fence, release }: Lease, rollout: RolloutItem | undefined): GivenLease {
  return { fence, release, identity: rollout?.identity ?? '', uploader: rollout?.uploadId !== undefined };
}

/** @param since when the waiting began: a rollout waits in the queue already, before it has an execution */
function refuseIfHeld(call: LeaseCall, since: string, present: FleetItem, now: string): void {
  const first = present.queue[0];
  const isRollout = call.purpose === 'rollout';
  // Each rollout begins in the queue: who took it out since its own item was read has ended it.
  if (isRollout && !present.queue.includes(call.rollout)) {
    const id = rolloutId(call.fleet, call.rollout);
    throw new FlotillaError('LeaseLost', `Rollout ${id} was taken out of the queue and cannot begin`, {
      rollout: id,
    });
  }
  if (present.lease === null && first === (isRollout ? call.rollout : undefined)) return;
  const holder =
    present.lease === null ? `rollout ${first}, which came first` : whoHolds(present, present.lease, now);
  const waited = (Date.parse(now) - Date.parse(since)) / 1000;
  // A retirement has time: it waits until the fleet is free.
  if (isRollout && waited >= present.spec.rollout.lockWaitSeconds) {
    throw new FlotillaError('LeaseTimeout', `${call.fleet} stayed held by ${holder}`, { fleet: call.fleet });
  }
  throw new FlotillaError('LeaseHeld', `${call.fleet} is held by ${holder}`, { fleet: call.fleet });
}

/** @param asked the rollout's status as it was read: it must be so still, when it begins */
function grant(
  call: LeaseCall,
  release: number,
  present: FleetItem,
  now: string,
  asked: RolloutItem['status'] | undefined,
) {
  const { fleet, rollout, execution, purpose } = call;
  const fence = present.fence + 1;
  const lease: Lease = { holder: execution, purpose, rollout, release, since: now, fence, state: 'held' };
  const isRollout = purpose === 'rollout';
  return {
    fleet: { ...present, lease, fence, queue: present.queue.filter((one) => !isRollout || one !== rollout) },
    writes: isRollout
      ? [
          updateRollout(
            fleet,
            rollout,
            { status: 'running', phase: phases.planning, startedAt: now, executionArn: execution },
            asked,
          ),
        ]
      : [],
    events: [
      fleetEvent({
        fleet,
        key: isRollout ? rolloutKey(rollout, 'began') : `release-${release}/retirement-began-f${fence}`,
        kind: isRollout ? 'rollout-began' : 'retirement-began',
        at: now,
        execution,
        data: { rollout, release, fence },
      }),
    ],
  };
}

export interface ReleaseCall {
  readonly fleet: string;
  readonly rollout: number;
  readonly execution: string;
  readonly fence: number;
  /** `ended` for a retirement. */
  readonly outcome: 'succeeded' | 'failed' | 'ended';
  /** The fleet's item as the function before left it, where it handed it on. */
  readonly held?: FleetItem | undefined;
}

/** That a rollout failed was recorded with its reason before; what is left to tell is that the fleet is free. */
function kindOfEnd(purpose: Lease['purpose'], outcome: ReleaseCall['outcome']): string {
  if (purpose !== 'rollout') return 'retirement-ended';
  return outcome === 'succeeded' ? 'rollout-succeeded' : 'fleet-freed';
}

/**
 * Frees the fleet, if this fence still holds it, and starts the next rollout of the queue. Safe to repeat.
 * @returns the number of the rollout that was started, or null; and when this call ended its rollout well, null where it
 * is not certain that it was this call.
 */
export async function releaseLease(
  call: ReleaseCall,
  deps: {
    readonly table: Table;
    readonly executions: Executions;
    readonly clock: Pick<Clock, 'now'>;
    readonly config: Pick<Config, 'machinePrefix'>;
  },
): Promise<{ next: number | null; endedAt: string | null }> {
  const { fleet, rollout, execution, outcome } = call;
  let freedAt: string | undefined;
  const free = (present: FleetItem, now: string): FleetChange | undefined => {
    const { lease } = present;
    if (lease === null || lease.fence !== call.fence) return undefined;
    freedAt = now;
    return {
      fleet: {
        ...present,
        lease: null,
        gate: null,
        orders: present.orders.filter((order) => order.rollout !== lease.rollout),
      },
      writes:
        outcome === 'succeeded'
          ? [updateRollout(fleet, rollout, { status: 'succeeded', phase: phases.ended, endedAt: now })]
          : [],
      events: [
        fleetEvent({
          fleet,
          key:
            lease.purpose === 'rollout'
              ? rolloutKey(rollout, `ended-f${call.fence}`)
              : `release-${lease.release}/retirement-ended-f${call.fence}`,
          kind: kindOfEnd(lease.purpose, outcome),
          at: now,
          execution,
          data: { rollout: lease.rollout, release: lease.release, live: present.live?.release ?? null },
        }),
      ],
    };
  };
  const after = await changeFleet(deps.table, fleet, deps.clock, free, call.held);
  const next = after.lease === null ? after.queue[0] : undefined;
  // Only the write that frees the fleet is of that very moment: a later look at the item finds another.
  const endedAt = outcome === 'succeeded' && after.updatedAt === freedAt ? freedAt : null;
  if (next === undefined) return { next: null, endedAt };
  await startRollout(fleet, next, deps);
  return { next, endedAt };
}
