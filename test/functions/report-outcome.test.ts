import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  GetObjectTaggingCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../functions/report-outcome.ts';
import { uploadId } from '../../src/lineage/upload.ts';
import { awsError, giveEnvironment, lambdaContext } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';

const s3 = mockClient(S3Client);
const table = mockClient(DynamoDBDocumentClient);
const bus = mockClient(EventBridgeClient);

const by = { principal: 'AWS:someone', through: 'upload' } as const;
const job = {
  bucket: 'flotilla-uploads',
  key: 'web/hello',
  versionId: 'v1',
  sequencer: '01',
  sizeBytes: 10,
  uploader: by,
};
const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:flotilla-build-image:up-1';
const identity = 'a'.repeat(64);
const outcome = {
  upload: job,
  executionArn,
  image: { identity, imageId: 'ami-1' },
  rollout: { outcome: 'started', rollout: 3, release: 2 },
};
const { uploader: _uploader, ...stored } = job;
const building = {
  ...stored,
  type: 'upload',
  id: uploadId(job),
  fleet: 'web',
  state: 'building',
  executionArn,
  receivedAt: '2026-11-23T12:00:00.000Z',
  by,
};

const events = () => bus.commandCalls(PutEventsCommand).flatMap((call) => call.args[0].input.Entries ?? []);

beforeAll(() => giveEnvironment());
beforeEach(() => {
  for (const mock of [s3, table, bus]) mock.reset();
  table
    .on(GetCommand)
    .callsFake(({ Key }: { Key: { sk: string } }) => (Key.sk === 'UPLOAD' ? { Item: building } : {}));
  table.on(TransactWriteCommand).resolves({});
  s3.on(PutObjectCommand).resolves({});
  s3.on(GetObjectTaggingCommand).resolves({ TagSet: [] });
  s3.on(PutObjectTaggingCommand).resolves({});
  bus.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });
});

describe('report-outcome', () => {
  it('sends the event although S3 refuses the tags', async () => {
    s3.on(PutObjectTaggingCommand).rejects(awsError('BadRequest'));
    await expect(handler(outcome, lambdaContext())).rejects.toThrow('BadRequest');
    expect(events().map(({ DetailType }) => DetailType)).toEqual(['Flotilla Upload Outcome']);
  });
});
