import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { withCalls } from '../calls.ts';
import { clientSettings, longCallSettings } from './settings.ts';

/** With an endpoint of its own the bucket stands in the path: `bucket.127.0.0.1` resolves nowhere. */
export function s3Client(): S3Client {
  return clientWith(clientSettings());
}

/** For copies. */
export function s3CopyClient(): S3Client {
  return clientWith(longCallSettings());
}

function clientWith(settings: S3ClientConfig): S3Client {
  const forcePathStyle = process.env.AWS_ENDPOINT_URL !== undefined;
  return withCalls('s3', new S3Client({ ...settings, forcePathStyle }));
}
