/** Objects, over a real socket and by the SDK's own client: what S3 promises of them, and what it refuses. */
import { createHash, randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandOutput,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Hooks } from '../../local/context.ts';
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

/** A bucket of its own for each test. */
async function bucket(name: string, versioned = false): Promise<string> {
  await s3.send(new CreateBucketCommand({ Bucket: name }));
  if (versioned)
    await s3.send(
      new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status: 'Enabled' } }),
    );
  return name;
}

test('what is put is got, with its headers, metadata and checksum', async () => {
  await bucket('plain');
  const put = await s3.send(
    new PutObjectCommand({
      Bucket: 'plain',
      Key: 'a b/ü+(1)*.txt',
      Body: 'hello',
      ContentType: 'text/plain',
      Metadata: { commit: 'abc' },
      Tagging: 'fleet=web&x=1%202',
    }),
  );
  expect(put.ETag).toBe(`"${createHash('md5').update('hello').digest('hex')}"`);
  expect(put.ChecksumCRC32).toBe('NhCmhg==');
  const got = await s3.send(new GetObjectCommand({ Bucket: 'plain', Key: 'a b/ü+(1)*.txt' }));
  expect(await got.Body?.transformToString()).toBe('hello');
  expect(got).toMatchObject({
    ContentType: 'text/plain',
    ContentLength: 5,
    Metadata: { commit: 'abc' },
    TagCount: 2,
    ChecksumCRC32: 'NhCmhg==',
  });
  expect(got.ContentEncoding).toBeUndefined();
  const tags = await s3.send(new GetObjectTaggingCommand({ Bucket: 'plain', Key: 'a b/ü+(1)*.txt' }));
  expect(tags.TagSet).toEqual([
    { Key: 'fleet', Value: 'web' },
    { Key: 'x', Value: '1 2' },
  ]);
});

test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const)(
  'a %s that the client computes is the one that S3 computes',
  async (ChecksumAlgorithm) => {
    const Bucket = await bucket(`sums-${ChecksumAlgorithm.toLowerCase()}`);
    const Body = randomBytes(300_000);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body, ChecksumAlgorithm }));
    const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'a', ChecksumMode: 'ENABLED' }));
    expect(got[`Checksum${ChecksumAlgorithm}`]).toBeTruthy();
    expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(Body)).toBe(true);
  },
);

test('a wrong checksum or MD5 is refused and leaves nothing', async () => {
  const ContentMD5 = createHash('md5').update('hello').digest('base64');
  const Bucket = await bucket('digests');
  await expect(
    s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'hello', ChecksumCRC32: 'AAAAAA==' })),
  ).rejects.toMatchObject({ name: 'BadDigest' });
  await expect(
    s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'hello', ContentMD5 })),
  ).resolves.toBeDefined();
  await expect(
    s3.send(new PutObjectCommand({ Bucket, Key: 'b', Body: 'hellO', ContentMD5 })),
  ).rejects.toMatchObject({ name: 'BadDigest' });
  expect((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(1);
});

test('a range is answered in part, and one past the end is refused', async () => {
  const Bucket = await bucket('ranges');
  const Body = randomBytes(1_000_000);
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body }));
  const read = async (Range: string) => s3.send(new GetObjectCommand({ Bucket, Key: 'a', Range }));
  const middle = await read('bytes=500000-500009');
  expect(middle.$metadata.httpStatusCode).toBe(206);
  expect(middle.ContentRange).toBe('bytes 500000-500009/1000000');
  expect(Buffer.from((await middle.Body?.transformToByteArray()) ?? [])).toEqual(
    Body.subarray(500_000, 500_010),
  );
  const tail = await read('bytes=-3');
  expect(Buffer.from((await tail.Body?.transformToByteArray()) ?? [])).toEqual(Body.subarray(-3));
  await expect(read('bytes=1000000-')).rejects.toMatchObject({ name: 'InvalidRange' });
});

test('of two writers with If-None-Match one wins, and If-Match guards an overwrite', async () => {
  const Bucket = await bucket('guards');
  const put = (Body: string) => s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body, IfNoneMatch: '*' }));
  const results = await Promise.allSettled([put('1'), put('2')]);
  expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
  await expect(put('3')).rejects.toMatchObject({ name: 'PreconditionFailed' });
  const { ETag } = await s3.send(new HeadObjectCommand({ Bucket, Key: 'a' }));
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: '3', IfMatch: ETag }));
  await expect(
    s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: '4', IfMatch: ETag })),
  ).rejects.toMatchObject({ name: 'PreconditionFailed' });
});

test('versions stay until they are deleted by name', async () => {
  const Bucket = await bucket('versions', true);
  const one = await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: '1' }));
  const two = await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body: '2' }));
  const gone = await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
  expect(gone.DeleteMarker).toBe(true);
  await expect(s3.send(new GetObjectCommand({ Bucket, Key: 'a' }))).rejects.toMatchObject({
    name: 'NoSuchKey',
  });
  const old = await s3.send(new GetObjectCommand({ Bucket, Key: 'a', VersionId: one.VersionId }));
  expect(await old.Body?.transformToString()).toBe('1');
  const list = await s3.send(new ListObjectVersionsCommand({ Bucket }));
  expect(list.Versions?.map((version) => version.VersionId)).toEqual([two.VersionId, one.VersionId]);
  expect(list.DeleteMarkers?.map((marker) => marker.IsLatest)).toEqual([true]);
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a', VersionId: gone.VersionId }));
  const back = await s3.send(new GetObjectCommand({ Bucket, Key: 'a' }));
  expect(await back.Body?.transformToString()).toBe('2');
});

test('lists come in pages, with common prefixes', async () => {
  const Bucket = await bucket('lists');
  for (const Key of ['a', 'b/1', 'b/2', 'c/1', 'd', 'e'])
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
  const seen: string[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page: ListObjectsV2CommandOutput = await s3.send(
      new ListObjectsV2Command({ Bucket, Delimiter: '/', MaxKeys: 2, ContinuationToken }),
    );
    seen.push(...(page.Contents ?? []).map((item) => item.Key ?? ''));
    seen.push(...(page.CommonPrefixes ?? []).map((item) => item.Prefix ?? ''));
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  expect(seen.sort()).toEqual(['a', 'b/', 'c/', 'd', 'e']);
  const deleted = await s3.send(
    new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'a' }, { Key: 'b/1' }] } }),
  );
  expect(deleted.Deleted?.map((item) => item.Key)).toEqual(['a', 'b/1']);
  expect((await s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(4);
});

test('an upload in parts becomes one object', async () => {
  const Bucket = await bucket('parts');
  const first = randomBytes(5 * 1024 * 1024);
  const second = randomBytes(1000);
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'big' }));
  const parts: { PartNumber: number; ETag: string | undefined }[] = [];
  for (const [index, Body] of [first, second].entries()) {
    const PartNumber = index + 1;
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key: 'big', UploadId, PartNumber, Body }));
    parts.push({ PartNumber, ETag });
  }
  expect((await s3.send(new ListPartsCommand({ Bucket, Key: 'big', UploadId }))).Parts).toHaveLength(2);
  const complete = (Parts: typeof parts) =>
    s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'big', UploadId, MultipartUpload: { Parts } }));
  await expect(complete([...parts].reverse())).rejects.toMatchObject({ name: 'InvalidPartOrder' });
  const done = await complete(parts);
  expect(done.ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
  const Range = `bytes=${first.length - 2}-${first.length + 1}`;
  const seam = await s3.send(new GetObjectCommand({ Bucket, Key: 'big', Range }));
  expect(Buffer.from((await seam.Body?.transformToByteArray()) ?? [])).toEqual(
    Buffer.concat([first.subarray(-2), second.subarray(0, 2)]),
  );
  await expect(complete(parts)).rejects.toMatchObject({ name: 'NoSuchUpload' });
});

test('presigned urls put and get, and nothing else', async () => {
  const Bucket = await bucket('presigned');
  const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'a b' }), { expiresIn: 60 });
  expect((await fetch(put, { method: 'PUT', body: 'hello' })).status).toBe(200);
  const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'a b' }), { expiresIn: 60 });
  expect(await (await fetch(get)).text()).toBe('hello');
  expect((await fetch(get, { method: 'DELETE' })).status).toBe(403);
  expect((await fetch(get.replace('a%20b', 'other'))).status).toBe(403);
  expect((await fetch(`${settings.endpoint}/presigned/a%20b`)).status).toBe(403);
  const older = await fetch(`${settings.endpoint}/presigned/a%20b?AWSAccessKeyId=A&Signature=B&Expires=9`);
  expect(await older.text()).toContain('Please use AWS4-HMAC-SHA256');
  const late = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'a b' }), {
    expiresIn: 60,
    signingDate: new Date(Date.now() - 61_000),
  });
  expect((await fetch(late)).status).toBe(403);
});

test('a copy shares the bytes and outlives its source', async () => {
  const Bucket = await bucket('copies');
  const Body = randomBytes(300_000);
  await s3.send(new PutObjectCommand({ Bucket, Key: 'a', Body, Metadata: { m: '1' } }));
  await s3.send(new CopyObjectCommand({ Bucket, Key: 'b', CopySource: 'copies/a' }));
  await s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: 'b' }));
  expect(got.Metadata).toEqual({ m: '1' });
  expect(Buffer.from((await got.Body?.transformToByteArray()) ?? []).equals(Body)).toBe(true);
});

test('a notification tells the function what came, and only what it asked for', async () => {
  const Bucket = await bucket('events', true);
  const told: { functionArn: string; payload: { Records: Record<string, unknown>[] }; rest: unknown[] }[] =
    [];
  let heard = (): void => {};
  const done = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const hooks = region.context.hooks as { -readonly [Name in keyof Hooks]: Hooks[Name] };
  const { invokeAsync: before } = hooks;
  hooks.invokeAsync = (functionArn, payload, ...rest) => {
    told.push({ functionArn, payload: payload as { Records: Record<string, unknown>[] }, rest });
    heard();
  };
  const LambdaFunctionArn = 'arn:aws:lambda:us-east-1:000000000000:function:receive';
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket,
      NotificationConfiguration: {
        LambdaFunctionConfigurations: [
          {
            LambdaFunctionArn,
            Events: ['s3:ObjectCreated:*'],
            Filter: { Key: { FilterRules: [{ Name: 'prefix', Value: 'web/' }] } },
          },
        ],
      },
    }),
  );
  await s3.send(new PutObjectCommand({ Bucket, Key: 'other/a', Body: 'x' }));
  const put = await s3.send(new PutObjectCommand({ Bucket, Key: 'web/a b+ü', Body: 'hello' }));
  await s3.send(
    new PutObjectTaggingCommand({
      Bucket,
      Key: 'web/a b+ü',
      Tagging: { TagSet: [{ Key: 'k', Value: 'v' }] },
    }),
  );
  await done;
  hooks.invokeAsync = before;
  expect(told).toHaveLength(1);
  expect(told[0]).toMatchObject({
    functionArn: LambdaFunctionArn,
    rest: ['s3.amazonaws.com', 'arn:aws:s3:::events'],
    payload: {
      Records: [
        {
          eventVersion: '2.1',
          eventSource: 'aws:s3',
          awsRegion: 'us-east-1',
          eventName: 'ObjectCreated:Put',
          s3: {
            bucket: { name: 'events', arn: 'arn:aws:s3:::events' },
            object: {
              key: 'web/a+b%2B%C3%BC',
              size: 5,
              eTag: put.ETag?.replaceAll('"', ''),
              versionId: put.VersionId,
            },
          },
        },
      ],
    },
  });
});
