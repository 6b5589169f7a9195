/**
 * How CloudWatch explains a change of an alarm's state, in a sentence and as data; the words are those of the events
 * and mails that AWS's pages show.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
 */
import type { MetricAlarm, StateValue } from '@aws-sdk/client-cloudwatch';
import type { AlarmTerms, Verdict } from './evaluate-alarm.ts';

/** When each used datapoint's period began, by its age. */
type StartOf = (age: number) => number;

const comparisons: Readonly<Record<string, string>> = {
  GreaterThanThreshold: 'greater than',
  GreaterThanOrEqualToThreshold: 'greater than or equal to',
  LessThanThreshold: 'less than',
  LessThanOrEqualToThreshold: 'less than or equal to',
};

/** `StateReason` */
export function reasonFor(
  alarm: MetricAlarm,
  terms: AlarmTerms,
  { used, filled }: Verdict,
  next: StateValue,
  startOf: StartOf,
): string {
  const periods = terms.evaluationPeriods;
  if (next === 'INSUFFICIENT_DATA')
    return `Insufficient Data: ${datapoints(periods)} ${was(periods)} unknown.`;
  const treated = terms.missingData === 'breaching' ? 'Breaching' : 'NonBreaching';
  const fills =
    filled > 0 && (terms.missingData === 'breaching' || terms.missingData === 'notBreaching')
      ? ` and ${filled} missing datapoint${filled === 1 ? ' was' : 's were'} treated as [${treated}]`
      : '';
  if (used.length === 0)
    return `Threshold Crossed: no datapoints were received for ${periods} period${periods === 1 ? '' : 's'}${fills}.`;
  const ringing = next === 'ALARM';
  const told = used.filter((point) => point.breaching === ringing);
  const values = told.map(({ value, age }) => `${asDouble(value)} (${shortTime(startOf(age))})`).join(', ');
  const comparison = `${ringing ? '' : 'not '}${comparisons[alarm.ComparisonOperator ?? ''] ?? ''}`;
  const least = ringing ? terms.datapointsToAlarm : periods - terms.datapointsToAlarm + 1;
  return (
    `Threshold Crossed: ${told.length} out of the last ${periods} datapoints [${values}] ${was(told.length)} ` +
    `${comparison} the threshold (${asDouble(alarm.Threshold ?? 0)})${fills} ` +
    `(minimum ${datapoints(least)} for ${ringing ? 'OK -> ALARM' : 'ALARM -> OK'} transition).`
  );
}

/** `StateReasonData` */
export function reasonData(
  alarm: MetricAlarm,
  terms: AlarmTerms,
  { used }: Verdict,
  now: number,
  startOf: StartOf,
): string {
  const ages = Array.from({ length: terms.evaluationPeriods }, (_, age) => age);
  const told = [...new Set([...used.map(({ age }) => age), ...ages])].slice(0, terms.evaluationPeriods);
  const oldest = Math.max(...told);
  return JSON.stringify({
    version: '1.0',
    queryDate: awsTime(now),
    ...(used.length === 0 ? {} : { startDate: awsTime(startOf(oldest)) }),
    statistic: alarm.Statistic ?? alarm.ExtendedStatistic,
    period: (startOf(0) - startOf(1)) / 1_000,
    recentDatapoints: used.map(({ value }) => value).reverse(),
    threshold: alarm.Threshold,
    evaluatedDatapoints: told
      .sort((one, other) => one - other)
      .map((age) => ({
        timestamp: awsTime(startOf(age)),
        value: used.find((one) => one.age === age)?.value,
      })),
  });
}

/** `2019-10-02T17:04:40.985+0000` */
export function awsTime(at: number): string {
  return new Date(at).toISOString().replace('Z', '+0000');
}

function shortTime(at: number): string {
  const [year, month, day] = new Date(at).toISOString().slice(2, 10).split('-');
  return `${day}/${month}/${year} ${new Date(at).toISOString().slice(11, 19)}`;
}

function asDouble(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

function datapoints(count: number): string {
  return count === 1 ? '1 datapoint' : `${count} datapoints`;
}

function was(count: number): string {
  return count === 1 ? 'was' : 'were';
}
