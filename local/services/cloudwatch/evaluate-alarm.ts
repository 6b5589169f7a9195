/**
 * What the datapoints of its evaluation range make of an alarm.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
 */
import type { StateValue } from '@aws-sdk/client-cloudwatch';

export type MissingData = 'missing' | 'ignore' | 'breaching' | 'notBreaching';

/** N and M of "M out of N", and what stands in for what is missing. */
export interface AlarmTerms {
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly missingData: MissingData;
}

/** A datapoint and how many periods it lies back: 0 for the newest period. */
export interface Datapoint {
  readonly value: number;
  readonly age: number;
  readonly breaching: boolean;
}

export interface Verdict {
  /** `retain`: the alarm stays as it is. */
  readonly state: StateValue | 'retain';
  /** The datapoints that were evaluated, newest first. */
  readonly used: readonly Datapoint[];
  /** How many had to be filled in. */
  readonly filled: number;
}

/** @param found the datapoints that there are in the evaluation range, newest first */
export function evaluateAlarm(found: readonly Datapoint[], terms: AlarmTerms): Verdict {
  const { evaluationPeriods, datapointsToAlarm, missingData } = terms;
  // "any real data points in the evaluation range … are included"; missing ones count as seldom as possible.
  const used = found.slice(0, evaluationPeriods);
  const filled = evaluationPeriods - used.length;
  const breaching = used.filter((point) => point.breaching).length;
  const verdict = (state: Verdict['state']): Verdict => ({ state, used, filled });
  if (filled > 0 && missingData === 'breaching')
    return verdict(breaching + filled >= datapointsToAlarm ? 'ALARM' : 'OK');
  if (breaching >= datapointsToAlarm) return verdict('ALARM');
  if (filled === 0 || missingData === 'notBreaching') return verdict('OK');
  if (used.length === 0) return verdict(missingData === 'ignore' ? 'retain' : 'INSUFFICIENT_DATA');
  if (breaching < used.length) return verdict('OK');
  // Nothing but breaching ones and gaps.
  if (missingData === 'ignore') return verdict('retain');
  // "Avoiding premature transitions": the oldest breaching one is at least as old as Datapoints to Alarm.
  const oldest = used.at(-1);
  return verdict(oldest !== undefined && oldest.age + 1 >= datapointsToAlarm ? 'ALARM' : 'OK');
}
