/** CloudWatch: metrics and alarms. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Operations.html */
import type {
  DeleteAlarmsInput,
  DescribeAlarmsInput,
  DescribeAlarmsOutput,
  GetMetricDataInput,
  GetMetricDataOutput,
  GetMetricStatisticsInput,
  GetMetricStatisticsOutput,
  ListMetricsInput,
  ListMetricsOutput,
  PutMetricAlarmInput,
  PutMetricDataInput,
  SetAlarmStateInput,
} from '@aws-sdk/client-cloudwatch';
import type { Context } from '../../context.ts';
import { arn } from '../../context.ts';
import type { Operation, Service } from '../../service.ts';
import { AwsError } from '../../service.ts';
import type { Persistent } from '../../state/persistent.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { Alarms, queryComputer } from './alarms.ts';
import { checkPeriod, checkQueries } from './asked.ts';
import { compileExpression } from './expression.ts';
import { Metrics, statistic } from './series.ts';

export interface CloudWatch {
  readonly service: Service;
  readonly persistent: Persistent;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
}

export function createCloudWatch(context: Context): CloudWatch {
  const metrics = new Metrics();
  const alarms = new Alarms(context, metrics);
  return {
    service: {
      id: 'monitoring',
      operations: { ...alarmOperations(context, alarms), ...metricOperations(context, metrics) },
    },
    persistent: { name: 'cloudwatch', version: 1, collections: [metrics.collection(), alarms.collection()] },
    metrics,
    alarms,
  };
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationError', message);
}

function badToken(): AwsError {
  return new AwsError('InvalidNextToken', 'The next token specified is invalid.');
}

function alarmOperations(context: Context, alarms: Alarms) {
  const alarmArn = (name: string): string => arn(context, 'cloudwatch', `alarm:${name}`);

  const PutMetricAlarm: Operation<PutMetricAlarmInput, object> = {
    access: (input) => [
      { action: 'cloudwatch:PutMetricAlarm', resources: [alarmArn(input.AlarmName ?? '*')] },
    ],
    run(input) {
      onlySupported('PutMetricAlarm', input, [
        'AlarmName',
        'AlarmDescription',
        'ActionsEnabled',
        'OKActions',
        'AlarmActions',
        'InsufficientDataActions',
        'MetricName',
        'Namespace',
        'Statistic',
        'ExtendedStatistic',
        'Dimensions',
        'Period',
        'EvaluationPeriods',
        'DatapointsToAlarm',
        'Threshold',
        'ComparisonOperator',
        'TreatMissingData',
        'Metrics',
        'Tags',
      ]);
      const { AlarmName, EvaluationPeriods: periods, Threshold, ComparisonOperator: operator } = input;
      if (AlarmName === undefined || AlarmName === '') throw invalid('AlarmName is required');
      if (periods === undefined || periods < 1) throw invalid('EvaluationPeriods must be at least 1');
      if (Threshold === undefined) throw invalid('Threshold is required');
      const operators = [
        'GreaterThanThreshold',
        'GreaterThanOrEqualToThreshold',
        'LessThanThreshold',
        'LessThanOrEqualToThreshold',
      ];
      if (operator === undefined || !operators.includes(operator)) {
        throw invalid(`The local region does not know the ComparisonOperator ${operator}`);
      }
      const treatments = ['missing', 'ignore', 'breaching', 'notBreaching'];
      if (input.TreatMissingData !== undefined && !treatments.includes(input.TreatMissingData)) {
        throw invalid(`TreatMissingData must be one of ${treatments.join(', ')}`);
      }
      if ((input.DatapointsToAlarm ?? periods) > periods) {
        throw invalid('DatapointsToAlarm must not exceed EvaluationPeriods');
      }
      if ((input.MetricName === undefined) === !input.Metrics?.length) {
        throw invalid('Exactly one of MetricName and Metrics must be given');
      }
      if (input.MetricName !== undefined) {
        checkPeriod(input.Period);
        if ((input.Statistic === undefined) === (input.ExtendedStatistic === undefined)) {
          throw invalid('Exactly one of Statistic and ExtendedStatistic must be given');
        }
      }
      checkQueries('PutMetricAlarm', input.Metrics);
      for (const query of input.Metrics ?? []) {
        if (query.Expression === undefined) continue;
        try {
          compileExpression(query.Expression);
        } catch (error) {
          throw invalid(error instanceof Error ? error.message : String(error));
        }
      }
      const { Tags: _tags, ...definition } = input;
      alarms.put({
        ActionsEnabled: true,
        ...definition,
        AlarmName,
        AlarmArn: alarmArn(AlarmName),
        AlarmConfigurationUpdatedTimestamp: new Date(context.clock.now()),
      });
      return {};
    },
  };

  const DescribeAlarms: Operation<DescribeAlarmsInput, DescribeAlarmsOutput> = {
    access: (input) => [
      {
        action: 'cloudwatch:DescribeAlarms',
        resources: input.AlarmNames?.length ? input.AlarmNames.map(alarmArn) : [alarmArn('*')],
      },
    ],
    run(input) {
      onlySupported('DescribeAlarms', input, [
        'AlarmNamePrefix',
        'AlarmNames',
        'AlarmTypes',
        'MaxRecords',
        'NextToken',
        'StateValue',
      ]);
      // There are no composite alarms here.
      if (input.AlarmTypes?.length && !input.AlarmTypes.includes('MetricAlarm')) return { MetricAlarms: [] };
      const found = alarms
        .all()
        .filter(
          (alarm) =>
            (!input.AlarmNames?.length || input.AlarmNames.includes(alarm.AlarmName)) &&
            (input.AlarmNamePrefix === undefined || alarm.AlarmName.startsWith(input.AlarmNamePrefix)) &&
            (input.StateValue === undefined || alarm.StateValue === input.StateValue),
        )
        .sort((a, b) => (a.AlarmName < b.AlarmName ? -1 : 1));
      const shown = page(
        found,
        (alarm) => alarm.AlarmName,
        input.MaxRecords ?? 50,
        input.NextToken,
        badToken,
      );
      return { MetricAlarms: [...shown.items], CompositeAlarms: [], NextToken: shown.nextToken };
    },
  };

  const DeleteAlarms: Operation<DeleteAlarmsInput, object> = {
    access: (input) => [
      { action: 'cloudwatch:DeleteAlarms', resources: (input.AlarmNames ?? []).map(alarmArn) },
    ],
    run(input) {
      for (const name of input.AlarmNames ?? []) if (alarms.get(name) === undefined) throw unknownAlarm(name);
      for (const name of input.AlarmNames ?? []) alarms.delete(name);
      return {};
    },
  };

  const SetAlarmState: Operation<SetAlarmStateInput, object> = {
    access: (input) => [
      { action: 'cloudwatch:SetAlarmState', resources: [alarmArn(input.AlarmName ?? '*')] },
    ],
    run(input) {
      const { AlarmName = '', StateValue, StateReason, StateReasonData } = input;
      if (StateValue !== 'OK' && StateValue !== 'ALARM' && StateValue !== 'INSUFFICIENT_DATA') {
        throw invalid('StateValue must be OK, ALARM or INSUFFICIENT_DATA');
      }
      if (StateReason === undefined) throw invalid('StateReason is required');
      if (alarms.get(AlarmName) === undefined) throw unknownAlarm(AlarmName);
      if (StateReasonData !== undefined && !isJson(StateReasonData)) {
        throw new AwsError('InvalidFormat', 'StateReasonData was not syntactically valid JSON.');
      }
      alarms.setState(AlarmName, StateValue, StateReason, StateReasonData);
      return {};
    },
  };
  return { PutMetricAlarm, DescribeAlarms, DeleteAlarms, SetAlarmState };
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function unknownAlarm(name: string): AwsError {
  return new AwsError('ResourceNotFound', `Unknown alarm ${name}`, 404);
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html */
const pageDatapoints = 100_800;
const mostQueries = 500;

function metricOperations(context: Context, metrics: Metrics) {
  const anyMetric = (action: string) => () => [{ action: `cloudwatch:${action}`, resources: ['*'] }];

  const PutMetricData: Operation<PutMetricDataInput, object> = {
    access: (input) => [
      {
        action: 'cloudwatch:PutMetricData',
        resources: ['*'],
        context: { 'cloudwatch:namespace': input.Namespace ?? '' },
      },
    ],
    run(input) {
      onlySupported('PutMetricData', input, ['Namespace', 'MetricData']);
      if (input.Namespace === undefined || input.Namespace.startsWith('AWS/')) {
        throw new AwsError('InvalidParameterValue', 'The value AWS/ for parameter Namespace is invalid.');
      }
      for (const datum of input.MetricData ?? []) {
        const series = metrics.series(input.Namespace, datum.MetricName ?? '', datum.Dimensions);
        const at = datum.Timestamp?.getTime() ?? context.clock.now();
        const { StatisticValues: set } = datum;
        if (datum.Value !== undefined) series.add(at, datum.Value);
        if (set !== undefined) {
          series.addStatistics(at, {
            sum: set.Sum ?? 0,
            count: set.SampleCount ?? 0,
            min: set.Minimum ?? 0,
            max: set.Maximum ?? 0,
          });
        }
        for (const [index, value] of (datum.Values ?? []).entries())
          series.add(at, value, datum.Counts?.[index] ?? 1);
      }
      return {};
    },
  };

  const GetMetricStatistics: Operation<GetMetricStatisticsInput, GetMetricStatisticsOutput> = {
    access: anyMetric('GetMetricStatistics'),
    run(input) {
      onlySupported('GetMetricStatistics', input, [
        'Namespace',
        'MetricName',
        'Dimensions',
        'StartTime',
        'EndTime',
        'Period',
        'Statistics',
        'ExtendedStatistics',
      ]);
      const { StartTime, EndTime, Period } = input;
      if (StartTime === undefined || EndTime === undefined || Period === undefined) {
        throw invalid('StartTime, EndTime and Period are required');
      }
      checkPeriod(Period);
      const series = metrics.series(input.Namespace ?? '', input.MetricName ?? '', input.Dimensions);
      const period = Period * 1_000;
      const start = Math.floor(StartTime.getTime() / 60_000) * 60_000;
      const points = [];
      if ((EndTime.getTime() - start) / period > 1_440) {
        throw new AwsError('InvalidParameterCombination', 'More than 1,440 datapoints were asked for.');
      }
      for (let from = start; from < EndTime.getTime(); from += period) {
        const found = series.between(from, Math.min(from + period, EndTime.getTime()));
        if (found === undefined) continue;
        const asked = (name: string): number | undefined =>
          input.Statistics?.some((one) => one === name) ? statistic(found, name) : undefined;
        const extended = (input.ExtendedStatistics ?? []).map((name) => [name, statistic(found, name)]);
        points.push({
          Timestamp: new Date(from),
          Sum: asked('Sum'),
          Average: asked('Average'),
          Minimum: asked('Minimum'),
          Maximum: asked('Maximum'),
          SampleCount: asked('SampleCount'),
          ExtendedStatistics: extended.length === 0 ? undefined : Object.fromEntries(extended),
        });
      }
      return { Label: input.MetricName, Datapoints: points };
    },
  };

  const GetMetricData: Operation<GetMetricDataInput, GetMetricDataOutput> = {
    access: anyMetric('GetMetricData'),
    run(input) {
      onlySupported('GetMetricData', input, [
        'MetricDataQueries',
        'StartTime',
        'EndTime',
        'ScanBy',
        'MaxDatapoints',
        'NextToken',
      ]);
      const { StartTime, EndTime, MetricDataQueries: queries = [] } = input;
      checkQueries('GetMetricData', queries);
      if (StartTime === undefined || EndTime === undefined)
        throw invalid('StartTime and EndTime are required');
      if (queries.length > mostQueries)
        throw invalid(`MetricDataQueries has more than ${mostQueries} members`);
      const shown = queries.filter((query) => query.ReturnData !== false);
      const rows = shown.flatMap((query, index) => {
        const periods = queries.map((one) => one.MetricStat?.Period ?? one.Period ?? 0);
        const period = Math.max(60, query.MetricStat?.Period ?? query.Period ?? Math.max(...periods)) * 1_000;
        let compute: (from: number, to: number) => number | undefined;
        try {
          compute = queryComputer(metrics, queries, query.Id);
        } catch (error) {
          throw invalid(error instanceof Error ? error.message : String(error));
        }
        const found: { readonly index: number; readonly at: number; readonly value: number }[] = [];
        const start = Math.floor(StartTime.getTime() / period) * period;
        for (let from = start; from < EndTime.getTime(); from += period) {
          const value = compute(from, from + period);
          if (value !== undefined) found.push({ index, at: from, value });
        }
        // Newest first unless asked otherwise.
        return input.ScanBy === 'TimestampAscending' ? found : found.reverse();
      });
      const key = ({ index, at }: (typeof rows)[number]): string => `${index} ${at}`;
      const asked = input.MaxDatapoints ?? pageDatapoints;
      if (asked < 1) throw invalid('MaxDatapoints must be at least 1');
      // "NextToken is not returned if you are performing a math expression": API_MetricDataResult.html
      const oneTime = shown.some(({ Expression }) => Expression !== undefined);
      if (oneTime && rows.length > pageDatapoints)
        throw invalid(`An expression has more than ${pageDatapoints} datapoints`);
      const size = oneTime ? Math.max(rows.length, 1) : Math.min(asked, pageDatapoints);
      const { items, nextToken } = page(rows, key, size, input.NextToken, badToken);
      const last = items.at(-1);
      const toCome = nextToken === undefined || last === undefined ? [] : rows.slice(rows.indexOf(last) + 1);
      const unfinished = new Set(toCome.map(({ index }) => index));
      return {
        MetricDataResults: shown.map((query, index) => {
          const own = items.filter((row) => row.index === index);
          return {
            Id: query.Id,
            Label: query.Label ?? query.MetricStat?.Metric?.MetricName ?? query.Id,
            Timestamps: own.map((row) => new Date(row.at)),
            Values: own.map((row) => row.value),
            StatusCode: unfinished.has(index) ? ('PartialData' as const) : ('Complete' as const),
          };
        }),
        NextToken: nextToken,
        Messages: [],
      };
    },
  };

  const ListMetrics: Operation<ListMetricsInput, ListMetricsOutput> = {
    access: anyMetric('ListMetrics'),
    run(input) {
      onlySupported('ListMetrics', input, ['Namespace', 'MetricName', 'Dimensions', 'NextToken']);
      const found = metrics
        .all()
        .filter(
          (series) =>
            (input.Namespace === undefined || series.namespace === input.Namespace) &&
            (input.MetricName === undefined || series.name === input.MetricName) &&
            (input.Dimensions ?? []).every((filter) =>
              series.dimensions.some(
                (one) =>
                  one.Name === filter.Name && (filter.Value === undefined || one.Value === filter.Value),
              ),
            ),
        );
      const keyOf = (one: (typeof found)[number]): string =>
        JSON.stringify([one.namespace, one.name, one.dimensions]);
      const shown = page(found, keyOf, 500, input.NextToken, badToken);
      return {
        Metrics: shown.items.map((one) => ({
          Namespace: one.namespace,
          MetricName: one.name,
          Dimensions: one.dimensions.map(({ Name, Value }) => ({ Name, Value })),
        })),
        NextToken: shown.nextToken,
      };
    },
  };
  return { PutMetricData, GetMetricStatistics, GetMetricData, ListMetrics };
}
