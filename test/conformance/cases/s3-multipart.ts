/** Cases of Amazon S3: uploads in parts. */
import { absent, type Case, type Step } from '../case.ts';
import { etagOfHello, plain, put, twoVersions } from './s3-things.ts';

const begun = (more: object = {}): Step => ({
  call: 'CreateMultipartUpload',
  input: { ...plain, Key: '<name>/whole', ...more },
  keep: { upload: 'UploadId' },
});
const part = { ...plain, Key: '<name>/whole', UploadId: '<upload>', PartNumber: 1 };
const CopySource = 'world-plain/<name>';

export const multipartCases: readonly Case[] = [
  {
    operation: 'UploadPartCopy',
    says: 'answers with ETag and, by the algorithm of the upload, with the checksum of the part',
    given: [put('hello'), begun({ ChecksumAlgorithm: 'SHA256' })],
    input: { ...part, CopySource },
    answers: {
      CopyPartResult: {
        ETag: etagOfHello,
        ChecksumSHA256: 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=',
        ChecksumCRC32: absent,
      },
      CopySourceVersionId: absent,
    },
  },
  {
    operation: 'UploadPartCopy',
    says: 'tells the version of a source whose bucket has versions',
    given: [...twoVersions, begun()],
    input: { ...part, CopySource: 'world-versioned/<name>' },
    answers: { CopySourceVersionId: '<second>' },
  },
  {
    operation: 'UploadPartCopy',
    says: 'with x-amz-copy-source-if-unmodified-since, refuses a source that is newer',
    given: [put('hello'), begun()],
    input: { ...part, CopySource, CopySourceIfUnmodifiedSince: new Date('2020-01-01T00:00:00Z') },
    fails: { code: 'PreconditionFailed', status: 412 },
  },
];
