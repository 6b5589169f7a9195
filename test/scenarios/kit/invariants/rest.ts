/** Invariants 5, 6, 7 and what 9 and 10 say of the whole, once nothing is going on any more. */
import type { Region } from '../../../../local/region.ts';
import type { ImageItem } from '../../../../src/contracts/items.ts';
import { type Records, rolloutOf } from './lineage.ts';
import { colours, type FleetState, groupOf, healthyOf } from './state.ts';
import type { Broken } from './violation.ts';

/** Where a fleet is expected to rest, as far as the scenario knows better than the fleet's item. */
export interface Expected {
  /** The live release; null where there is none. */
  readonly live?: number | null;
  /** Instances of the live group. */
  readonly desired?: number;
}

/** Invariant 5, and the lineage of one fleet. */
export function judgeRest(state: FleetState, records: Records, expected: Expected): Broken[] {
  const { item } = state;
  const broken: Broken[] = [];
  const say = (words: string, invariant: Broken['invariant'] = 5): unknown =>
    broken.push({ invariant, words });
  if (item.lease !== null) say(`the lease is ${item.lease.state}, by ${item.lease.holder.split(':').at(-1)}`);
  if (item.candidate !== null) say(`v${item.candidate.release} is a candidate`);
  if (item.gate !== null) say('a gate is open');
  if (item.queue.length > 0) say(`rollouts ${item.queue.join(', ')} wait`);
  if (item.pins.length > 0) say(`${item.pins.map(({ groupName }) => groupName).join(', ')} is pinned`);
  const live = item.live?.release ?? null;
  if (expected.live !== undefined && live !== expected.live)
    say(`v${live} is live, and not v${expected.live}`);
  if (item.testTraffic?.slot != null) say(`the test listener was led to ${item.testTraffic.slot}`);
  for (const slot of colours) {
    if (state.testWeights !== undefined && state.testWeights[slot] !== 0)
      say(`the test listener leads to ${slot}`);
    const wanted = slot === item.live?.slot ? 100 : 0;
    if (state.weights[slot] !== wanted) say(`${slot} has ${state.weights[slot]} % and not ${wanted}`);
    if (item.weights[slot] !== state.weights[slot])
      say(`lineage says ${slot} has ${item.weights[slot]} %, the rule ${state.weights[slot]}`, 9);
  }
  for (const group of state.groups)
    if (group.name !== item.live?.groupName && group.name !== item.warm?.groupName)
      say(`${group.name} is left over`);
  if (item.live !== null) judgeLive(state, expected, say);
  const idle = colours.filter((slot) => slot !== item.live?.slot && slot !== item.warm?.slot);
  for (const slot of idle)
    if (state.targets[slot].length > 0) say(`${state.targets[slot].length} targets are left in ${slot}`);
  judgeTold(state, records, say);
  return broken;
}

type Say = (words: string, invariant?: Broken['invariant']) => unknown;

function judgeLive(state: FleetState, expected: Expected, say: Say): void {
  const { live, spec } = state.item;
  const group = groupOf(state, live?.groupName);
  if (live === null || group === undefined) {
    say('the live group is gone');
    return;
  }
  const { instances } = spec;
  const desired = expected.desired ?? group.desired;
  if (group.desired !== desired) say(`live has ${group.desired} instances and not ${desired}`);
  if (group.minimum !== Math.min(instances.minimum, group.desired))
    say(`live's minimum is ${group.minimum}, the spec's ${instances.minimum}`);
  if (group.maximum !== Math.max(instances.maximum, group.desired))
    say(`live's maximum is ${group.maximum}, the spec's ${instances.maximum}`);
  if (group.members.length !== group.desired)
    say(`live has ${group.members.length} of ${group.desired} instances`);
  if (healthyOf(state, live.slot) < group.desired)
    say(`${healthyOf(state, live.slot)} of live's ${group.desired} are healthy`);
}

/** Lineage says how each rollout ended, and who is live. */
function judgeTold(state: FleetState, records: Records, say: Say): void {
  const { fleet, live } = state.item;
  const events = [...records.events.values()].filter(({ subject }) => subject === `fleet/${fleet}`);
  for (const rollout of records.rollouts.values()) {
    if (rollout.fleet !== fleet) continue;
    const { number, status } = rollout;
    if (['requested', 'queued', 'running', 'needs-attention'].includes(status))
      say(`rollout ${number} is ${status} for ever`, 9);
    const kinds = new Set(events.filter((event) => rolloutOf(event) === number).map(({ kind }) => kind));
    const wanted = { succeeded: 'rollout-succeeded', failed: 'rollout-failed' }[status as string];
    if (wanted !== undefined && !kinds.has(wanted))
      say(`rollout ${number} is ${status}, and no ${wanted} tells so`, 9);
    if (kinds.has('release-promoted') !== (status === 'succeeded'))
      say(
        `rollout ${number} is ${status} and ${kinds.has('release-promoted') ? 'was' : 'never was'} promoted`,
        9,
      );
  }
  const promotions = events.filter(({ kind }) => kind === 'release-promoted');
  const last = promotions.reduce<(typeof promotions)[number] | undefined>(
    (newest, one) => (newest === undefined || one.at >= newest.at ? one : newest),
    undefined,
  );
  if ((last?.data.release ?? null) !== (live?.release ?? null))
    say(`v${live?.release} is live, and lineage promoted v${last?.data.release} last`, 9);
  for (const release of records.releases.values()) {
    if (release.fleet !== fleet || !['live', 'candidate', 'warm'].includes(release.state)) continue;
    const role =
      release.number === live?.release
        ? 'live'
        : release.number === state.item.warm?.release
          ? 'warm'
          : 'none';
    if (role !== release.state)
      say(`v${release.number} is ${release.state} by its item, and its role is ${role}`, 9);
  }
}

/** Invariants 6 and 7, and instances that belong to nobody. */
export function judgeAccount(region: Region, images: readonly ImageItem[]): Broken[] {
  const { ec2, ebs, autoscaling } = region.parts;
  const broken: Broken[] = [];
  const recorded = new Set(images.flatMap(({ imageId, snapshotId }) => [imageId, snapshotId]));
  const snapshots = new Map<string, string>();
  for (const [id, image] of ec2.state.images) {
    if (image.OwnerId !== region.context.accountId) continue;
    if (!recorded.has(id)) broken.push({ invariant: 6, words: `${image.Name} is recorded nowhere` });
    for (const { Ebs } of image.BlockDeviceMappings ?? []) {
      const other = Ebs?.SnapshotId === undefined ? undefined : snapshots.get(Ebs.SnapshotId);
      if (other !== undefined)
        broken.push({ invariant: 7, words: `${other} and ${image.Name} are one image` });
      if (Ebs?.SnapshotId !== undefined) snapshots.set(Ebs.SnapshotId, image.Name ?? id);
    }
  }
  for (const id of ebs.snapshots.all.keys())
    if (!snapshots.has(id) && !recorded.has(id))
      broken.push({ invariant: 6, words: `${id} is recorded nowhere` });
  const members = new Set(
    [...autoscaling.state.groups.values()].flatMap((group) => [...group.members.keys()]),
  );
  for (const { instanceId, state } of ec2.instances.all.values())
    if (state !== 'terminated' && state !== 'shutting-down' && !members.has(instanceId))
      broken.push({ invariant: 5, words: 'an instance runs in no group' });
  return broken;
}
