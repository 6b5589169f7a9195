/** Objects: put, get, head, copy. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type {
  CopyObjectOutput,
  CopyObjectRequest,
  GetObjectOutput,
  GetObjectRequest,
  HeadObjectOutput,
  HeadObjectRequest,
  PutObjectOutput,
  PutObjectRequest,
} from '@aws-sdk/client-s3';
import type { Context } from '../../context.ts';
import { type Access, AwsError, type Call, type Operation } from '../../service.ts';
import { type ByteStore, type Piece, sizeOf } from './bytes.ts';
import { Checking, checksumFields } from './checking.ts';
import { algorithmNamed, summing } from './checksums.ts';
import type { Notify } from './notifications.ts';
import { failedPreconditions, readRange, sourcePreconditions } from './preconditions.ts';
import { bucketArn, checkUpload, mayList, onObject, onVersion, refuse } from './rights.ts';
import { risingIds } from './rising-ids.ts';
import {
  type Bucket,
  type Buckets,
  bucketNamed,
  type Checksum,
  current,
  type Headers,
  insert,
  type Version,
} from './state.ts';
import { readTagHeader } from './tags.ts';

type Streamed<T> = Omit<T, 'Body'> & { Body?: Readable | Uint8Array | undefined };

/** What an object is named by. */
export interface ObjectName {
  readonly Bucket?: string | undefined;
  readonly Key?: string | undefined;
  readonly VersionId?: string | undefined;
}

/** What makes a new version, whichever way its bytes came. */
export interface NewObject {
  readonly key: string;
  readonly pieces: readonly Piece[];
  /** Without quotation marks. */
  readonly etag: string;
  readonly headers: Headers;
  readonly tags: Version['tags'];
  readonly checksum: Checksum | undefined;
}

export type Objects = ReturnType<typeof createObjects>;

export function createObjects(context: Context, buckets: Buckets, bytes: ByteStore, notify: Notify) {
  const { clock } = context;
  const newVersionId = risingIds(context, 32);
  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html : times have whole seconds
  const now = (): Date => new Date(Math.floor(clock.now() / 1000) * 1000);

  /**
   * The version that a request means.
   * @throws AwsError NoSuchKey, NoSuchVersion, MethodNotAllowed (a delete marker); AccessDenied instead of
   * NoSuchKey and NoSuchVersion for who may not list the bucket, as S3 does.
   */
  function find(name: ObjectName, call: Call): Version {
    const bucket = bucketNamed(buckets, name.Bucket);
    const versions = bucket.keys.get(name.Key ?? '') ?? [];
    if (name.VersionId !== undefined) {
      const version = versions.find((one) => one.versionId === name.VersionId);
      // "The error that's returned depends on whether you also have the s3:ListBucket permission"; whether that holds
      // for a version of a key that exists is left open: here it does.
      // https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
      if (version === undefined && !mayList(call, bucket.name))
        throw new AwsError('AccessDenied', 'Access Denied', 403);
      if (version === undefined)
        throw new AwsError('NoSuchVersion', 'The specified version does not exist.', 404, {
          Key: name.Key ?? '',
          VersionId: name.VersionId,
        });
      if (version.deleteMarker)
        throw new AwsError(
          'MethodNotAllowed',
          'The specified method is not allowed against this resource.',
          405,
        );
      return version;
    }
    const newest = versions[0];
    if (newest === undefined || newest.deleteMarker) {
      if (!mayList(call, bucket.name)) throw new AwsError('AccessDenied', 'Access Denied', 403);
      throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404, { Key: name.Key ?? '' });
    }
    return newest;
  }

  /** The version that a copy is made of. @throws AwsError as {@link find}, and InvalidRequest for a delete marker */
  function findSource(name: ObjectName, call: Call): Version {
    try {
      return find(name, call);
    } catch (error) {
      if (!(error instanceof AwsError) || error.code !== 'MethodNotAllowed') throw error;
      // In S3's words, as those who met them quote them: https://github.com/localstack/localstack
      throw new AwsError(
        'InvalidRequest',
        'The source of a copy request may not specifically refer to a delete marker by version id.',
      );
    }
  }

  /** The member `VersionId`, where the bucket has ever had versions. */
  function versionField(bucket: string | undefined, version: Version): { VersionId?: string } {
    return bucketNamed(buckets, bucket).versioning === undefined ? {} : { VersionId: version.versionId };
  }

  /** Makes a new version the current one. Synchronous: preconditions checked before it hold. */
  function commit(bucket: Bucket, object: NewObject): Version {
    const version: Version = {
      ...object,
      versionId: bucket.versioning === 'Enabled' ? newVersionId() : 'null',
      deleteMarker: false,
      lastModified: now(),
      sizeBytes: sizeOf(object.pieces),
      etag: `"${object.etag}"`,
    };
    const replaced = insert(bucket, version);
    if (replaced !== undefined) bytes.release(replaced.pieces);
    return version;
  }

  const putObject: Operation<Streamed<PutObjectRequest>, PutObjectOutput> = {
    access: (input) => [
      ...onObject('PutObject')(input),
      ...(input.Tagging === undefined ? [] : onObject('PutObjectTagging')(input)),
    ],
    run: async (input, call) => {
      const bucket = bucketNamed(buckets, input.Bucket);
      checkUpload(input);
      const tags = readTagHeader(input.Tagging);
      failedPreconditions(current(bucket, input.Key ?? ''), input);
      const checking = new Checking(input);
      const { piece, md5 } = await bytes.receive(input.Body, checking.sums);
      let version: Version;
      try {
        const checksum = checking.verify(md5, input.Body);
        // Asked again now that the bytes are here: of two writers one wins.
        failedPreconditions(current(bucket, input.Key ?? ''), input);
        const headers = headersOf(input);
        version = commit(bucket, {
          key: input.Key ?? '',
          pieces: [piece],
          etag: md5,
          headers,
          tags,
          checksum,
        });
      } catch (error) {
        bytes.release([piece]);
        throw error;
      }
      notify('ObjectCreated:Put', bucket, version, call);
      return {
        ETag: version.etag,
        ServerSideEncryption: 'AES256',
        ...versionField(bucket.name, version),
        ...checksumFields(version.checksum),
      };
    },
  };

  function describe(version: Version, input: GetObjectRequest | HeadObjectRequest): HeadObjectOutput {
    refuse(input, ['SSECustomerAlgorithm', 'SSECustomerKey', 'PartNumber']);
    failedPreconditions(version, { ...input, reading: true });
    return {
      AcceptRanges: 'bytes',
      LastModified: version.lastModified,
      ETag: version.etag,
      ServerSideEncryption: 'AES256',
      ContentType: 'binary/octet-stream',
      ...version.headers,
      ...versionField(input.Bucket, version),
      ...(input.ChecksumMode === 'ENABLED' && input.Range === undefined
        ? checksumFields(version.checksum)
        : {}),
    };
  }

  const getObject: Operation<GetObjectRequest, Streamed<GetObjectOutput>> = {
    access: onVersion('GetObject', 'GetObjectVersion'),
    run: async (input, call) => {
      refuse(input, ['ResponseContentEncoding', 'ResponseContentLanguage', 'ResponseExpires']);
      const version = find(input, call);
      const described = describe(version, input);
      const range = readRange(input.Range, version.sizeBytes);
      const { start, end } = range ?? { start: 0, end: version.sizeBytes };
      const { ResponseContentType, ResponseContentDisposition, ResponseCacheControl } = input;
      return {
        ...described,
        ...(ResponseContentType === undefined ? {} : { ContentType: ResponseContentType }),
        ...(ResponseContentDisposition === undefined
          ? {}
          : { ContentDisposition: ResponseContentDisposition }),
        ...(ResponseCacheControl === undefined ? {} : { CacheControl: ResponseCacheControl }),
        ...(range === undefined ? {} : { ContentRange: `bytes ${start}-${end - 1}/${version.sizeBytes}` }),
        ...(version.tags.length === 0 ? {} : { TagCount: version.tags.length }),
        ContentLength: end - start,
        Body: await bytes.read(version.pieces, start, end),
      };
    },
  };

  const headObject: Operation<HeadObjectRequest, HeadObjectOutput> = {
    access: onVersion('GetObject', 'GetObjectVersion'),
    run: (input, call) => {
      const version = find(input, call);
      const described = describe(version, input);
      const range = readRange(input.Range, version.sizeBytes);
      return {
        ...described,
        ContentLength: range === undefined ? version.sizeBytes : range.end - range.start,
      };
    },
  };

  /**
   * ETag and checksum of a copy, which is one object whatever parts its source came in: the MD5 of its bytes, and their
   * sum by the algorithm of the source, or by the one that is `wanted`.
   * https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
   * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
   */
  async function sumsOfCopy(
    { etag, checksum, pieces }: Version,
    wanted: string | undefined,
  ): Promise<Pick<NewObject, 'etag' | 'checksum'>> {
    const composite = checksum?.type === 'COMPOSITE' ? checksum.algorithm : undefined;
    const algorithm = wanted === undefined ? composite : algorithmNamed(wanted);
    const sum = algorithm === undefined ? undefined : { algorithm, of: summing(algorithm) };
    const md5 = etag.includes('-') ? createHash('md5') : undefined;
    const sums = [md5, sum?.of].filter((one) => one !== undefined);
    if (sums.length > 0) await bytes.sum(pieces, sums);
    return {
      etag: md5?.digest('hex') ?? etag.replaceAll('"', ''),
      checksum:
        sum === undefined
          ? checksum
          : { algorithm: sum.algorithm, value: sum.of.digest(), type: 'FULL_OBJECT' },
    };
  }

  const copyObject: Operation<CopyObjectRequest, CopyObjectOutput> = {
    access: (input) => [...sourceAccess(input.CopySource), ...onObject('PutObject')(input)],
    run: async (input, call) => {
      checkUpload(input);
      refuse(input, ['CopySourceSSECustomerAlgorithm', 'CopySourceSSECustomerKey']);
      const bucket = bucketNamed(buckets, input.Bucket);
      const from = sourceOf(input.CopySource);
      const source = findSource(from, call);
      // https://docs.aws.amazon.com/AmazonS3/latest/userguide/copy-object.html : a copy in place must change something
      const inPlace = from.Bucket === input.Bucket && from.Key === input.Key && from.VersionId === undefined;
      if (inPlace && input.MetadataDirective !== 'REPLACE')
        throw new AwsError(
          'InvalidRequest',
          "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
        );
      failedPreconditions(source, sourcePreconditions(input));
      const { IfMatch, IfNoneMatch } = input;
      failedPreconditions(current(bucket, input.Key ?? ''), { IfMatch, IfNoneMatch });
      const replaceTags = input.TaggingDirective === 'REPLACE';
      if (!replaceTags && source.tags.length > 0)
        call.authorize({ action: 's3:GetObjectTagging', resources: [arnOf(from)] });
      const tags = replaceTags ? readTagHeader(input.Tagging) : source.tags;
      if (tags.length > 0) call.authorize({ action: 's3:PutObjectTagging', resources: [arnOf(input)] });
      const headers = input.MetadataDirective === 'REPLACE' ? headersOf(input) : source.headers;
      const { pieces } = source;
      for (const piece of pieces) piece.references += 1;
      let version: Version;
      try {
        const sums = await sumsOfCopy(source, input.ChecksumAlgorithm);
        // Asked again now that the bytes are summed: of two writers one wins.
        failedPreconditions(current(bucket, input.Key ?? ''), { IfMatch, IfNoneMatch });
        version = commit(bucket, { key: input.Key ?? '', pieces, ...sums, headers, tags });
      } catch (error) {
        bytes.release(pieces);
        throw error;
      }
      notify('ObjectCreated:Copy', bucket, version, call);
      return {
        CopyObjectResult: {
          ETag: version.etag,
          LastModified: version.lastModified,
          ...checksumFields(version.checksum),
        },
        ...versionField(input.Bucket, version),
        ...(from.VersionId === undefined ? {} : { CopySourceVersionId: source.versionId }),
      };
    },
  };

  return {
    find,
    findSource,
    versionField,
    commit,
    newVersionId,
    now,
    operations: {
      PutObject: putObject,
      GetObject: getObject,
      HeadObject: headObject,
      CopyObject: copyObject,
    },
  };
}

/** The headers of an upload that are kept with the object. */
export function headersOf(input: Headers): Headers {
  const {
    CacheControl,
    ContentDisposition,
    ContentEncoding,
    ContentLanguage,
    ContentType,
    Expires,
    Metadata,
  } = input;
  // `aws-chunked` was the wrapping of the request, not of the object.
  const encoding = ContentEncoding?.split(',')
    .filter((one) => one.trim() !== 'aws-chunked')
    .join(',');
  return {
    ...(CacheControl === undefined ? {} : { CacheControl }),
    ...(ContentDisposition === undefined ? {} : { ContentDisposition }),
    ...(encoding ? { ContentEncoding: encoding } : {}),
    ...(ContentLanguage === undefined ? {} : { ContentLanguage }),
    ...(ContentType === undefined ? {} : { ContentType }),
    ...(Expires === undefined ? {} : { Expires }),
    ...(Metadata === undefined ? {} : { Metadata }),
  };
}

const arnOf = (name: ObjectName): string => `${bucketArn(name.Bucket)}/${name.Key ?? ''}`;

/** Reads `bucket/key?versionId=…`, as the header `x-amz-copy-source` has it. */
export function sourceOf(copySource: string | undefined): ObjectName {
  const [path = '', query = ''] = (copySource ?? '').replace(/^\//, '').split('?versionId=');
  const decoded = decodeURIComponent(path);
  const slash = decoded.indexOf('/');
  if (slash < 1)
    throw new AwsError(
      'InvalidArgument',
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    );
  return {
    Bucket: decoded.slice(0, slash),
    Key: decoded.slice(slash + 1),
    ...(query === '' ? {} : { VersionId: query }),
  };
}

export function sourceAccess(copySource: string | undefined): readonly Access[] {
  return onVersion('GetObject', 'GetObjectVersion')(sourceOf(copySource));
}
