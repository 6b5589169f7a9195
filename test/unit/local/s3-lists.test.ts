/** Lists of a bucket: their order, and where a page begins. */
import type { ListObjectVersionsOutput, PutObjectOutput } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../../local/clock.ts';
import { createRegion, type Region } from '../../../local/region.ts';

let region: Region;
const Bucket = 'things';

beforeEach(async () => {
  region = await createRegion({ clock: new VirtualClock(), seed: 5 });
  await call('CreateBucket', {});
});

afterEach(() => region.close());

function call<Output>(operation: string, input: object): Promise<Output> {
  return region.call('s3', operation, { Bucket, ...input }) as Promise<Output>;
}

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
