/** What alarms and questions may ask of metrics, which are kept by minute and without their units. */
import type { MetricDataQuery } from '@aws-sdk/client-cloudwatch';
import { AwsError } from '../../service.ts';
import { onlySupported } from '../supported.ts';

export function invalid(message: string): AwsError {
  return new AwsError('ValidationError', message);
}

export function badToken(): AwsError {
  return new AwsError('InvalidNextToken', 'The next token specified is invalid.');
}

/**
 * AWS has shorter periods for metrics of high resolution; an alarm with one on another metric "does not receive data for
 * the attempts that do not correspond to a one-minute data resolution".
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
 * @throws ValidationError
 */
export function checkPeriod(seconds: number | undefined): void {
  if (seconds !== undefined && seconds >= 60 && seconds % 60 === 0) return;
  throw invalid('Period must be a multiple of 60: the local region keeps metrics by minute');
}

/** @throws UnsupportedOperation for a unit: "the operation returns only data that was collected with that unit" */
export function checkQueries(operation: string, queries: readonly MetricDataQuery[] | undefined): void {
  for (const { MetricStat: stat, Period: period } of queries ?? []) {
    if (period !== undefined) checkPeriod(period);
    if (stat === undefined) continue;
    onlySupported(operation, stat, ['Metric', 'Period', 'Stat']);
    checkPeriod(stat.Period);
  }
}
