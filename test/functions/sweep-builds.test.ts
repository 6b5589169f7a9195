import {
  DeleteSnapshotCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  GetObjectTaggingCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, type ExecutionStatus, SFNClient } from '@aws-sdk/client-sfn';
import {
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../functions/sweep-builds.ts';
import { awsError, giveEnvironment, lambdaContext } from '../support/function-kit.ts';

const ec2 = mockClient(EC2Client);
const s3 = mockClient(S3Client);
const states = mockClient(SFNClient);
const table = mockClient(DynamoDBDocumentClient);
const bus = mockClient(EventBridgeClient);

const identity = 'a'.repeat(64);
const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:flotilla-build-image:up-1';
const ago = (seconds: number) => new Date(Date.now() - seconds * 1000);

const upload = (changes: object = {}) => ({
  type: 'upload',
  id: '1',
  bucket: 'flotilla-uploads',
  key: 'web/hello',
  versionId: 'v1',
  sequencer: '01',
  sizeBytes: 10,
  fleet: 'web',
  state: 'building',
  executionArn,
  receivedAt: ago(600).toISOString(),
  by: { principal: 'AWS:someone', through: 'upload' },
  ...changes,
});
const image = {
  type: 'image',
  identity,
  state: 'building',
  owner: executionArn,
  attempt: 1,
  artifactSha256: 'b'.repeat(64),
  architecture: 'x86_64',
  kernel: '',
  kernelDigest: '',
  builderVersion: '1',
  volumeSizeGiB: 1,
  snapshotId: 'snap-1',
  createdAt: ago(600).toISOString(),
};

/** The table as this function sees it: one upload, and the image that its execution builds. */
function world(present: { upload?: object; image?: object } = {}): void {
  const theUpload = present.upload ?? upload();
  table.on(QueryCommand).callsFake((input: { IndexName?: string; ExpressionAttributeValues: object }) => {
    if (input.IndexName === 'byList') return { Items: [theUpload] };
    const about = Object.values(input.ExpressionAttributeValues)[0];
    const found = {
      type: 'ref',
      id: executionArn,
      toType: 'image',
      to: identity,
      at: ago(600).toISOString(),
    };
    return { Items: about === `REF#${executionArn}` ? [found] : [] };
  });
  table.on(GetCommand).callsFake((input: { Key: { sk: string } }) => ({
    Item: input.Key.sk === 'UPLOAD' ? theUpload : (present.image ?? image),
  }));
}
const ended = (status: ExecutionStatus, secondsAgo: number) =>
  states.on(DescribeExecutionCommand).resolves({ status, stopDate: ago(secondsAgo) });
const writtenUpload = () =>
  table
    .commandCalls(TransactWriteCommand)
    .flatMap((call) => call.args[0].input.TransactItems ?? [])
    .map((item) => item.Put?.Item)
    .find((item) => item?.type === 'upload');
const deleted = () => ec2.commandCalls(DeleteSnapshotCommand).map((call) => call.args[0].input.SnapshotId);

beforeAll(() => giveEnvironment());
beforeEach(() => {
  for (const mock of [ec2, s3, states, table, bus]) mock.reset();
  table.on(TransactWriteCommand).resolves({});
  ec2.on(DescribeImagesCommand).resolves({ Images: [] });
  ec2.on(DescribeSnapshotsCommand).resolves({ Snapshots: [] });
  ec2.on(DeleteSnapshotCommand).resolves({});
  s3.on(PutObjectCommand).resolves({});
  s3.on(GetObjectTaggingCommand).resolves({ TagSet: [] });
  s3.on(PutObjectTaggingCommand).resolves({});
  bus.on(PutEventsCommand).resolves({ FailedEntryCount: 0, Entries: [{ EventId: '1' }] });
  world();
});

describe('sweep-builds', () => {
  it('removes what a stopped execution made, and tells its uploader', async () => {
    ended('ABORTED', 61);
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: ['1'] });
    expect(deleted()).toEqual(['snap-1']);
    expect(writtenUpload()).toMatchObject({ state: 'failed', error: { name: 'ImageBuildFailed' } });
  });

  it('waits until no call of the execution can be under way any more', async () => {
    ended('ABORTED', 59);
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: [] });
    expect(deleted()).toEqual([]);
  });

  it('leaves alone what runs, and what has told its end', async () => {
    states.on(DescribeExecutionCommand).resolves({ status: 'RUNNING' });
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: [] });
    ended('SUCCEEDED', 3600);
    world({ upload: upload({ endedAt: ago(500).toISOString(), state: 'built' }) });
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: [] });
    expect(table.commandCalls(TransactWriteCommand)).toHaveLength(0);
  });

  it('keeps an image that was recorded before the execution ended', async () => {
    ended('TIMED_OUT', 120);
    world({ image: { ...image, state: 'available', imageId: 'ami-1' } });
    await handler({}, lambdaContext());
    expect(deleted()).toEqual([]);
    expect(writtenUpload()).toMatchObject({ state: 'built', imageId: 'ami-1' });
  });

  it('tells of an upload whose execution never began, but not before it might still begin', async () => {
    states.on(DescribeExecutionCommand).rejects(awsError('ExecutionDoesNotExist'));
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: [] });
    world({ upload: upload({ state: 'received', receivedAt: ago(901).toISOString() }) });
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: ['1'] });
    expect(writtenUpload()).toMatchObject({ state: 'failed' });
  });
});
