/**
 * Uploads in parts. The parts' files become the object's pieces, so that nothing is copied.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type {
  AbortMultipartUploadRequest,
  CompleteMultipartUploadOutput,
  CompleteMultipartUploadRequest,
  CreateMultipartUploadOutput,
  CreateMultipartUploadRequest,
  UploadPartCopyOutput,
  UploadPartCopyRequest,
  UploadPartOutput,
  UploadPartRequest,
} from '@aws-sdk/client-s3';
import type { Context } from '../../context.ts';
import { AwsError, type Operation } from '../../service.ts';
import type { ByteStore } from './bytes.ts';
import { Checking, checkPartAlgorithm, checksumFields, checksumOfUpload } from './checking.ts';
import { compositeSum, summing } from './checksums.ts';
import { chosenParts } from './chosen-parts.ts';
import type { Notify } from './notifications.ts';
import { headersOf, type Objects, sourceAccess, sourceOf } from './objects.ts';
import { failedPreconditions, readRange, sourcePreconditions } from './preconditions.ts';
import { checkUpload, onObject, refuse } from './rights.ts';
import { risingIds } from './rising-ids.ts';
import { type Buckets, bucketNamed, type Checksum, current, type Part, type Upload } from './state.ts';
import { readTagHeader } from './tags.ts';
import { createUploadLists } from './upload-lists.ts';

/** What an upload is named by. */
export interface Named {
  readonly Bucket?: string | undefined;
  readonly Key?: string | undefined;
  readonly UploadId?: string | undefined;
}

export function createMultipart(
  context: Context,
  buckets: Buckets,
  bytes: ByteStore,
  objects: Objects,
  notify: Notify,
) {
  const newUploadId = risingIds(context, 64);

  function uploadOf(input: Named): Upload {
    const upload = bucketNamed(buckets, input.Bucket).uploads.get(input.UploadId ?? '');
    if (upload === undefined || upload.key !== input.Key)
      throw new AwsError(
        'NoSuchUpload',
        'The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.',
        404,
      );
    return upload;
  }

  const create: Operation<CreateMultipartUploadRequest, CreateMultipartUploadOutput> = {
    access: (input) => [
      ...onObject('PutObject')(input),
      ...(input.Tagging === undefined ? [] : onObject('PutObjectTagging')(input)),
    ],
    run: (input, call) => {
      checkUpload(input);
      const bucket = bucketNamed(buckets, input.Bucket);
      const checksum = checksumOfUpload(input);
      const upload: Upload = {
        id: newUploadId(),
        key: input.Key ?? '',
        headers: headersOf(input),
        tags: readTagHeader(input.Tagging),
        checksum,
        initiated: new Date(context.clock.now()),
        initiator: call.principal.arn,
        parts: new Map(),
      };
      bucket.uploads.set(upload.id, upload);
      return {
        Bucket: bucket.name,
        Key: upload.key,
        UploadId: upload.id,
        ServerSideEncryption: 'AES256',
        ...(checksum === undefined
          ? {}
          : { ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type }),
      };
    },
  };

  function keep(upload: Upload, part: Part): void {
    const replaced = upload.parts.get(part.number);
    if (replaced !== undefined) bytes.release([replaced.piece]);
    upload.parts.set(part.number, part);
  }

  function partNumber(input: { PartNumber?: number | undefined }): number {
    const number = input.PartNumber ?? 0;
    if (!Number.isInteger(number) || number < 1 || number > 10_000)
      throw new AwsError('InvalidArgument', 'Part number must be an integer between 1 and 10000, inclusive');
    return number;
  }

  /** Takes a part's bytes in, and keeps it where the upload is still there then: it may be completed or aborted meanwhile. */
  async function takePart(
    input: Named & { Body?: Readable | Uint8Array },
    number: number,
    checking: Checking,
  ) {
    const { piece, md5 } = await bytes.receive(input.Body, checking.sums);
    try {
      const { ChecksumType: _, ...sums } = checksumFields(checking.verify(md5, input.Body));
      const upload = uploadOf(input);
      const [checksum] = Object.values(sums);
      const part: Part = {
        number,
        piece,
        etag: `"${md5}"`,
        checksum,
        lastModified: new Date(context.clock.now()),
      };
      keep(upload, part);
      return { ...part, sums };
    } catch (error) {
      bytes.release([piece]);
      throw error;
    }
  }

  const uploadPart: Operation<
    Omit<UploadPartRequest, 'Body'> & { Body?: Readable | Uint8Array },
    UploadPartOutput
  > = {
    access: onObject('PutObject'),
    run: async (input) => {
      refuse(input, ['SSECustomerAlgorithm', 'SSECustomerKey']);
      const number = partNumber(input);
      const upload = uploadOf(input);
      checkPartAlgorithm(input, upload.checksum);
      const { etag, sums } = await takePart(input, number, new Checking(input, upload.checksum?.algorithm));
      return { ETag: etag, ServerSideEncryption: 'AES256', ...sums };
    },
  };

  const uploadPartCopy: Operation<UploadPartCopyRequest, UploadPartCopyOutput> = {
    access: (input) => [...sourceAccess(input.CopySource), ...onObject('PutObject')(input)],
    run: async (input, call) => {
      refuse(input, ['SSECustomerAlgorithm', 'CopySourceSSECustomerAlgorithm']);
      const number = partNumber(input);
      const upload = uploadOf(input);
      const from = sourceOf(input.CopySource);
      const source = objects.findSource(from, call);
      failedPreconditions(source, sourcePreconditions(input));
      const range = readRange(input.CopySourceRange, source.sizeBytes) ?? { start: 0, end: source.sizeBytes };
      const { VersionId } = objects.versionField(from.Bucket, source);
      const Body = await bytes.read(source.pieces, range.start, range.end);
      const checking = new Checking({}, upload.checksum?.algorithm);
      const { etag, lastModified, sums } = await takePart({ ...input, Body }, number, checking);
      return {
        CopyPartResult: { ETag: etag, LastModified: lastModified, ...sums },
        ServerSideEncryption: 'AES256',
        ...(VersionId === undefined ? {} : { CopySourceVersionId: VersionId }),
      };
    },
  };

  const complete: Operation<CompleteMultipartUploadRequest, CompleteMultipartUploadOutput> = {
    access: onObject('PutObject'),
    run: async (input, call) => {
      refuse(input, ['MpuObjectSize']);
      const bucket = bucketNamed(buckets, input.Bucket);
      const upload = uploadOf(input);
      const chosen = chosenParts(upload, input.MultipartUpload?.Parts ?? []);
      if (input.ChecksumType !== undefined && input.ChecksumType !== upload.checksum?.type)
        throw new AwsError(
          'InvalidRequest',
          `The upload was created using the ${upload.checksum?.type ?? 'null'} checksum mode. The complete request must use the same checksum mode.`,
        );
      failedPreconditions(current(bucket, upload.key), input);
      const checksum = await checksumOf(upload, chosen);
      const said =
        checksum === undefined
          ? undefined
          : (input as unknown as Record<string, unknown>)[`Checksum${checksum.algorithm}`];
      if (said !== undefined && said !== checksum?.value && said !== checksum?.value.replace(/-\d+$/, ''))
        throw new AwsError('BadDigest', 'The checksum you specified did not match the calculated checksum.');
      uploadOf(input);
      failedPreconditions(current(bucket, upload.key), input);
      bucket.uploads.delete(upload.id);
      const used = new Set(chosen);
      bytes.release([...upload.parts.values()].filter((part) => !used.has(part)).map((part) => part.piece));
      const md5 = createHash('md5');
      for (const part of chosen) md5.update(Buffer.from(part.etag.replaceAll('"', ''), 'hex'));
      const version = objects.commit(bucket, {
        key: upload.key,
        pieces: chosen.map((part) => part.piece),
        etag: `${md5.digest('hex')}-${chosen.length}`,
        headers: upload.headers,
        tags: upload.tags,
        checksum,
      });
      notify('ObjectCreated:CompleteMultipartUpload', bucket, version, call);
      return {
        // As AWS writes it: a name for people, which nothing here dials.
        Location: `https://${bucket.name}.s3.${context.regionName}.amazonaws.com/${encodeURIComponent(upload.key)}`,
        Bucket: bucket.name,
        Key: upload.key,
        ETag: version.etag,
        ServerSideEncryption: 'AES256',
        ...checksumFields(checksum),
        ...objects.versionField(bucket.name, version),
      };
    },
  };

  async function checksumOf(upload: Upload, parts: readonly Part[]): Promise<Checksum | undefined> {
    if (upload.checksum === undefined) return undefined;
    const { algorithm, type } = upload.checksum;
    if (type === 'COMPOSITE') {
      const value = compositeSum(
        algorithm,
        parts.map((part) => part.checksum ?? ''),
      );
      return { algorithm, type, value: `${value}-${parts.length}` };
    }
    // The sum of the whole is made from the whole: the bytes are read once more.
    const sum = summing(algorithm);
    await bytes.sum(
      parts.map((part) => part.piece),
      [sum],
    );
    return { algorithm, type, value: sum.digest() };
  }

  const abort: Operation<AbortMultipartUploadRequest, object> = {
    access: onObject('AbortMultipartUpload'),
    run: (input) => {
      const upload = uploadOf(input);
      bucketNamed(buckets, input.Bucket).uploads.delete(upload.id);
      bytes.release([...upload.parts.values()].map((part) => part.piece));
      return {};
    },
  };

  return {
    CreateMultipartUpload: create,
    UploadPart: uploadPart,
    UploadPartCopy: uploadPartCopy,
    CompleteMultipartUpload: complete,
    AbortMultipartUpload: abort,
    ...createUploadLists(buckets, uploadOf),
  };
}
