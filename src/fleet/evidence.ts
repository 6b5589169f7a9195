/** What a failed rollout keeps of the world that failed it: answers of health checks, scaling activities, alarms. */
import type { AlarmEvidence, FailedCheck, FailedLaunch } from '../contracts/failure-card.ts';
import type { FleetSpec } from '../contracts/fleet-spec.ts';
import { activityProgress, standingOf } from './health.ts';
import type { ActivityView, AlarmView, TargetView } from './world.ts';

/** Of each kind: who reads one page wants the first few, and an item holds 400 KB. */
const atMost = 10;
/** Auto Scaling's messages quote whole requests now and then. */
const messageCharacters = 1_000;

/** Targets that did not pass, with the load balancer's words for why. One that leaves says nothing of its health. */
export function failedChecks(targets: readonly TargetView[]): FailedCheck[] {
  return targets
    .filter((target) => ['failing', 'pending'].includes(standingOf(target)))
    .slice(0, atMost)
    .map(({ id, state, reason, description }) => ({
      instance: id,
      state,
      answer: description ?? reason ?? 'no answer is known yet',
    }));
}

/** Launches that failed, newest first, each kind of failure once. */
export function failedLaunches(activities: readonly ActivityView[]): FailedLaunch[] {
  const byWhy = new Map<string, FailedLaunch>();
  const failed = activities
    .filter(({ status }) => activityProgress[status] === 'failed')
    .sort((one, other) => other.startedAt - one.startedAt);
  for (const { id, startedAt, description, message } of failed) {
    const why = message.slice(0, messageCharacters);
    if (byWhy.has(why)) continue;
    const what = description.replace(/\.?\s*Status Reason:.*/s, '');
    byWhy.set(why, { activity: id, at: new Date(startedAt).toISOString(), what, why });
  }
  return [...byWhy.values()].slice(0, atMost);
}

/** `GET /healthz on port 8080, every 5 s` */
export function describeHealthCheck({ healthCheck, port }: Pick<FleetSpec, 'healthCheck' | 'port'>): string {
  return `GET ${healthCheck.path} on port ${port}, every ${healthCheck.intervalSeconds} s`;
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html */
const comparisons: Readonly<Record<string, AlarmEvidence['comparison']>> = {
  GreaterThanThreshold: '>',
  GreaterThanOrEqualToThreshold: '>=',
  LessThanThreshold: '<',
  LessThanOrEqualToThreshold: '<=',
  LessThanLowerOrGreaterThanUpperThreshold: 'outside',
  LessThanLowerThreshold: 'outside',
  GreaterThanUpperThreshold: 'outside',
};

/** What CloudWatch tells of an alarm, beside its sentence. */
export interface AlarmFacts {
  readonly name: string;
  readonly reason: string;
  /** JSON: what the alarm had measured when its state changed. */
  readonly reasonData?: string | undefined;
  readonly metric?: string | undefined;
  readonly comparison?: string | undefined;
}

/**
 * Reads StateReasonData. AWS calls it "an explanation for the alarm state, in JSON format" and shows its members in
 * examples only, so that each is taken where it is as expected, and left out where it is not.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
 */
export function alarmEvidenceOf({ name, reason, reasonData, metric, comparison }: AlarmFacts): AlarmEvidence {
  const data = parseObject(reasonData);
  const { statistic, period, threshold, recentDatapoints, triggeringAlarms } = data;
  const datapoints = Array.isArray(recentDatapoints)
    ? recentDatapoints.filter((value) => typeof value === 'number')
    : undefined;
  const sign = comparison === undefined ? undefined : comparisons[comparison];
  const triggeredBy = Array.isArray(triggeringAlarms)
    ? triggeringAlarms.flatMap((one) => alarmNameIn(one))
    : undefined;
  return {
    name,
    reason,
    ...(metric === undefined ? {} : { metric }),
    ...(typeof statistic === 'string' ? { statistic } : {}),
    ...(typeof period === 'number' ? { periodSeconds: period } : {}),
    ...(sign === undefined ? {} : { comparison: sign }),
    ...(typeof threshold === 'number' ? { threshold } : {}),
    ...(datapoints === undefined ? {} : { datapoints }),
    ...(triggeredBy === undefined ? {} : { triggeredBy }),
  };
}

/** The watched alarms that ring, with what they measured. */
export function ringingEvidence(watched: readonly string[], seen: readonly AlarmView[]): AlarmEvidence[] {
  return seen
    .filter(({ name, state }) => state !== 'OK' && watched.includes(name))
    .map((alarm) => alarmEvidenceOf(alarm));
}

function alarmNameIn(one: unknown): string[] {
  const arn = typeof one === 'object' && one !== null && 'arn' in one ? one.arn : undefined;
  return typeof arn === 'string' ? [arn.split(':alarm:')[1] ?? arn] : [];
}

function parseObject(text: string | undefined): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text ?? '{}');
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}
