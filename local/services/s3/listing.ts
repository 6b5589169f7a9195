/** Lists of objects and versions, with prefix, delimiter and pages. */
import type {
  ListObjectsOutput,
  ListObjectsRequest,
  ListObjectsV2Output,
  ListObjectsV2Request,
  ListObjectVersionsOutput,
  ListObjectVersionsRequest,
} from '@aws-sdk/client-s3';
import type { Context } from '../../context.ts';
import type { Access, Operation } from '../../service.ts';
import {
  type Asked,
  echo,
  type Listed,
  limitOf,
  makeToken,
  type Page,
  pageOf,
  readToken,
  spelling,
} from './pages.ts';
import { bucketArn } from './rights.ts';
import { isNewer } from './rising-ids.ts';
import { type Bucket, type Buckets, bucketNamed, sortedKeys, type Version } from './state.ts';

function listAccess(action: string) {
  return (input: AskedKeys): readonly Access[] => [
    {
      action: `s3:${action}`,
      resources: [bucketArn(input.Bucket)],
      context: {
        // A list without a prefix has the key with an empty value.
        's3:prefix': input.Prefix ?? '',
        ...(input.Delimiter === undefined ? {} : { 's3:delimiter': input.Delimiter }),
        ...(input.MaxKeys === undefined ? {} : { 's3:max-keys': String(input.MaxKeys) }),
      },
    },
  ];
}

interface AskedKeys extends Asked {
  readonly MaxKeys?: number | undefined;
}

const limit = ({ MaxKeys: asked }: AskedKeys): number => limitOf('max-keys', asked);

/** All versions and markers, or what `itemsOf` leaves of them. */
function versionsIn(bucket: Bucket, itemsOf: Listed<Version>['itemsOf']): Listed<Version> {
  return {
    keys: sortedKeys(bucket),
    itemsOf,
    idOf: (version) => version.versionId,
    countUntil,
  };
}

/**
 * A list goes on where its last version was, also where that one was deleted meanwhile, as in S3:
 * https://github.com/localstack/localstack/issues/12255
 * Where a null version was is not known. Rather than get lost, versions come again then.
 */
function countUntil(versions: readonly Version[], marker: string): number {
  const found = versions.findIndex((one) => one.versionId === marker);
  return 1 + (found >= 0 ? found : versions.findLastIndex((one) => isNewer(one.versionId, marker)));
}

export function createListing(context: Context, buckets: Buckets) {
  const owner = { ID: context.accountId, DisplayName: 'local' };

  function list(input: AskedKeys, after: string | undefined): Page<Version> {
    const bucket = bucketNamed(buckets, input.Bucket);
    const marker = after === undefined ? undefined : { key: after };
    const current = versionsIn(bucket, (key) => {
      const [newest] = bucket.keys.get(key) ?? [];
      return newest === undefined || newest.deleteMarker ? [] : [newest];
    });
    return pageOf(current, input, limit(input), marker);
  }

  function summary(version: Version, spell: (text: string) => string) {
    return {
      Key: spell(version.key),
      LastModified: version.lastModified,
      ETag: version.etag,
      Size: version.sizeBytes,
      StorageClass: 'STANDARD' as const,
      ...(version.checksum === undefined
        ? {}
        : { ChecksumAlgorithm: [version.checksum.algorithm], ChecksumType: version.checksum.type }),
    };
  }

  const listV2: Operation<ListObjectsV2Request, ListObjectsV2Output> = {
    access: listAccess('ListBucket'),
    run: (input) => {
      const spell = spelling(input);
      const token = input.ContinuationToken;
      const after = token === undefined ? input.StartAfter : readToken(token);
      const page = list(input, after);
      const fetchOwner = input.FetchOwner === true ? { Owner: owner } : {};
      return {
        ...echoKeys(input, spell),
        ...(input.StartAfter === undefined ? {} : { StartAfter: spell(input.StartAfter) }),
        ...(token === undefined ? {} : { ContinuationToken: token }),
        KeyCount: page.items.length + page.prefixes.length,
        IsTruncated: page.truncated,
        ...(page.truncated ? { NextContinuationToken: makeToken(page.last?.key ?? '') } : {}),
        Contents: page.items.map((version) => ({ ...summary(version, spell), ...fetchOwner })),
        CommonPrefixes: page.prefixes.map((one) => ({ Prefix: spell(one) })),
      };
    },
  };

  const listV1: Operation<ListObjectsRequest, ListObjectsOutput> = {
    access: listAccess('ListBucket'),
    run: (input) => {
      const spell = spelling(input);
      const page = list(input, input.Marker);
      return {
        ...echoKeys(input, spell),
        Marker: spell(input.Marker ?? ''),
        IsTruncated: page.truncated,
        // "This element is returned only if you have the delimiter request parameter specified":
        // https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjects.html
        ...(page.truncated && input.Delimiter ? { NextMarker: spell(page.last?.key ?? '') } : {}),
        Contents: page.items.map((version) => ({ ...summary(version, spell), Owner: owner })),
        CommonPrefixes: page.prefixes.map((one) => ({ Prefix: spell(one) })),
      };
    },
  };

  const listVersions: Operation<ListObjectVersionsRequest, ListObjectVersionsOutput> = {
    access: listAccess('ListBucketVersions'),
    run: (input) => {
      const spell = spelling(input);
      const bucket = bucketNamed(buckets, input.Bucket);
      const { KeyMarker: key, VersionIdMarker: versionId } = input;
      const marker = key === undefined ? undefined : { key, id: versionId };
      const all = versionsIn(bucket, (one) => bucket.keys.get(one) ?? []);
      const page = pageOf(all, input, limit(input), marker);
      const common = (version: Version) => ({
        Key: spell(version.key),
        VersionId: version.versionId,
        IsLatest: version === bucket.keys.get(version.key)?.[0],
        LastModified: version.lastModified,
        Owner: owner,
      });
      return {
        ...echoKeys(input, spell),
        KeyMarker: spell(key ?? ''),
        VersionIdMarker: versionId ?? '',
        IsTruncated: page.truncated,
        ...(page.truncated ? { NextKeyMarker: spell(page.last?.key ?? '') } : {}),
        ...(page.truncated && page.last?.id !== undefined ? { NextVersionIdMarker: page.last.id } : {}),
        Versions: page.items
          .filter((version) => !version.deleteMarker)
          .map((version) => ({ ...summary(version, spell), ...common(version) })),
        DeleteMarkers: page.items.filter((version) => version.deleteMarker).map(common),
        CommonPrefixes: page.prefixes.map((one) => ({ Prefix: spell(one) })),
      };
    },
  };

  return { ListObjectsV2: listV2, ListObjects: listV1, ListObjectVersions: listVersions };
}

/** What a list of objects says back of its request. */
function echoKeys(input: AskedKeys, spell: (text: string) => string) {
  return { Name: input.Bucket ?? '', MaxKeys: limit(input), ...echo(input, spell) };
}
