/** Lists of a bucket: their order, and where a page begins. */
import type {
  CreateMultipartUploadOutput,
  ListBucketsOutput,
  ListMultipartUploadsOutput,
  ListObjectsOutput,
  ListObjectsV2Output,
  ListObjectVersionsOutput,
  MultipartUpload,
  PutObjectOutput,
} from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { Bucket, bucketInRegion } from '../../support/things-in-region.ts';

const call = bucketInRegion();

const put = async (Key: string) => (await call<PutObjectOutput>('PutObject', { Key, Body: Key })).VersionId;
const version = (Status: string) => call('PutBucketVersioning', { VersioningConfiguration: { Status } });
const remove = (Objects: object[]) => call('DeleteObjects', { Delete: { Objects } });

/** Writes one version after another, and tells their ids, newest first. */
async function versions(count: number): Promise<(string | undefined)[]> {
  const ids: (string | undefined)[] = [];
  for (let number = 0; number < count; number += 1) ids.unshift(await put('key'));
  return ids;
}

async function page(input: object): Promise<ListObjectVersionsOutput & { ids: (string | undefined)[] }> {
  const output = await call<ListObjectVersionsOutput>('ListObjectVersions', { MaxKeys: 2, ...input });
  return { ...output, ids: output.Versions?.map((one) => one.VersionId) ?? [] };
}

const after = ({ NextKeyMarker, NextVersionIdMarker }: ListObjectVersionsOutput) =>
  page({ KeyMarker: NextKeyMarker, VersionIdMarker: NextVersionIdMarker });

const named = ({ Versions = [] }: ListObjectVersionsOutput) =>
  Versions.map(({ Key, VersionId }) => ({ Key, VersionId }));

// https://github.com/localstack/localstack/issues/12255
test('who deletes the versions of each page empties the bucket', async () => {
  await version('Enabled');
  const ids = await versions(5);
  let found = await page({});
  const seen = [...found.ids];
  while (found.IsTruncated === true) {
    await remove(named(found));
    found = await after(found);
    seen.push(...found.ids);
  }
  expect(seen).toEqual(ids);
  await remove(named(found));
  await call('DeleteBucket', {});
});

test('a list does not tell what was written after it began, also where its last version was deleted', async () => {
  await version('Enabled');
  const ids = await versions(3);
  const first = await page({});
  await remove(named(first).slice(1));
  await put('key');
  expect((await after(first)).ids).toEqual(ids.slice(2));
});

test('after a null version that is gone, no version gets lost', async () => {
  await put('key');
  await version('Enabled');
  const ids = await versions(2);
  await version('Suspended');
  await put('key');
  const first = await page({ MaxKeys: 1 });
  expect(first.ids).toEqual(['null']);
  await remove(named(first));
  expect((await after(first)).ids).toEqual(ids);
});

// In UTF-16 the first of the two is the greater one.
const byBytes = ['\uffee', '\u{1f600}'];

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ListingKeysUsingAPIs.html
test('pages follow the order of the keys in UTF-8', async () => {
  for (const key of byBytes) await put(key);
  const [first, second] = byBytes;
  const MaxKeys = 1;
  const v2 = await call<ListObjectsV2Output>('ListObjectsV2', { MaxKeys });
  const token = { ContinuationToken: v2.NextContinuationToken };
  const rest = [
    await call<ListObjectsV2Output>('ListObjectsV2', token),
    await call<ListObjectsV2Output>('ListObjectsV2', { StartAfter: first }),
    await call<ListObjectsOutput>('ListObjects', { Marker: first }),
  ];
  expect(v2.Contents).toMatchObject([{ Key: first }]);
  for (const { Contents } of rest) expect(Contents).toMatchObject([{ Key: second }]);
  expect((await page({ KeyMarker: first })).Versions).toMatchObject([{ Key: second }]);
  const folded = await call<ListObjectsV2Output>('ListObjectsV2', { Delimiter: second, StartAfter: first });
  expect(folded.CommonPrefixes).toEqual([{ Prefix: second }]);
});

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
test.each(['ListObjects', 'ListObjectsV2', 'ListObjectVersions', 'ListMultipartUploads'])(
  '%s spells keys as a form does, where it is asked to',
  async (operation) => {
    const key = "dir/test file(3)!'~.png";
    await put(key);
    await call('CreateMultipartUpload', { Key: key });
    const list = await call<ListObjectVersionsOutput & ListObjectsV2Output & ListMultipartUploadsOutput>(
      operation,
      { EncodingType: 'url', Prefix: 'dir/test f' },
    );
    const { Contents, Versions, Uploads } = list;
    expect(Contents ?? Versions ?? Uploads).toMatchObject([{ Key: 'dir/test+file%283%29%21%27%7E.png' }]);
    expect(list).toMatchObject({ EncodingType: 'url', Prefix: 'dir/test+f' });
  },
);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html
test('the older list names a next marker only where it folds', async () => {
  for (const key of ['a/1', 'a/2', 'b']) await put(key);
  const list = (more: object) => call<ListObjectsOutput>('ListObjects', { MaxKeys: 1, ...more });
  expect(await list({})).toMatchObject({ IsTruncated: true, Contents: [{ Key: 'a/1' }] });
  expect(await list({})).not.toHaveProperty('NextMarker');
  expect(await list({ Delimiter: '/' })).toMatchObject({ IsTruncated: true, NextMarker: 'a/' });
});

const begin = async (Key: string, more: object = {}) =>
  (await call<CreateMultipartUploadOutput>('CreateMultipartUpload', { Key, ...more })).UploadId;
const uploads = (input: object) => call<ListMultipartUploadsOutput>('ListMultipartUploads', input);

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
test('uploads are listed by key and by when they began, page by page, also where those of a page are gone', async () => {
  const [first, second] = byBytes as [string, string];
  const last = await begin(second, { ChecksumAlgorithm: 'SHA1' });
  const ids = [await begin(first), await begin(first), await begin(first), last];
  const seen: object[] = [];
  let list = await uploads({ MaxUploads: 2 });
  expect(list).toMatchObject({ IsTruncated: true, MaxUploads: 2, NextKeyMarker: first, KeyMarker: '' });
  for (;;) {
    seen.push(...(list.Uploads ?? []));
    for (const { Key, UploadId } of list.Uploads ?? []) await call('AbortMultipartUpload', { Key, UploadId });
    if (list.IsTruncated !== true) break;
    const { NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = list;
    list = await uploads({ MaxUploads: 2, KeyMarker, UploadIdMarker });
  }
  expect(seen.map((one) => (one as MultipartUpload).UploadId)).toEqual(ids);
  expect(seen[3]).toMatchObject({ ChecksumAlgorithm: 'SHA1', ChecksumType: 'COMPOSITE' });
});

test('uploads are folded by a delimiter; a marker without an upload leaves out all of its key', async () => {
  for (const key of ['a', 'a', 'b/1', 'b/2', 'c']) await begin(key);
  const list = await uploads({ Delimiter: '/', KeyMarker: 'a', MaxUploads: 1 });
  expect(list).toMatchObject({ Delimiter: '/', CommonPrefixes: [{ Prefix: 'b/' }], IsTruncated: true });
  const rest = await uploads({ Delimiter: '/', KeyMarker: list.NextKeyMarker });
  expect(rest).toMatchObject({ Uploads: [{ Key: 'c' }], IsTruncated: false });
  expect((await uploads({ UploadIdMarker: 'ignored' })).Uploads).toHaveLength(5);
  await expect(uploads({ MaxUploads: -1 })).rejects.toMatchObject({ code: 'InvalidArgument' });
});

// https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
test('buckets are listed page by page', async () => {
  for (const name of ['more', 'more-2', 'other']) await call('CreateBucket', { Bucket: name });
  const list = (input: object) => call<ListBucketsOutput>('ListBuckets', { ...input, Bucket: undefined });
  const first = await list({ MaxBuckets: 1, Prefix: 'more', BucketRegion: 'us-east-1' });
  expect(first).toMatchObject({ Buckets: [{ Name: 'more' }], Prefix: 'more' });
  const rest = await list({ ContinuationToken: first.ContinuationToken });
  expect(rest.Buckets?.map(({ Name }) => Name)).toEqual(['more-2', 'other', Bucket]);
  expect(rest.ContinuationToken).toBeUndefined();
  await expect(list({ BucketRegion: 'us-west-2' })).rejects.toMatchObject({ code: 'InvalidArgument' });
});
