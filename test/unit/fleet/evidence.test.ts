import { describe, expect, it } from 'vitest';
import { alarmEvidenceOf, failedChecks, failedLaunches } from '../../../src/fleet/evidence.ts';
import { redact } from '../../../src/fleet/redaction.ts';
import { undoneWords } from '../../../src/fleet/undone.ts';

describe('the evidence of an alarm', () => {
  /** As CloudWatch gives it: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html */
  const reasonData = JSON.stringify({
    version: '1.0',
    queryDate: '2019-10-02T17:04:40.985+0000',
    startDate: '2019-10-02T17:03:00.000+0000',
    statistic: 'Average',
    period: 300,
    recentDatapoints: [99.5, 41.4],
    threshold: 50.0,
  });

  it('has what was measured, over which period, against which threshold', () => {
    const facts = {
      name: 'cpu',
      reason: 'Threshold Crossed',
      reasonData,
      comparison: 'GreaterThanThreshold',
    };
    expect(alarmEvidenceOf(facts)).toEqual({
      name: 'cpu',
      reason: 'Threshold Crossed',
      statistic: 'Average',
      periodSeconds: 300,
      comparison: '>',
      threshold: 50,
      datapoints: [99.5, 41.4],
    });
  });

  it('names the alarms that rang a composite one', () => {
    const triggeringAlarms = [
      { arn: 'arn:aws:cloudwatch:us-east-1:1:alarm:web-5xx', state: { value: 'ALARM' } },
    ];
    expect(
      alarmEvidenceOf({ name: 'all', reason: '', reasonData: JSON.stringify({ triggeringAlarms }) }),
    ).toEqual({
      name: 'all',
      reason: '',
      triggeredBy: ['web-5xx'],
    });
  });

  it.each([undefined, '', 'no JSON', 'null', '[]', '{"period":"x","recentDatapoints":{}}'])(
    'is the sentence alone where the data are %j',
    (data) => {
      expect(alarmEvidenceOf({ name: 'a', reason: 'r', reasonData: data })).toEqual({
        name: 'a',
        reason: 'r',
      });
    },
  );
});

describe('the evidence of instances', () => {
  it('is each target that failed or waits, with the answer', () => {
    expect(
      failedChecks([
        { id: 'i-1', state: 'healthy' },
        { id: 'i-2', state: 'unhealthy', reason: 'Target.Timeout', description: 'Request timed out' },
        { id: 'i-3', state: 'initial', reason: 'Elb.RegistrationInProgress' },
        { id: 'i-4', state: 'draining' },
      ]),
    ).toEqual([
      { instance: 'i-2', state: 'unhealthy', answer: 'Request timed out' },
      { instance: 'i-3', state: 'initial', answer: 'Elb.RegistrationInProgress' },
    ]);
  });

  it('is each kind of failed launch once, the newest', () => {
    const activity = (id: string, startedAt: number, message: string, status = 'Failed') => ({
      id,
      status,
      description: `Launching a new EC2 instance.  Status Reason: ${message}`,
      cause: '',
      message,
      startedAt,
    });
    const launches = failedLaunches([
      activity('a', 1_000, 'no capacity'),
      activity('b', 2_000, 'no capacity'),
      activity('c', 3_000, 'quota'),
      activity('d', 4_000, '', 'Successful'),
    ]);
    expect(launches.map(({ activity: id, what, why }) => [id, what, why])).toEqual([
      ['c', 'Launching a new EC2 instance', 'quota'],
      ['b', 'Launching a new EC2 instance', 'no capacity'],
    ]);
  });
});

describe('what must not be shown', () => {
  const environment = {
    DATABASE_URL: 'postgres://web:hunter22@db/web',
    LEVEL: 'info',
    LONGER: 'postgres://web',
  };
  it.each([
    ['dial postgres://web:hunter22@db/web: refused', 'dial <DATABASE_URL>: refused'],
    ['level=info', 'level=info'],
    [
      'GET https://b.s3/x?X-Amz-Signature=abc&X-Amz-Credential=d HTTP',
      'GET https://b.s3/x?X-Amz-Signature=<removed>&X-Amz-Credential=<removed> HTTP',
    ],
    ['key AKIAIOSFODNN7EXAMPLE denied', 'key <access key removed> denied'],
    ['Authorization: Bearer abc', 'Authorization: <removed>'],
    ['DB_PASSWORD=abc next', 'DB_PASSWORD=<removed> next'],
  ])('is taken out of %j', (text, clean) => {
    expect(redact({ console: text, list: [text], count: 3 }, environment)).toEqual({
      console: clean,
      list: [clean],
      count: 3,
    });
  });
});

describe('what was undone', () => {
  const event = (kind: string, data: Record<string, unknown> = {}) => ({ kind, data, at: '' });
  it('is nothing where nothing had been planned', () => {
    expect(undoneWords([event('rollout-began')], 1, undefined)).toEqual([
      'nothing: the rollout had changed nothing yet',
    ]);
  });
  it('is told in order: traffic, group, minimum', () => {
    const events = [
      event('rollout-planned', { groupName: 'flt-web-v2-r2' }),
      event('traffic-shifted'),
      event('weights-restored'),
      event('unpinned', { groupName: 'flt-web-v1-r1', minimum: 1 }),
      event('rollback-ended'),
    ];
    expect(undoneWords(events, 1, undefined)).toEqual([
      'all of the traffic went back to v1',
      'the group flt-web-v2-r2 was emptied and deleted',
      'flt-web-v1-r1 has its minimum of 1 back',
    ]);
  });
  it('says what is awaited where it has not finished', () => {
    const events = [event('rollout-planned', { groupName: 'g' })];
    expect(undoneWords(events, 1, 'live is ill')).toEqual([
      'no traffic had gone to the candidate',
      'not finished: live is ill',
    ]);
  });
});
