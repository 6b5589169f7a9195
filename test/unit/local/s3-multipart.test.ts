/** Uploads in parts: copied parts, checksums, and what is under way. */
import type {
  CreateMultipartUploadOutput,
  ListPartsOutput,
  PutObjectOutput,
  UploadPartCopyOutput,
} from '@aws-sdk/client-s3';
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
