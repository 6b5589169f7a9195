/** Objects in the two buckets. */
import {
  GetObjectCommand,
  type GetObjectCommandOutput,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { s3Client } from './clients/s3.ts';
import { hasCode } from './errors.ts';

export interface ObjectRef {
  readonly bucket: string;
  readonly key: string;
  /** Absent: the newest. `null` (as text) is what S3 calls the version of an unversioned object. */
  readonly versionId?: string;
}

export interface ObjectFacts {
  readonly sizeBytes: number;
  readonly versionId?: string;
  readonly lastModified?: Date;
  /** Names without `x-amz-meta-`, in small letters. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Random access to an object's bytes, for what asks for ranges (see src/image/source.ts). */
export interface ObjectSource {
  readonly sizeBytes: number;
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
}

export interface Objects {
  /** Undefined where there is no such object or version, a delete marker included. */
  head(ref: ObjectRef): Promise<ObjectFacts | undefined>;
  /** The whole object. For small ones: it is held in memory. Undefined where there is none. */
  bytes(ref: ObjectRef): Promise<Uint8Array | undefined>;
  /** The object in order, in the pieces in which they come. @throws the SDK's NoSuchKey or NoSuchVersion. */
  stream(ref: ObjectRef): Promise<AsyncIterable<Uint8Array>>;
  /** One ranged GET for each read. */
  source(ref: ObjectRef, sizeBytes: number): ObjectSource;
  put(ref: ObjectRef, body: Uint8Array | string, contentType: string): Promise<void>;
  /**
   * Adds tags to those that the object has: of ours, given with the most important first, as many as fit beside the
   * others; `undefined` takes a tag away. Nothing to do where the object is gone.
   */
  tag(ref: ObjectRef, tags: Readonly<Record<string, string | undefined>>): Promise<'tagged' | 'gone'>;
  /** All keys under a prefix, in S3's order. */
  list(bucket: string, prefix: string): Promise<string[]>;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html: "up to 10 tags with an object" */
const mostTags = 10;

const gone = ['NotFound', 'NoSuchKey', 'NoSuchVersion', 'MethodNotAllowed'] as const;

function address(ref: ObjectRef): { Bucket: string; Key: string; VersionId?: string } {
  return {
    Bucket: ref.bucket,
    Key: ref.key,
    ...(ref.versionId === undefined ? {} : { VersionId: ref.versionId }),
  };
}

async function orGone<T, G>(whenGone: G, send: () => Promise<T>): Promise<T | G> {
  try {
    return await send();
  } catch (error) {
    if (hasCode(error, ...gone)) return whenGone;
    throw error;
  }
}

function body(answer: GetObjectCommandOutput): NonNullable<GetObjectCommandOutput['Body']> {
  if (answer.Body === undefined) throw new Error('S3 answered GetObject without a body');
  return answer.Body;
}

export function openObjects(client: S3Client = s3Client()): Objects {
  return {
    head: (ref) =>
      orGone(undefined, async () => {
        const answer = await client.send(new HeadObjectCommand(address(ref)));
        return {
          sizeBytes: answer.ContentLength ?? 0,
          metadata: answer.Metadata ?? {},
          ...(answer.VersionId === undefined ? {} : { versionId: answer.VersionId }),
          ...(answer.LastModified === undefined ? {} : { lastModified: answer.LastModified }),
        };
      }),

    bytes: (ref) =>
      orGone(undefined, async () =>
        body(await client.send(new GetObjectCommand(address(ref)))).transformToByteArray(),
      ),

    async stream(ref) {
      const answer = await client.send(new GetObjectCommand(address(ref)));
      // In Node the body is a Readable, whose chunks are buffers.
      return body(answer) as unknown as AsyncIterable<Uint8Array>;
    },

    source: (ref, sizeBytes) => ({
      sizeBytes,
      async read(offset, length, signal) {
        const wanted = Math.min(length, sizeBytes - offset);
        if (wanted <= 0) return new Uint8Array(0); // S3 has no empty range
        const answer = await client.send(
          new GetObjectCommand({ ...address(ref), Range: `bytes=${offset}-${offset + wanted - 1}` }),
          signal === undefined ? {} : { abortSignal: signal },
        );
        return body(answer).transformToByteArray();
      },
    }),

    async put(ref, content, contentType) {
      await client.send(new PutObjectCommand({ ...address(ref), Body: content, ContentType: contentType }));
    },

    tag: (ref, tags) =>
      orGone('gone' as const, async () => {
        const present = await client.send(new GetObjectTaggingCommand(address(ref)));
        const others = (present.TagSet ?? []).filter(({ Key = '' }) => !Object.hasOwn(tags, Key));
        const ours = Object.entries(tags).flatMap(([Key, Value]) =>
          Value === undefined ? [] : { Key, Value },
        );
        const room = Math.max(0, mostTags - others.length);
        await client.send(
          new PutObjectTaggingCommand({
            ...address(ref),
            Tagging: { TagSet: [...others, ...ours.slice(0, room)] },
          }),
        );
        return 'tagged' as const;
      }),

    async list(bucket, prefix) {
      const found: string[] = [];
      for (let token: string | undefined; ; ) {
        const answer = await client.send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: prefix,
            ...(token === undefined ? {} : { ContinuationToken: token }),
          }),
        );
        for (const { Key } of answer.Contents ?? []) if (Key !== undefined) found.push(Key);
        token = answer.NextContinuationToken;
        if (answer.IsTruncated !== true || token === undefined) return found;
      }
    },
  };
}
