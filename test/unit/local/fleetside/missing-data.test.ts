import { describe, expect, it } from 'vitest';
import { reasonData, reasonFor } from '../../../../local/services/cloudwatch/alarm-words.ts';
import type { Datapoint, MissingData } from '../../../../local/services/cloudwatch/evaluate-alarm.ts';
import { evaluateAlarm } from '../../../../local/services/cloudwatch/evaluate-alarm.ts';

/** As AWS writes them, oldest first: 0 within the threshold, X beyond it, - missing. */
function datapoints(written: string): Datapoint[] {
  return written
    .split(' ')
    .reverse()
    .flatMap((mark, age) =>
      mark === '-' ? [] : [{ age, value: mark === 'X' ? 9 : 0, breaching: mark === 'X' }],
    );
}

const columns: readonly MissingData[] = ['missing', 'ignore', 'breaching', 'notBreaching'];

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html, both tables. */
const tables = [
  [3, '0 - X - X', 0, ['OK', 'OK', 'OK', 'OK']],
  [3, '- - - - 0', 2, ['OK', 'OK', 'OK', 'OK']],
  [3, '- - - - -', 3, ['INSUFFICIENT_DATA', 'retain', 'ALARM', 'OK']],
  [3, '0 X X - X', 0, ['ALARM', 'ALARM', 'ALARM', 'ALARM']],
  [3, '- - X - -', 2, ['ALARM', 'retain', 'ALARM', 'OK']],
  [2, '0 - X - X', 0, ['ALARM', 'ALARM', 'ALARM', 'ALARM']],
  [2, '0 0 X 0 X', 0, ['ALARM', 'ALARM', 'ALARM', 'ALARM']],
  [2, '0 - X - -', 1, ['OK', 'OK', 'ALARM', 'OK']],
  [2, '- - - - 0', 2, ['OK', 'OK', 'ALARM', 'OK']],
  [2, '- - - X -', 2, ['ALARM', 'retain', 'ALARM', 'OK']],
] as const;

describe('an alarm over three periods', () => {
  it.each(tables)(
    'that rings at %d is, after %s with %d filled in: %j',
    (datapointsToAlarm, written, filled, states) => {
      const verdicts = columns.map((missingData) =>
        evaluateAlarm(datapoints(written), { evaluationPeriods: 3, datapointsToAlarm, missingData }),
      );
      expect(verdicts.map((verdict) => verdict.state)).toEqual(states);
      expect(verdicts.map((verdict) => verdict.filled)).toEqual(columns.map(() => filled));
    },
  );
});

describe('the reason', () => {
  const minute = 60_000;
  const startOf = (age: number): number => Date.UTC(2019, 9, 2, 16, 59) - age * minute;
  const alarm = { Threshold: 5, ComparisonOperator: 'GreaterThanThreshold', Statistic: 'Sum' } as const;
  const reason = (written: string, missingData: MissingData, datapointsToAlarm: number, periods: number) => {
    const terms = { evaluationPeriods: periods, datapointsToAlarm, missingData };
    const verdict = evaluateAlarm(datapoints(written), terms);
    if (verdict.state === 'retain') return 'retained';
    return reasonFor(alarm, terms, verdict, verdict.state, startOf);
  };

  it.each([
    [
      'X',
      'missing',
      1,
      1,
      'Threshold Crossed: 1 out of the last 1 datapoints [9.0 (02/10/19 16:59:00)] was greater than the threshold (5.0) (minimum 1 datapoint for OK -> ALARM transition).',
    ],
    [
      '0',
      'missing',
      1,
      1,
      'Threshold Crossed: 1 out of the last 1 datapoints [0.0 (02/10/19 16:59:00)] was not greater than the threshold (5.0) (minimum 1 datapoint for ALARM -> OK transition).',
    ],
    [
      'X 0 X',
      'missing',
      2,
      3,
      'Threshold Crossed: 2 out of the last 3 datapoints [9.0 (02/10/19 16:59:00), 9.0 (02/10/19 16:57:00)] were greater than the threshold (5.0) (minimum 2 datapoints for OK -> ALARM transition).',
    ],
    ['- -', 'missing', 2, 2, 'Insufficient Data: 2 datapoints were unknown.'],
    [
      '-',
      'notBreaching',
      1,
      1,
      'Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was treated as [NonBreaching].',
    ],
  ] as const)('after %s, %s, %d of %d', (written, missingData, needed, periods, words) => {
    expect(reason(written, missingData, needed, periods)).toBe(words);
  });

  it('comes as data, too', () => {
    const terms = { evaluationPeriods: 3, datapointsToAlarm: 2, missingData: 'missing' } as const;
    const verdict = evaluateAlarm(datapoints('X - X'), terms);
    const now = Date.UTC(2019, 9, 2, 17, 0, 2);
    expect(JSON.parse(reasonData(alarm, terms, verdict, now, startOf))).toEqual({
      version: '1.0',
      queryDate: '2019-10-02T17:00:02.000+0000',
      startDate: '2019-10-02T16:57:00.000+0000',
      statistic: 'Sum',
      period: 60,
      recentDatapoints: [9, 9],
      threshold: 5,
      evaluatedDatapoints: [
        { timestamp: '2019-10-02T16:59:00.000+0000', value: 9 },
        { timestamp: '2019-10-02T16:58:00.000+0000' },
        { timestamp: '2019-10-02T16:57:00.000+0000', value: 9 },
      ],
    });
  });
});
