/**
 * Each protocol, with the SDK's client on one side and a service that repeats what it heard on the other: what a
 * client sends is what the operation gets, and what the operation answers is what the client gets.
 */
import {
  AutoScalingClient,
  DescribeAutoScalingGroupsCommand,
  PutScalingPolicyCommand,
} from '@aws-sdk/client-auto-scaling';
import { CloudWatchClient, DescribeAlarmsCommand, PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch';
import {
  EBSClient,
  GetSnapshotBlockCommand,
  PutSnapshotBlockCommand,
  StartSnapshotCommand,
} from '@aws-sdk/client-ebs';
import {
  CreateLaunchTemplateVersionCommand,
  DescribeInstancesCommand,
  EC2Client,
  RegisterImageCommand,
} from '@aws-sdk/client-ec2';
import {
  DescribeRulesCommand,
  ElasticLoadBalancingV2Client,
  ModifyListenerCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRegion, type Region } from '../../../local/region.ts';
import { AwsError, type Operation } from '../../../local/service.ts';

let region: Region;
let settings: {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
  maxAttempts: number;
};
/** What the operation was given last. */
let heard: unknown;
/** What it answers; an error is thrown. */
let answer: unknown;

const parrot: Operation<unknown, unknown> = {
  access: () => [],
  run: (input) => {
    heard = input;
    if (answer instanceof Error) throw answer;
    return answer;
  },
};

beforeAll(async () => {
  region = await createRegion({ seed: 3 });
  const operations = {
    ec2: ['RegisterImage', 'DescribeInstances', 'CreateLaunchTemplateVersion'],
    autoscaling: ['DescribeAutoScalingGroups', 'PutScalingPolicy'],
    elasticloadbalancing: ['DescribeRules', 'ModifyListener'],
    monitoring: ['DescribeAlarms', 'PutMetricAlarm'],
    ebs: ['StartSnapshot', 'PutSnapshotBlock', 'GetSnapshotBlock'],
    lambda: ['Invoke'],
    states: ['StartExecution', 'DescribeExecution'],
    events: ['PutEvents'],
  };
  for (const [id, names] of Object.entries(operations))
    region.add({ id, operations: Object.fromEntries(names.map((name) => [name, parrot])) });
  settings = {
    endpoint: await region.listen(),
    region: 'us-east-1',
    credentials: region.createOperator(),
    maxAttempts: 1,
  };
});

beforeEach(() => {
  heard = undefined;
  answer = {};
});

afterAll(() => region.close());

/** Changes what a client is about to sign. */
function changeBody(request: unknown, change: (body: string) => string): void {
  const { body, headers } = request as { body: string; headers: Record<string, string> };
  const changed = change(body);
  Object.assign(request as object, { body: changed });
  headers['content-length'] = String(Buffer.byteLength(changed));
}

/** The client's output without what the client added. */
function bare(output: object): object {
  const { $metadata: _, ...rest } = output as Record<string, unknown>;
  return rest;
}

test('ec2Query carries nested lists and structures both ways', async () => {
  const ec2 = new EC2Client(settings);
  const input = {
    Name: 'flotilla & <co>',
    EnaSupport: true,
    BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId: 'snap-1', VolumeSize: 1 } }],
    TagSpecifications: [{ ResourceType: 'image' as const, Tags: [{ Key: 'a', Value: 'ä b+c' }] }],
  };
  answer = { ImageId: 'ami-1' };
  expect(bare(await ec2.send(new RegisterImageCommand(input)))).toEqual({ ImageId: 'ami-1' });
  expect(heard).toEqual(input);

  const LaunchTime = new Date('2026-01-02T03:04:05.678Z');
  answer = {
    Reservations: [
      { Instances: [{ InstanceId: 'i-1', State: { Code: 16, Name: 'running' }, LaunchTime, Tags: [] }] },
    ],
    NextToken: 'more',
  };
  const filters = { Filters: [{ Name: 'instance-state-name', Values: ['running', 'pending'] }] };
  const output = await ec2.send(new DescribeInstancesCommand(filters));
  expect(heard).toEqual(filters);
  expect(output.Reservations?.[0]?.Instances?.[0]).toMatchObject({ InstanceId: 'i-1', LaunchTime });
  expect(output.NextToken).toBe('more');

  const template = {
    LaunchTemplateId: 'lt-1',
    LaunchTemplateData: {
      MetadataOptions: { HttpTokens: 'required' as const },
      SecurityGroupIds: ['sg-1', 'sg-2'],
      IamInstanceProfile: { Name: 'p' },
    },
  };
  answer = {};
  await ec2.send(new CreateLaunchTemplateVersionCommand(template));
  expect(heard).toMatchObject(template);
});

test('ec2Query names errors and refuses parameters that it does not know', async () => {
  answer = new AwsError('InvalidAMIID.NotFound', 'The image id ami-1 does not exist');
  const ec2 = new EC2Client(settings);
  await expect(ec2.send(new DescribeInstancesCommand({}))).rejects.toMatchObject({
    name: 'InvalidAMIID.NotFound',
    message: 'The image id ami-1 does not exist',
  });
  ec2.middlewareStack.add(
    (next) => (args) => {
      changeBody(args.request, (body) => `${body}&Colour.1=blue`);
      return next(args);
    },
    { step: 'build', priority: 'low' },
  );
  await expect(ec2.send(new DescribeInstancesCommand({}))).rejects.toMatchObject({
    name: 'UnknownParameter',
    message: 'The parameter Colour is not recognized',
  });
});

test('an operation that the region lacks is refused by its name', async () => {
  const ec2 = new EC2Client(settings);
  const { DescribeVpcEndpointsCommand } = await import('@aws-sdk/client-ec2');
  await expect(ec2.send(new DescribeVpcEndpointsCommand({}))).rejects.toThrow(
    'The local region lacks ec2:DescribeVpcEndpoints.',
  );
});

test.each([
  [
    'iam',
    'application/x-www-form-urlencoded; charset=utf-8',
    '<Message>The local region has no service iam.</Message>',
  ],
  ['ssm', 'application/x-amz-json-1.1', '"message":"The local region has no service ssm."'],
  ['glacier', 'application/json', '"message":"The local region has no service glacier."'],
])(
  'a service that the region lacks (%s) is refused in words that its client reads',
  async (id, type, words) => {
    const response = await region.handle({
      method: 'POST',
      url: '/',
      headers: {
        host: 'localhost',
        'content-type': type,
        'x-amz-date': '20260101T000000Z',
        authorization: `AWS4-HMAC-SHA256 Credential=A/20260101/us-east-1/${id}/aws4_request, SignedHeaders=host, Signature=x`,
      },
      body: new Uint8Array(),
    });
    expect(response.status).toBe(400);
    expect(response.body).toContain(words);
  },
);

test('a dry run says that it would have succeeded', async () => {
  await expect(
    new EC2Client(settings).send(new RegisterImageCommand({ Name: 'abc', DryRun: true })),
  ).rejects.toMatchObject({ name: 'DryRunOperation', $metadata: { httpStatusCode: 412 } });
  expect(heard).toBeUndefined();
});

test('awsQuery carries lists, structures, dates and empty lists both ways', async () => {
  const autoscaling = new AutoScalingClient(settings);
  const CreatedTime = new Date('2026-01-02T03:04:05.000Z');
  const group = {
    AutoScalingGroupName: 'web-7',
    MinSize: 0,
    MaxSize: 4,
    DesiredCapacity: 2,
    DefaultCooldown: 300,
    AvailabilityZones: ['us-east-1a'],
    HealthCheckType: 'ELB',
    CreatedTime,
    TargetGroupARNs: [],
  };
  answer = { AutoScalingGroups: [group] };
  const output = await autoscaling.send(
    new DescribeAutoScalingGroupsCommand({ AutoScalingGroupNames: ['web-7', 'b'] }),
  );
  expect(heard).toEqual({ AutoScalingGroupNames: ['web-7', 'b'] });
  expect(output.AutoScalingGroups).toEqual([group]);
  const policy = {
    AutoScalingGroupName: 'web-7',
    PolicyName: 'cpu',
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingConfiguration: {
      TargetValue: 50.5,
      DisableScaleIn: false,
      PredefinedMetricSpecification: { PredefinedMetricType: 'ASGAverageCPUUtilization' as const },
    },
  };
  answer = { PolicyARN: 'arn' };
  await autoscaling.send(new PutScalingPolicyCommand(policy));
  expect(heard).toEqual(policy);
});

test('awsQuery errors come under the names that the client models', async () => {
  const elb = new ElasticLoadBalancingV2Client(settings);
  answer = new AwsError('RuleNotFoundException', 'One or more rules not found');
  await expect(elb.send(new DescribeRulesCommand({ RuleArns: ['r'] }))).rejects.toMatchObject({
    name: 'RuleNotFoundException',
  });
  answer = {};
  const input = {
    ListenerArn: 'l',
    DefaultActions: [
      {
        Type: 'forward' as const,
        ForwardConfig: {
          TargetGroups: [
            { TargetGroupArn: 'blue', Weight: 0 },
            { TargetGroupArn: 'green', Weight: 100 },
          ],
        },
      },
    ],
  };
  await elb.send(new ModifyListenerCommand(input));
  expect(heard).toEqual(input);
});

test("CloudWatch is spoken in JSON, and in the CLI's older query protocol", async () => {
  const StateUpdatedTimestamp = new Date('2026-01-02T03:04:05.000Z');
  answer = { MetricAlarms: [{ AlarmName: 'a', StateValue: 'OK', StateUpdatedTimestamp, Threshold: 1.5 }] };
  const client = new CloudWatchClient(settings);
  const output = await client.send(new DescribeAlarmsCommand({ AlarmNames: ['a'] }));
  expect(output.MetricAlarms).toEqual([
    { AlarmName: 'a', StateValue: 'OK', StateUpdatedTimestamp, Threshold: 1.5 },
  ]);
  const { AwsQueryProtocol } = await import('@aws-sdk/core/protocols');
  const older = new CloudWatchClient({ ...settings, protocol: AwsQueryProtocol });
  const again = await older.send(new DescribeAlarmsCommand({ AlarmNames: ['a'] }));
  expect(again.MetricAlarms).toEqual(output.MetricAlarms);
  expect(heard).toEqual({ AlarmNames: ['a'] });
  answer = new AwsError('LimitExceeded', 'Too many');
  const put = new PutMetricAlarmCommand({
    AlarmName: 'a',
    ComparisonOperator: 'GreaterThanThreshold',
    EvaluationPeriods: 1,
  });
  await expect(client.send(put)).rejects.toThrow('Too many');
});

test('restJson carries headers, paths, queries and raw bytes', async () => {
  const ebs = new EBSClient(settings);
  const StartTime = new Date('2026-01-02T03:04:05.000Z');
  answer = { SnapshotId: 'snap-1', Status: 'pending', StartTime, VolumeSize: 1, BlockSize: 524288 };
  const start = await ebs.send(new StartSnapshotCommand({ VolumeSize: 1, ClientToken: 't' }));
  expect(start.StartTime).toEqual(StartTime);
  const BlockData = new Uint8Array(524_288).fill(7);
  answer = { Checksum: 'sum', ChecksumAlgorithm: 'SHA256' };
  const put = await ebs.send(
    new PutSnapshotBlockCommand({
      SnapshotId: 'snap-1',
      BlockIndex: 3,
      BlockData,
      DataLength: BlockData.length,
      Checksum: 'sum',
      ChecksumAlgorithm: 'SHA256',
    }),
  );
  expect(bare(put)).toEqual({ Checksum: 'sum', ChecksumAlgorithm: 'SHA256' });
  expect(heard).toMatchObject({ SnapshotId: 'snap-1', BlockIndex: 3, DataLength: 524_288, Checksum: 'sum' });
  answer = {
    DataLength: 3,
    BlockData: new Uint8Array([1, 2, 3]),
    Checksum: 'c',
    ChecksumAlgorithm: 'SHA256',
  };
  const got = await ebs.send(
    new GetSnapshotBlockCommand({ SnapshotId: 'snap-1', BlockIndex: 0, BlockToken: 'a/b=' }),
  );
  expect(heard).toEqual({ SnapshotId: 'snap-1', BlockIndex: 0, BlockToken: 'a/b=' });
  expect(await got.BlockData?.transformToByteArray()).toEqual(new Uint8Array([1, 2, 3]));
  answer = new AwsError('ValidationException', 'No such snapshot', 400, { Reason: 'INVALID_SNAPSHOT_ID' });
  await expect(ebs.send(new StartSnapshotCommand({ VolumeSize: 1 }))).rejects.toMatchObject({
    name: 'ValidationException',
    Reason: 'INVALID_SNAPSHOT_ID',
  });
});

test('Lambda is invoked by name or ARN, with its status and error header', async () => {
  const lambda = new LambdaClient(settings);
  answer = { StatusCode: 200, FunctionError: 'Unhandled', Payload: Buffer.from('{"a":1}') };
  const FunctionName = 'arn:aws:lambda:us-east-1:000000000000:function:f';
  const output = await lambda.send(new InvokeCommand({ FunctionName, Payload: Buffer.from('{}') }));
  expect(heard).toMatchObject({ FunctionName });
  expect(output.FunctionError).toBe('Unhandled');
  expect(output.Payload?.transformToString()).toBe('{"a":1}');
});

test('awsJson carries members both ways and refuses unknown ones', async () => {
  const states = new SFNClient(settings);
  const startDate = new Date('2026-01-02T03:04:05.250Z');
  answer = { executionArn: 'arn', startDate };
  const output = await states.send(
    new StartExecutionCommand({ stateMachineArn: 'm', input: '{"a":1}', name: 'n' }),
  );
  expect(heard).toEqual({ stateMachineArn: 'm', input: '{"a":1}', name: 'n' });
  expect(output.startDate).toEqual(startDate);
  answer = new AwsError('ExecutionDoesNotExist', 'gone');
  await expect(states.send(new DescribeExecutionCommand({ executionArn: 'x' }))).rejects.toMatchObject({
    name: 'ExecutionDoesNotExist',
  });
  states.middlewareStack.add(
    (next) => (args) => {
      changeBody(args.request, () => '{"executionArn":"x","colour":"blue"}');
      return next(args);
    },
    { step: 'build', priority: 'low' },
  );
  await expect(states.send(new DescribeExecutionCommand({ executionArn: 'x' }))).rejects.toThrow(
    'The request has no member colour',
  );
  answer = { FailedEntryCount: 0, Entries: [{ EventId: 'e' }] };
  await new EventBridgeClient(settings).send(
    new PutEventsCommand({ Entries: [{ Source: 's', DetailType: 'd', Detail: '{}', Time: startDate }] }),
  );
  // The client sends times in whole seconds.
  expect(heard).toMatchObject({ Entries: [{ Source: 's', DetailType: 'd', Detail: '{}' }] });
  expect((heard as { Entries: { Time: Date }[] }).Entries[0]?.Time).toBeInstanceOf(Date);
});
