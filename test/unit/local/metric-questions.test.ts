/** What can be asked of metrics that are kept by minute and without units; the rest is refused by name. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.ts';
import { createRegion, type Region } from '../../../local/region.ts';

let region: Region;
let clock: VirtualClock;

beforeAll(async () => {
  clock = new VirtualClock();
  region = await createRegion({ clock, seed: 1 });
});
afterAll(() => region.close());

const metric = { Namespace: 'Shop', MetricName: 'Errors' };
const span = () => ({ StartTime: new Date(clock.now() - 3_600_000), EndTime: new Date(clock.now()) });
const terms = {
  AlarmName: 'errors',
  EvaluationPeriods: 1,
  Threshold: 1,
  ComparisonOperator: 'GreaterThanThreshold',
};
const query = (more: object) => ({
  Id: 'm',
  MetricStat: { Metric: metric, Stat: 'Sum', Period: 60, ...more },
});

const ways: readonly [way: string, operation: string, input: (more: object) => object][] = [
  ['an alarm', 'PutMetricAlarm', (more) => ({ ...terms, ...metric, Statistic: 'Sum', Period: 60, ...more })],
  ['an alarm on a query', 'PutMetricAlarm', (more) => ({ ...terms, Metrics: [query(more)] })],
  [
    'a question',
    'GetMetricStatistics',
    (more) => ({ ...metric, ...span(), Statistics: ['Sum'], Period: 60, ...more }),
  ],
  ['a query', 'GetMetricData', (more) => ({ ...span(), MetricDataQueries: [query(more)] })],
];

describe.each(ways)('%s', (_, operation, input) => {
  it.each<[string, object, string]>([
    ['has periods of minutes', { Period: 300 }, 'no error'],
    ['has no shorter period', { Period: 10 }, 'ValidationError'],
    ['has no period of one and a half minutes', { Period: 90 }, 'ValidationError'],
    ['has no unit', { Unit: 'Count' }, 'UnsupportedOperation'],
  ])('%s', async (_says, more, outcome) => {
    const code = await region.call('monitoring', operation, input(more)).then(
      () => 'no error',
      (error: Error) => error.name,
    );
    expect(code).toBe(outcome);
  });
});
