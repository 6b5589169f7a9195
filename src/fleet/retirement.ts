/** Whether a warm release may go: asked when its time is over, and again under the lease. */

import { releaseLabel } from '../contracts/ids.ts';
import type { FleetItem } from '../contracts/items.ts';
import type { Weights } from './world.ts';

export type RetirementVerdict =
  | { readonly verdict: 'retire'; readonly groupName: string }
  | { readonly verdict: 'wait'; readonly until: string }
  /** Left alone: it is live again, was retired already, went with its fleet, or has traffic. */
  | { readonly verdict: 'leave'; readonly reason: string };

/**
 * The verdict on `release` of a fleet. `weights` are those of the rule, where they have been read.
 * @param now ISO 8601.
 */
export function decideRetirement(
  fleet: Pick<FleetItem, 'live' | 'warm' | 'candidate' | 'fleet'>,
  release: number,
  weights: Weights | undefined,
  now: string,
): RetirementVerdict {
  const label = releaseLabel(release);
  if (fleet.live?.release === release) return { verdict: 'leave', reason: `${label} is live again` };
  if (fleet.candidate?.release === release) return { verdict: 'leave', reason: `${label} is a candidate` };
  if (fleet.warm?.release !== release) return { verdict: 'leave', reason: `${label} is not warm any more` };
  if (Date.parse(fleet.warm.keepUntil) > Date.parse(now)) {
    return { verdict: 'wait', until: endOfSecond(fleet.warm.keepUntil) };
  }
  const weight = weights?.[fleet.warm.slot] ?? 0;
  if (weight > 0) {
    return {
      verdict: 'leave',
      reason: `${label} has ${weight} % of the traffic, set by hand: it may be needed`,
    };
  }
  return { verdict: 'retire', groupName: fleet.warm.groupName };
}

/**
 * A machine waits to the second, and cuts milliseconds off: it would ask again before the time has come, and again,
 * without a pause, until that second is over.
 * https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html
 */
function endOfSecond(time: string): string {
  return new Date(Math.ceil(Date.parse(time) / 1_000) * 1_000).toISOString();
}
