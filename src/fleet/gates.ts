/** Gates: the points where a rollout waits, and what lets it pass. Nothing polls there. */
import type { AlarmWatch } from '../contracts/fleet-spec.ts';
import type { FleetItem, Lease, RolloutItem } from '../contracts/items.ts';
import type { RolloutPlan } from '../contracts/rollout.ts';
import type { AlarmView } from './world.ts';

/**
 * The alarms that count while a step has the traffic; 0 before the first, when those of the first count. None on the way
 * back: what rings then is why somebody goes back.
 */
export function watchedAt<Watch extends Pick<AlarmWatch, 'fromStep'>>(
  alarms: readonly Watch[],
  rollout: { readonly kind: RolloutPlan['kind']; readonly step: number; readonly steps: number },
): readonly Watch[] {
  if (rollout.kind === 'rollback') return [];
  return alarms.filter(({ fromStep }) => Math.max(rollout.step, 1) >= Math.min(fromStep, rollout.steps));
}

/**
 * Since when a rollout hears the events of an alarm: from its beginning, or from its gate on where the alarm counts from
 * a later step on.
 * @returns undefined where it does not hear them now: between two gates only what counts from the beginning is heard;
 * the others are read when the next gate is entered.
 */
export function heardSince(
  alarm: string,
  {
    lease,
    gate,
    spec,
  }: Pick<FleetItem, 'gate' | 'spec'> & { readonly lease: Pick<Lease, 'rollout' | 'since'> },
  kind: RolloutPlan['kind'],
): string | undefined {
  const { steps, alarms } = spec.rollout;
  const named = ({ name }: { readonly name: string }) => name === alarm;
  const here = gate?.rollout === lease.rollout ? gate : undefined;
  if (here !== undefined && !here.alarms.some(named)) return undefined;
  const always = watchedAt(alarms, { kind, step: 1, steps: steps.length }).some(named);
  return always ? lease.since : here?.since;
}

/**
 * Whether an alarm rang before it counted. Its event may come hours late, and more than once, when the alarm has been
 * quiet again for long. What has no time of its own counts.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
export function rangBefore(rangAt: string | undefined, since: string): boolean {
  return Date.parse(rangAt ?? '') < Date.parse(since);
}

export type AlarmVerdict =
  | { readonly verdict: 'quiet' }
  /**
   * Either stops a rollout. `ringing`: one is in ALARM, at least. `missing`: none is, but one is not there, or has no data
   * where the spec calls that ringing. Then nobody watches; of the release it says nothing.
   */
  | {
      readonly verdict: 'ringing' | 'missing';
      readonly ringing: readonly string[];
      readonly missing: readonly string[];
    }
  /** No data, and the spec does not say that this counts as quiet: no abort, and no proof of calm. */
  | { readonly verdict: 'unknown'; readonly reasons: readonly string[] };

/**
 * The alarms that take a fleet back to its warm release when they ring now; none where there is nothing to go back to, or
 * where somebody has the fleet: a rollout watches its own alarms.
 */
export function watchedWhileWarm(
  fleet: Pick<FleetItem, 'lease' | 'warm' | 'queue' | 'spec'>,
  now: Date,
): readonly AlarmWatch[] {
  const { lease, warm, queue, spec } = fleet;
  const warmNow = warm !== null && Date.parse(warm.keepUntil) > now.getTime();
  if (!warmNow || lease !== null || queue.length > 0) return [];
  return spec.rollout.alarms.filter(({ whileWarm }) => whileWarm === 'roll-back');
}

/**
 * Whether an alarm may take a fleet back: once, from what the last rollout deployed. What was rolled back already, or
 * could not be, is a person's to decide; else two releases under one alarm would take turns.
 */
export function mayRollBackByAlarm(
  fleet: Pick<FleetItem, 'live'>,
  last: Pick<RolloutItem, 'kind' | 'status' | 'release'> | undefined,
): boolean {
  return last?.kind === 'deploy' && last.status === 'succeeded' && last.release === fleet.live?.release;
}

/**
 * What the watched alarms say together. One that is not there stops a rollout, too: it was to be watched, and would
 * not be.
 */
export function alarmVerdict(
  watched: readonly Pick<AlarmWatch, 'name' | 'missingData'>[],
  seen: readonly AlarmView[],
): AlarmVerdict {
  const ringing: string[] = [];
  const missing: string[] = [];
  const unknown: string[] = [];
  for (const watch of watched) {
    const alarm = seen.find(({ name }) => name === watch.name);
    if (alarm === undefined) {
      missing.push(
        `alarm ${watch.name} does not exist: make it again, or take it out of the spec (flotilla fleet apply)`,
      );
    } else if (alarm.state === 'ALARM') ringing.push(`alarm ${alarm.name} rings: ${alarm.reason}`);
    else if (alarm.state === 'INSUFFICIENT_DATA' && watch.missingData === 'abort') {
      missing.push(
        `alarm ${alarm.name} has no data, which the spec counts as ringing: see why it gets none, or change its missingData (flotilla fleet apply)`,
      );
    } else if (alarm.state === 'INSUFFICIENT_DATA' && watch.missingData === 'ignore') {
      unknown.push(`alarm ${alarm.name} has no data`);
    }
  }
  if (ringing.length > 0) return { verdict: 'ringing', ringing, missing };
  if (missing.length > 0) return { verdict: 'missing', ringing, missing };
  return unknown.length > 0 ? { verdict: 'unknown', reasons: unknown } : { verdict: 'quiet' };
}
