/** Simple Storage Service. */
import type { Context } from '../../context.ts';
import { AwsError, type Operations, type Service } from '../../service.ts';
import type { Persistent } from '../../state/persistent.ts';
import { createBuckets } from './buckets.ts';
import { ByteStore, type Piece } from './bytes.ts';
import { createDeletes } from './deletes.ts';
import { createListing } from './listing.ts';
import { createMultipart } from './multipart.ts';
import { createNotifications } from './notifications.ts';
import { createObjects } from './objects.ts';
import { persistentS3 } from './persistent.ts';
import type { Bucket, Buckets } from './state.ts';
import { createTagging } from './tags.ts';

export function createS3(context: Context): { service: Service; persistent: Persistent } {
  const buckets: Buckets = new Map();
  const bytes = new ByteStore(context);
  const notifications = createNotifications(context, buckets);
  const objects = createObjects(context, buckets, bytes, notifications.notify);
  const service: Service = {
    id: 's3',
    operations: guarded(context, {
      ...createBuckets(context, buckets),
      ...notifications.operations,
      ...objects.operations,
      ...createDeletes(buckets, bytes, objects, notifications.notify),
      ...createListing(context, buckets),
      ...createMultipart(context, buckets, bytes, objects, notifications.notify),
      ...createTagging(objects),
    }),
    resourcePolicies: (resource) => {
      const name = /^arn:aws:s3:::([^/]+)/.exec(resource)?.[1];
      const policy = name === undefined ? undefined : buckets.get(name)?.policy;
      return policy === undefined ? [] : [policy.document];
    },
    look: () => Object.fromEntries([...buckets.values()].map((bucket) => [bucket.name, lookAt(bucket)])),
  };
  return {
    service,
    persistent: {
      ...persistentS3(buckets, bytes, [notifications.collection]),
      resume() {
        void context.clock.hold(bytes.sweep(new Set(piecesOf(buckets))));
        notifications.resume();
      },
    },
  };
}

/** All that an object or an upload in progress is made of. */
function* piecesOf(buckets: Buckets): Iterable<Piece> {
  for (const { keys, uploads } of buckets.values()) {
    for (const versions of keys.values()) for (const { pieces } of versions) yield* pieces;
    for (const { parts } of uploads.values()) for (const { piece } of parts.values()) yield piece;
  }
}

/**
 * Every operation heeds whom the caller expects to own the bucket: there is one account here.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
 */
function guarded(context: Context, operations: Operations): Operations {
  const heeded = Object.entries(operations).map(([name, operation]) => {
    const run: typeof operation.run = (input, call) => {
      const { ExpectedBucketOwner, ExpectedSourceBucketOwner } = input as Record<string, unknown>;
      for (const owner of [ExpectedBucketOwner, ExpectedSourceBucketOwner])
        if (owner !== undefined && owner !== context.accountId)
          throw new AwsError('AccessDenied', 'Access Denied', 403);
      return operation.run(input, call);
    };
    return [name, { ...operation, run }] as const;
  });
  return Object.fromEntries(heeded);
}

/** How many keys of a bucket the region's page shows. */
const shownKeys = 200;

function lookAt(bucket: Bucket) {
  const keys = [...bucket.keys.entries()].slice(0, shownKeys).map(([key, versions]) => {
    const [newest] = versions;
    const what = newest?.deleteMarker === true ? 'deleted' : `${newest?.sizeBytes ?? 0} bytes`;
    return [key, versions.length > 1 ? `${what}, ${versions.length} versions` : what] as const;
  });
  return {
    versioning: bucket.versioning ?? 'never enabled',
    keys: bucket.keys.size,
    uploadsInProgress: bucket.uploads.size,
    objects: Object.fromEntries(keys),
  };
}
