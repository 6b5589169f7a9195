/** The front door, over a real socket: who may come in, and how others are refused. */
import { request as httpRequest } from 'node:http';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openWireRegion, type WireRegion } from './wire-region.ts';

let wire: WireRegion;
let region: WireRegion['region'];
let settings: WireRegion['settings'];
let s3: S3Client;

beforeAll(async () => {
  wire = await openWireRegion();
  ({ region, settings, s3 } = wire);
});

afterAll(() => wire.close());

/** An S3 client with the rights of a role made for the test. */
async function clientOfRole(name: string, statements: unknown[]): Promise<S3Client> {
  const role = region.iam.createRole({
    name,
    assumeRolePolicy: {
      Statement: [
        { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } },
      ],
    },
    policies: { own: { Statement: statements } },
  });
  const credentials = region.iam.sessionFor(role.arn, 'test');
  return new S3Client({ ...settings, credentials, forcePathStyle: true });
}

test('an operator is told who he is', async () => {
  const sts = new STSClient(settings);
  const { Arn, Account } = await sts.send(new GetCallerIdentityCommand({}));
  expect({ Arn, Account }).toEqual({
    Arn: 'arn:aws:iam::000000000000:user/operator',
    Account: '000000000000',
  });
});

test('a wrong secret is refused as a signature that does not match', async () => {
  const credentials = { ...settings.credentials, secretAccessKey: 'wrong' };
  const sts = new STSClient({ ...settings, credentials });
  await expect(sts.send(new GetCallerIdentityCommand({}))).rejects.toMatchObject({
    name: 'SignatureDoesNotMatch',
    $metadata: { httpStatusCode: 403 },
  });
  const stranger = new S3Client({ ...settings, credentials, forcePathStyle: true });
  await expect(stranger.send(new ListObjectsV2Command({ Bucket: 'any' }))).rejects.toMatchObject({
    name: 'SignatureDoesNotMatch',
  });
});

test('an unknown key, a foreign token and another region are refused by name', async () => {
  const unknown = { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' };
  await expect(
    new STSClient({ ...settings, credentials: unknown }).send(new GetCallerIdentityCommand({})),
  ).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
  await expect(
    new STSClient({ ...settings, credentials: { ...settings.credentials, sessionToken: 'x' } }).send(
      new GetCallerIdentityCommand({}),
    ),
  ).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
  await expect(
    new STSClient({ ...settings, region: 'eu-west-1' }).send(new GetCallerIdentityCommand({})),
  ).rejects.toThrow("expecting 'us-east-1'");
});

test('a clock that is wrong by twenty minutes is refused', async () => {
  const sts = new STSClient({ ...settings, systemClockOffset: -20 * 60_000, maxAttempts: 1 });
  await expect(sts.send(new GetCallerIdentityCommand({}))).rejects.toThrow('Signature expired');
});

test('a foreign Host and a foreign Origin are refused', async () => {
  expect(await statusWith({ host: 'evil.example' })).toBe(403);
  expect(await statusWith({ host: '127.0.0.1.evil.example' })).toBe(403);
  expect(await statusWith({ origin: 'https://evil.example' })).toBe(403);
  expect(await statusWith({ origin: 'null' })).toBe(403);
  expect(await statusWith({ host: 'localhost:1' })).toBe(200);
  expect(await statusWith({ origin: 'http://localhost:3000' })).toBe(200);
});

test('a role is refused what its policy does not allow, in the words of AWS', async () => {
  await s3.send(new CreateBucketCommand({ Bucket: 'walls' }));
  const role = await clientOfRole('reader', [
    { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::walls/open/*' },
  ]);
  await s3.send(new PutObjectCommand({ Bucket: 'walls', Key: 'open/a', Body: 'a' }));
  await s3.send(new PutObjectCommand({ Bucket: 'walls', Key: 'shut/a', Body: 'a' }));
  await role.send(new GetObjectCommand({ Bucket: 'walls', Key: 'open/a' }));
  await expect(role.send(new GetObjectCommand({ Bucket: 'walls', Key: 'shut/a' }))).rejects.toMatchObject({
    name: 'AccessDenied',
    message:
      'User: arn:aws:sts::000000000000:assumed-role/reader/test is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::walls/shut/a because no identity-based policy allows the s3:GetObject action',
  });
  // Who may not list does not learn which keys are missing.
  await expect(role.send(new GetObjectCommand({ Bucket: 'walls', Key: 'open/none' }))).rejects.toMatchObject({
    name: 'AccessDenied',
  });
  await expect(s3.send(new GetObjectCommand({ Bucket: 'walls', Key: 'open/none' }))).rejects.toMatchObject({
    name: 'NoSuchKey',
  });
  await s3.send(
    new PutBucketPolicyCommand({
      Bucket: 'walls',
      Policy: JSON.stringify({
        Statement: [
          {
            Effect: 'Allow',
            Action: 's3:GetObject',
            Resource: 'arn:aws:s3:::walls/shut/*',
            Principal: { AWS: 'arn:aws:iam::000000000000:role/reader' },
          },
        ],
      }),
    }),
  );
  await role.send(new GetObjectCommand({ Bucket: 'walls', Key: 'shut/a' }));
});

test('a role is assumed only by whom it trusts', async () => {
  region.iam.createRole({
    name: 'trusting',
    assumeRolePolicy: {
      Statement: [
        {
          Effect: 'Allow',
          Action: 'sts:AssumeRole',
          Principal: { AWS: 'arn:aws:iam::000000000000:user/operator' },
        },
      ],
    },
  });
  const sts = new STSClient(settings);
  const answer = await sts.send(
    new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::000000000000:role/trusting', RoleSessionName: 'me' }),
  );
  region.iam.createRole({
    name: 'of-lambda',
    assumeRolePolicy: {
      Statement: [
        { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } },
      ],
    },
  });
  await expect(
    sts.send(
      new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::000000000000:role/of-lambda', RoleSessionName: 'me' }),
    ),
  ).rejects.toMatchObject({ name: 'AccessDenied' });
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = answer.Credentials ?? {};
  const credentials = {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
  };
  const session = new STSClient({ ...settings, credentials });
  expect((await session.send(new GetCallerIdentityCommand({}))).Arn).toBe(
    'arn:aws:sts::000000000000:assumed-role/trusting/me',
  );
  await expect(
    session.send(
      new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::000000000000:role/trusting', RoleSessionName: 'me' }),
    ),
  ).rejects.toMatchObject({ name: 'AccessDenied' });
});

test('the page shows calls and denials, and can only be read', async () => {
  const nobody = region.iam.createUser('nobody', []);
  const refused = new S3Client({ ...settings, credentials: nobody, forcePathStyle: true });
  await expect(refused.send(new ListBucketsCommand())).rejects.toMatchObject({ name: 'AccessDenied' });
  refused.destroy();
  const page = await fetch(`${region.endpoint}/_region?format=json&denied`);
  const look = (await page.json()) as { calls: { who: string; action: string; outcome: string }[] };
  expect(look.calls.length).toBeGreaterThan(0);
  expect(new Set(look.calls.map((call) => call.outcome))).toEqual(new Set(['denied']));
  expect((await fetch(`${region.endpoint}/_region`)).headers.get('content-type')).toContain('text/html');
  expect((await fetch(`${region.endpoint}/_region`, { method: 'POST' })).status).toBe(405);
});

/** The status that the region's page is answered with, under the given headers. */
function statusWith(headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest(`${settings.endpoint}/_region`, { headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    })
      .on('error', reject)
      .end();
  });
}
