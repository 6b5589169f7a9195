/** The image item while one execution builds it: only the owner of the attempt may change it. */
import type { ExecutionState } from '../aws/executions.ts';
import type { Condition, Table, Write } from '../aws/table.ts';
import type { BuildAttempt } from '../contracts/build.ts';
import { type EventItem, type FleetImageItem, type ImageItem, imageItem } from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import type { OwnerState } from '../image/claim.ts';
import { keys } from '../lineage/keys.ts';

/** Tags of everything that an attempt makes; they tell whose it is when nothing was recorded. */
export function attemptTags(stack: string, { identity, attempt }: BuildAttempt): Record<string, string> {
  return {
    Name: `flotilla ${identity.slice(0, 12)}`,
    'flotilla:stack': stack,
    'flotilla:identity': identity,
    'flotilla:attempt': String(attempt),
  };
}

/** What Step Functions says of an execution, as far as its builds are concerned. */
export function ownerState(state: ExecutionState): OwnerState {
  if (state.status === 'running' || state.status === 'unknown') return { kind: state.status };
  return { kind: 'ended', at: state.stoppedAt };
}

/** From a fleet to its images, newest last: the next one may be written as a difference to one of them. */
export function putFleetImage(image: Omit<FleetImageItem, 'type'>): Write {
  const key = keys.fleetImage(image.fleet, image.upload);
  return { kind: 'put', key, item: { type: 'fleet-image', ...image } };
}

/** That nobody else has changed the image since it was read: whoever writes its item anew writes all of it. */
export function imageUnchanged({ owner, attempt, state, boots = [] }: ImageItem): Condition {
  const newest = boots.at(-1);
  return {
    kind: 'equals',
    values: {
      owner,
      attempt,
      state,
      [`boots[${boots.length}]`]: undefined,
      // Where the oldest ones are forgotten, their number stays.
      ...(newest === undefined ? {} : { [`boots[${boots.length - 1}].instanceId`]: newest.instanceId }),
    },
  };
}

function notOwner({ identity, attempt }: BuildAttempt): FlotillaError {
  return new FlotillaError('ImageBuildFailed', 'Another execution has taken this build over', {
    identity,
    attempt,
  });
}

/**
 * The item of an attempt that is still ours.
 * @throws FlotillaError ImageBuildFailed when it is not
 */
export async function ownAttempt(
  table: Table,
  attempt: BuildAttempt,
  executionArn: string,
): Promise<ImageItem> {
  const item = await table.get(keys.image(attempt.identity), imageItem);
  if (item?.owner !== executionArn || item.attempt !== attempt.attempt || item.state !== 'building') {
    throw notOwner(attempt);
  }
  return item;
}

/**
 * Writes the item of our attempt anew, together with what else belongs to the change.
 * @throws FlotillaError ImageBuildFailed when it is no longer ours
 */
export async function saveAttempt(
  table: Table,
  item: ImageItem,
  change: { readonly writes?: readonly Write[]; readonly events?: readonly EventItem[] } = {},
): Promise<void> {
  const { owner, attempt } = item;
  const outcome = await table.commit({
    writes: [
      {
        kind: 'put',
        key: keys.image(item.identity),
        item,
        condition: { kind: 'equals', values: { owner, attempt, state: 'building' } },
      },
      ...(change.writes ?? []),
    ],
    events: change.events ?? [],
  });
  if (outcome.outcome === 'refused') throw notOwner(item);
}
