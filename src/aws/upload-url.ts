/** Presigned URLs, through which bytes reach the upload bucket without AWS credentials. */
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { s3Client } from './clients/s3.ts';

export interface UploadUrlWish {
  readonly bucket: string;
  readonly key: string;
  readonly expiresInSeconds: number;
  /** Signed into the URL: S3 refuses a body of another length. */
  readonly sizeBytes?: number | undefined;
  /** Hexadecimal; signed into the URL: S3 refuses other bytes. */
  readonly sha256?: string | undefined;
  /** Metadata of the object, signed into the URL: S3 refuses a request without it, or with other. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface UploadUrl {
  readonly url: string;
  /** What must be sent with the bytes, because the signature covers it. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface UploadUrls {
  put(wish: UploadUrlWish): Promise<UploadUrl>;
}

const checksumHeader = 'x-amz-checksum-sha256';

export function openUploadUrls(client: S3Client = s3Client()): UploadUrls {
  // By itself the client would sign the CRC of an empty body into the URL, and S3 would refuse any other.
  // https://docs.aws.amazon.com/sdkref/latest/guide/feature-dataintegrity.html
  client.config.requestChecksumCalculation = async () => 'WHEN_REQUIRED';
  return {
    async put({ bucket, key, expiresInSeconds, sizeBytes, sha256, metadata }) {
      const checksum = sha256 === undefined ? undefined : Buffer.from(sha256, 'hex').toString('base64');
      const described = Object.fromEntries(
        Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]),
      );
      const command = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Metadata: { ...metadata },
        ...(sizeBytes === undefined ? {} : { ContentLength: sizeBytes }),
        ...(checksum === undefined ? {} : { ChecksumSHA256: checksum }),
      });
      const url = await getSignedUrl(client, command, {
        expiresIn: expiresInSeconds,
        // In the query S3 would take it for a wish; as a signed header it is a condition.
        unhoistableHeaders: new Set([checksumHeader, ...Object.keys(described)]),
      });
      return {
        url,
        headers: {
          ...described,
          ...(sizeBytes === undefined ? {} : { 'content-length': String(sizeBytes) }),
          ...(checksum === undefined ? {} : { [checksumHeader]: checksum }),
        },
      };
    },
  };
}
