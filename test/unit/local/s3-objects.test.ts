/** Copies and conditional deletes of objects, in virtual time. */
import { createHash } from 'node:crypto';
import type {
  CopyObjectOutput,
  DeleteObjectsOutput,
  HeadObjectOutput,
  PutObjectOutput,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { Bucket, bucketInRegion } from '../../support/things-in-region.ts';

const call = bucketInRegion();

const put = (Key: string, Body = Key) => call<PutObjectOutput>('PutObject', { Key, Body });
const head = (Key: string) => call<HeadObjectOutput>('HeadObject', { Key, ChecksumMode: 'ENABLED' });
const copy = (more: object = {}) =>
  call<CopyObjectOutput>('CopyObject', { Key: 'copy', CopySource: `${Bucket}/big`, ...more });
const deleteAll = (...Objects: object[]) =>
  call<DeleteObjectsOutput>('DeleteObjects', { Delete: { Objects } });

/** An object of one part or more, whose bytes lie in a file. */
async function inParts(more: { ChecksumAlgorithm?: string; ChecksumType?: string }): Promise<Buffer> {
  const first = Buffer.alloc(5 * 1024 * 1024, 1);
  const second = Buffer.alloc(1_000, 2);
  const { UploadId } = await call<{ UploadId: string }>('CreateMultipartUpload', { Key: 'big', ...more });
  const Parts: object[] = [];
  for (const [index, Body] of [first, second].entries()) {
    const { ChecksumAlgorithm } = more;
    const part = { Key: 'big', UploadId, PartNumber: index + 1, Body, ChecksumAlgorithm };
    Parts.push({ PartNumber: part.PartNumber, ...(await call<{ ETag: string }>('UploadPart', part)) });
  }
  await call('CompleteMultipartUpload', { Key: 'big', UploadId, MultipartUpload: { Parts } });
  return Buffer.concat([first, second]);
}

const digest = (algorithm: string, bytes: Buffer, as: 'hex' | 'base64') =>
  createHash(algorithm).update(bytes).digest(as);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
test('a copy of what came in parts has the MD5 of its bytes, and the sum of the whole', async () => {
  const bytes = await inParts({ ChecksumAlgorithm: 'SHA256' });
  const source = await head('big');
  expect(source.ETag).toMatch(/-2"$/);
  expect(source.ChecksumType).toBe('COMPOSITE');
  const expected = {
    ETag: `"${digest('md5', bytes, 'hex')}"`,
    ChecksumSHA256: digest('sha256', bytes, 'base64'),
    ChecksumType: 'FULL_OBJECT',
  };
  expect((await copy()).CopyObjectResult).toMatchObject(expected);
  expect(await head('copy')).toMatchObject({ ...expected, ContentLength: bytes.length });
});

test('a copy keeps the sum of a whole object, unless it asks for another', async () => {
  const bytes = await inParts({ ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' });
  const { ChecksumCRC32 } = await head('big');
  expect((await copy()).CopyObjectResult).toMatchObject({ ChecksumCRC32, ChecksumType: 'FULL_OBJECT' });
  const { CopyObjectResult } = await copy({ ChecksumAlgorithm: 'SHA1' });
  expect(CopyObjectResult?.ChecksumSHA1).toBe(digest('sha1', bytes, 'base64'));
  expect(CopyObjectResult?.ChecksumCRC32).toBeUndefined();
});

test('of a copy and a writer meanwhile, one wins; a source that is deleted meanwhile is copied whole', async () => {
  const bytes = await inParts({});
  const copying = copy({ IfNoneMatch: '*' });
  await put('copy');
  await expect(copying).rejects.toMatchObject({ code: 'PreconditionFailed' });
  const other = copy({ Key: 'other' });
  await call('DeleteObject', { Key: 'big' });
  await other;
  const got = await call<{ Body: AsyncIterable<Uint8Array> }>('GetObject', { Key: 'other' });
  const parts: Uint8Array[] = [];
  for await (const part of got.Body) parts.push(part);
  expect(Buffer.concat(parts).equals(bytes)).toBe(true);
});

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
test('of several objects, those are deleted that have the ETag given', async () => {
  const { ETag } = await put('same');
  await put('changed');
  const { Deleted, Errors } = await deleteAll(
    { Key: 'same', ETag },
    { Key: 'changed', ETag },
    { Key: 'absent', ETag },
    { Key: 'absent' },
  );
  expect(Deleted).toEqual([{ Key: 'same' }, { Key: 'absent' }]);
  expect(Errors).toMatchObject([
    { Key: 'changed', Code: 'PreconditionFailed' },
    { Key: 'absent', Code: 'NoSuchKey' },
  ]);
  await expect(head('changed')).resolves.toBeDefined();
  await expect(head('same')).rejects.toMatchObject({ code: 'NoSuchKey' });
});

test.each([{ LastModifiedTime: new Date(0) }, { Size: 1 }])(
  'a condition of directory buckets is refused before anything is deleted: %j',
  async (condition) => {
    await put('first');
    await expect(deleteAll({ Key: 'first' }, { Key: 'second', ...condition })).rejects.toMatchObject({
      code: 'NotImplemented',
    });
    await expect(head('first')).resolves.toBeDefined();
  },
);
