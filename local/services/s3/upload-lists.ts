/** Lists of what is under way: the uploads of a bucket, and the parts of an upload. */
import type {
  ListMultipartUploadsOutput,
  ListMultipartUploadsRequest,
  ListPartsOutput,
  ListPartsRequest,
} from '@aws-sdk/client-s3';
import type { Operation } from '../../service.ts';
import type { Named } from './multipart.ts';
import { echo, type Listed, limitOf, pageOf, spelling } from './pages.ts';
import { onBucket, onObject } from './rights.ts';
import { isNewer } from './rising-ids.ts';
import { type Bucket, type Buckets, bucketNamed, byBytes, type Upload } from './state.ts';

/** By key, and the uploads of one key by the time when they began. */
function uploadsIn(bucket: Bucket): Listed<Upload> {
  const byKey = Map.groupBy(bucket.uploads.values(), (upload) => upload.key);
  return {
    keys: [...byKey.keys()].sort(byBytes),
    itemsOf: (key) =>
      (byKey.get(key) ?? []).toSorted((a, b) => a.initiated.getTime() - b.initiated.getTime()),
    idOf: (upload) => upload.id,
    countUntil: (uploads, marker) => 1 + uploads.findLastIndex((one) => !isNewer(one.id, marker)),
  };
}

const checksumFields = ({ checksum }: Upload) =>
  checksum === undefined ? {} : { ChecksumAlgorithm: checksum.algorithm, ChecksumType: checksum.type };

export function createUploadLists(buckets: Buckets, uploadOf: (input: Named) => Upload) {
  const listParts: Operation<ListPartsRequest, ListPartsOutput> = {
    access: onObject('ListMultipartUploadParts'),
    run: (input) => {
      const upload = uploadOf(input);
      const after = Number(input.PartNumberMarker ?? 0);
      const limit = limitOf('max-parts', input.MaxParts);
      const rest = [...upload.parts.values()]
        .filter((part) => part.number > after)
        .sort((a, b) => a.number - b.number);
      const page = rest.slice(0, limit);
      return {
        Bucket: input.Bucket ?? '',
        Key: upload.key,
        UploadId: upload.id,
        PartNumberMarker: String(after),
        MaxParts: limit,
        IsTruncated: rest.length > limit,
        ...(rest.length > limit ? { NextPartNumberMarker: String(page.at(-1)?.number ?? 0) } : {}),
        StorageClass: 'STANDARD',
        ...checksumFields(upload),
        Parts: page.map((part) => ({
          PartNumber: part.number,
          ETag: part.etag,
          Size: part.piece.sizeBytes,
          LastModified: part.lastModified,
          ...(part.checksum === undefined || upload.checksum === undefined
            ? {}
            : { [`Checksum${upload.checksum.algorithm}`]: part.checksum }),
        })),
      };
    },
  };

  const listUploads: Operation<ListMultipartUploadsRequest, ListMultipartUploadsOutput> = {
    access: onBucket('ListBucketMultipartUploads'),
    run: (input) => {
      const spell = spelling(input);
      const bucket = bucketNamed(buckets, input.Bucket);
      const { KeyMarker: key, UploadIdMarker: id } = input;
      const limit = limitOf('max-uploads', input.MaxUploads);
      // "If key-marker is not specified, the upload-id-marker parameter is ignored":
      // https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
      const marker = key === undefined ? undefined : { key, id };
      const { items, prefixes, truncated, last } = pageOf(uploadsIn(bucket), input, limit, marker);
      return {
        ...echo(input, spell),
        Bucket: bucket.name,
        KeyMarker: spell(key ?? ''),
        UploadIdMarker: id ?? '',
        MaxUploads: limit,
        IsTruncated: truncated,
        ...(truncated ? { NextKeyMarker: spell(last?.key ?? ''), NextUploadIdMarker: last?.id ?? '' } : {}),
        Uploads: items.map((upload) => ({
          Key: spell(upload.key),
          UploadId: upload.id,
          Initiated: upload.initiated,
          Initiator: { ID: upload.initiator },
          StorageClass: 'STANDARD' as const,
          ...checksumFields(upload),
        })),
        CommonPrefixes: prefixes.map((one) => ({ Prefix: spell(one) })),
      };
    },
  };

  return { ListParts: listParts, ListMultipartUploads: listUploads };
}
