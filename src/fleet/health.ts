/**
 * Whether a candidate is healthy, may become so, or never will: a three-way verdict, always with reasons.
 *
 * It rests on the load balancer's word. `InService` in Auto Scaling says only that an instance runs.
 */
import type { ErrorName } from '../errors.ts';
import type { ActivityView, GroupView, TargetView } from './world.ts';

/** What one state means for the question "is it healthy?". */
export type Standing = 'healthy' | 'pending' | 'failing' | 'leaving';

/**
 * Every value of TargetHealthStateEnum.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetHealth.html
 */
export const targetStandings: Readonly<Record<string, Standing>> = {
  healthy: 'healthy',
  initial: 'pending',
  // Reported for a load balancer without the health check's answer yet: waiting is all there is to do.
  unavailable: 'pending',
  // `Target.NotInUse`: the target group is in no rule, or the zone is not enabled; named in the reasons.
  unused: 'pending',
  unhealthy: 'failing',
  'unhealthy.draining': 'leaving',
  draining: 'leaving',
};

/** Unknown states are pending: a newer state is no reason to give a candidate up. */
export function standingOf(target: TargetView): Standing {
  return targetStandings[target.state] ?? 'pending';
}

/** What a scaling activity says of the launch. */
export type Progress = 'done' | 'under-way' | 'failed';

/**
 * Every value of ScalingActivityStatusCode.
 * https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Activity.html
 */
export const activityProgress: Readonly<Record<string, Progress>> = {
  PendingSpotBidPlacement: 'under-way',
  WaitingForSpotInstanceRequestId: 'under-way',
  WaitingForSpotInstanceId: 'under-way',
  WaitingForInstanceId: 'under-way',
  PreInService: 'under-way',
  InProgress: 'under-way',
  WaitingForELBConnectionDraining: 'under-way',
  MidLifecycleAction: 'under-way',
  WaitingForInstanceWarmup: 'under-way',
  WaitingForConnectionDraining: 'under-way',
  WaitingForInPlaceUpdateToStart: 'under-way',
  WaitingForInPlaceUpdateToFinalize: 'under-way',
  InPlaceUpdateInProgress: 'under-way',
  Successful: 'done',
  Failed: 'failed',
  // A cancelled launch was overtaken by another one of the group's own decisions.
  Cancelled: 'done',
};

/** Launch failures that no waiting cures; the rest (capacity of a zone, throttling) Auto Scaling tries again. */
const hopelessLaunch =
  /InvalidAMIID|InvalidSnapshot|does not exist|UnauthorizedOperation|not authorized|VcpuLimitExceeded|vCPU limit|InvalidParameter|Invalid IAM Instance Profile|InvalidKeyPair|InvalidGroup|InvalidSubnet|not supported|Unsupported|Client\.InternalError|OptInRequired|PendingVerification/i;

/**
 * What one zone refuses, another may take: `Unsupported: Your requested instance type (t3.nano) is not supported in your
 * requested Availability Zone (us-east-1e).` Auto Scaling goes on to another zone by itself.
 * https://repost.aws/knowledge-center/ec2-instance-type-not-supported-az-error
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-availability-zone-balanced.html
 */
const zoneRefused = /not supported in your requested Availability Zone/i;

function isHopeless({ message, description }: ActivityView): boolean {
  const words = `${message} ${description}`;
  return hopelessLaunch.test(words) && !zoneRefused.test(words);
}

/**
 * Failed launches that are waited out before the candidate is given up, unless one is hopeless: one for each instance, as a
 * zone without capacity may fail the first try of each.
 */
export function failedLaunchesAllowed(wanted: number): number {
  return Math.max(2, wanted);
}

/**
 * Instances of the candidate that may be replaced for failing health before it is given up: a Nanos guest in a
 * group sometimes sticks while initialising, and replacing it cures it (nanovms/nanos issue 1676).
 */
export function replacementsAllowed(wanted: number): number {
  return Math.max(1, Math.ceil(wanted / 2));
}

export interface HealthQuestion {
  /** Instances that must be healthy: the candidate's desired count. */
  readonly wanted: number;
  readonly group: GroupView | undefined;
  readonly targets: readonly TargetView[];
  /** Of the candidate's group, any order. */
  readonly activities: readonly ActivityView[];
  /** Since the candidate was launched. */
  readonly waitedSeconds: number;
  readonly deadlineSeconds: number;
}

export type HealthVerdict =
  | { readonly verdict: 'healthy'; readonly healthy: number }
  | { readonly verdict: 'waiting'; readonly healthy: number; readonly reasons: readonly string[] }
  | {
      readonly verdict: 'failed';
      readonly error: Extract<ErrorName, 'CandidateUnhealthy' | 'CandidateLaunchFailed'>;
      readonly healthy: number;
      readonly reasons: readonly string[];
      /** Whose console is worth reading, the most telling first. */
      readonly instances: readonly string[];
    };

const launches = (activity: ActivityView): boolean => /^Launching/i.test(activity.description);
/** The instance that an activity's description names. */
export const instanceIn = (text: string): string | undefined => /\bi-[0-9a-f]+\b/.exec(text)?.[0];

/**
 * Causes that speak of health: `an EC2 health check indicating it has been terminated or stopped`, `an EC2 instance status
 * checks failure`, `an ELB system health check failure`. That an instance was `taken out of service` says nothing of it:
 * scaling in, age and notices of Spot begin with these words, too.
 * https://repost.aws/knowledge-center/auto-scaling-instance-how-terminated
 */
const failedHealth = /health[- ]?check|unhealthy|status check/i;

/** Terminations because of failed health, as Auto Scaling words them. */
function replacements(activities: readonly ActivityView[]): readonly ActivityView[] {
  return activities.filter(
    ({ description, cause }) => /^Terminating/i.test(description) && failedHealth.test(cause),
  );
}

/** How far back replacements count, where a health check's deadline is shorter. */
export const flappingSeconds = 900;

/**
 * What happened in the last while. Hosts fail now and then: in a bake of days, or a pause, even a healthy candidate loses
 * some instances, and only those that are lost in quick succession tell that it is sick.
 */
export function lately(
  activities: readonly ActivityView[],
  now: Date,
  deadlineSeconds: number,
): readonly ActivityView[] {
  const since = now.getTime() - Math.max(deadlineSeconds, flappingSeconds) * 1000;
  return activities.filter(({ startedAt }) => startedAt >= since);
}

function describe(target: TargetView): string {
  const why = [target.reason, target.description]
    .filter((part) => part !== undefined && part !== '')
    .join(': ');
  return `${target.id} is ${target.state}${why === '' ? '' : ` (${why})`}`;
}

/** `i-… was replaced after an ELB system health check failure`, out of Auto Scaling's longer sentences. */
function describeReplaced({ description, cause }: ActivityView): string {
  const why = /in response to (.+?)\.?$/.exec(cause.trim())?.[1];
  const instance = instanceIn(description);
  return instance === undefined || why === undefined
    ? `${description}: ${cause}`
    : `${instance} was replaced after ${why}`;
}

/** What happened again and again, in one sentence. */
function describeFlapping(replaced: readonly ActivityView[]): string {
  const ended = replaced.every(({ cause }) => /terminated or stopped/i.test(cause));
  return ended
    ? `${replaced.length} instances ended by themselves after they had started, and were replaced`
    : `${replaced.length} instances were replaced for failing health`;
}

/**
 * The verdict on a candidate.
 *
 * Healthy as soon as `wanted` of the group's own targets are. Failed at once where a launch cannot succeed or
 * instances keep being replaced, and at the deadline otherwise.
 */
export function healthVerdict(question: HealthQuestion): HealthVerdict {
  const { wanted, group, targets, activities } = question;
  const own = new Set(group?.members.map((member) => member.id) ?? []);
  const mine = targets.filter((target) => own.has(target.id));
  const healthy = mine.filter((target) => standingOf(target) === 'healthy').length;
  const replaced = replacements(activities);
  const flapping = replaced.length > replacementsAllowed(wanted);
  if (wanted > 0 && healthy >= wanted && !flapping) {
    return { verdict: 'healthy', healthy };
  }

  const failedLaunches = activities.filter(
    (activity) => launches(activity) && activityProgress[activity.status] === 'failed',
  );
  const launchReasons = failedLaunches.map((activity) => `${activity.description}: ${activity.message}`);
  if (failedLaunches.some(isHopeless) || failedLaunches.length > failedLaunchesAllowed(wanted)) {
    return {
      verdict: 'failed',
      error: 'CandidateLaunchFailed',
      healthy,
      reasons: unique(launchReasons),
      instances: [],
    };
  }

  const failing = mine.filter((target) => standingOf(target) !== 'healthy');
  const missing = wanted - mine.length;
  const reasons = unique([
    ...failing.map(describe),
    ...replaced.map(describeReplaced),
    ...launchReasons,
    ...(missing > 0
      ? [`${missing} of ${wanted} instances are not registered with the load balancer yet`]
      : []),
    ...(group === undefined ? ['the Auto Scaling group does not exist (yet)'] : []),
  ]);
  const instances = unique(
    [
      ...failing.filter((target) => standingOf(target) === 'failing').map((target) => target.id),
      ...replaced.map((activity) => instanceIn(activity.description)),
      ...(group?.members.filter((member) => member.healthStatus !== 'Healthy').map((member) => member.id) ??
        []),
      ...failing.map((target) => target.id),
      ...own,
    ].filter((id) => id !== undefined),
  );
  if (flapping) {
    // Who has only just started in their place has nothing to say yet.
    const sick = failing.filter((target) => standingOf(target) === 'failing').map(describe);
    return {
      verdict: 'failed',
      error: 'CandidateUnhealthy',
      healthy,
      reasons: unique([describeFlapping(replaced), ...replaced.map(describeReplaced), ...sick]),
      instances,
    };
  }
  if (question.waitedSeconds >= question.deadlineSeconds) {
    const late = `${healthy} of ${wanted} instances were healthy after ${question.deadlineSeconds} s`;
    // Where all who came are well, nothing is known against the release but what kept the others from coming.
    const wellAsFarAsLaunched = failing.length === 0 && replaced.length === 0;
    const error =
      failedLaunches.length > 0 && wellAsFarAsLaunched ? 'CandidateLaunchFailed' : 'CandidateUnhealthy';
    return { verdict: 'failed', error, healthy, reasons: [late, ...reasons], instances };
  }
  return { verdict: 'waiting', healthy, reasons };
}

/**
 * Looks in a row that must find a new candidate healthy. A target is healthy after the first passed check, so that
 * a program which dies a second later would pass otherwise.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
 */
export const healthyLooks = 2;

/**
 * Whether what serves already may go on: at least half of the targets wanted are healthy, and instances have not been
 * replaced for failing health again and again (`activities`, where they are known).
 */
export function servingVerdict(
  wanted: number,
  targets: readonly TargetView[],
  activities: readonly ActivityView[] = [],
): { readonly ok: boolean; readonly healthy: number; readonly reasons: readonly string[] } {
  const healthy = targets.filter((target) => standingOf(target) === 'healthy').length;
  // One instance of many may be in replacement at any time; half of them is no longer a coincidence.
  const needed = Math.max(1, Math.ceil(wanted / 2));
  const reasons = targets.filter((target) => standingOf(target) !== 'healthy').map(describe);
  const replaced = replacements(activities);
  const flapping = replaced.length > replacementsAllowed(wanted);
  const ok = healthy >= needed && !flapping;
  return {
    ok,
    healthy,
    reasons: ok
      ? []
      : [
          `${healthy} of ${wanted} targets are healthy`,
          ...(flapping ? [describeFlapping(replaced)] : []),
          ...reasons,
          ...replaced.map(describeReplaced),
        ],
  };
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
