/** What is kept of a failed rollout's world, and in which shape: what is odd is left out, never in the way. */
import { describe, expect, it } from 'vitest';
import {
  alarmEvidenceOf,
  describeHealthCheck,
  failedChecks,
  failedLaunches,
  ringingEvidence,
} from '../../../src/fleet/evidence.ts';
import { activity, fleet, target } from './views.ts';

describe('an alarm', () => {
  const evidence = (data: unknown) =>
    alarmEvidenceOf({ name: 'a', reason: 'r', reasonData: JSON.stringify(data) });

  /** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricAlarm.html */
  it.each([
    ['GreaterThanThreshold', '>'],
    ['GreaterThanOrEqualToThreshold', '>='],
    ['LessThanThreshold', '<'],
    ['LessThanOrEqualToThreshold', '<='],
    ['LessThanLowerOrGreaterThanUpperThreshold', 'outside'],
    ['LessThanLowerThreshold', 'outside'],
    ['GreaterThanUpperThreshold', 'outside'],
  ])('that compares by %s rings at %s', (comparison, sign) => {
    expect(alarmEvidenceOf({ name: 'a', reason: 'r', comparison })).toEqual({
      name: 'a',
      reason: 'r',
      comparison: sign,
    });
  });

  it('that compares in a newer way is told without', () => {
    expect(alarmEvidenceOf({ name: 'a', reason: 'r', comparison: 'Unlike' })).toStrictEqual({
      name: 'a',
      reason: 'r',
    });
  });

  it.each([
    [{ statistic: 7, period: '60', threshold: null, recentDatapoints: 5, triggeringAlarms: {} }, {}],
    [{ recentDatapoints: [1, '2', null, 3] }, { datapoints: [1, 3] }],
    [{ recentDatapoints: [] }, { datapoints: [] }],
    [
      { threshold: 0, period: 0 },
      { threshold: 0, periodSeconds: 0 },
    ],
    [{ triggeringAlarms: [null, 'x', {}, { arn: 7 }, { arn: 'odd' }] }, { triggeredBy: ['odd'] }],
    [{ triggeringAlarms: [{ arn: 'arn:aws:cloudwatch:r:1:alarm:a:b' }] }, { triggeredBy: ['a:b'] }],
  ])('keeps of %j what is as expected', (data, kept) => {
    expect(evidence(data)).toEqual({ name: 'a', reason: 'r', ...kept });
  });

  it.each(['7', 'null', '"text"', '{'])('whose data are %s is told by its sentence', (reasonData) => {
    expect(alarmEvidenceOf({ name: 'a', reason: 'r', reasonData })).toEqual({ name: 'a', reason: 'r' });
  });

  it('is evidence where it is watched and not OK, in the order in which it was seen', () => {
    const seen = (name: string, state: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA') => ({
      name,
      state,
      reason: state,
    });
    const all = [seen('quiet', 'OK'), seen('silent', 'INSUFFICIENT_DATA'), seen('rings', 'ALARM')];
    expect(ringingEvidence(['rings', 'quiet', 'silent'], all).map(({ name }) => name)).toEqual([
      'silent',
      'rings',
    ]);
    expect(ringingEvidence(['quiet'], all)).toEqual([]);
    expect(ringingEvidence(['rings'], [{ ...seen('rings', 'ALARM'), metric: 'AWS/X Errors' }])).toEqual([
      { name: 'rings', reason: 'ALARM', metric: 'AWS/X Errors' },
    ]);
  });
});

describe('a page that one reads', () => {
  it('has the first ten checks', () => {
    const targets = Array.from({ length: 12 }, (_, n) => target(`i-${n}`, 'unhealthy'));
    expect(failedChecks(targets).map(({ instance }) => instance)).toEqual(
      targets.slice(0, 10).map(({ id }) => id),
    );
    expect(failedChecks([target('i-1', 'unhealthy')])).toEqual([
      { instance: 'i-1', state: 'unhealthy', answer: 'no answer is known yet' },
    ]);
  });

  it('has the newest ten kinds of failed launches, each with its newest time, and messages of 1,000 characters', () => {
    const failed = (n: number, message: string) =>
      activity('Launching a new EC2 instance: i-1. Status Reason: x\ny', {
        id: `a-${n}`,
        status: 'Failed',
        startedAt: n * 1000,
        message,
      });
    const kinds = Array.from({ length: 12 }, (_, n) => failed(n, `kind ${n}`));
    expect(failedLaunches(kinds).map(({ activity: id }) => id)).toEqual(
      [11, 10, 9, 8, 7, 6, 5, 4, 3, 2].map((n) => `a-${n}`),
    );
    const long = 'x'.repeat(1_000);
    expect(failedLaunches([failed(1, `${long}1`), failed(2, `${long}2`)])).toEqual([
      {
        activity: 'a-2',
        at: '1970-01-01T00:00:02.000Z',
        what: 'Launching a new EC2 instance: i-1',
        why: long,
      },
    ]);
  });

  it('keeps the words of an activity that has no reason behind them', () => {
    const plain = activity('Launching. In zone a', { status: 'Failed', message: 'why' });
    expect(failedLaunches([plain, activity('Launching', { message: 'went well' })])).toMatchObject([
      { what: 'Launching. In zone a', why: 'why' },
    ]);
    const close = activity('Launching.Status Reason: why', { status: 'Failed', message: 'why' });
    expect(failedLaunches([close])).toMatchObject([{ what: 'Launching' }]);
    const unpointed = activity('Launching  Status Reason: why', { status: 'Failed', message: 'why' });
    expect(failedLaunches([unpointed])).toMatchObject([{ what: 'Launching' }]);
  });

  it('says what was asked of each instance', () => {
    const { healthCheck } = fleet.spec;
    expect(
      describeHealthCheck({ healthCheck: { ...healthCheck, path: '/up', intervalSeconds: 7 }, port: 81 }),
    ).toBe('GET /up on port 81, every 7 s');
  });
});
