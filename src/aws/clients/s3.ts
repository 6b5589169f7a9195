import { S3Client } from '@aws-sdk/client-s3';
import { withCalls } from '../calls.ts';
import { clientSettings } from './settings.ts';

/** With an endpoint of its own the bucket stands in the path: `bucket.127.0.0.1` resolves nowhere. */
export function s3Client(): S3Client {
  return withCalls(
    's3',
    new S3Client({ ...clientSettings(), forcePathStyle: process.env.AWS_ENDPOINT_URL !== undefined }),
  );
}
