/** Cases of Amazon S3. */
import { absent, aTime, type Sheet, type Step } from '../case.ts';

const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value));
const plain = { Bucket: 'world-plain', Key: '<name>' };
const versioned = { Bucket: 'world-versioned', Key: '<name>' };
const put = (body: string, more: object = {}): Step => ({
  call: 'PutObject',
  input: { ...plain, Body: text(body), ...more },
});
const twoVersions: readonly Step[] = [
  { call: 'PutObject', input: { ...versioned, Body: text('first') }, keep: { first: 'VersionId' } },
  { call: 'PutObject', input: { ...versioned, Body: text('second') }, keep: { second: 'VersionId' } },
];
const removed: Step = {
  call: 'DeleteObject',
  input: versioned,
  answers: { DeleteMarker: true },
  keep: { marker: 'VersionId' },
};
const api = 'https://docs.aws.amazon.com/AmazonS3/latest/API';
const guide = 'https://docs.aws.amazon.com/AmazonS3/latest/userguide';
/** "Error responses": the codes with their statuses. */
const errors = `${api}/ErrorResponses.html`;
const conditional = `${guide}/conditional-writes.html`;
const markers = `${guide}/DeleteMarker.html`;
const etagOfHello = '"5d41402abc4b2a76b9719d911017c592"';
/** S3 answers HEAD without a body, so that clients make a name of the status. */
const notFound = { code: ['404', 'NotFound'], status: 404 };
const noVersion = 'abcdefghijklmnopqrstuvwxyz012345';

export const s3: Sheet = {
  service: 's3',
  title: 'Amazon S3',
  pages: `${api}/API_*.html`,
  cases: [
    {
      operation: 'PutObject',
      says: 'answers with the MD5 of the bytes as ETag; no version where versioning was never on',
      input: { ...plain, Body: text('hello') },
      answers: { ETag: etagOfHello, ServerSideEncryption: 'AES256', VersionId: absent },
    },
    {
      operation: 'PutObject',
      says: 'makes a new version where versioning is on',
      page: `${guide}/Versioning.html`,
      given: twoVersions,
      input: { ...versioned, Body: text('third') },
      answers: { VersionId: /^.{32}$/ },
      after: [
        {
          call: 'GetObject',
          input: { ...versioned, VersionId: '<first>' },
          answers: { Body: text('first'), VersionId: '<first>' },
        },
        { call: 'GetObject', input: versioned, answers: { Body: text('third') } },
      ],
    },
    {
      operation: 'PutObject',
      says: 'with If-None-Match *, refuses a key that is there',
      page: conditional,
      given: [put('hello')],
      input: { ...plain, Body: text('other'), IfNoneMatch: '*' },
      fails: { code: 'PreconditionFailed', status: 412 },
    },
    {
      operation: 'PutObject',
      says: 'with If-Match, replaces the object that has this ETag',
      page: conditional,
      given: [put('hello')],
      input: { ...plain, Body: text('other'), IfMatch: etagOfHello },
      answers: { ETag: /^"[0-9a-f]{32}"$/ },
    },
    {
      operation: 'PutObject',
      says: 'with If-Match, refuses an object that has another ETag',
      page: conditional,
      given: [put('changed')],
      input: { ...plain, Body: text('other'), IfMatch: etagOfHello },
      fails: { code: 'PreconditionFailed', status: 412 },
    },
    {
      operation: 'PutObject',
      says: 'with If-Match, refuses a key that is not there',
      page: conditional,
      input: { ...plain, Body: text('other'), IfMatch: etagOfHello },
      fails: { code: 'NoSuchKey', status: 404 },
    },
    {
      operation: 'PutObject',
      says: 'refuses bytes that do not have the checksum given',
      page: errors,
      input: { ...plain, Body: text('hello'), ChecksumSHA256: Buffer.alloc(32).toString('base64') },
      fails: { code: 'BadDigest', status: 400 },
    },
    {
      operation: 'PutObject',
      says: 'refuses a bucket that does not exist',
      page: errors,
      input: { ...plain, Bucket: '<name>', Body: text('hello') },
      fails: { code: 'NoSuchBucket', status: 404 },
    },
    {
      operation: 'GetObject',
      says: 'answers with the bytes and what was said of them',
      given: [put('hello', { ContentType: 'text/plain', Metadata: { commit: 'abc' }, Tagging: 'a=1&b=2' })],
      input: plain,
      answers: {
        Body: text('hello'),
        ContentLength: 5,
        ContentType: 'text/plain',
        ETag: etagOfHello,
        Metadata: { commit: 'abc' },
        TagCount: 2,
        AcceptRanges: 'bytes',
        LastModified: aTime,
      },
    },
    {
      operation: 'GetObject',
      says: 'answers with a range',
      given: [put('hello')],
      input: { ...plain, Range: 'bytes=1-3' },
      answers: { Body: text('ell'), ContentLength: 3, ContentRange: 'bytes 1-3/5' },
    },
    {
      operation: 'GetObject',
      says: 'refuses a range beyond the end',
      page: errors,
      given: [put('hello')],
      input: { ...plain, Range: 'bytes=5-9' },
      fails: { code: 'InvalidRange', status: 416 },
    },
    {
      operation: 'GetObject',
      says: 'refuses a key that does not exist',
      page: errors,
      input: plain,
      fails: { code: 'NoSuchKey', status: 404 },
    },
    {
      operation: 'GetObject',
      says: 'refuses a version that does not exist',
      page: errors,
      given: twoVersions,
      input: { ...versioned, VersionId: noVersion },
      fails: { code: 'NoSuchVersion', status: 404 },
    },
    {
      operation: 'GetObject',
      says: 'finds no object where the newest version is a delete marker',
      page: markers,
      given: [...twoVersions, removed],
      input: versioned,
      fails: { code: 'NoSuchKey', status: 404 },
    },
    {
      operation: 'GetObject',
      says: 'refuses a delete marker asked for by its version',
      page: markers,
      given: [...twoVersions, removed],
      input: { ...versioned, VersionId: '<marker>' },
      fails: { code: 'MethodNotAllowed', status: 405 },
    },
    {
      operation: 'GetObject',
      says: 'with If-None-Match, does not send again what has this ETag',
      given: [put('hello')],
      input: { ...plain, IfNoneMatch: etagOfHello },
      fails: { code: ['304', 'Unknown'], status: 304 },
    },
    {
      operation: 'GetObject',
      says: 'with If-Match, refuses an object that has another ETag',
      given: [put('changed')],
      input: { ...plain, IfMatch: etagOfHello },
      fails: { code: 'PreconditionFailed', status: 412 },
    },
    {
      operation: 'HeadObject',
      says: 'answers with what GetObject says of the object, without its bytes',
      given: [put('hello', { Metadata: { commit: 'abc' } })],
      input: plain,
      answers: {
        ContentLength: 5,
        ETag: etagOfHello,
        Metadata: { commit: 'abc' },
        ContentType: /./,
        LastModified: aTime,
      },
    },
    {
      operation: 'HeadObject',
      says: 'tells the version asked for',
      given: twoVersions,
      input: { ...versioned, VersionId: '<first>' },
      answers: { VersionId: '<first>', ContentLength: 5 },
    },
    {
      operation: 'HeadObject',
      says: 'refuses a key that does not exist, without a body',
      input: plain,
      fails: notFound,
    },
    {
      operation: 'HeadObject',
      says: 'refuses a delete marker asked for by its version',
      page: markers,
      given: [...twoVersions, removed],
      input: { ...versioned, VersionId: '<marker>' },
      fails: { code: ['405', 'Unknown'], status: 405 },
    },
    {
      operation: 'CopyObject',
      says: 'copies bytes and metadata',
      given: [put('hello', { Metadata: { commit: 'abc' }, ContentType: 'text/plain' })],
      input: { ...plain, Key: '<name>/copy', CopySource: 'world-plain/<name>' },
      answers: { CopyObjectResult: { ETag: etagOfHello, LastModified: aTime } },
      after: [
        {
          call: 'GetObject',
          input: { ...plain, Key: '<name>/copy' },
          answers: { Body: text('hello'), Metadata: { commit: 'abc' }, ContentType: 'text/plain' },
        },
      ],
    },
    {
      operation: 'CopyObject',
      says: 'copies a version, and names both',
      given: twoVersions,
      input: {
        ...versioned,
        Key: '<name>/copy',
        CopySource: 'world-versioned/<name>?versionId=<first>',
        MetadataDirective: 'REPLACE',
        Metadata: { from: 'first' },
      },
      answers: { CopySourceVersionId: '<first>', VersionId: /^.{32}$/ },
      after: [
        {
          call: 'GetObject',
          input: { ...versioned, Key: '<name>/copy' },
          answers: { Body: text('first'), Metadata: { from: 'first' } },
        },
      ],
    },
    {
      operation: 'CopyObject',
      says: 'replaces the tags where it is told so',
      given: [put('hello', { Tagging: 'a=1' })],
      input: {
        ...plain,
        Key: '<name>/copy',
        CopySource: 'world-plain/<name>',
        TaggingDirective: 'REPLACE',
        Tagging: 'b=2',
      },
      answers: { CopyObjectResult: { ETag: etagOfHello } },
      after: [
        {
          call: 'GetObjectTagging',
          input: { ...plain, Key: '<name>/copy' },
          answers: { TagSet: [{ Key: 'b', Value: '2' }] },
        },
      ],
    },
    {
      operation: 'CopyObject',
      says: 'refuses a source that does not exist',
      page: errors,
      input: { ...plain, Key: '<name>/copy', CopySource: 'world-plain/<name>' },
      fails: { code: 'NoSuchKey', status: 404 },
    },
    {
      operation: 'CopyObject',
      says: 'refuses an object onto itself with nothing changed',
      page: errors,
      given: [put('hello')],
      input: { ...plain, CopySource: 'world-plain/<name>' },
      fails: { code: 'InvalidRequest', status: 400 },
    },
    {
      operation: 'CopyObject',
      says: 'with x-amz-copy-source-if-match, refuses a source that has another ETag',
      given: [put('changed')],
      input: {
        ...plain,
        Key: '<name>/copy',
        CopySource: 'world-plain/<name>',
        CopySourceIfMatch: etagOfHello,
      },
      fails: { code: 'PreconditionFailed', status: 412 },
    },
    {
      operation: 'CopyObject',
      says: 'with x-amz-copy-source-if-none-match, answers 412 and not 304 where the source has this ETag',
      given: [put('hello')],
      input: {
        ...plain,
        Key: '<name>/copy',
        CopySource: 'world-plain/<name>',
        CopySourceIfNoneMatch: etagOfHello,
      },
      fails: { code: 'PreconditionFailed', status: 412 },
    },
    {
      operation: 'CopyObject',
      says: 'with x-amz-copy-source-if-modified-since, answers 412 where the source is older',
      given: [put('hello')],
      input: {
        ...plain,
        Key: '<name>/copy',
        CopySource: 'world-plain/<name>',
        CopySourceIfModifiedSince: new Date('2099-01-01T00:00:00Z'),
      },
      fails: { code: 'PreconditionFailed', status: 412 },
    },
    {
      operation: 'PutObjectTagging',
      says: 'replaces the whole set of tags',
      given: [put('hello', { Tagging: 'a=1' })],
      input: { ...plain, Tagging: { TagSet: [{ Key: 'b', Value: '2' }] } },
      answers: {},
      after: [{ call: 'GetObjectTagging', input: plain, answers: { TagSet: [{ Key: 'b', Value: '2' }] } }],
    },
    {
      operation: 'PutObjectTagging',
      says: 'takes at most ten tags',
      page: `${guide}/object-tagging.html`,
      given: [put('hello')],
      input: {
        ...plain,
        Tagging: { TagSet: Array.from({ length: 11 }, (_, index) => ({ Key: `k${index}`, Value: 'v' })) },
      },
      fails: { code: 'BadRequest', status: 400 },
    },
    {
      operation: 'PutObjectTagging',
      says: 'refuses two tags with one key',
      given: [put('hello')],
      input: {
        ...plain,
        Tagging: {
          TagSet: [
            { Key: 'a', Value: '1' },
            { Key: 'a', Value: '2' },
          ],
        },
      },
      fails: { code: 'InvalidTag', status: 400 },
    },
    {
      operation: 'PutObjectTagging',
      says: 'refuses a key that does not exist',
      page: errors,
      input: { ...plain, Tagging: { TagSet: [] } },
      fails: { code: 'NoSuchKey', status: 404 },
    },
    {
      operation: 'GetObjectTagging',
      says: 'tells the tags of the version asked for',
      given: [
        ...twoVersions,
        {
          call: 'PutObjectTagging',
          input: { ...versioned, VersionId: '<first>', Tagging: { TagSet: [{ Key: 'a', Value: '1' }] } },
        },
      ],
      input: { ...versioned, VersionId: '<first>' },
      answers: { TagSet: [{ Key: 'a', Value: '1' }], VersionId: '<first>' },
      after: [{ call: 'GetObjectTagging', input: versioned, answers: { TagSet: [] } }],
    },
    {
      operation: 'GetObjectTagging',
      says: 'refuses a key that does not exist',
      page: errors,
      input: plain,
      fails: { code: 'NoSuchKey', status: 404 },
    },
    {
      operation: 'ListObjectsV2',
      says: 'lists the keys under a prefix, in the order of their bytes, folders folded',
      given: ['b', 'B', 'c/1', 'c/2', 'ä'].map((key) => put('hello', { Key: `<name>/${key}` })),
      input: { Bucket: 'world-plain', Prefix: '<name>/', Delimiter: '/' },
      answers: {
        KeyCount: 4,
        IsTruncated: false,
        MaxKeys: 1000,
        Prefix: '<name>/',
        Contents: [
          { Key: '<name>/B', Size: 5, ETag: etagOfHello, StorageClass: 'STANDARD', LastModified: aTime },
          { Key: '<name>/b' },
          { Key: '<name>/ä' },
        ],
        CommonPrefixes: [{ Prefix: '<name>/c/' }],
        NextContinuationToken: absent,
      },
      notByCli: 'it makes one list of all pages, without their counts',
    },
    {
      operation: 'ListObjectsV2',
      says: 'goes on with the token of the page before',
      given: [
        ...['a', 'b', 'c'].map((key) => put('hello', { Key: `<name>/${key}` })),
        {
          call: 'ListObjectsV2',
          input: { Bucket: 'world-plain', Prefix: '<name>/', MaxKeys: 2 },
          answers: { IsTruncated: true, KeyCount: 2 },
          keep: { token: 'NextContinuationToken' },
        },
      ],
      input: { Bucket: 'world-plain', Prefix: '<name>/', ContinuationToken: '<token>' },
      answers: { Contents: [{ Key: '<name>/c' }], IsTruncated: false },
    },
    {
      operation: 'ListObjectsV2',
      says: 'begins after the key asked for',
      given: ['a', 'b'].map((key) => put('hello', { Key: `<name>/${key}` })),
      input: { Bucket: 'world-plain', Prefix: '<name>/', StartAfter: '<name>/a' },
      answers: { Contents: [{ Key: '<name>/b' }] },
    },
    {
      operation: 'ListObjectsV2',
      says: 'refuses a bucket that does not exist',
      page: errors,
      input: { Bucket: '<name>' },
      fails: { code: 'NoSuchBucket', status: 404 },
    },
  ],
};
