/** Inputs that AWS's models do not allow, and the words of each service for them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import { createRegion, type Region } from '../../../../local/region.ts';
import { violations } from '../../../../local/wire/constraints/check.ts';
import { isCheap } from '../../../../local/wire/constraints/extract.ts';

let region: Region;
beforeAll(async () => {
  region = await createRegion({ clock: new VirtualClock(), seed: 3 });
  await region.call('s3', 'CreateBucket', { Bucket: 'judged' });
});
afterAll(() => region.close());

const xml = 'The XML you provided was not well-formed or did not validate against our published schema';
const role = 'arn:aws:iam::000000000000:role/r';
const machine = 'arn:aws:states:us-east-1:000000000000:stateMachine:m';

describe('an input that the model does not allow is refused by', () => {
  test.each<[string, string, Record<string, unknown>, string, string]>([
    [
      'ec2',
      'RunInstances',
      { MinCount: 1 },
      'MissingParameter',
      'The request must contain the parameter MaxCount',
    ],
    [
      'ec2',
      'DescribeSubnets',
      { MaxResults: 4 },
      'InvalidParameterValue',
      'Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than or equal to 5.',
    ],
    [
      'ec2',
      'RegisterImage',
      { Name: 'abc', Architecture: 'z80' },
      'InvalidParameterValue',
      'Value (z80) for parameter architecture is invalid.',
    ],
    [
      'ec2',
      'RegisterImage',
      { Name: 'ab' },
      'InvalidAMIName.Malformed',
      'AMI names must be between 3 and 128',
    ],
    [
      'autoscaling',
      'CreateAutoScalingGroup',
      { MinSize: 0, MaxSize: 1 },
      'ValidationError',
      "1 validation error detected: Value null at 'autoScalingGroupName' failed to satisfy constraint: Member must not be null",
    ],
    [
      'elasticloadbalancing',
      'ModifyTargetGroup',
      { TargetGroupArn: 'a', HealthCheckProtocol: 'GOPHER', HealthCheckPort: '1' },
      'ValidationError',
      "1 validation error detected: Value 'GOPHER' at 'healthCheckProtocol' failed to satisfy constraint: Member must satisfy enum value set: [HTTP, HTTPS, TCP,",
    ],
    [
      'monitoring',
      'SetAlarmState',
      { AlarmName: 'a', StateValue: 'WORRIED', StateReason: 'r' },
      'ValidationError',
      "Value 'WORRIED' at 'stateValue' failed to satisfy constraint: Member must satisfy enum value set: [OK, ALARM, INSUFFICIENT_DATA]",
    ],
    [
      'sts',
      'AssumeRole',
      { RoleArn: role, RoleSessionName: 'a', DurationSeconds: 1.5 },
      'MalformedInput',
      '1.5 is not an integer',
    ],
    [
      'dynamodb',
      'TransactWriteItems',
      { TransactItems: [] },
      'ValidationException',
      "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: Member must have length greater than or equal to 1",
    ],
    [
      'lambda',
      'GetFunction',
      { FunctionName: 'a b' },
      'ValidationException',
      "1 validation error detected: Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern:",
    ],
    [
      'lambda',
      'PutFunctionEventInvokeConfig',
      { FunctionName: 'a', MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: 59 },
      'ValidationException',
      "2 validation errors detected: Value '3' at 'maximumRetryAttempts' failed to satisfy constraint: Member must have value less than or equal to 2; Value '59' at",
    ],
    [
      'states',
      'StartExecution',
      { stateMachineArn: machine, name: 'x'.repeat(81), input: '"'.padEnd(262_145) },
      'ValidationException',
      "2 validation errors detected: Value 'xxx",
    ],
    [
      'states',
      'StartExecution',
      { stateMachineArn: machine, input: '"'.padEnd(262_145) },
      'ValidationException',
      "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144",
    ],
    [
      'states',
      'TagResource',
      { resourceArn: machine, tags: [{ key: 'k'.repeat(129) }] },
      'ValidationException',
      "at 'tags.1.member.key' failed to satisfy constraint: Member must have length less than or equal to 128",
    ],
    [
      'states',
      'UntagResource',
      { resourceArn: machine, tagKeys: ['a', 'k'.repeat(129)] },
      'ValidationException',
      "at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 128]",
    ],
    [
      'logs',
      'CreateLogGroup',
      { logGroupName: 'a b' },
      'InvalidParameterException',
      "1 validation error detected: Value 'a b' at 'logGroupName' failed to satisfy constraint: Member must satisfy regular expression pattern:",
    ],
    ['s3', 'PutBucketTagging', { Bucket: 'judged' }, 'MissingRequestBodyError', 'Request Body is empty'],
    [
      's3',
      'PutBucketVersioning',
      { Bucket: 'judged', VersioningConfiguration: { Status: 'Maybe' } },
      'MalformedXML',
      xml,
    ],
    [
      's3',
      'PutObject',
      { Bucket: 'judged', Key: 'a', Body: '', StorageClass: 'SHELF' },
      'InvalidStorageClass',
      'The storage class you specified is not valid',
    ],
    [
      's3',
      'ListObjectsV2',
      { Bucket: 'judged', EncodingType: 'rot13' },
      'InvalidArgument',
      'Invalid Encoding Method specified in Request',
    ],
  ])('%s, %s, row %#', async (service, operation, input, code, message) => {
    await expect(region.call(service, operation, input)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test.each([
    ['StartSnapshot', { VolumeSize: 1, Timeout: 9 }, 'INVALID_PARAMETER_VALUE'],
    ['ListSnapshotBlocks', { SnapshotId: 'vol-1' }, 'INVALID_SNAPSHOT_ID'],
    ['ListSnapshotBlocks', { SnapshotId: 'snap-1', MaxResults: 99 }, 'INVALID_PARAMETER_VALUE'],
    ['ListChangedBlocks', { SecondSnapshotId: 'snap-1', MaxResults: 10_001 }, 'INVALID_PARAMETER_VALUE'],
    ['ListSnapshotBlocks', { SnapshotId: 'snap-1', NextToken: '%' }, 'INVALID_PAGE_TOKEN'],
    ['GetSnapshotBlock', { SnapshotId: 'snap-1', BlockIndex: -1, BlockToken: 'a' }, 'INVALID_BLOCK'],
  ])('ebs with a reason: %s %j', async (operation, input, reason) => {
    await expect(region.call('ebs', operation, input)).rejects.toMatchObject({
      code: 'ValidationException',
      fields: { Reason: reason },
    });
  });
});

test('what is refused stands in the log, and nothing has happened', async () => {
  const before = region.log.list({}).length;
  await expect(region.call('sts', 'AssumeRole', { RoleArn: role })).rejects.toThrow('roleSessionName');
  expect(region.log.list({}).length).toBe(before + 1);
});

test('the length of a text is that of its characters, and of a map that of its entries', () => {
  const start = (description: string) => ({ VolumeSize: 1, Description: description });
  expect(violations('ebs', 'StartSnapshot', start('🚀'.repeat(255)))).toEqual([]);
  expect(violations('ebs', 'StartSnapshot', start('🚀'.repeat(256)))).toMatchObject([
    { path: ['Description'], broken: { rule: 'most', bound: 255, of: 'length' } },
  ]);
});

test('bytes and streams are not walked through', () => {
  const trap = new Proxy(new Uint8Array(1), {
    ownKeys: () => {
      throw new Error('walked through');
    },
  });
  const put = {
    SnapshotId: 'snap-1',
    BlockIndex: 0,
    BlockData: trap,
    DataLength: 524_288,
    Checksum: 'a',
    ChecksumAlgorithm: 'SHA256',
  };
  expect(violations('ebs', 'PutSnapshotBlock', put).filter((one) => one.path[0] === 'BlockData')).toEqual([]);
});

test.each([
  ['[a-z]+(-[a-z]+)?', true],
  ['(a+)*', false],
  ['(?:a|b{2,})+', false],
  ['^(?=a)b', false],
  ['(a)\\1', false],
  ['[\\p{L}\\p{Z}]*', true],
  ['[a-z&&[^x]]', false],
  ['(', false],
])('of patterns those are kept that mean the same here and take no time: %s', (pattern, kept) => {
  expect(isCheap(pattern)).toBe(kept);
});
