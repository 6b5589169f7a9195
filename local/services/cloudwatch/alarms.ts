/** Alarms and their evaluation. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html */
import type { MetricAlarm, MetricDataQuery, StateValue } from '@aws-sdk/client-cloudwatch';
import type { Timer } from '../../clock.ts';
import type { Context } from '../../context.ts';
import type { Collection, Saved } from '../../state/persistent.ts';
import { awsTime, reasonData, reasonFor } from './alarm-words.ts';
import { type AlarmTerms, evaluateAlarm, type MissingData } from './evaluate-alarm.ts';
import { compileExpression } from './expression.ts';
import type { Metrics, Series } from './series.ts';
import { statistic } from './series.ts';

/** How much further back than its periods an alarm looks for datapoints to use instead of missing ones. */
const extraPeriods = 2;
/** Metrics arrive a little after their minute. */
const arrivalMs = 2_000;

interface AlarmRecord {
  readonly alarm: MetricAlarm & { AlarmName: string };
  timer: Timer | undefined;
  readonly stops: (() => void)[];
}

export class Alarms {
  readonly #context: Context;
  readonly #metrics: Metrics;
  readonly #records = new Map<string, AlarmRecord>();
  readonly #listeners: ((alarm: MetricAlarm & { AlarmName: string }) => void)[] = [];

  constructor(context: Context, metrics: Metrics) {
    this.#context = context;
    this.#metrics = metrics;
  }

  /** Calls back when an alarm has another state. */
  onChange(listener: (alarm: MetricAlarm & { AlarmName: string }) => void): void {
    this.#listeners.push(listener);
  }

  all(): readonly (MetricAlarm & { AlarmName: string })[] {
    return [...this.#records.values()].map((record) => record.alarm);
  }

  get(name: string): (MetricAlarm & { AlarmName: string }) | undefined {
    return this.#records.get(name)?.alarm;
  }

  /** Makes or replaces an alarm; a replaced one keeps its state until the next evaluation. */
  put(definition: MetricAlarm & { AlarmName: string }): void {
    const former = this.#records.get(definition.AlarmName);
    const now = new Date(this.#context.clock.now());
    const alarm = {
      StateValue: 'INSUFFICIENT_DATA' as StateValue,
      StateReason: 'Unchecked: Initial alarm creation',
      StateUpdatedTimestamp: now,
      StateTransitionedTimestamp: now,
      ...(former === undefined ? {} : stateOf(former.alarm)),
      ...definition,
    };
    this.#keep(alarm);
  }

  collection(): Collection {
    const records = this.#records;
    return {
      name: 'alarms',
      *save(): Iterable<Saved> {
        for (const [id, { alarm }] of records) yield { id, value: () => alarm };
      },
      load: (_id, value) => this.#keep(value as AlarmRecord['alarm']),
    };
  }

  #keep(alarm: AlarmRecord['alarm']): void {
    this.delete(alarm.AlarmName);
    const record: AlarmRecord = { alarm, timer: undefined, stops: [] };
    this.#records.set(alarm.AlarmName, record);
    for (const series of this.#seriesOf(alarm)) record.stops.push(series.onData(() => this.#arm(record)));
    this.#arm(record);
  }

  delete(name: string): void {
    const record = this.#records.get(name);
    record?.timer?.cancel();
    for (const stop of record?.stops ?? []) stop();
    this.#records.delete(name);
  }

  /** Changes the state, and tells of it when it is another. */
  setState(name: string, value: StateValue, reason: string, reasonData?: string): void {
    const record = this.#records.get(name);
    if (record === undefined) return;
    const { alarm } = record;
    const now = new Date(this.#context.clock.now());
    const former = stateOf(alarm);
    alarm.StateReason = reason;
    alarm.StateReasonData = reasonData;
    alarm.StateUpdatedTimestamp = now;
    if (alarm.StateValue === value) return;
    alarm.StateValue = value;
    alarm.StateTransitionedTimestamp = now;
    this.#tell(alarm, former);
    for (const listener of this.#listeners) listener(alarm);
    // A state set by hand lasts until the next evaluation.
    this.#arm(record);
  }

  #arm(record: AlarmRecord): void {
    if (record.timer !== undefined) return;
    const now = this.#context.clock.now();
    const stepMs = Math.min(periodMs(record.alarm), 60_000);
    const at = Math.floor((now - arrivalMs) / stepMs + 1) * stepMs + arrivalMs;
    record.timer = this.#context.clock.after(at - now, () => {
      record.timer = undefined;
      if (this.#evaluate(record.alarm)) this.#arm(record);
    });
  }

  /** @returns whether time alone may change the state again, without new data. */
  #evaluate(alarm: MetricAlarm & { AlarmName: string }): boolean {
    const before = alarm.StateValue;
    const now = this.#context.clock.now();
    const terms = termsOf(alarm);
    const threshold = alarm.Threshold ?? 0;
    const points = this.#points(alarm, terms.evaluationPeriods + extraPeriods);
    const found = points.flatMap((value, age) =>
      value === undefined
        ? []
        : [{ value, age, breaching: compare(alarm.ComparisonOperator, value, threshold) }],
    );
    const verdict = evaluateAlarm(found, terms);
    const next = verdict.state;
    if (next !== 'retain' && next !== before) {
      const period = periodMs(alarm);
      const end = Math.floor((now - arrivalMs + 1) / period) * period;
      const startOf = (age: number): number => end - (age + 1) * period;
      this.setState(
        alarm.AlarmName,
        next,
        reasonFor(alarm, terms, verdict, next, startOf),
        reasonData(alarm, terms, verdict, now, startOf),
      );
    }
    // Data of the period that is still open will count at its end.
    const open = this.#points(alarm, 1, periodMs(alarm))[0] !== undefined;
    return found.length > 0 || open || alarm.StateValue !== before;
  }

  /** Values of the newest complete periods, newest first. @param aheadMs begins so much later. */
  #points(alarm: MetricAlarm, count: number, aheadMs = 0): (number | undefined)[] {
    const period = periodMs(alarm);
    const end = Math.floor((this.#context.clock.now() - arrivalMs + 1) / period) * period + aheadMs;
    const compute = this.#computer(alarm);
    return Array.from({ length: count }, (_, age) => compute(end - (age + 1) * period, end - age * period));
  }

  #computer(alarm: MetricAlarm): (from: number, to: number) => number | undefined {
    const queries = alarm.Metrics;
    if (queries === undefined || queries.length === 0) {
      const series = this.#metrics.series(alarm.Namespace ?? '', alarm.MetricName ?? '', alarm.Dimensions);
      const name = alarm.Statistic ?? alarm.ExtendedStatistic ?? 'Average';
      return (from, to) => {
        const found = series.between(from, to);
        return found === undefined ? undefined : statistic(found, name);
      };
    }
    return queryComputer(this.#metrics, queries);
  }

  #seriesOf(alarm: MetricAlarm): Series[] {
    if (alarm.MetricName !== undefined) {
      return [this.#metrics.series(alarm.Namespace ?? '', alarm.MetricName, alarm.Dimensions)];
    }
    return (alarm.Metrics ?? []).flatMap(({ MetricStat: stat }) =>
      stat?.Metric === undefined
        ? []
        : [
            this.#metrics.series(
              stat.Metric.Namespace ?? '',
              stat.Metric.MetricName ?? '',
              stat.Metric.Dimensions,
            ),
          ],
    );
  }

  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html */
  #tell(alarm: MetricAlarm & { AlarmName: string }, former: ReturnType<typeof stateOf>): void {
    const state = (of: ReturnType<typeof stateOf>) => ({
      value: of.StateValue,
      reason: of.StateReason,
      ...(of.StateReasonData === undefined ? {} : { reasonData: of.StateReasonData }),
      timestamp: awsTime(of.StateUpdatedTimestamp?.getTime() ?? 0),
    });
    this.#context.hooks.publish({
      source: 'aws.cloudwatch',
      detailType: 'CloudWatch Alarm State Change',
      resources: alarm.AlarmArn === undefined ? [] : [alarm.AlarmArn],
      detail: {
        alarmName: alarm.AlarmName,
        state: state(stateOf(alarm)),
        previousState: state(former),
        configuration: { description: alarm.AlarmDescription ?? '', metrics: describeMetrics(alarm) },
      },
    });
  }
}

/** The value of the one query that returns data, over the others by id. */
export function queryComputer(
  metrics: Metrics,
  queries: readonly MetricDataQuery[],
  resultId?: string,
): (from: number, to: number) => number | undefined {
  const parts = new Map<string, (from: number, to: number) => number | undefined>();
  for (const query of queries) {
    const { MetricStat: stat, Expression, Id = '' } = query;
    if (stat?.Metric !== undefined) {
      const series = metrics.series(
        stat.Metric.Namespace ?? '',
        stat.Metric.MetricName ?? '',
        stat.Metric.Dimensions,
      );
      parts.set(Id, (from, to) => {
        const found = series.between(from, to);
        return found === undefined ? undefined : statistic(found, stat.Stat ?? 'Average');
      });
    } else if (Expression !== undefined) {
      const compute = compileExpression(Expression);
      parts.set(Id, (from, to) => compute((id) => parts.get(id)?.(from, to)));
    }
  }
  const wanted = resultId ?? queries.find((query) => query.ReturnData !== false)?.Id ?? '';
  return (from, to) => parts.get(wanted)?.(from, to);
}

function stateOf(alarm: MetricAlarm) {
  const { StateValue, StateReason, StateReasonData, StateUpdatedTimestamp, StateTransitionedTimestamp } =
    alarm;
  return { StateValue, StateReason, StateReasonData, StateUpdatedTimestamp, StateTransitionedTimestamp };
}

function periodMs(alarm: MetricAlarm): number {
  const inQueries = (alarm.Metrics ?? []).map((query) => query.MetricStat?.Period ?? query.Period ?? 0);
  return (alarm.Period ?? (Math.max(0, ...inQueries) || 60)) * 1_000;
}

function compare(operator: string | undefined, value: number, threshold: number): boolean {
  switch (operator) {
    case 'GreaterThanThreshold':
      return value > threshold;
    case 'GreaterThanOrEqualToThreshold':
      return value >= threshold;
    case 'LessThanThreshold':
      return value < threshold;
    default:
      return value <= threshold;
  }
}

function termsOf(alarm: MetricAlarm): AlarmTerms {
  const evaluationPeriods = alarm.EvaluationPeriods ?? 1;
  return {
    evaluationPeriods,
    datapointsToAlarm: alarm.DatapointsToAlarm ?? evaluationPeriods,
    missingData: (alarm.TreatMissingData ?? 'missing') as MissingData, // checked when it was put
  };
}

function describeMetrics(alarm: MetricAlarm): unknown[] {
  if (alarm.Metrics !== undefined && alarm.Metrics.length > 0) return alarm.Metrics;
  const dimensions = Object.fromEntries((alarm.Dimensions ?? []).map((one) => [one.Name, one.Value]));
  return [
    {
      id: 'm1',
      metricStat: {
        metric: { namespace: alarm.Namespace, name: alarm.MetricName, dimensions },
        period: alarm.Period,
        stat: alarm.Statistic ?? alarm.ExtendedStatistic,
      },
      returnData: true,
    },
  ];
}
