/** What would change an answer and is not acted on is refused; nothing is passed over in silence. */
import { createHash, createHmac } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../../local/clock.ts';
import { createRegion, type Region } from '../../../local/region.ts';
import { createFunction, zipOf } from '../../support/functions.ts';

let region: Region;
let keys: { accessKeyId: string; secretAccessKey: string };

beforeEach(async () => {
  region = await createRegion({ clock: new VirtualClock(), seed: 7 });
  keys = region.createOperator();
  await region.call('s3', 'CreateBucket', { Bucket: 'things' });
  await region.call('s3', 'PutObject', { Bucket: 'things', Key: '_region', Body: Buffer.from('mine') });
});

afterEach(() => region.close());

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** A signed GET for S3, with headers that were signed and others that were not. */
async function get(path: string, host: string, loose: Record<string, string> = {}, spoil?: string) {
  const date = '20260101T000000Z';
  const headers: Record<string, string> = {
    host,
    'x-amz-content-sha256': sha256(''),
    'x-amz-date': date,
  };
  const names = Object.keys(headers);
  const canonical = [
    'GET',
    path,
    '',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    sha256(''),
  ].join('\n');
  const scope = '20260101/us-east-1/s3/aws4_request';
  let key: string | Buffer = `AWS4${keys.secretAccessKey}`;
  for (const part of scope.split('/')) key = createHmac('sha256', key).update(part).digest();
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const signature = spoil ?? createHmac('sha256', key).update(text).digest('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  const { status, body } = await region.handle({
    method: 'GET',
    url: path,
    headers: { ...headers, authorization, ...loose },
    body: new Uint8Array(),
  });
  const parts: Uint8Array[] = [];
  if (typeof body === 'string' || body instanceof Uint8Array) parts.push(Buffer.from(body));
  else for await (const part of body) parts.push(part as Uint8Array);
  return { status, text: Buffer.concat(parts).toString('utf8') };
}

test('an x-amz header that was not signed is refused, as S3 does', async () => {
  expect(await get('/things/_region', 'localhost')).toEqual({ status: 200, text: 'mine' });
  const answer = await get('/things/_region', 'localhost', { 'x-amz-expected-bucket-owner': '1' });
  expect(answer.status).toBe(403);
  expect(answer.text).toContain('not signed: x-amz-expected-bucket-owner');
});

test('a signature of other letters is a wrong one, and breaks nothing', async () => {
  const answer = await get('/things/_region', 'localhost', {}, 'é'.repeat(64));
  expect(answer.status).toBe(403);
  expect(answer.text).toContain('SignatureDoesNotMatch');
});

test("an object may be called like the region's own page", async () => {
  expect(await get('/_region', 'things.localhost')).toEqual({ status: 200, text: 'mine' });
});

/** A value for each minute of so many days. */
function metricData(days: number, more: object = {}) {
  const Metric = { Namespace: 'Shop', MetricName: 'Errors' };
  return {
    StartTime: new Date(0),
    EndTime: new Date(days * 86_400_000),
    MetricDataQueries: [
      { Id: 'm', MetricStat: { Metric, Stat: 'Sum', Period: 60 }, ReturnData: false },
      { Id: 'e', Expression: 'FILL(m, 0)' },
    ],
    ...more,
  };
}

const refused: [string, string, Record<string, unknown>, string][] = [
  [
    's3',
    'GetObject',
    { Bucket: 'things', Key: '_region', ExpectedBucketOwner: '111111111111' },
    'AccessDenied',
  ],
  ['s3', 'GetObject', { Bucket: 'things', Key: '_region', ResponseExpires: new Date(0) }, 'NotImplemented'],
  [
    's3',
    'PutObject',
    { Bucket: 'things', Key: 'a', Body: Buffer.of(1), ChecksumSHA512: 'x' },
    'InvalidRequest',
  ],
  ['ec2', 'DescribeImages', { ExecutableUsers: ['self'] }, 'UnsupportedOperation'],
  ['ec2', 'DescribeSnapshots', { RestorableByUserIds: ['self'] }, 'UnsupportedOperation'],
  ['ec2', 'DescribeAvailabilityZones', { ZoneNames: ['us-east-1z'] }, 'InvalidParameterValue'],
  ['ec2', 'DescribeAvailabilityZones', { Filters: [{ Name: 'state' }] }, 'UnsupportedOperation'],
  ['ec2', 'DescribeRegions', { RegionNames: ['eu-central-1'] }, 'InvalidParameterValue'],
  ['monitoring', 'DescribeAlarms', { ActionPrefix: 'arn:' }, 'UnsupportedOperation'],
  ['monitoring', 'ListMetrics', { RecentlyActive: 'PT3H' }, 'UnsupportedOperation'],
  ['monitoring', 'GetMetricData', metricData(1, { LabelOptions: {} }), 'UnsupportedOperation'],
  [
    'elasticloadbalancing',
    'DescribeTargetHealth',
    { TargetGroupArn: 'arn', Include: ['All'] },
    'UnsupportedOperation',
  ],
];

test.for(refused)('%s %s refuses %o', async ([service, operation, input, code]) => {
  await expect(region.call(service, operation, input)).rejects.toMatchObject({ code });
});

test('the zones are those that were asked for', async () => {
  const found = await region.call('ec2', 'DescribeAvailabilityZones', { ZoneNames: ['us-east-1b'] });
  expect(found).toMatchObject({ AvailabilityZones: [{ ZoneName: 'us-east-1b' }] });
});

test('a target group of instances cannot be without health checks', async () => {
  const group = { Name: 'web', Protocol: 'HTTP', Port: 80, VpcId: region.parts.ec2.network.vpcId };
  const create = (HealthCheckEnabled: boolean) =>
    region.call('elasticloadbalancing', 'CreateTargetGroup', { ...group, HealthCheckEnabled });
  await expect(create(false)).rejects.toMatchObject({ code: 'ValidationError' });
  expect(await create(true)).toMatchObject({ TargetGroups: [{ HealthCheckEnabled: true }] });
});

test('new code of a function may be for another architecture', async () => {
  const source = 'export const handler = () => 1;';
  await createFunction(region, 'one', source);
  const update = (more: object) =>
    region.call('lambda', 'UpdateFunctionCode', { FunctionName: 'one', ZipFile: zipOf(source), ...more });
  expect(await update({ Architectures: ['arm64'] })).toMatchObject({ Architectures: ['arm64'] });
  expect(await update({})).toMatchObject({ Architectures: ['arm64'] });
});
