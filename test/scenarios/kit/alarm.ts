import type { FleetInVirtualTime } from './fleet-in-virtual-time.ts';

/**
 * An alarm on errors that are counted by the minute: one is too many, unless `terms` say otherwise. A state that is set
 * by hand stays, since missing data is ignored.
 */
export async function putAlarm(
  world: Pick<FleetInVirtualTime, 'call'>,
  name: string,
  terms: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  await world.call('monitoring', 'PutMetricAlarm', {
    AlarmName: name,
    Namespace: 'web',
    MetricName: name,
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'ignore',
    ...terms,
  });
}
