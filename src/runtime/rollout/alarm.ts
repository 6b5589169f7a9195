/** An alarm's event, turned into an order to abort, or into a way back to the release that is still warm. */
import type { AlarmEvidence } from '../../contracts/failure-card.ts';
import { rolloutId } from '../../contracts/ids.ts';
import { type FleetItem, fleetItem, refItem, rolloutItem } from '../../contracts/items.ts';
import { isFlotillaError } from '../../errors.ts';
import { mayRollBackByAlarm, watchedAt, watchedWhileWarm } from '../../fleet/gates.ts';
import { keys } from '../../lineage/keys.ts';
import { giveOrder } from '../give-order.ts';
import { type RequestDeps, requestRollout } from '../request-rollout.ts';

/**
 * What an alarm does when it rings. Repeating it finds nothing left to do.
 * @returns the rollouts that it aborted, and those that it asked for.
 */
export async function alarmRang(
  evidence: AlarmEvidence,
  deps: RequestDeps,
): Promise<{ aborted: readonly string[]; rollingBack: readonly string[] }> {
  const alarm = evidence.name;
  const { pk } = keys.ref(`alarm/${alarm}`, 'fleet', '');
  const watchers = await deps.table.queryAll(pk, 'fleet#', refItem);
  const aborted: string[] = [];
  const rollingBack: string[] = [];
  for (const { to } of watchers) {
    const fleet = await deps.table.get(keys.fleet(to), fleetItem);
    if (fleet === undefined) continue;
    if (await abortHolder(fleet, evidence, deps)) {
      aborted.push(rolloutId(to, fleet.lease?.rollout ?? 0));
    } else if (watchedWhileWarm(fleet, deps.clock.now()).some(({ name }) => name === alarm)) {
      const rollout = await goBack(fleet, alarm, deps);
      if (rollout !== undefined) rollingBack.push(rollout);
    }
  }
  return { aborted, rollingBack };
}

async function abortHolder(fleet: FleetItem, evidence: AlarmEvidence, deps: RequestDeps): Promise<boolean> {
  const { name: alarm, reason } = evidence;
  const { lease, gate, spec } = fleet;
  if (lease?.purpose !== 'rollout' || lease.state !== 'held') return false;
  const rollout = await deps.table.get(keys.rollout(fleet.fleet, lease.rollout), rolloutItem);
  if (rollout === undefined) return false;
  // Between two gates only what counts from the beginning is heard; the others are read when the next gate is entered.
  const { steps, alarms } = spec.rollout;
  const between = watchedAt(alarms, { kind: rollout.kind, step: 1, steps: steps.length });
  const watched = gate?.rollout === lease.rollout ? gate.alarms : between;
  if (!watched.some(({ name }) => name === alarm)) return false;
  try {
    const by = { principal: alarm, through: 'alarm' };
    const order = { fleet: fleet.fleet, rollout: lease.rollout, verb: 'abort', by } as const;
    await giveOrder({ ...order, reason: reason.slice(0, 1000), alarm: evidence }, deps);
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
): Promise<string | undefined> {
  const { warm } = fleet;
  if (warm === null) return undefined;
  const newest = keys.rollout(fleet.fleet, fleet.nextRollout - 1);
  if (!mayRollBackByAlarm(fleet, await deps.table.get(newest, rolloutItem))) return undefined;
  const target = { kind: 'release', number: warm.release } as const;
  const by = { principal: alarm, through: 'alarm' };
  const { rollout } = await requestRollout({ fleet: fleet.fleet, target, by }, deps);
  return rollout === undefined ? undefined : rolloutId(fleet.fleet, rollout);
}
