/** Operations on metrics: what is put, and what is asked of all that is counted. */
import type {
  GetMetricDataInput,
  GetMetricDataOutput,
  GetMetricStatisticsInput,
  GetMetricStatisticsOutput,
  ListMetricsInput,
  ListMetricsOutput,
  PutMetricDataInput,
} from '@aws-sdk/client-cloudwatch';
import type { Context } from '../../context.ts';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { queryComputer } from './alarms.ts';
import { badToken, checkPeriod, checkQueries, invalid } from './asked.ts';
import { type Metrics, statistic } from './series.ts';

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html */
const pageDatapoints = 100_800;
const mostQueries = 500;

export function metricOperations(context: Context, metrics: Metrics) {
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
