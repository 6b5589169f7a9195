/** What S3 remembers: buckets, versions, uploads in progress; and how they are found. */
import type {
  BucketLifecycleConfiguration,
  LambdaFunctionConfiguration,
  OwnershipControls,
  PublicAccessBlockConfiguration,
  ServerSideEncryptionConfiguration,
  Tag,
} from '@aws-sdk/client-s3';
import { AwsError, type PolicyDocument } from '../../service.ts';
import type { Piece } from './bytes.ts';
import type { ChecksumAlgorithm } from './checksums.ts';

/** Headers that are kept with the object and given back as they came. */
export interface Headers {
  readonly CacheControl?: string | undefined;
  readonly ContentDisposition?: string | undefined;
  readonly ContentEncoding?: string | undefined;
  readonly ContentLanguage?: string | undefined;
  readonly ContentType?: string | undefined;
  readonly Expires?: Date | undefined;
  readonly Metadata?: Readonly<Record<string, string>> | undefined;
}

export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
  readonly type: 'FULL_OBJECT' | 'COMPOSITE';
}

export interface Version {
  readonly key: string;
  /** `null` for what was written while versioning was off. */
  readonly versionId: string;
  readonly deleteMarker: boolean;
  readonly lastModified: Date;
  readonly pieces: readonly Piece[];
  readonly sizeBytes: number;
  /** With its quotation marks. */
  readonly etag: string;
  readonly headers: Headers;
  readonly checksum: Checksum | undefined;
  tags: readonly Tag[];
}

export interface Part {
  readonly number: number;
  readonly piece: Piece;
  readonly etag: string;
  readonly checksum: string | undefined;
  readonly lastModified: Date;
}

export interface Upload {
  readonly id: string;
  readonly key: string;
  readonly headers: Headers;
  readonly tags: readonly Tag[];
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: Checksum['type'] } | undefined;
  readonly initiated: Date;
  readonly initiator: string;
  readonly parts: Map<number, Part>;
}

export interface Bucket {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: Date;
  versioning: 'Enabled' | 'Suspended' | undefined;
  /** Newest version first. No key is without a version. */
  readonly keys: Map<string, Version[]>;
  /** The keys in S3's order; undefined after a key came or went. */
  sortedKeys: readonly string[] | undefined;
  readonly uploads: Map<string, Upload>;
  notifications: readonly LambdaFunctionConfiguration[];
  policy: { readonly text: string; readonly document: PolicyDocument } | undefined;
  publicAccessBlock: PublicAccessBlockConfiguration | undefined;
  encryption: ServerSideEncryptionConfiguration | undefined;
  lifecycle: BucketLifecycleConfiguration | undefined;
  ownership: OwnershipControls | undefined;
  tags: readonly Tag[];
}

export type Buckets = Map<string, Bucket>;

/** @throws AwsError NoSuchBucket */
export function bucketNamed(buckets: Buckets, name: string | undefined): Bucket {
  const bucket = name === undefined ? undefined : buckets.get(name);
  if (bucket === undefined)
    throw new AwsError('NoSuchBucket', 'The specified bucket does not exist', 404, {
      BucketName: name ?? '',
    });
  return bucket;
}

/** The newest version, which may be a delete marker. */
export function current(bucket: Bucket, key: string): Version | undefined {
  return bucket.keys.get(key)?.[0];
}

/** The keys in the order in which S3 lists them: by their UTF-8 bytes. */
export function sortedKeys(bucket: Bucket): readonly string[] {
  bucket.sortedKeys ??= [...bucket.keys.keys()].sort(byBytes);
  return bucket.sortedKeys;
}

/** Whether a key comes before (below zero) or after another one in a list. */
export function byBytes(a: string, b: string): number {
  // UTF-16 and UTF-8 order differ only where a surrogate meets a character above it.
  return /[\ud800-\uffff]/.test(a + b)
    ? Buffer.compare(Buffer.from(a), Buffer.from(b))
    : a < b
      ? -1
      : a > b
        ? 1
        : 0;
}

/** Puts a version in front, replacing the null version where versioning is not on. Returns what it replaced. */
export function insert(bucket: Bucket, version: Version): Version | undefined {
  const versions = bucket.keys.get(version.key);
  if (versions === undefined) {
    bucket.keys.set(version.key, [version]);
    bucket.sortedKeys = undefined;
    return undefined;
  }
  const old = version.versionId === 'null' ? versions.findIndex((one) => one.versionId === 'null') : -1;
  const replaced = old < 0 ? undefined : versions.splice(old, 1)[0];
  versions.unshift(version);
  return replaced;
}

/** Takes a version out for good. */
export function remove(bucket: Bucket, version: Version): void {
  const versions = bucket.keys.get(version.key) ?? [];
  const index = versions.indexOf(version);
  if (index >= 0) versions.splice(index, 1);
  if (versions.length === 0 && bucket.keys.delete(version.key)) bucket.sortedKeys = undefined;
}
