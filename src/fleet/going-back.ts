/** Which release a rollback goes back to, and which it passes over. */
import { releaseLabel } from '../contracts/ids.ts';
import type { FleetItem, ReleaseItem } from '../contracts/items.ts';
import { failedBefore } from './failed-before.ts';

/**
 * When a rollback left it for another; undefined where nobody did, or it was promoted after that. What was left once is
 * gone forward to, by its number: a second rollback goes further back.
 */
export function leftSince({
  leftAt,
  servedAt = '',
}: Pick<ReleaseItem, 'leftAt' | 'servedAt'>): string | undefined {
  return leftAt !== undefined && leftAt >= servedAt ? leftAt : undefined;
}

function mayReturn(release: ReleaseItem): boolean {
  return failedBefore([release]) === undefined && leftSince(release) === undefined;
}

/** Those that served before live, the last one first. */
function servedBefore({ live }: Pick<FleetItem, 'live'>, former: readonly ReleaseItem[]): ReleaseItem[] {
  return former
    .filter(({ number, servedAt }) => number !== live?.release && servedAt !== undefined)
    .sort((a, b) => (b.servedAt ?? '').localeCompare(a.servedAt ?? ''));
}

/**
 * The release that a rollback without a number means: the warm one, else the one that served last before live. None that
 * failed (an alarm took the fleet back from it), and none that a rollback left.
 */
export function rollbackTarget(
  fleet: Pick<FleetItem, 'live' | 'warm'>,
  former: readonly ReleaseItem[],
): ReleaseItem | undefined {
  const warm = former.find(({ number }) => number === fleet.warm?.release);
  return warm !== undefined && mayReturn(warm) ? warm : servedBefore(fleet, former).find(mayReturn);
}

/** Why a rollback has no target: what it passed over, and how to go forward to one of those all the same. */
export function noTargetWords(
  fleet: Pick<FleetItem, 'fleet' | 'live'>,
  former: readonly ReleaseItem[],
): string {
  const none = `${fleet.fleet} has no release that was live before`;
  const passed = servedBefore(fleet, former).map((release) => ({
    number: release.number,
    failed: failedBefore([release]) !== undefined,
  }));
  const forward = passed.find(({ failed }) => !failed) ?? passed[0];
  if (forward === undefined) return none;
  const why = passed.map(
    ({ number, failed }) => `${releaseLabel(number)} (${failed ? 'failed before' : 'a rollback left it'})`,
  );
  const command = `flotilla deploy --fleet ${fleet.fleet} --release ${forward.number}${forward.failed ? ' --force' : ''}`;
  return `${none} and may be gone back to; passed over: ${why.join(', ')}; to go forward to ${releaseLabel(forward.number)}: ${command}`;
}
