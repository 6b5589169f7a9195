/** Which events of S3 reach which function, in virtual time. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../../local/clock.ts';
import { createRegion, type Region } from '../../../local/region.ts';

let region: Region;
let clock: VirtualClock;
let told: string[];

beforeEach(async () => {
  clock = new VirtualClock();
  region = await createRegion({ clock, seed: 9 });
  told = [];
  Object.assign(region.context.hooks, {
    invokeAsync: (
      functionArn: string,
      payload: { Records: [{ eventName: string; s3: { object: { key: string } } }] },
    ) => {
      const [record] = payload.Records;
      told.push(`${functionArn.split(':').at(-1)} ${record.eventName} ${record.s3.object.key}`);
    },
  });
  await region.call('s3', 'CreateBucket', { Bucket: 'events' });
});

afterEach(() => region.close());

async function tell(Id: string, Events: string[], rules: Record<string, string> = {}): Promise<void> {
  const existing = (await region.call('s3', 'GetBucketNotificationConfiguration', { Bucket: 'events' })) as {
    LambdaFunctionConfigurations?: object[];
  };
  await region.call('s3', 'PutBucketNotificationConfiguration', {
    Bucket: 'events',
    NotificationConfiguration: {
      LambdaFunctionConfigurations: [
        ...(existing.LambdaFunctionConfigurations ?? []),
        {
          Id,
          LambdaFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${Id}`,
          Events,
          Filter: { Key: { FilterRules: Object.entries(rules).map(([Name, Value]) => ({ Name, Value })) } },
        },
      ],
    },
  });
}

const put = (Key: string) => region.call('s3', 'PutObject', { Bucket: 'events', Key, Body: 'x' });

test('prefix and suffix select', async () => {
  await tell('both', ['s3:ObjectCreated:*'], { prefix: 'web/', suffix: '.img' });
  await tell('puts', ['s3:ObjectCreated:Put']);
  for (const key of ['web/a.img', 'web/a', 'other/a.img']) await put(key);
  await region.call('s3', 'CopyObject', { Bucket: 'events', Key: 'web/b.img', CopySource: 'events/web/a' });
  await clock.advance(1000);
  expect(told.sort()).toEqual([
    'both ObjectCreated:Copy web/b.img',
    'both ObjectCreated:Put web/a.img',
    'puts ObjectCreated:Put other/a.img',
    'puts ObjectCreated:Put web/a',
    'puts ObjectCreated:Put web/a.img',
  ]);
});

test('an upload in parts tells once, when it is complete, and a removal tells too', async () => {
  await tell('all', ['s3:ObjectCreated:*', 's3:ObjectRemoved:*']);
  const { UploadId } = (await region.call('s3', 'CreateMultipartUpload', { Bucket: 'events', Key: 'k' })) as {
    UploadId: string;
  };
  const part = { Bucket: 'events', Key: 'k', UploadId };
  const { ETag } = (await region.call('s3', 'UploadPart', {
    ...part,
    PartNumber: 1,
    Body: Buffer.from('x'),
  })) as { ETag: string };
  await clock.advance(1000);
  expect(told).toEqual([]);
  await region.call('s3', 'CompleteMultipartUpload', {
    ...part,
    MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
  });
  await region.call('s3', 'DeleteObject', { Bucket: 'events', Key: 'k' });
  await clock.advance(1000);
  expect(told.sort()).toEqual(['all ObjectCreated:CompleteMultipartUpload k', 'all ObjectRemoved:Delete k']);
});

test('an event or a destination that the region does not send is refused', async () => {
  await expect(tell('odd', ['s3:ObjectRestore:*'])).rejects.toMatchObject({ code: 'NotImplemented' });
  const QueueConfigurations = [
    { QueueArn: 'arn:aws:sqs:us-east-1:000000000000:q', Events: ['s3:ObjectCreated:*'] },
  ];
  await expect(
    region.call('s3', 'PutBucketNotificationConfiguration', {
      Bucket: 'events',
      NotificationConfiguration: { QueueConfigurations },
    }),
  ).rejects.toMatchObject({ code: 'NotImplemented' });
});
