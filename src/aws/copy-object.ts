/** One object of the upload bucket under another key, without its bytes passing through us. */
import { CopyObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { s3CopyClient } from './clients/s3.ts';
import { hasCode } from './errors.ts';

export interface CopyWish {
  readonly from: { readonly bucket: string; readonly key: string; readonly versionId: string };
  readonly bucket: string;
  readonly key: string;
  /** Replaces what the copied object says of itself. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html: "up to 5 GB in size in a single atomic action" */
export const largestCopyBytes = 5 * 1_073_741_824;

export interface Copies {
  /**
   * Copies, without the tags that tell of the first upload's outcome: at most {@link largestCopyBytes}.
   * @returns the version made, `gone` where there is no such object or version, or `unanswered` where S3 took longer than
   * may be waited: the copy may be made all the same.
   */
  copy(wish: CopyWish): Promise<{ readonly versionId: string } | 'gone' | 'unanswered'>;
}

export function openCopies(client: S3Client = s3CopyClient()): Copies {
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
        if (hasCode(error, 'TimeoutError')) return 'unanswered';
        throw error;
      }
    },
  };
}
