/** Gates: the points where a rollout waits, and what lets it pass. Nothing polls there. */
import type { AlarmView } from './world.ts';

export interface AlarmWatch {
  readonly name: string;
  readonly missingData: 'ignore' | 'quiet' | 'abort';
}

export type AlarmVerdict =
  | { readonly verdict: 'quiet' }
  /** Rings, or has no data where the spec calls that ringing. */
  | { readonly verdict: 'ringing'; readonly reasons: readonly string[] }
  /** No data, and the spec does not say that this counts as quiet: no abort, and no proof of calm. */
  | { readonly verdict: 'unknown'; readonly reasons: readonly string[] };

/**
 * What the watched alarms say together. An alarm that is not there rings: a rollout that was to be watched would
 * not be.
 */
export function alarmVerdict(watched: readonly AlarmWatch[], seen: readonly AlarmView[]): AlarmVerdict {
  const ringing: string[] = [];
  const unknown: string[] = [];
  for (const watch of watched) {
    const alarm = seen.find(({ name }) => name === watch.name);
    if (alarm === undefined) ringing.push(`alarm ${watch.name} does not exist`);
    else if (alarm.state === 'ALARM') ringing.push(`alarm ${alarm.name} rings: ${alarm.reason}`);
    else if (alarm.state === 'INSUFFICIENT_DATA' && watch.missingData === 'abort') {
      ringing.push(`alarm ${alarm.name} has no data, which the spec counts as ringing`);
    } else if (alarm.state === 'INSUFFICIENT_DATA' && watch.missingData === 'ignore') {
      unknown.push(`alarm ${alarm.name} has no data`);
    }
  }
  if (ringing.length > 0) return { verdict: 'ringing', reasons: ringing };
  return unknown.length > 0 ? { verdict: 'unknown', reasons: unknown } : { verdict: 'quiet' };
}
