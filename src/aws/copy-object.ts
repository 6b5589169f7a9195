/** One object of the upload bucket under another key, without its bytes passing through us. */
import { CopyObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { s3Client } from './clients/s3.ts';
import { hasCode } from './errors.ts';

export interface CopyWish {
  readonly from: { readonly bucket: string; readonly key: string; readonly versionId: string };
  readonly bucket: string;
  readonly key: string;
  /** Replaces what the copied object says of itself. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface Copies {
  /**
   * Copies, without the tags that tell of the first upload's outcome. At most 5 GiB:
   * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
   * @returns the version made, or `gone` where there is no such object or version.
   */
  copy(wish: CopyWish): Promise<{ readonly versionId: string } | 'gone'>;
}

export function openCopies(client: S3Client = s3Client()): Copies {
  return {
    async copy({ from, bucket, key, metadata }) {
      const source = `${from.bucket}/${from.key.split('/').map(encodeURIComponent).join('/')}`;
      try {
        const answer = await client.send(
          new CopyObjectCommand({
            Bucket: bucket,
            Key: key,
            CopySource: `${source}?versionId=${encodeURIComponent(from.versionId)}`,
            TaggingDirective: 'REPLACE',
            MetadataDirective: 'REPLACE',
            Metadata: { ...metadata },
          }),
        );
        return { versionId: answer.VersionId ?? 'null' };
      } catch (error) {
        if (hasCode(error, 'NoSuchKey', 'NoSuchVersion', 'NotFound', 'MethodNotAllowed')) return 'gone';
        throw error;
      }
    },
  };
}
