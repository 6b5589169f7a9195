/** Smoke boots that nobody ended: their execution was stopped, or a step of it failed too often. */
import type { Executions } from '../../aws/executions.ts';
import { type SmokeBootItem, smokeBootItem } from '../../contracts/items.ts';
import { isGone } from '../../image/claim.ts';
import { lists } from '../../lineage/keys.ts';
import { ownerState } from '../image-attempt.ts';
import { type BootEnd, type EndDeps, endBoot } from './end.ts';
import { readBoot } from './lease.ts';

export interface SweepBootsDeps extends EndDeps {
  readonly executions: Executions;
}

/** After its deadline an execution ends its boot within a minute, retries included. */
const graceMilliseconds = 5 * 60_000;

async function isForsaken(boot: SmokeBootItem, executions: Executions, now: Date): Promise<boolean> {
  if (now.getTime() - Date.parse(boot.deadline) >= graceMilliseconds) return true;
  const owner = ownerState(await executions.describe(boot.owner));
  return isGone(owner, now, new Date(boot.openedAt));
}

/** @returns the ids of the boots that were ended. @throws the first failure, once each boot had its turn */
export async function sweepBoots(
  deps: SweepBootsDeps,
  settings: Pick<BootEnd, 'stack' | 'storeBucket' | 'now'>,
): Promise<string[]> {
  const ended: string[] = [];
  const failures: unknown[] = [];
  for (const { identity, id } of await deps.table.listAll(lists.smokeBoots, smokeBootItem)) {
    try {
      // The listing may lag behind.
      const boot = await readBoot(deps.table, identity, id);
      if (boot?.state !== 'open' || !(await isForsaken(boot, deps.executions, settings.now))) continue;
      const end = { ...settings, passed: false, reason: 'its execution ended without ending it' };
      if ((await endBoot(boot, end, deps)) === 'ended') ended.push(id);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return ended;
}
