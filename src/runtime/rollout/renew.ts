/** Live's group made anew, where somebody deleted it and a candidate that shall leave cannot go without it. */
import type { Table } from '../../aws/table.ts';
import { releaseItem } from '../../contracts/items.ts';
import type { HeldCall } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import type { UndoStep } from '../../fleet/undo.ts';
import { keys } from '../../lineage/keys.ts';
import type { Config } from '../config.ts';
import type { Hold } from './hold.ts';
import { type LaunchDeps, launchGroup } from './launch.ts';
import { fleetEvent, rolloutKey } from './record.ts';

export interface RenewDeps extends LaunchDeps {
  readonly table: Table;
}

/**
 * Launches live's release once more, under the name that its group had, by the fleet's present spec. Lineage is told
 * first. Safe to repeat: a group that stands is adopted.
 * @throws FlotillaError `ReleaseNotFound`, and as launchGroup does.
 */
export async function renewLive(
  { live, capacity }: Extract<UndoStep, { do: 'renew' }>,
  { fleet, rollout, execution }: HeldCall,
  hold: Hold,
  deps: RenewDeps,
  config: Pick<Config, 'stack' | 'defaults'>,
): Promise<void> {
  const release = await deps.table.get(keys.release(fleet, live.release), releaseItem);
  if (release === undefined) {
    throw new FlotillaError(
      'ReleaseNotFound',
      `The group of live, ${live.groupName}, and its release are gone`,
      {
        fleet,
        release: live.release,
      },
    );
  }
  await hold.change((item, now) => ({
    fleet: item,
    events: [
      fleetEvent({
        fleet,
        key: rolloutKey(rollout, 'live-made-anew'),
        kind: 'live-made-anew',
        at: now,
        execution,
        data: { rollout, ...live, ...capacity },
      }),
    ],
  }));
  await launchGroup({ ...live, capacity, imageId: release.imageId, rollout }, hold, deps, config);
}
