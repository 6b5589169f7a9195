/** Faults as they are asked for: by method, and over the region's own API. */
import { CreateTagsCommand, DescribeImagesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../local/clock.ts';
import type { FaultInput } from '../../../local/faults/fault.ts';
import { createRegion, type Region } from '../../../local/region.ts';

let clock: VirtualClock;
let region: Region;

beforeEach(async () => {
  // The SDK signs with the date of this machine.
  clock = new VirtualClock(Date.now());
  region = await createRegion({ clock, seed: 3 });
});

afterEach(() => region.close());

const buckets = () => region.call('s3', 'ListBuckets', {});
const inject = (fault: FaultInput) => region.faults.inject(fault);

describe('a fault of a call', () => {
  test('refuses the call with the error that was asked for, and does nothing', async () => {
    inject({ kind: 'fail', action: 's3:CreateBucket', code: 'InternalError', status: 500 });
    const made = () => region.call('s3', 'CreateBucket', { Bucket: 'one' });
    await expect(made()).rejects.toMatchObject({ code: 'InternalError', status: 500 });
    expect(await buckets()).toMatchObject({ Buckets: [] });
    await made();
    expect(await buckets()).toMatchObject({ Buckets: [{ Name: 'one' }] });
  });

  test.each([
    ['ec2', 'DescribeImages', 'RequestLimitExceeded', 503],
    ['autoscaling', 'DescribeAutoScalingGroups', 'Throttling', 400],
    ['s3', 'ListBuckets', 'SlowDown', 503],
    ['states', 'ListStateMachines', 'ThrottlingException', 400],
    ['dynamodb', 'ListTables', 'ThrottlingException', 400],
    ['lambda', 'ListFunctions', 'TooManyRequestsException', 429],
  ])('throttles %s as it throttles', async (service, operation, code, status) => {
    inject({ kind: 'throttle', action: `${service}:*` });
    await expect(region.call(service, operation, {})).rejects.toMatchObject({ code, status });
    await region.call(service, operation, {});
  });

  test('strikes from the nth match on, as often as it is told, and is gone', async () => {
    const { id } = inject({ kind: 'throttle', action: 's3:ListBuckets', nth: 2, times: 2 });
    const outcomes: string[] = [];
    for (let call = 0; call < 5; call += 1)
      outcomes.push(
        await buckets().then(
          () => 'ok',
          () => 'throttled',
        ),
      );
    expect(outcomes).toEqual(['ok', 'throttled', 'throttled', 'ok', 'ok']);
    expect(region.faults.remove(id ?? '')).toBe(false);
  });

  test('strikes only whose calls it names', async () => {
    inject({ kind: 'throttle', action: '*', by: 'autoscaling.amazonaws.com' });
    await buckets();
    const service = { kind: 'service', arn: 'autoscaling.amazonaws.com', userId: 'x', policies: [] } as const;
    await expect(region.call('s3', 'ListBuckets', {}, service)).rejects.toMatchObject({ code: 'SlowDown' });
  });

  test('makes it late on the clock', async () => {
    inject({ kind: 'delay', action: 's3:ListBuckets', seconds: 30 });
    let answered = false;
    void buckets().then(() => {
      answered = true;
    });
    await clock.advance(29_000);
    expect(answered).toBe(false);
    await clock.advance(2_000);
    expect(answered).toBe(true);
  });

  test('does the call and loses its answer', async () => {
    inject({ kind: 'lose-answer', action: 's3:CreateBucket' });
    await expect(region.call('s3', 'CreateBucket', { Bucket: 'one' })).rejects.toMatchObject({ status: 503 });
    expect(await buckets()).toMatchObject({ Buckets: [{ Name: 'one' }] });
    expect(region.log.list({ q: 'CreateBucket' }).at(-1)).toMatchObject({ fault: 'lose-answer' });
  });

  test('can be taken back', async () => {
    const { id } = inject({ kind: 'throttle', action: '*' });
    expect(region.faults.list()).toMatchObject([{ id, passing: 0, left: 1 }]);
    expect(region.faults.remove(id ?? '')).toBe(true);
    await buckets();
  });

  test.each<[string, object]>([
    ['an unknown kind', { kind: 'explode' }],
    ['an unknown member', { kind: 'throttle', action: '*', often: 3 }],
    ['no action', { kind: 'throttle' }],
    ['a call number of zero', { kind: 'throttle', action: '*', nth: 0 }],
    ['an instance that is none', { kind: 'kill-instance', instance: '../x' }],
  ])('is refused with %s', (_, fault) => {
    expect(() => inject(fault as FaultInput)).toThrow();
    expect(region.faults.list()).toEqual([]);
  });
});

describe('on the wire', () => {
  let endpoint: string;
  let credentials: { accessKeyId: string; secretAccessKey: string };
  const settings = () => ({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });

  beforeEach(async () => {
    endpoint = await region.listen();
    credentials = region.createOperator();
  });

  test('a lost answer is a broken connection, and the SDK tries again', async () => {
    const s3 = new S3Client({ ...settings(), forcePathStyle: true });
    inject({ kind: 'lose-answer', action: 's3:ListBuckets' });
    await expect(s3.send(new ListBucketsCommand())).rejects.toMatchObject({ code: 'ECONNRESET' });
    inject({ kind: 'lose-answer', action: 's3:ListBuckets' });
    const patient = new S3Client({ ...settings(), forcePathStyle: true, maxAttempts: 2 });
    expect(await patient.send(new ListBucketsCommand())).toMatchObject({ Buckets: [] });
    s3.destroy();
    patient.destroy();
  });

  test('a throttled call reads as throttling to the SDK', async () => {
    const ec2 = new EC2Client(settings());
    inject({ kind: 'throttle', action: 'ec2:Describe*' });
    await expect(ec2.send(new DescribeImagesCommand())).rejects.toMatchObject({
      name: 'RequestLimitExceeded',
    });
    inject({ kind: 'fail', action: 'ec2:CreateTags', code: 'InternalError', status: 500 });
    const tagged = new CreateTagsCommand({ Resources: ['ami-1'], Tags: [{ Key: 'a', Value: 'b' }] });
    await expect(ec2.send(tagged)).rejects.toMatchObject({ name: 'InternalError' });
    ec2.destroy();
  });

  async function door(method: string, path: string, said?: unknown, keys = credentials) {
    const url = new URL(path, endpoint);
    const body = said === undefined ? '' : JSON.stringify(said);
    const signer = new SignatureV4({
      service: 'region',
      region: 'us-east-1',
      credentials: keys,
      sha256: Sha256,
    });
    const { headers } = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      port: Number(url.port),
      path: url.pathname,
      headers: { host: url.host },
      body,
    });
    const answer = await fetch(url, { method, headers, ...(body === '' ? {} : { body }) });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }

  test('the API adds faults, lists them and takes them back', async () => {
    const made = await door('POST', '/_region/faults', { kind: 'throttle', action: 's3:ListBuckets' });
    expect(made).toMatchObject({ status: 201, body: { id: 'fault-1' } });
    expect(await door('GET', '/_region/faults')).toMatchObject({
      body: { faults: [{ id: 'fault-1', kind: 'throttle', left: 1 }] },
    });
    expect(await door('DELETE', '/_region/faults/fault-1')).toMatchObject({
      status: 200,
      body: { faults: [] },
    });
    expect(await door('DELETE', '/_region/faults/fault-1')).toMatchObject({ status: 404 });
    await buckets();
  });

  test('the API names what it does not understand', async () => {
    const { status, body } = await door('POST', '/_region/faults', { kind: 'throttle' });
    expect(status).toBe(400);
    expect(body.message).toContain('action');
  });

  test('the API takes nothing unsigned, and nothing from who may not', async () => {
    const unsigned = await fetch(new URL('/_region/faults', endpoint), {
      method: 'POST',
      body: JSON.stringify({ kind: 'throttle', action: '*' }),
    });
    expect(unsigned.status).toBe(403);
    const reader = region.iam.createUser('reader', [
      { Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] },
    ]);
    const refused = await door('POST', '/_region/faults', { kind: 'throttle', action: '*' }, reader);
    expect(refused).toMatchObject({ status: 403, body: { message: expect.stringContaining('InjectFault') } });
    expect(region.faults.list()).toEqual([]);
  });
});
