/**
 * The sweeper: compares what the table says with what runs, finishes what nobody finished, and watches candidates
 * whose rollout waits.
 */
import type { Alarms } from '../../aws/alarms.ts';
import type { Instances } from '../../aws/instances.ts';
import type { FleetItem } from '../../contracts/items.ts';
import { fleetItem, rolloutItem } from '../../contracts/items.ts';
import { isFlotillaError } from '../../errors.ts';
import { type AlarmVerdict, alarmVerdict, watchedWhileWarm } from '../../fleet/gates.ts';
import { keys, lists } from '../../lineage/keys.ts';
import { type Config, executionArn } from '../config.ts';
import { inTurn } from '../in-turn.ts';
import { startRollout, swapExecutionName } from '../request-rollout.ts';
import { goBack } from './alarm.ts';
import { endWaits } from './end-waits.ts';
import { changeFleet, readFleet, type Time } from './hold.ts';
import { fleetEvent } from './record.ts';
import { writeFailure } from './record-failure.ts';
import { type RecoverDeps, recoverFleet } from './recover.ts';
import { startRetirement } from './retire.ts';
import { unpin } from './undo.ts';
import { watchGate } from './watch-gate.ts';

export interface SweepDeps extends RecoverDeps {
  readonly instances: Instances;
  readonly alarms: Alarms;
}

interface Log {
  warn(message: string, extra: Error): void;
}

/** The retire-release machine wakes by itself; the sweeper steps in when it did not. */
const retirementLateMilliseconds = 5 * 60_000;
/** Less is not enough to finish a fleet; the next sweep goes on. */
const enoughMilliseconds = 30_000;
/** It comes each minute, and has time for so many in any case: the next one begins behind them. */
const sweepMilliseconds = 60_000;
const eachSweep = 20;

/**
 * One sweep over all fleets. Where its time does not last for all of them, another begins elsewhere, so that each has
 * its turn. @returns what was done, by fleet.
 */
export async function sweep(
  deps: SweepDeps,
  time: Time,
  config: Pick<Config, 'stack' | 'machinePrefix' | 'defaults'>,
  log: Log,
): Promise<{ did: Readonly<Record<string, readonly string[]>> }> {
  const did: Record<string, readonly string[]> = {};
  // Nothing is going on with most fleets, at most times: then an empty list is all that a sweep reads. It lags by
  // moments; what it does not show yet is seen by the next sweep.
  const only = { kind: 'with-work' } as const;
  const waiting: string[] = [];
  for (let from: string | undefined; ; ) {
    const page = await deps.table.list(lists.fleets, fleetItem, {
      only,
      ...(from === undefined ? {} : { from }),
    });
    const { items } = page;
    waiting.push(...items.filter((one) => !onlyWarm(one, time.clock.now())).map(({ fleet }) => fleet));
    from = page.next;
    if (from === undefined) break;
  }
  const turn = Math.floor(time.clock.now().getTime() / sweepMilliseconds);
  for (const fleet of inTurn(waiting, turn * eachSweep)) {
    if (time.remainingMilliseconds() < enoughMilliseconds) return { did };
    try {
      const done = await sweepFleet(fleet, deps, time, config);
      if (done.length > 0) did[fleet] = done;
    } catch (error) {
      // One fleet's trouble must not keep the sweeper from the others; the next sweep tries it again.
      log.warn(`sweeping ${fleet} failed`, error instanceof Error ? error : new Error(String(error)));
      did[fleet] = [`failed: ${isFlotillaError(error) ? error.name : String(error)}`];
    }
  }
  return { did };
}

/** A release is warm, and nothing has to be done about it: its time is not over, and nobody asked to watch it. */
function onlyWarm(fleet: FleetItem, now: Date): boolean {
  const { lease, queue, pins, warm } = fleet;
  const quiet = lease === null && queue.length === 0 && pins.length === 0 && !isLate(warm, now);
  return quiet && watchedWhileWarm(fleet, now).length === 0;
}

function isLate(warm: FleetItem['warm'], now: Date): boolean {
  return warm !== null && now.getTime() - Date.parse(warm.keepUntil) >= retirementLateMilliseconds;
}

async function sweepFleet(
  name: string,
  deps: SweepDeps,
  time: Time,
  config: Pick<Config, 'stack' | 'machinePrefix' | 'defaults'>,
): Promise<string[]> {
  // The list lags; decisions are made on the item itself.
  const fleet = await readFleet(deps.table, name);
  if (fleet.lease !== null) {
    const recovery = await recoverFleet(fleet, deps, time, config);
    const waits = recovery.outcome === 'recovered' ? [] : await endWaits(fleet, deps.table, time);
    if (recovery.outcome === 'running') return [...(await watchGate(fleet, deps, time.clock)), ...waits];
    return recovery.outcome === 'not-held' ? waits : [recovery.outcome, ...waits];
  }
  return [
    ...(await startFirst(fleet, deps, time, config)),
    ...(await unpinForgotten(fleet, deps, time)),
    ...(await retireLate(fleet, deps, time, config)),
    ...(await watchWarm(fleet, deps, time, config)),
  ];
}

/** The head of the queue: start it if nobody did, take it out if it ended before it began. */
async function startFirst(
  fleet: FleetItem,
  deps: RecoverDeps,
  time: Time,
  config: Pick<Config, 'machinePrefix'>,
): Promise<string[]> {
  const first = fleet.queue[0];
  if (first === undefined) return [];
  const execution = executionArn(config, 'swap-fleet', swapExecutionName(fleet.fleet, first));
  const { status } = await deps.executions.describe(execution);
  if (status === 'running') return [];
  if (status === 'unknown') {
    await startRollout(fleet.fleet, first, { executions: deps.executions, config });
    return [`started rollout ${first}`];
  }
  const rollout = await deps.table.get(keys.rollout(fleet.fleet, first), rolloutItem);
  const failure = {
    name: 'RolloutInterrupted',
    message: `The execution ended (${status}) before it held the fleet`,
    details: {},
  };
  if (rollout !== undefined) {
    await writeFailure(
      { fleet: fleet.fleet, rollout: first, execution, fence: 0, failure, rolledBack: true },
      deps.table,
      time.clock,
    );
  }
  return [`took rollout ${first} out of the queue`];
}

/** No rollout runs, so no minimum has a reason to be pinned. */
async function unpinForgotten(fleet: FleetItem, deps: RecoverDeps, time: Time): Promise<string[]> {
  const did: string[] = [];
  for (const pin of fleet.pins) {
    await unpin(deps.groups, { groupName: pin.groupName, minimum: pin.former, pinned: pin.pinned });
    await changeFleet(deps.table, fleet.fleet, time.clock, (item, now) => ({
      fleet: { ...item, pins: item.pins.filter(({ groupName }) => groupName !== pin.groupName) },
      events: [
        fleetEvent({
          fleet: item.fleet,
          key: `sweep/unpinned-${pin.groupName}-at-${item.revision}`,
          kind: 'unpinned',
          at: now,
          data: { groupName: pin.groupName, minimum: pin.former },
        }),
      ],
    }));
    did.push(`unpinned ${pin.groupName}`);
  }
  return did;
}

/** The event of an alarm that rang while the former release is warm may have been lost. */
async function watchWarm(
  fleet: FleetItem,
  deps: SweepDeps,
  { clock }: Time,
  config: Pick<Config, 'machinePrefix'>,
): Promise<string[]> {
  const watched = watchedWhileWarm(fleet, clock.now());
  const seen = await deps.alarms.describe(watched.map(({ name }) => name));
  // An alarm that is gone says nothing against a release that was promoted under it.
  const there = watched.filter((watch) => seen.some(({ name }) => name === watch.name));
  const saying = (verdict: AlarmVerdict['verdict']) =>
    there.find((watch) => alarmVerdict([watch], seen).verdict === verdict);
  const ringing = saying('ringing');
  const alarm = ringing ?? saying('missing');
  if (alarm === undefined) return [];
  const rollout = await goBack(fleet, alarm.name, { ...deps, clock, config }, ringing !== undefined);
  return rollout === undefined ? [] : [`goes back by rollout ${rollout}`];
}

async function retireLate(
  fleet: FleetItem,
  deps: RecoverDeps,
  time: Time,
  config: Pick<Config, 'machinePrefix'>,
): Promise<string[]> {
  const { warm } = fleet;
  const now = time.clock.now();
  if (warm === null || !isLate(warm, now)) return [];
  const rollout = fleet.nextRollout - 1;
  // A closed name is refused for 90 days; the hour makes the next try another one.
  const again = `-h${Math.floor(now.getTime() / 3_600_000)}`;
  await startRetirement(fleet, warm.release, rollout, deps.executions, config, again);
  return [`retires v${warm.release}`];
}
