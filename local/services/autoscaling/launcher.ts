/** One launch: in which zone, of which market and type; and what a group that cannot launch says. */
import { AwsError } from '../../service.ts';
import type { InstanceRecord } from '../ec2/instance-record.ts';
import { resolveLaunch } from '../ec2/launch.ts';
import { begin, end } from './activities.ts';
import { nextMarket, typesFor } from './allocation.ts';
import type { AutoScalingState, GroupRecord, Member, Purpose } from './state.ts';
import { activeMembers, templateOf } from './state.ts';
import type { Place } from './zones.ts';
import { avoid, placesByNeed } from './zones.ts';

/** After failed launches a group waits, longer each time; how long is not documented. */
const firstBackoffMs = 10_000;
const longestBackoffMs = 300_000;
/** "Auto Scaling groups that have been trying to launch instances for over 24 hours but have not succeeded" */
const givesUpAfterMs = 24 * 3_600_000;

/** What a zone lacks may be had in another. */
const lackOfCapacity = new Set(['InsufficientInstanceCapacity', 'UnfulfillableCapacity']);

/**
 * Launches in the zone with the fewest instances of the group, and in the others where that zone has no capacity;
 * each zone that fails is an activity of its own.
 * @param only the one zone to try, where the launch is to balance zones
 * @returns undefined where nothing could be launched; the group then waits for a while
 */
export function launchMember(
  state: AutoScalingState,
  group: GroupRecord,
  cause: string,
  purpose: Purpose,
  only?: string,
): Member | undefined {
  // What is to be replaced does not count: its successor is to be of its market, and in its zone.
  const present = activeMembers(group).filter((member) => member.replace === undefined);
  const places = placesByNeed(state, group, present).filter(
    (place) => only === undefined || place.zone === only,
  );
  for (const place of places) {
    try {
      const member = launchIn(state, group, place, present, cause, purpose);
      group.failures = 0;
      group.failingSince = undefined;
      group.avoided.delete(place.zone);
      return member;
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      const reason = `${wordsOf(group, error, nextMarket(group, present))} Launching EC2 instance failed.`;
      const { zone, subnetId } = place;
      const failed = begin(state, group, 'Launching a new EC2 instance', cause, { zone, subnetId });
      end(state, group, failed, 'Launch', undefined, { status: 'Failed', reason });
      const lacks = lackOfCapacity.has(error.code);
      if (lacks || only !== undefined) avoid(state, group, zone);
      if (!lacks) break;
    }
  }
  if (only === undefined) backOff(state, group);
  return undefined;
}

/** Waits before the next launch, longer each time, and gives up after a day without any. */
export function backOff(state: AutoScalingState, group: GroupRecord): void {
  const now = state.context.clock.now();
  group.failures += 1;
  group.failingSince ??= now;
  group.notBefore = now + Math.min(longestBackoffMs, firstBackoffMs * 2 ** (group.failures - 1));
  // https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
  if (now - group.failingSince >= givesUpAfterMs && activeMembers(group).length === 0)
    group.suspended.set('Launch', 'Administrative suspension');
}

function launchIn(
  state: AutoScalingState,
  group: GroupRecord,
  place: Place,
  present: readonly Member[],
  cause: string,
  purpose: Purpose,
): Member {
  const market = nextMarket(group, present);
  let first: unknown;
  for (const type of typesFor(group.mixed, market ?? 'on-demand')) {
    try {
      return enter(state, group, runInstance(state, group, place, market, type), cause, purpose);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      first ??= error;
    }
  }
  throw first;
}

function runInstance(
  state: AutoScalingState,
  group: GroupRecord,
  place: Place,
  market: ReturnType<typeof nextMarket>,
  type: string | undefined,
): InstanceRecord {
  const asked = {
    LaunchTemplate: templateOf(group),
    SubnetId: place.subnetId,
    ...(type === undefined ? {} : { InstanceType: type }),
    ...(market === 'spot' ? { InstanceMarketOptions: { MarketType: 'spot' as const } } : {}),
  };
  // Type names are checked there; the SDK's union is a list of those that it knows.
  const spec = resolveLaunch(state.ec2.state, asked as Parameters<typeof resolveLaunch>[1]);
  const propagated = [...group.tags].flatMap(([Key, tag]) =>
    tag.propagate ? [{ Key, Value: tag.value }] : [],
  );
  const [instance] = state.ec2.instances.launch(spec, 1, undefined, [
    ...propagated,
    { Key: 'aws:autoscaling:groupName', Value: group.name },
    { Key: 'aws:ec2launchtemplate:id', Value: spec.templateId ?? '' },
    { Key: 'aws:ec2launchtemplate:version', Value: `${spec.templateVersion ?? ''}` },
  ]);
  if (instance === undefined) throw new Error('A launch of one instance launches one');
  return instance;
}

function enter(
  state: AutoScalingState,
  group: GroupRecord,
  instance: InstanceRecord,
  cause: string,
  launchedFor: Purpose,
): Member {
  const { spec, instanceId } = instance;
  const { zone, subnetId } = spec.subnet;
  const launch = begin(state, group, `Launching a new EC2 instance: ${instanceId}`, cause, {
    zone,
    subnetId,
  });
  launch.StatusCode = 'PreInService';
  launch.Progress = 30;
  const member: Member = {
    instance,
    // The version that was launched, as a number, whatever the group says by name.
    template: {
      LaunchTemplateId: spec.templateId,
      LaunchTemplateName: state.ec2.state.templates.get(spec.templateId ?? '')?.template.LaunchTemplateName,
      Version: `${spec.templateVersion ?? ''}`,
    },
    launchedAt: state.context.clock.now(),
    launch,
    launchedFor,
    lifecycle: 'Pending',
    inServiceAt: undefined,
    health: 'Healthy',
    replace: undefined,
    protectedFromScaleIn: group.protectNew,
    leave: undefined,
    leavesFor: undefined,
    drainedAt: undefined,
    waits: [],
    timers: {},
  };
  group.members.set(instanceId, member);
  return member;
}

/** A mixed group launches by fleets of EC2, whose errors it tells with the market and the code. */
function wordsOf(group: GroupRecord, error: AwsError, market: ReturnType<typeof nextMarket>): string {
  const message = error.message.replace(/\.?$/, '.');
  if (group.mixed === undefined) return message;
  const kind = market === 'spot' ? 'Spot' : 'On-Demand';
  return `Could not launch ${kind} Instances. ${error.code} - ${message}`;
}
