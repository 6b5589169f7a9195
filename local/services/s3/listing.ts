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
import { type Access, AwsError, type Operation } from '../../service.ts';
import { bucketArn } from './rights.ts';
import { type Buckets, bucketNamed, byBytes, sortedKeys, type Version } from './state.ts';
import { isNewer } from './version-ids.ts';

interface Asked {
  readonly Bucket?: string | undefined;
  readonly Prefix?: string | undefined;
  readonly Delimiter?: string | undefined;
  readonly MaxKeys?: number | undefined;
  readonly EncodingType?: string | undefined;
}

function listAccess(action: string) {
  return (input: Asked): readonly Access[] => [
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

/**
 * Keys as a form spells them, where the caller asked for it: XML cannot hold every character. `test_file(3).png` becomes
 * `test_file%283%29.png`, a space `+`; slashes stay.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 * What S3 makes of a space was measured: https://github.com/brekkylab/backlot/issues/178
 */
export function spelling(input: Pick<Asked, 'EncodingType'>): (text: string) => string {
  if (input.EncodingType === undefined) return (text) => text;
  if (input.EncodingType !== 'url')
    throw new AwsError('InvalidArgument', 'Invalid Encoding Method specified in Request');
  return (text) => new URLSearchParams([['', text]]).toString().slice(1).replaceAll('%2F', '/');
}

/** Where a list goes on: opaque, and known from any other text by its beginning. */
const tokenMark = 'after ';

function makeToken(key: string): string {
  return Buffer.from(tokenMark + key).toString('base64url');
}

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString();
  if (text.startsWith(tokenMark)) return text.slice(tokenMark.length);
  throw new AwsError('InvalidArgument', 'The continuation token provided is incorrect');
}

interface Page {
  readonly items: readonly { readonly version: Version; readonly latest: boolean }[];
  readonly prefixes: readonly string[];
  readonly truncated: boolean;
  /** The last key or common prefix of the page, and the version listed last under that key. */
  readonly last: { readonly key: string; readonly versionId?: string } | undefined;
}

/**
 * Where a key's list goes on after the version `marker`, also where that one was deleted meanwhile, as in S3:
 * https://github.com/localstack/localstack/issues/12255
 * Where a null version was is not known. Rather than get lost, versions come again then.
 */
function indexAfter(versions: readonly Version[], marker: string | undefined): number {
  if (marker === undefined) return versions.length;
  const found = versions.findIndex((one) => one.versionId === marker);
  return 1 + (found >= 0 ? found : versions.findLastIndex((one) => isNewer(one.versionId, marker)));
}

/** One page after `marker`. `all`: every version and marker, else the current objects only. */
function pageOf(
  versionsOf: (key: string) => readonly Version[],
  keys: readonly string[],
  input: Asked,
  marker: { readonly key: string; readonly versionId?: string | undefined } | undefined,
  all: boolean,
): Page {
  const prefix = input.Prefix ?? '';
  const delimiter = input.Delimiter ?? '';
  const limit = Math.min(input.MaxKeys ?? 1000, 1000);
  if (limit < 0) throw new AwsError('InvalidArgument', 'max-keys must not be negative');
  const items: { version: Version; latest: boolean }[] = [];
  const prefixes = new Set<string>();
  let last: Page['last'];
  const page = (truncated: boolean): Page => ({ items, prefixes: [...prefixes], truncated, last });
  if (limit === 0) return page(false);
  for (const key of keys) {
    if (!key.startsWith(prefix)) continue;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const common = cut < 0 ? undefined : key.slice(0, cut + delimiter.length);
    if (marker !== undefined) {
      const order = byBytes(common ?? key, marker.key);
      if (order < 0 || (order === 0 && (common !== undefined || marker.versionId === undefined))) continue;
    }
    const versions = versionsOf(key);
    if (!all && versions[0]?.deleteMarker !== false) continue;
    if (common !== undefined) {
      if (prefixes.has(common)) continue;
      if (items.length + prefixes.size >= limit) return page(true);
      prefixes.add(common);
      last = { key: common };
      continue;
    }
    const first = key === marker?.key ? indexAfter(versions, marker.versionId) : 0;
    for (const version of all ? versions.slice(first) : versions.slice(0, 1)) {
      if (items.length + prefixes.size >= limit) return page(true);
      items.push({ version, latest: version === versions[0] });
      last = { key, versionId: version.versionId };
    }
  }
  return page(false);
}

export function createListing(context: Context, buckets: Buckets) {
  const owner = { ID: context.accountId, DisplayName: 'local' };

  function list(input: Asked, after: string | undefined): Page {
    const bucket = bucketNamed(buckets, input.Bucket);
    const marker = after === undefined ? undefined : { key: after };
    return pageOf((key) => bucket.keys.get(key) ?? [], sortedKeys(bucket), input, marker, false);
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
        ...echo(input, spell),
        ...(input.StartAfter === undefined ? {} : { StartAfter: spell(input.StartAfter) }),
        ...(token === undefined ? {} : { ContinuationToken: token }),
        KeyCount: page.items.length + page.prefixes.length,
        IsTruncated: page.truncated,
        ...(page.truncated ? { NextContinuationToken: makeToken(page.last?.key ?? '') } : {}),
        Contents: page.items.map(({ version }) => ({ ...summary(version, spell), ...fetchOwner })),
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
        ...echo(input, spell),
        Marker: spell(input.Marker ?? ''),
        IsTruncated: page.truncated,
        ...(page.truncated ? { NextMarker: spell(page.last?.key ?? '') } : {}),
        Contents: page.items.map(({ version }) => ({ ...summary(version, spell), Owner: owner })),
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
      const marker = key === undefined ? undefined : { key, versionId };
      const page = pageOf((one) => bucket.keys.get(one) ?? [], sortedKeys(bucket), input, marker, true);
      const common = ({ version, latest }: Page['items'][number]) => ({
        Key: spell(version.key),
        VersionId: version.versionId,
        IsLatest: latest,
        LastModified: version.lastModified,
        Owner: owner,
      });
      return {
        ...echo(input, spell),
        KeyMarker: spell(key ?? ''),
        VersionIdMarker: versionId ?? '',
        IsTruncated: page.truncated,
        ...(page.truncated ? { NextKeyMarker: spell(page.last?.key ?? '') } : {}),
        ...(page.truncated && page.last?.versionId !== undefined
          ? { NextVersionIdMarker: page.last.versionId }
          : {}),
        Versions: page.items
          .filter(({ version }) => !version.deleteMarker)
          .map((item) => ({ ...summary(item.version, spell), ...common(item) })),
        DeleteMarkers: page.items.filter(({ version }) => version.deleteMarker).map(common),
        CommonPrefixes: page.prefixes.map((one) => ({ Prefix: spell(one) })),
      };
    },
  };

  return { ListObjectsV2: listV2, ListObjects: listV1, ListObjectVersions: listVersions };
}

/** What a list says back of its request. */
function echo(input: Asked, spell: (text: string) => string) {
  return {
    Name: input.Bucket ?? '',
    Prefix: spell(input.Prefix ?? ''),
    MaxKeys: Math.min(input.MaxKeys ?? 1000, 1000),
    ...(input.Delimiter === undefined ? {} : { Delimiter: spell(input.Delimiter) }),
    ...(input.EncodingType === undefined ? {} : { EncodingType: 'url' as const }),
  };
}
