/** Uploads in parts: copied parts, checksums, and what is under way. */
import type {
  CompleteMultipartUploadOutput,
  CreateMultipartUploadOutput,
  ListPartsOutput,
  PutObjectOutput,
  UploadPartCopyOutput,
  UploadPartOutput,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { Bucket, bucketInRegion } from '../../support/things-in-region.ts';

const call = bucketInRegion();

/** Begins an upload, and tells what its requests name. */
async function begin(more: object = {}) {
  const { UploadId } = await call<CreateMultipartUploadOutput>('CreateMultipartUpload', {
    Key: 'whole',
    ...more,
  });
  return { Key: 'whole', UploadId };
}

const CopySource = `${Bucket}/source`;
const put = (Body = 'hello') => call<PutObjectOutput>('PutObject', { Key: 'source', Body });
const copyPart = (input: object) =>
  call<UploadPartCopyOutput>('UploadPartCopy', { PartNumber: 1, CopySource, ...input });
const partsOf = async (input: object) => (await call<ListPartsOutput>('ListParts', input)).Parts ?? [];

const sha256OfHello = 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=';

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
test('a copied part tells its checksum by the algorithm of the upload, and the version of its source', async () => {
  await put();
  const plain = await copyPart(await begin());
  expect(plain.CopySourceVersionId).toBeUndefined();
  await call('PutBucketVersioning', { VersioningConfiguration: { Status: 'Enabled' } });
  const { VersionId } = await put();
  const upload = await begin({ ChecksumAlgorithm: 'SHA256' });
  const copied = await copyPart(upload);
  expect(copied).toMatchObject({
    CopyPartResult: { ChecksumSHA256: sha256OfHello },
    CopySourceVersionId: VersionId,
  });
  expect(copied.CopyPartResult).not.toHaveProperty('ChecksumType');
  expect(await partsOf(upload)).toMatchObject([{ ChecksumSHA256: sha256OfHello }]);
});

test.each([
  { CopySourceIfUnmodifiedSince: new Date(0) },
  { CopySourceIfModifiedSince: new Date('2099-01-01') },
  { CopySourceIfMatch: '"other"' },
])('a part is not copied from a source of which %j does not hold', async (condition) => {
  await put();
  const upload = await begin();
  await expect(copyPart({ ...upload, ...condition })).rejects.toMatchObject({ code: 'PreconditionFailed' });
  expect(await partsOf(upload)).toEqual([]);
});

test('a part that is copied while its upload is aborted is refused', async () => {
  await put('x'.repeat(200_000));
  const upload = await begin();
  const copying = copyPart(upload);
  await call('AbortMultipartUpload', upload);
  await expect(copying).rejects.toMatchObject({ code: 'NoSuchUpload' });
});

const uploadPart = (input: object) =>
  call<UploadPartOutput>('UploadPart', { PartNumber: 1, Body: 'hello', ...input });
const complete = (upload: object, part: object, more: object = {}) =>
  call<CompleteMultipartUploadOutput>('CompleteMultipartUpload', {
    ...upload,
    MultipartUpload: { Parts: [{ PartNumber: 1, ETag: etagOfHello, ...part }] },
    ...more,
  });
const etagOfHello = '"5d41402abc4b2a76b9719d911017c592"';
const crc32OfHello = 'NhCmhg==';

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
test.each([
  { ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' },
  { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'COMPOSITE' },
  { ChecksumType: 'COMPOSITE' },
])('an upload is not begun with %j', async (sums) => {
  await expect(begin(sums)).rejects.toMatchObject({
    code: 'InvalidRequest',
    message: expect.stringMatching(/checksum type cannot be used with|can only be used with/),
  });
});

test.each([
  ['another algorithm', {}, { ChecksumSHA256: sha256OfHello }, 'crc32, actual checksum Type: sha256'],
  ['no checksum', {}, {}, 'crc32, actual checksum Type: null'],
  ['another algorithm, of the whole', { ChecksumType: 'FULL_OBJECT' }, { ChecksumAlgorithm: 'SHA1' }, 'sha1'],
])('an upload begun with CRC32 takes no part that has %s', async (_, more, sums, words) => {
  const upload = await begin({ ChecksumAlgorithm: 'CRC32', ...more });
  await expect(uploadPart({ ...upload, ...sums })).rejects.toMatchObject({
    code: 'InvalidRequest',
    message: expect.stringContaining(words),
  });
  expect(await partsOf(upload)).toEqual([]);
});

test('a request carries one checksum', async () => {
  const two = { ChecksumCRC32: crc32OfHello, ChecksumSHA256: 'wrong' };
  const refusal = {
    code: 'InvalidRequest',
    message: expect.stringContaining('single x-amz-checksum- header'),
  };
  await expect(uploadPart({ ...(await begin()), ...two })).rejects.toMatchObject(refusal);
  await expect(call('PutObject', { Key: 'k', Body: 'hello', ...two })).rejects.toMatchObject(refusal);
});

const crc32OfOther = 'AAAAAA==';

test.each([
  ['no checksum where one of the parts is wanted', 'CRC32', {}, 'InvalidRequest'],
  ['a checksum that is not of the part', 'CRC32', { ChecksumCRC32: crc32OfOther }, 'InvalidPart'],
  ['a checksum by another algorithm', 'CRC32', { ChecksumSHA256: sha256OfHello }, 'BadDigest'],
  ['a checksum that is none', 'CRC32', { ChecksumCRC32: 'none' }, 'InvalidArgument'],
  [
    'two checksums',
    'CRC32',
    { ChecksumCRC32: crc32OfHello, ChecksumSHA256: sha256OfHello },
    'InvalidArgument',
  ],
  ['a checksum where none was asked for', undefined, { ChecksumCRC32: crc32OfHello }, 'InvalidPart'],
])('a part is not listed with %s', async (_, ChecksumAlgorithm, listed, code) => {
  const upload = await begin({ ChecksumAlgorithm });
  await uploadPart({ ...upload, ChecksumCRC32: crc32OfHello });
  await expect(complete(upload, listed)).rejects.toMatchObject({ code });
  expect(await partsOf(upload)).toHaveLength(1);
});

test('an upload is completed with the checksum mode that it was begun with', async () => {
  const upload = await begin({ ChecksumAlgorithm: 'CRC32' });
  const { ChecksumCRC32 } = await uploadPart({ ...upload, ChecksumCRC32: crc32OfHello });
  const done = (ChecksumType: string) => complete(upload, { ChecksumCRC32 }, { ChecksumType });
  await expect(done('FULL_OBJECT')).rejects.toMatchObject({ code: 'InvalidRequest' });
  expect(await done('COMPOSITE')).toMatchObject({ ChecksumType: 'COMPOSITE' });
});

test.each([{}, { ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT' }])(
  'an upload begun with %j wants no checksums of its parts',
  async (sums) => {
    const upload = await begin(sums);
    await uploadPart(upload);
    expect((await complete(upload, {})).ETag).toMatch(/-1"$/);
  },
);
