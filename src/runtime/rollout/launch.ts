/** Launching a candidate: look, adopt, or create. */
import { createHash } from 'node:crypto';
import type { GroupSpec, Groups } from '../../aws/groups.ts';
import type { LaunchTemplates } from '../../aws/launch-template.ts';
import { releaseLabel } from '../../contracts/ids.ts';
import type { FleetItem } from '../../contracts/items.ts';
import type { HeldCall, RolloutPlan } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { returnCapacity } from '../../fleet/capacity.ts';
import { isMadeAnew } from '../../fleet/fixed-parts.ts';
import { phases } from '../../fleet/phases.ts';
import type { Config } from '../config.ts';
import type { Hold } from './hold.ts';
import { slotArns } from './look.ts';
import { refuseIfEnded } from './orders.ts';
import { fleetEvent, rolloutKey, updateRollout } from './record.ts';

export interface LaunchDeps {
  readonly groups: Groups;
  readonly templates: LaunchTemplates;
}

export interface Launched {
  /** ISO 8601; the health deadline counts from here. */
  readonly launchedAt: string;
  readonly templateVersion: number | null;
}

type Call = HeldCall & { readonly plan: RolloutPlan };

/**
 * Launches the candidate of the plan. Safe to repeat: the pin, the version's client token and the group's name are
 * the same each time.
 * @throws FlotillaError `SlotOccupied` where the group's name is somebody else's, `AwsUnavailable` while it is not known
 * whose it is, `GateAborted`, `LeaseLost`, `DeadlineNear`.
 */
export async function launchCandidate(
  call: Call,
  hold: Hold,
  deps: LaunchDeps,
  config: Pick<Config, 'stack' | 'defaults'>,
): Promise<Launched> {
  const { plan, rollout } = call;
  refuseIfEnded(hold.fleet, rollout);
  await pinLive(plan, hold, deps.groups);
  const templateVersion =
    plan.way === 'warm'
      ? await adoptWarm(plan, hold, deps.groups)
      : await launchGroup({ ...plan, rollout }, hold, deps, config);

  let launchedAt = hold.now().toISOString();
  await hold.change((item, now) => {
    launchedAt = now;
    return {
      fleet: item,
      writes: [updateRollout(call.fleet, rollout, { phase: phases.checking })],
      events: [
        fleetEvent({
          fleet: call.fleet,
          key: rolloutKey(rollout, 'launched'),
          kind: 'candidate-launched',
          at: now,
          execution: call.execution,
          data: {
            rollout,
            release: plan.release,
            groupName: plan.groupName,
            slot: plan.slot,
            way: plan.way,
            templateVersion,
            ...plan.capacity,
          },
        }),
      ],
    };
  });
  return { launchedAt, templateVersion };
}

/** Holds live at its present size while both serve. The plan wrote the undo before. */
async function pinLive({ pin }: RolloutPlan, hold: Hold, groups: Groups): Promise<void> {
  if (pin === null) return;
  await hold.before();
  await groups.resize(pin.groupName, { minimum: pin.pinned });
}

/**
 * The warm group, at least as large as live is now.
 * @throws FlotillaError `CandidateLaunchFailed` where it is gone, or is being deleted: no waiting brings it back.
 */
async function adoptWarm(plan: RolloutPlan, hold: Hold, groups: Groups): Promise<null> {
  const group = await groups.describe(plan.groupName);
  if (group === undefined || group.deleting) throw warmGone(plan);
  const wanted = returnCapacity(group, plan.capacity);
  if (group.desired < wanted.desired || group.minimum < wanted.desired) {
    await hold.before();
    const outcome = await groups.resize(plan.groupName, { ...wanted, minimum: wanted.desired });
    if (outcome === 'gone') throw warmGone(plan);
  }
  return null;
}

function warmGone({ groupName }: RolloutPlan): FlotillaError {
  return new FlotillaError('CandidateLaunchFailed', `The warm group ${groupName} is gone`, {
    group: groupName,
  });
}

/** A group of a release, and the rollout that makes it. */
export type Launch = Pick<RolloutPlan, 'release' | 'groupName' | 'slot' | 'capacity' | 'imageId'> & {
  readonly rollout: number;
};

/**
 * A launch template version of the release, and a group of it in its slot. Safe to repeat.
 * @returns the version's number.
 * @throws FlotillaError `SlotOccupied`, `AwsUnavailable`, `LeaseLost`, `DeadlineNear`, as above.
 */
export async function launchGroup(
  plan: Launch,
  hold: Hold,
  deps: LaunchDeps,
  config: Pick<Config, 'stack' | 'defaults'>,
): Promise<number> {
  const { fleet } = hold;
  const { instances } = fleet.spec;
  const label = releaseLabel(plan.release);
  const tags = {
    Name: `${fleet.fleet} ${label}`,
    'flotilla:stack': config.stack,
    'flotilla:fleet': fleet.fleet,
    'flotilla:release': label,
    'flotilla:rollout': `r${plan.rollout}`,
  };
  // A token is refused with other content, and the spec may have changed since the group was made first.
  const again = isMadeAnew({ name: plan.groupName, rollout: plan.rollout })
    ? `/r${plan.rollout}/${fleet.specVersion}`
    : '';
  await hold.before();
  const templateVersion = await deps.templates.createVersion({
    launchTemplateId: fleet.fixed.launchTemplateId,
    clientToken: createHash('sha256')
      .update(`${plan.groupName}/${fleet.createdAt}${again}`)
      .digest('hex')
      .slice(0, 32),
    description: label,
    imageId: plan.imageId,
    instanceType: instances.types[0] ?? 't3.nano',
    securityGroups: instances.securityGroups ?? config.defaults.securityGroupIds,
    profile: instances.profile,
    tags,
  });
  await hold.before();
  const outcome = await deps.groups.create(groupSpec(plan, fleet, templateVersion, tags, config));
  if (outcome === 'exists') await adoptOwn(plan, deps.groups);
  return templateVersion;
}

function groupSpec(
  plan: Launch,
  fleet: FleetItem,
  templateVersion: number,
  tags: Readonly<Record<string, string>>,
  config: Pick<Config, 'defaults'>,
): GroupSpec {
  const { instances, healthCheck } = fleet.spec;
  return {
    name: plan.groupName,
    launchTemplateId: fleet.fixed.launchTemplateId,
    templateVersion,
    capacity: plan.capacity,
    subnets: instances.subnets ?? config.defaults.subnetIds,
    targetGroupArn: slotArns(fleet)[plan.slot],
    gracePeriodSeconds: healthCheck.gracePeriodSeconds,
    maxLifetimeSeconds: instances.maxLifetimeSeconds,
    instanceTypes: instances.types,
    spotPercent: instances.spotPercent,
    tags,
  };
}

/**
 * A group of this name is ours if its tags say so: an earlier try made it, or it was only not shown.
 * @throws FlotillaError `AwsUnavailable` while a group that exists is not shown: look again.
 */
async function adoptOwn(plan: Launch, groups: Groups): Promise<void> {
  const group = await groups.describe(plan.groupName);
  // One that was made a moment ago may be unknown to the copy that answers.
  if (group === undefined) {
    throw new FlotillaError('AwsUnavailable', `The group ${plan.groupName} exists and is not shown yet`, {
      group: plan.groupName,
    });
  }
  // Live's group is made anew where it is not shown: it may stand all the same, and whoever made it made it for live.
  const isOwn = group.rollout === plan.rollout || isMadeAnew({ name: plan.groupName, rollout: plan.rollout });
  if (group.release === plan.release && isOwn && !group.deleting) return;
  throw new FlotillaError(
    'SlotOccupied',
    `A group named ${plan.groupName} exists and is not this rollout's`,
    {
      group: plan.groupName,
    },
  );
}
