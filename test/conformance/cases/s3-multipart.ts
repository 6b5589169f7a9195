/** Cases of Amazon S3: uploads in parts. */
import { absent, type Case, type Step } from '../case.ts';
import { etagOfHello, guide, plain, put, text, twoVersions } from './s3-things.ts';

const begun = (more: object = {}, word = 'upload'): Step => ({
  call: 'CreateMultipartUpload',
  input: { ...plain, Key: '<name>/whole', ...more },
  keep: { [word]: 'UploadId' },
});
const part = { ...plain, Key: '<name>/whole', UploadId: '<upload>', PartNumber: 1 };
const { PartNumber: _, ...whole } = part;
const integrity = `${guide}/checking-object-integrity-upload.html`;
const sha256OfHello = 'LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=';
const sha256OfNothing = '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
const listed = { PartNumber: 1, ETag: etagOfHello };
const withSha256: readonly Step[] = [
  begun({ ChecksumAlgorithm: 'SHA256' }),
  { call: 'UploadPart', input: { ...part, Body: text('hello'), ChecksumAlgorithm: 'SHA256' } },
];
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
        ChecksumSHA256: sha256OfHello,
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
  {
    operation: 'CreateMultipartUpload',
    says: 'refuses a SHA-256 of the whole, which cannot be made of those of the parts',
    page: integrity,
    input: { ...plain, ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' },
    fails: { code: 'InvalidRequest', status: 400 },
  },
  {
    operation: 'UploadPart',
    says: 'takes a part whose checksum is by the algorithm of the upload',
    given: [begun({ ChecksumAlgorithm: 'SHA256' })],
    input: { ...part, Body: text('hello'), ChecksumAlgorithm: 'SHA256' },
    answers: { ETag: etagOfHello, ChecksumSHA256: sha256OfHello },
  },
  {
    operation: 'UploadPart',
    says: 'refuses a part whose checksum is by another algorithm than that of the upload',
    given: [begun({ ChecksumAlgorithm: 'SHA256' })],
    input: { ...part, Body: text('hello'), ChecksumAlgorithm: 'CRC32' },
    fails: { code: 'InvalidRequest', status: 400, message: /expected checksum Type: sha256, actual .*crc32/ },
  },
  {
    operation: 'CompleteMultipartUpload',
    says: 'wants no checksums of the parts of an upload that was begun without an algorithm',
    given: [begun(), { call: 'UploadPart', input: { ...part, Body: text('hello') } }],
    input: { ...whole, MultipartUpload: { Parts: [{ PartNumber: 1, ETag: etagOfHello }] } },
    answers: { ETag: /^"[0-9a-f]{32}-1"$/, Bucket: 'world-plain', Key: '<name>/whole' },
  },
  {
    operation: 'CompleteMultipartUpload',
    says: 'makes a composite checksum of those of the parts',
    given: withSha256,
    input: { ...whole, MultipartUpload: { Parts: [{ ...listed, ChecksumSHA256: sha256OfHello }] } },
    answers: { ChecksumSHA256: /^[\w+/]{43}=-1$/, ChecksumType: 'COMPOSITE' },
  },
  {
    operation: 'CompleteMultipartUpload',
    says: 'refuses a part without its checksum where the checksum is a composite one',
    given: withSha256,
    input: { ...whole, MultipartUpload: { Parts: [listed] } },
    fails: { code: 'InvalidRequest', status: 400, message: /missing for part 1/ },
  },
  {
    operation: 'CompleteMultipartUpload',
    says: 'refuses a part with a checksum that is not its own',
    given: withSha256,
    input: { ...whole, MultipartUpload: { Parts: [{ ...listed, ChecksumSHA256: sha256OfNothing }] } },
    fails: { code: 'InvalidPart', status: 400 },
  },
  {
    operation: 'ListMultipartUploads',
    says: 'goes on after the upload that the markers name',
    given: [begun(), begun({}, 'second')],
    input: {
      Bucket: 'world-plain',
      Prefix: '<name>/',
      KeyMarker: '<name>/whole',
      UploadIdMarker: '<upload>',
    },
    answers: { Uploads: [{ Key: '<name>/whole', UploadId: '<second>' }], IsTruncated: false },
  },
];
