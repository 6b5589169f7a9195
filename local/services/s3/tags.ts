/**
 * Tags of objects, and the operations on them.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
 */
import type {
  DeleteObjectTaggingOutput,
  DeleteObjectTaggingRequest,
  GetObjectTaggingOutput,
  GetObjectTaggingRequest,
  PutObjectTaggingOutput,
  PutObjectTaggingRequest,
  Tag,
} from '@aws-sdk/client-s3';
import { AwsError, type Operation } from '../../service.ts';
import type { Objects } from './objects.ts';
import { onVersion } from './rights.ts';

/** Reads the header `x-amz-tagging`, which is written like a query. */
export function readTagHeader(header: string | undefined): readonly Tag[] {
  if (header === undefined) return [];
  return checkTags([...new URLSearchParams(header)].map(([Key, Value]) => ({ Key, Value })));
}

/** @throws AwsError InvalidTag, BadRequest */
function checkTags(tags: readonly Tag[]): readonly Tag[] {
  if (tags.length > 10) throw new AwsError('BadRequest', 'Object tags cannot be greater than 10');
  const keys = new Set<string>();
  for (const { Key: key = '', Value: value = '' } of tags) {
    if (key === '' || key.length > 128)
      throw new AwsError('InvalidTag', 'The TagKey you have provided is invalid');
    if (value.length > 256 || !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(key + value))
      throw new AwsError('InvalidTag', 'The TagValue you have provided is invalid');
    if (keys.has(key)) throw new AwsError('InvalidTag', 'Cannot provide multiple Tags with the same key');
    keys.add(key);
  }
  return tags;
}

export function createTagging(objects: Objects) {
  const put: Operation<PutObjectTaggingRequest, PutObjectTaggingOutput> = {
    access: onVersion('PutObjectTagging', 'PutObjectVersionTagging'),
    run: (input, call) => {
      const version = objects.find(input, call);
      version.tags = checkTags(input.Tagging?.TagSet ?? []);
      return objects.versionField(input.Bucket, version);
    },
  };
  const get: Operation<GetObjectTaggingRequest, GetObjectTaggingOutput> = {
    access: onVersion('GetObjectTagging', 'GetObjectVersionTagging'),
    run: (input, call) => {
      const version = objects.find(input, call);
      return { ...objects.versionField(input.Bucket, version), TagSet: [...version.tags] };
    },
  };
  const remove: Operation<DeleteObjectTaggingRequest, DeleteObjectTaggingOutput> = {
    access: onVersion('DeleteObjectTagging', 'DeleteObjectVersionTagging'),
    run: (input, call) => {
      const version = objects.find(input, call);
      version.tags = [];
      return objects.versionField(input.Bucket, version);
    },
  };
  return { PutObjectTagging: put, GetObjectTagging: get, DeleteObjectTagging: remove };
}
