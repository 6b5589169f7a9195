/** Cases of the services of which the product uses one operation or two each. */
import { absent, aTime, type Sheet, type Step } from '../case.ts';

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));

export const lambda: Sheet = {
  service: 'lambda',
  title: 'Lambda',
  pages: 'https://docs.aws.amazon.com/lambda/latest/api/API_*.html',
  cases: [
    {
      operation: 'Invoke',
      says: 'waits for the function, and answers with what it returned',
      input: { FunctionName: 'world', Payload: text('{"fleet":"web"}') },
      answers: {
        StatusCode: 200,
        ExecutedVersion: '$LATEST',
        FunctionError: absent,
        Payload: text('{"fleet":"web"}'),
      },
    },
    {
      operation: 'Invoke',
      says: 'answers with status 200 where the function failed, and says so in FunctionError',
      page: 'https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html',
      input: { FunctionName: 'world', Payload: text('{"fail":"NoKernel"}') },
      answers: { StatusCode: 200, FunctionError: 'Unhandled', Payload: tellsTheError },
    },
    {
      operation: 'Invoke',
      says: 'as an event, answers at once with status 202',
      input: { FunctionName: 'world', InvocationType: 'Event', Payload: text('{}') },
      answers: { StatusCode: 202, FunctionError: absent },
    },
    {
      operation: 'Invoke',
      says: 'as a dry run, answers with status 204',
      input: { FunctionName: 'world', InvocationType: 'DryRun' },
      answers: { StatusCode: 204 },
    },
    {
      operation: 'Invoke',
      says: 'refuses a function that does not exist',
      input: { FunctionName: '<name>' },
      fails: { code: 'ResourceNotFoundException', status: 404 },
    },
    {
      operation: 'Invoke',
      says: 'tells the end of the log where it is asked for, in base64',
      input: { FunctionName: 'world', LogType: 'Tail', Payload: text('{}') },
      answers: { LogResult: endsWithReport },
    },
    {
      operation: 'Invoke',
      says: 'refuses a version that does not exist',
      input: { FunctionName: 'world', Qualifier: '7', Payload: text('{}') },
      fails: { code: 'ResourceNotFoundException', status: 404 },
    },
    {
      operation: 'Invoke',
      says: 'refuses a payload that is no JSON',
      input: { FunctionName: 'world', Payload: text('{') },
      fails: { code: 'InvalidRequestContentException', status: 400 },
    },
    {
      operation: 'ListTags',
      says: "returns a function's tags",
      given: [
        {
          call: 'TagResource',
          input: { Resource: 'arn:aws:lambda:us-east-1:<account>:function:world', Tags: { team: 'web' } },
        },
      ],
      input: { Resource: 'arn:aws:lambda:us-east-1:<account>:function:world' },
      answers: { Tags: { team: 'web' } },
    },
    {
      operation: 'ListTags',
      says: 'refuses a function that does not exist',
      input: { Resource: 'arn:aws:lambda:us-east-1:<account>:function:<name>' },
      fails: { code: 'ResourceNotFoundException', status: 404 },
    },
  ],
};

function endsWithReport(log: unknown): boolean {
  const lines = Buffer.from(String(log), 'base64').toString();
  return /^START RequestId/m.test(lines) && /^REPORT RequestId: \S+\s+Duration: /m.test(lines);
}
function tellsTheError(payload: unknown): boolean {
  if (!(payload instanceof Uint8Array)) return false;
  const { errorType, errorMessage, trace } = JSON.parse(Buffer.from(payload).toString());
  return errorType === 'NoKernel' && errorMessage === 'there is none' && Array.isArray(trace);
}

const event = {
  Source: 'flotilla',
  DetailType: 'Rollout',
  Detail: '{"fleet":"<name>"}',
  Resources: ['arn:aws:states:us-east-1:<account>:execution:a:b'],
};

export const eventBridge: Sheet = {
  service: 'events',
  title: 'EventBridge',
  pages: 'https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_*.html',
  cases: [
    {
      operation: 'PutEvents',
      says: 'answers with an id for each event, in their order',
      input: { Entries: [event, { ...event, Time: new Date('2026-01-02T03:04:05Z') }] },
      answers: {
        FailedEntryCount: 0,
        Entries: [
          { EventId: /^[0-9a-f-]{36}$/, ErrorCode: absent },
          { EventId: /^[0-9a-f-]{36}$/, ErrorCode: absent },
        ],
      },
    },
    {
      operation: 'PutEvents',
      says: 'takes the good events and tells which were not, with status 200',
      page: 'https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html',
      input: { Entries: [event, { ...event, Detail: 'no JSON' }] },
      answers: {
        FailedEntryCount: 1,
        Entries: [
          { EventId: /./, ErrorCode: absent },
          { EventId: absent, ErrorCode: 'MalformedDetail', ErrorMessage: /./ },
        ],
      },
    },
    {
      operation: 'PutEvents',
      says: 'takes no event in the name of an AWS service',
      page: 'https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html',
      input: { Entries: [{ ...event, Source: 'aws.states' }] },
      answers: { FailedEntryCount: 1, Entries: [{ ErrorCode: 'NotAuthorizedForSourceException' }] },
    },
    {
      operation: 'PutEvents',
      says: 'takes no event without a type',
      page: 'https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsResultEntry.html',
      input: { Entries: [{ Source: 'flotilla', Detail: '{}' }] },
      answers: { FailedEntryCount: 1, Entries: [{ EventId: absent, ErrorCode: 'InvalidArgument' }] },
    },
    {
      operation: 'PutEvents',
      says: 'takes at most ten events',
      input: { Entries: Array.from({ length: 11 }, () => event) },
      fails: { code: 'ValidationException', status: 400 },
    },
  ],
};

export const sts: Sheet = {
  service: 'sts',
  title: 'STS',
  pages: 'https://docs.aws.amazon.com/STS/latest/APIReference/API_*.html',
  cases: [
    {
      operation: 'GetCallerIdentity',
      says: 'tells account, id and ARN of whoever calls',
      input: {},
      answers: {
        Account: '<account>',
        Arn: 'arn:aws:iam::<account>:user/operator',
        UserId: /^[A-Z0-9]+$/,
      },
    },
  ],
};

const alarmed = (name = '<name>'): Step => ({
  call: 'PutMetricAlarm',
  input: {
    AlarmName: name,
    Namespace: '<name>',
    MetricName: 'Errors',
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 2,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'notBreaching',
  },
});

const minute = 60_000;
/** A whole minute of the last quarter of an hour. */
const counted = Math.floor(Date.now() / minute) * minute - 15 * minute;
const inMinute = (count: number): Date => new Date(counted + count * minute);

const datum = (MetricName: string, at: number, Value: number): Step => ({
  call: 'PutMetricData',
  input: { Namespace: '<name>', MetricData: [{ MetricName, Timestamp: inMinute(at), Value }] },
});
const asked = (Id: string, MetricName: string) => ({
  Id,
  MetricStat: { Metric: { Namespace: '<name>', MetricName }, Period: 60, Stat: 'Sum' },
});
const threeMinutes = { StartTime: inMinute(0), EndTime: inMinute(3) };
const twice = [datum('Requests', 0, 2), datum('Requests', 0, 3), datum('Requests', 2, 4)];

export const cloudWatch: Sheet = {
  service: 'monitoring',
  title: 'CloudWatch',
  pages: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_*.html',
  cases: [
    {
      operation: 'DescribeAlarms',
      says: 'tells settings and state of the alarms named; a new one has insufficient data',
      given: [alarmed()],
      input: { AlarmNames: ['<name>'], AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] },
      answers: {
        MetricAlarms: [
          {
            AlarmName: '<name>',
            AlarmArn: 'arn:aws:cloudwatch:us-east-1:<account>:alarm:<name>',
            StateValue: 'INSUFFICIENT_DATA',
            StateUpdatedTimestamp: aTime,
            ActionsEnabled: true,
            EvaluationPeriods: 2,
            Threshold: 1,
            ComparisonOperator: 'GreaterThanThreshold',
            TreatMissingData: 'notBreaching',
          },
        ],
        CompositeAlarms: [],
      },
    },
    {
      operation: 'DescribeAlarms',
      says: 'leaves out a name that does not exist',
      input: { AlarmNames: ['<name>'] },
      answers: { MetricAlarms: [] },
    },
    {
      operation: 'DescribeAlarms',
      says: 'finds alarms by prefix and state',
      given: [
        alarmed('<name>-a'),
        alarmed('<name>-b'),
        {
          call: 'SetAlarmState',
          input: { AlarmName: '<name>-b', StateValue: 'ALARM', StateReason: 'by hand' },
        },
      ],
      input: { AlarmNamePrefix: '<name>', StateValue: 'ALARM' },
      answers: { MetricAlarms: [{ AlarmName: '<name>-b', StateReason: 'by hand' }] },
    },
    {
      operation: 'DescribeAlarms',
      says: 'answers in pages, with a token for the next',
      given: [alarmed('<name>-a'), alarmed('<name>-b')],
      input: { AlarmNamePrefix: '<name>', MaxRecords: 1 },
      answers: { MetricAlarms: [{ AlarmName: '<name>-a' }], NextToken: /./ },
    },
    {
      operation: 'DescribeAlarms',
      says: 'refuses a token that is not valid',
      input: { NextToken: 'nothing' },
      fails: { code: ['InvalidNextToken'], status: 400 },
    },
    {
      operation: 'GetMetricData',
      says: 'sums what was counted, by the minute, the newest first; a minute without data is left out',
      given: twice,
      input: { ...threeMinutes, MetricDataQueries: [asked('a', 'Requests')] },
      until: { MetricDataResults: [{ Id: 'a', StatusCode: 'Complete', Values: [4, 5] }] },
      answers: {
        MetricDataResults: [
          { Id: 'a', Label: 'Requests', StatusCode: 'Complete', Values: [4, 5], Timestamps: [aTime, aTime] },
        ],
        Messages: [],
      },
    },
    {
      operation: 'GetMetricData',
      says: 'tells the oldest first where that is asked for; the end is not part of the time, the start is',
      given: [...twice, datum('Requests', 3, 9)],
      input: { ...threeMinutes, ScanBy: 'TimestampAscending', MetricDataQueries: [asked('a', 'Requests')] },
      until: { MetricDataResults: [{ Id: 'a', Values: [5, 4] }] },
      answers: { MetricDataResults: [{ Id: 'a', Values: [5, 4] }] },
    },
    {
      operation: 'GetMetricData',
      says: 'has no values of a metric that nobody counted, and shows no query that is not to be returned',
      given: twice,
      input: {
        ...threeMinutes,
        MetricDataQueries: [{ ...asked('a', 'Requests'), ReturnData: false }, asked('b', 'Never')],
      },
      answers: { MetricDataResults: [{ Id: 'b', StatusCode: 'Complete', Values: [], Timestamps: [] }] },
    },
    {
      operation: 'GetMetricData',
      says: 'answers in pages of so many datapoints, with a token, and says whose data are not all there',
      given: twice,
      input: { ...threeMinutes, MaxDatapoints: 1, MetricDataQueries: [asked('a', 'Requests')] },
      until: { MetricDataResults: [{ Id: 'a', Values: [4] }], NextToken: /./ },
      answers: { MetricDataResults: [{ Id: 'a', StatusCode: 'PartialData', Values: [4] }], NextToken: /./ },
    },
    {
      operation: 'GetMetricData',
      says: 'refuses a token that is not valid',
      input: { ...threeMinutes, MetricDataQueries: [asked('a', 'Requests')], NextToken: 'nothing' },
      fails: { code: ['InvalidNextToken'], status: 400 },
    },
  ],
};

const quotaCode = 'L-1216C47A';

export const serviceQuotas: Sheet = {
  service: 'servicequotas',
  title: 'Service Quotas',
  pages: 'https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_*.html',
  cases: [
    {
      operation: 'GetServiceQuota',
      says: "tells the value that counts in the account, and the quota's name",
      input: { ServiceCode: 'ec2', QuotaCode: quotaCode },
      answers: {
        Quota: {
          ServiceCode: 'ec2',
          QuotaCode: quotaCode,
          QuotaName: 'Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances',
          Value: 640,
          Adjustable: true,
          GlobalQuota: false,
        },
      },
    },
    {
      operation: 'GetServiceQuota',
      says: 'refuses a quota that does not exist',
      input: { ServiceCode: 'ec2', QuotaCode: 'L-00000000' },
      fails: { code: 'NoSuchResourceException', status: 404 },
    },
    {
      operation: 'GetServiceQuota',
      says: 'refuses a service that does not exist',
      input: { ServiceCode: 'nothing', QuotaCode: quotaCode },
      fails: { code: 'NoSuchResourceException', status: 404 },
    },
  ],
};
