/** An alarm's event, turned into an order to abort, or into a way back to the release that is still warm. */
import type { AlarmEvidence } from '../../contracts/failure-card.ts';
import { rolloutId } from '../../contracts/ids.ts';
import {
  type FleetItem,
  fleetItem,
  type Lease,
  refItem,
  releaseItem,
  rolloutItem,
} from '../../contracts/items.ts';
import { isFlotillaError } from '../../errors.ts';
import { heardSince, mayRollBackByAlarm, rangBefore, watchedWhileWarm } from '../../fleet/gates.ts';
import { keys } from '../../lineage/keys.ts';
import { giveOrder } from '../give-order.ts';
import type { Invocation } from '../handler.ts';
import { type RequestDeps, requestRollout } from '../request-rollout.ts';

type Log = Pick<Invocation['log'], 'info'>;

/**
 * What an alarm does when it rings. Repeating it finds nothing left to do. An event of a time before the alarm counted is
 * ignored: levels are read by the rollout itself, and by the sweeper.
 * @returns the rollouts that it aborted, and those that it asked for.
 */
export async function alarmRang(
  evidence: AlarmEvidence,
  /** The alarm's own time. */
  rangAt: string | undefined,
  deps: RequestDeps,
  log: Log,
): Promise<{ aborted: readonly string[]; rollingBack: readonly string[] }> {
  const alarm = evidence.name;
  const { pk } = keys.ref(`alarm/${alarm}`, 'fleet', '');
  const watchers = await deps.table.queryAll(pk, 'fleet#', refItem);
  const aborted: string[] = [];
  const rollingBack: string[] = [];
  for (const { to } of watchers) {
    const fleet = await deps.table.get(keys.fleet(to), fleetItem);
    if (fleet === undefined) continue;
    const since = await countsSince(fleet, alarm, deps);
    if (since === undefined) continue;
    if (rangBefore(rangAt, since)) {
      log.info('an event that came late is ignored', { alarm, fleet: to, rangAt, countsSince: since });
    } else if (fleet.lease !== null) {
      if (await abortHolder(fleet, fleet.lease, evidence, deps)) {
        aborted.push(rolloutId(to, fleet.lease.rollout));
      }
    } else {
      const rollout = await goBack(fleet, alarm, deps);
      if (rollout !== undefined) rollingBack.push(rollout);
    }
  }
  return { aborted, rollingBack };
}

/** From when on the alarm counts for what goes on with the fleet; undefined where it does not. */
async function countsSince(fleet: FleetItem, alarm: string, deps: RequestDeps): Promise<string | undefined> {
  const { fleet: name, lease, live } = fleet;
  if (lease?.purpose === 'rollout' && lease.state === 'held') {
    const rollout = await deps.table.get(keys.rollout(name, lease.rollout), rolloutItem);
    return rollout && heardSince(alarm, { ...fleet, lease }, rollout.kind);
  }
  if (live === null || !watchedWhileWarm(fleet, deps.clock.now()).some((watch) => watch.name === alarm))
    return undefined;
  const release = await deps.table.get(keys.release(name, live.release), releaseItem);
  return release?.servedAt;
}

async function abortHolder(
  { fleet }: FleetItem,
  { rollout }: Lease,
  evidence: AlarmEvidence,
  deps: RequestDeps,
): Promise<boolean> {
  try {
    const by = { principal: evidence.name, through: 'alarm' };
    const reason = evidence.reason.slice(0, 1000);
    await giveOrder({ fleet, rollout, verb: 'abort', by, reason, alarm: evidence }, deps);
    return true;
  } catch (error) {
    // Ended, or promoted, a moment ago: there is nothing to abort any more.
    if (!isFlotillaError(error) || error.name !== 'RequestRefused') throw error;
    return false;
  }
}

/**
 * Goes back to the warm release, if the alarm may say so. Safe to repeat.
 * @returns the rollout, `web-13`; undefined where nothing was asked for.
 */
export async function goBack(
  fleet: FleetItem,
  alarm: string,
  deps: RequestDeps,
  /** False where it has no data only. */
  rang = true,
): Promise<string | undefined> {
  const { warm } = fleet;
  if (warm === null) return undefined;
  const newest = keys.rollout(fleet.fleet, fleet.nextRollout - 1);
  if (!mayRollBackByAlarm(fleet, await deps.table.get(newest, rolloutItem))) return undefined;
  const target = { kind: 'release', number: warm.release } as const;
  const by = { principal: alarm, through: 'alarm' };
  const { rollout } = await requestRollout({ fleet: fleet.fleet, target, by, rang }, deps);
  return rollout === undefined ? undefined : rolloutId(fleet.fleet, rollout);
}
