/**
 * Removes a fleet: rule, groups, target groups, launch template, item, in the order in which nothing that still
 * serves loses what it needs. Each call does what can be done now and says what it waits for; repeating it until
 * nothing is waited for is the whole protocol.
 */
import type { FixedParts } from '../aws/fixed-parts.ts';
import type { Groups } from '../aws/groups.ts';
import type { Table, Write } from '../aws/table.ts';
import type { RemovalAnswer } from '../contracts/api.ts';
import {
  type Actor,
  type EventItem,
  type FleetItem,
  type FormerFleetItem,
  fleetItem,
  type Lease,
  releaseItem,
} from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { isGroupOf, isOurs } from '../fleet/fixed-parts.ts';
import { keys, prefixes } from '../lineage/keys.ts';
import { fleetPlace } from '../lineage/places.ts';
import type { Invocation } from './handler.ts';

export interface RemoveFleetDeps {
  readonly table: Table;
  readonly parts: FixedParts;
  readonly groups: Groups;
}

export interface RemoveFleetRequest {
  readonly fleet: string;
  readonly force: boolean;
  /** With force: the fleet's name once more. */
  readonly confirm: string | undefined;
  readonly by: Actor;
}

/** Between two looks at groups that empty themselves. */
const lookEveryMilliseconds = 2_000;
/** What the last steps (target groups, template, item) take, with a margin. */
const reserveMilliseconds = 12_000;
/** A transaction has room for 100 writes; only a handful of releases stands in a slot at any time. */
const standing = ['new', 'candidate', 'live', 'warm'];

/** @throws FlotillaError FleetNotFound, FleetInUse, RequestConflict */
export async function removeFleet(
  request: RemoveFleetRequest,
  deps: RemoveFleetDeps,
  invocation: Invocation,
): Promise<RemovalAnswer> {
  const { fleet } = request;
  const item = await deps.table.get(keys.fleet(fleet), fleetItem);
  if (item === undefined) throw new FlotillaError('FleetNotFound', `There is no fleet ${fleet}.`, { fleet });
  refuseWhileUsed(item, request);
  const held = item.lease === null ? await holdForRemoval(item, request, deps.table, invocation) : item;

  const done: string[] = [];
  const { test } = held.fixed;
  if (test !== undefined) {
    await deps.parts.removeRule(test.ruleArn);
    done.push('rule of the test listener');
  }
  await deps.parts.removeRule(held.fixed.ruleArn);
  done.push('listener rule');

  const busyGroups = await emptyGroups(held, deps.groups, invocation, done);
  if (busyGroups.length > 0) return underWay(fleet, done, busyGroups);

  const usedTargetGroups = await removeTargetGroups(held, deps.parts, invocation.config.stack, done);
  if (usedTargetGroups.length > 0) return underWay(fleet, done, usedTargetGroups);

  await deps.parts.removeTemplate(held.fixed.launchTemplateId);
  done.push('launch template');
  await forget(held, request, deps.table, invocation);
  return { outcome: 'removed', message: `Fleet ${fleet} is gone; its lineage stays.`, done, waitingFor: [] };
}

function underWay(fleet: string, done: string[], waitingFor: string[]): RemovalAnswer {
  return {
    outcome: 'under-way',
    message: `Fleet ${fleet} is being removed; send the request again to go on.`,
    done,
    waitingFor,
  };
}

/** @returns those that a rule of somebody else's still names. */
async function removeTargetGroups(
  { fleet, fixed }: FleetItem,
  parts: FixedParts,
  stack: string,
  done: string[],
): Promise<string[]> {
  const used: string[] = [];
  for (const [slot, arn] of [
    ['blue', fixed.blueArn],
    ['green', fixed.greenArn],
  ] as const) {
    let isGone = await parts.removeTargetGroup(arn);
    if (!isGone) {
      // A PUT that was killed may have made a rule that the fleet's item does not name.
      for (const rule of await parts.rulesNaming([arn])) {
        if (!isOurs({ stack, fleet }, rule.tags)) continue;
        await parts.removeRule(rule.arn);
        done.push(`a rule that an earlier call had left on ${rule.listenerArn}`);
      }
      isGone = await parts.removeTargetGroup(arn);
    }
    if (isGone) done.push(`target group of the ${slot} slot`);
    else used.push(`target group of the ${slot} slot, which a rule still names`);
  }
  return used;
}

/** The guard. A removal that is under way may go on. */
function refuseWhileUsed(item: FleetItem, { fleet, force, confirm }: RemoveFleetRequest): void {
  const { lease } = item;
  if (lease?.purpose === 'removal') return;
  if (lease !== null) {
    throw new FlotillaError(
      'FleetInUse',
      `A ${lease.purpose} holds ${fleet} since ${lease.since} (${lease.state}).`,
      { fleet, holder: lease.holder },
    );
  }
  if (item.queue.length > 0) {
    throw new FlotillaError('FleetInUse', `Rollouts of ${fleet} wait: ${item.queue.join(', ')}.`, { fleet });
  }
  const present = [item.live, item.candidate, item.warm].filter((one) => one !== null);
  if (present.length > 0 && !(force && confirm === fleet)) {
    const releases = present.map((one) => `v${one.release}`).join(', ');
    throw new FlotillaError(
      'FleetInUse',
      `Fleet ${fleet} runs ${releases}. To remove it and end its traffic, ask with force=true and confirm=${fleet}.`,
      { fleet, releases },
    );
  }
}

/** From here on no rollout can take the fleet. */
async function holdForRemoval(
  item: FleetItem,
  { by }: RemoveFleetRequest,
  table: Table,
  { clock, requestId }: Invocation,
): Promise<FleetItem> {
  const now = clock.now().toISOString();
  const fence = item.fence + 1;
  const lease: Lease = {
    holder: `request:${requestId}`,
    purpose: 'removal',
    rollout: 0,
    release: 0,
    since: now,
    fence,
    state: 'held',
  };
  const held: FleetItem = { ...item, lease, fence, updatedAt: now, revision: item.revision + 1 };
  const outcome = await table.commit({
    writes: [
      {
        kind: 'put',
        key: keys.fleet(item.fleet),
        item: held,
        list: fleetPlace(item.fleet),
        condition: { kind: 'equals', values: { revision: item.revision } },
      },
    ],
    events: [event(item.fleet, fence, 'started', 'fleet-removal-started', now, by)],
  });
  if (outcome.outcome !== 'committed') throw changed(item.fleet);
  return held;
}

function changed(fleet: string): FlotillaError {
  return new FlotillaError('RequestConflict', `Fleet ${fleet} was changed while this request ran.`, {
    fleet,
  });
}

function event(fleet: string, fence: number, step: string, kind: string, at: string, by: Actor): EventItem {
  return {
    type: 'event',
    subject: `fleet/${fleet}`,
    key: `removal-${fence}/${step}`,
    kind,
    at,
    by,
    data: {},
  };
}

/**
 * Shrinks every group of the fleet to nothing and deletes it plainly, never by force: terminate hooks run, and
 * connections drain.
 * @returns what is still there when the time is up.
 */
async function emptyGroups(
  { fleet }: FleetItem,
  groups: Groups,
  { clock, config, remainingMilliseconds }: Invocation,
  done: string[],
): Promise<string[]> {
  for (;;) {
    const left = (await groups.ofFleet(config.stack, fleet)).filter((group) => isGroupOf(fleet, group.name));
    const busy: string[] = [];
    for (const group of left) {
      if (group.maximum > 0 || group.desired > 0 || group.minimum > 0) {
        await groups.resize(group.name, { minimum: 0, desired: 0, maximum: 0 });
      }
      const removed =
        group.members.length === 0 && !group.deleting && (await groups.remove(group.name)) !== 'busy';
      if (removed) done.push(`group ${group.name}`);
      else busy.push(`${group.members.length} instances of group ${group.name}`);
    }
    // A group that was deleted is listed until AWS is through with it; its target groups wait for that.
    if (left.length === 0) return [];
    if (remainingMilliseconds() < reserveMilliseconds + lookEveryMilliseconds) {
      return busy.length > 0 ? busy : left.map((group) => `the end of group ${group.name}`);
    }
    await clock.sleep(lookEveryMilliseconds);
  }
}

/** Takes the fleet's item away and keeps its counters; the releases that stood in a slot are retired. */
async function forget(
  item: FleetItem,
  { by }: RemoveFleetRequest,
  table: Table,
  { clock }: Invocation,
): Promise<void> {
  const now = clock.now().toISOString();
  const { fleet } = item;
  const former: FormerFleetItem = {
    type: 'former-fleet',
    fleet,
    specVersion: item.specVersion,
    fence: item.fence,
    nextRelease: item.nextRelease,
    nextRollout: item.nextRollout,
    nextUpload: item.nextUpload,
    revision: item.revision,
    removedAt: now,
    by,
  };
  const releases = await table.queryAll(keys.fleet(fleet).pk, prefixes.release, releaseItem);
  const retired = releases
    .filter((release) => standing.includes(release.state))
    .map(
      (release): Write => ({
        kind: 'put',
        key: keys.release(fleet, release.number),
        item: { ...release, state: 'retired' },
        condition: { kind: 'equals', values: { state: release.state } },
      }),
    );
  const outcome = await table.commit({
    writes: [
      {
        kind: 'delete',
        key: keys.fleet(fleet),
        condition: { kind: 'equals', values: { revision: item.revision } },
      },
      { kind: 'put', key: keys.formerFleet(fleet), item: former },
      ...retired.slice(-90),
    ],
    events: [event(fleet, item.fence, 'done', 'fleet-removed', now, by)],
  });
  if (outcome.outcome === 'refused') throw changed(fleet);
}
