/**
 * Deleting: a version for good, or a marker in front of the others.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
 */
import type {
  DeletedObject,
  DeleteObjectOutput,
  DeleteObjectRequest,
  DeleteObjectsOutput,
  DeleteObjectsRequest,
  _Error as S3Error,
} from '@aws-sdk/client-s3';
import { AwsError, type Call, type Operation } from '../../service.ts';
import type { ByteStore } from './bytes.ts';
import type { Notify } from './notifications.ts';
import type { Objects } from './objects.ts';
import { failedPreconditions } from './preconditions.ts';
import { bucketArn, onVersion, refuse } from './rights.ts';
import { type Bucket, type Buckets, bucketNamed, current, insert, remove, type Version } from './state.ts';

/** What neither operation may ask for. */
const unsupported = ['MFA', 'BypassGovernanceRetention'];

export function createDeletes(buckets: Buckets, bytes: ByteStore, objects: Objects, notify: Notify) {
  function deleteOne(
    bucket: Bucket,
    key: string,
    versionId: string | undefined,
    call: Call,
  ): DeleteObjectOutput {
    if (versionId !== undefined) {
      const version = bucket.keys.get(key)?.find((one) => one.versionId === versionId);
      if (version === undefined) return { VersionId: versionId };
      remove(bucket, version);
      bytes.release(version.pieces);
      notify('ObjectRemoved:Delete', bucket, version, call);
      return { VersionId: versionId, ...(version.deleteMarker ? { DeleteMarker: true } : {}) };
    }
    if (bucket.versioning === undefined) {
      const version = current(bucket, key);
      if (version === undefined) return {};
      remove(bucket, version);
      bytes.release(version.pieces);
      notify('ObjectRemoved:Delete', bucket, version, call);
      return {};
    }
    const marker: Version = {
      key,
      versionId: bucket.versioning === 'Enabled' ? objects.newVersionId() : 'null',
      deleteMarker: true,
      lastModified: objects.now(),
      pieces: [],
      sizeBytes: 0,
      etag: '',
      headers: {},
      checksum: undefined,
      tags: [],
    };
    const replaced = insert(bucket, marker);
    if (replaced !== undefined) bytes.release(replaced.pieces);
    notify('ObjectRemoved:DeleteMarkerCreated', bucket, marker, call);
    return { DeleteMarker: true, VersionId: marker.versionId };
  }

  const deleteObject: Operation<DeleteObjectRequest, DeleteObjectOutput> = {
    access: onVersion('DeleteObject', 'DeleteObjectVersion'),
    run: (input, call) => {
      refuse(input, [...unsupported, 'IfMatchLastModifiedTime', 'IfMatchSize']);
      const bucket = bucketNamed(buckets, input.Bucket);
      failedPreconditions(current(bucket, input.Key ?? ''), input);
      return deleteOne(bucket, input.Key ?? '', input.VersionId, call);
    },
  };

  const deleteObjects: Operation<DeleteObjectsRequest, DeleteObjectsOutput> = {
    // Each key is judged by itself, and a refusal stands in the answer.
    access: () => [],
    run: (input, call) => {
      refuse(input, unsupported);
      const bucket = bucketNamed(buckets, input.Bucket);
      const listed = input.Delete?.Objects ?? [];
      if (listed.length === 0 || listed.length > 1000)
        throw new AwsError('MalformedXML', 'The request must name 1 to 1000 objects.');
      for (const one of listed) refuse(one, ['LastModifiedTime', 'Size']);
      const deleted: DeletedObject[] = [];
      const errors: S3Error[] = [];
      for (const { Key: key = '', VersionId: versionId, ETag: etag } of listed)
        try {
          const action = versionId === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion';
          call.authorize({ action, resources: [`${bucketArn(bucket.name)}/${key}`] });
          // https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html
          failedPreconditions(current(bucket, key), { IfMatch: etag });
          const done = deleteOne(bucket, key, versionId, call);
          const marker =
            done.DeleteMarker === true ? { DeleteMarker: true, DeleteMarkerVersionId: done.VersionId } : {};
          const version = versionId === undefined ? {} : { VersionId: versionId };
          if (input.Delete?.Quiet !== true) deleted.push({ Key: key, ...version, ...marker });
        } catch (error) {
          if (!(error instanceof AwsError)) throw error;
          errors.push({ Key: key, Code: error.code, Message: error.message });
        }
      return { Deleted: deleted, Errors: errors };
    },
  };

  return { DeleteObject: deleteObject, DeleteObjects: deleteObjects };
}
