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
import {
  DescribeExecutionCommand,
  type ExecutionStatus,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import {
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../functions/sweep-builds.ts';
import { buildExecutionName, uploadId } from '../../src/lineage/upload.ts';
import { awsError, giveEnvironment, lambdaContext } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';
import { fleet as fleetOf } from './api-kit.ts';

const ec2 = mockClient(EC2Client);
const s3 = mockClient(S3Client);
const states = mockClient(SFNClient);
const table = mockClient(DynamoDBDocumentClient);
const bus = mockClient(EventBridgeClient);

const identity = 'a'.repeat(64);
const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:flotilla-build-image:up-1';
const fleet = () => fleetOf({ updatedAt: ago(200).toISOString() });
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

const rollout = (changes: object = {}) => ({
  type: 'rollout',
  fleet: 'web',
  number: 3,
  kind: 'deploy',
  release: 2,
  from: 1,
  executionArn: executionArn.replace('build-image:up-1', 'swap-fleet:web-3'),
  status: 'failed',
  phase: 'ended',
  error: { name: 'RolloutInterrupted', message: 'The execution ended (aborted) without finishing' },
  requestedAt: ago(900).toISOString(),
  endedAt: ago(300).toISOString(),
  by: { principal: 'AWS:someone', through: 'upload' },
  ...changes,
});

/** The table as this function sees it: one upload, and the image that its execution builds. */
function world(
  present: { upload?: object; others?: object[]; image?: object; rollouts?: object[] } = {},
): void {
  const theUpload = present.upload ?? upload();
  const { rollouts = [], others = [] } = present;
  const listed = [theUpload, ...others] as { id: string }[];
  table.on(QueryCommand).callsFake((input: QueryCommandInput) => {
    const about = Object.values(input.ExpressionAttributeValues ?? {})[0];
    if (about === 'FLEETS') return { Items: rollouts.length === 0 ? [] : [fleet()] };
    if (about === 'SMOKE_BOOTS') return { Items: [] };
    if (input.IndexName === 'byList')
      return { Items: input.ScanIndexForward === false ? listed.toReversed() : listed };
    if (about === 'FLEET#web') return { Items: rollouts };
    const found = {
      type: 'ref',
      id: executionArn,
      toType: 'image',
      to: identity,
      at: ago(600).toISOString(),
    };
    return { Items: about === `REF#${executionArn}` ? [found] : [] };
  });
  table.on(GetCommand).callsFake((input: { Key: { pk: string; sk: string } }) => ({
    Item:
      input.Key.sk === 'UPLOAD'
        ? (listed.find(({ id }) => input.Key.pk === `UPLOAD#${id}`) ?? theUpload)
        : input.Key.sk === 'KEY'
          ? undefined
          : input.Key.sk === 'FLEET'
            ? fleet()
            : input.Key.sk.startsWith('ROLLOUT#')
              ? rollouts[0]
              : (present.image ?? image),
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
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: ['1'], boots: [] });
    expect(deleted()).toEqual(['snap-1']);
    expect(writtenUpload()).toMatchObject({ state: 'failed', error: { name: 'ImageBuildFailed' } });
  });

  it('waits until no call of the execution can be under way any more', async () => {
    ended('ABORTED', 59);
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: [], boots: [] });
    expect(deleted()).toEqual([]);
  });

  it('leaves alone what runs, and what has told its end', async () => {
    states.on(DescribeExecutionCommand).resolves({ status: 'RUNNING' });
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: [], boots: [] });
    ended('SUCCEEDED', 3600);
    world({ upload: upload({ endedAt: ago(500).toISOString(), state: 'built', told: 'built' }) });
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: [], boots: [] });
    expect(table.commandCalls(TransactWriteCommand)).toHaveLength(0);
  });

  it('keeps an image that was recorded before the execution ended', async () => {
    ended('TIMED_OUT', 120);
    world({ image: { ...image, state: 'available', imageId: 'ami-1' } });
    await handler({}, lambdaContext());
    expect(deleted()).toEqual([]);
    expect(writtenUpload()).toMatchObject({ state: 'built', imageId: 'ami-1' });
  });

  const started = () =>
    states.commandCalls(StartExecutionCommand).map((call) => {
      const { name, input = '' } = call.args[0].input;
      return [name, JSON.parse(input)];
    });

  it('begins what nobody else can begin any more, as the event would have', async () => {
    states.on(DescribeExecutionCommand).rejects(awsError('ExecutionDoesNotExist'));
    states.on(StartExecutionCommand).resolves({});
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: [], boots: [] });
    expect(started()).toEqual([]);
    world({ upload: upload({ state: 'received', receivedAt: ago(901).toISOString() }) });
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: ['1'], boots: [] });
    const { bucket, key, versionId, sequencer, sizeBytes, by: uploader } = upload();
    const job = { bucket, key, versionId, sequencer, sizeBytes, uploader };
    expect(started()).toEqual([[buildExecutionName(uploadId(job)), job]]);
    expect(writtenUpload()).toBeUndefined();
  });

  it('tells of an upload whose execution could not be begun for six hours', async () => {
    states.on(DescribeExecutionCommand).rejects(awsError('ExecutionDoesNotExist'));
    world({ upload: upload({ state: 'received', receivedAt: ago(6 * 3600 + 1).toISOString() }) });
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: ['1'], boots: [] });
    expect(started()).toEqual([]);
    expect(writtenUpload()).toMatchObject({ state: 'failed' });
  });

  const told = () =>
    table
      .commandCalls(TransactWriteCommand)
      .flatMap((call) => call.args[0].input.TransactItems ?? [])
      .flatMap(({ Update }) =>
        Update === undefined ? [] : Object.values(Update.ExpressionAttributeValues ?? {}),
      );
  const events = () =>
    bus
      .commandCalls(PutEventsCommand)
      .flatMap((call) => call.args[0].input.Entries ?? [])
      .map(({ DetailType, Detail }) => [DetailType, (JSON.parse(Detail ?? '{}') as { id: string }).id]);

  it('tells again what was written and not told, once whoever wrote it has had its time', async () => {
    const built = { state: 'built', imageId: 'ami-1' };
    world({ upload: upload({ ...built, endedAt: ago(60).toISOString() }) });
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: [], boots: [] });
    world({ upload: upload({ ...built, endedAt: ago(180).toISOString() }) });
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: ['1'], boots: [] });
    expect([events(), told()]).toEqual([[['Flotilla Upload Outcome', '1']], ['built']]);
  });

  it('tells the oldest first, so that the last word is of the newest', async () => {
    const built = { state: 'built', endedAt: ago(180).toISOString() };
    world({ upload: upload({ ...built, id: '5' }), others: [upload({ ...built, id: '6' })] });
    await handler({}, lambdaContext());
    expect(events().map(([, id]) => id)).toEqual(['5', '6']);
  });

  it('says built, without an error, of an execution that succeeded and could not say so', async () => {
    ended('SUCCEEDED', 120);
    world({ image: { ...image, state: 'available', imageId: 'ami-1' } });
    await handler({}, lambdaContext());
    expect(writtenUpload()).toMatchObject({ state: 'built', imageId: 'ami-1' });
    expect(writtenUpload()).not.toHaveProperty('error');
  });

  it('names the rollout that such an execution had asked for', async () => {
    ended('SUCCEEDED', 120);
    const id = '1'.padStart(32, '0');
    world({
      upload: upload({ id }),
      image: { ...image, state: 'available', imageId: 'ami-1' },
      rollouts: [rollout({ uploadId: id, status: 'running', endedAt: undefined })],
    });
    await handler({}, lambdaContext());
    expect(writtenUpload()).toMatchObject({ state: 'deploying', rollout: 3, release: 2 });
  });

  it('tells of a rollout that ended without telling: superseded, recovered, or its function refused', async () => {
    world({
      upload: upload({ state: 'built', told: 'built', endedAt: ago(900).toISOString() }),
      rollouts: [rollout()],
    });
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: ['web-3'], boots: [] });
    expect([events(), told()]).toEqual([[['Flotilla Rollout Outcome', 'web-3']], ['failed']]);
  });

  it.each([
    ['that was told', { told: 'failed' }],
    ['that goes on', { status: 'running', endedAt: undefined }],
    ['that ended a moment ago', { endedAt: ago(30).toISOString() }],
  ])('leaves a rollout alone %s', async (_why, changes) => {
    world({
      upload: upload({ state: 'built', told: 'built', endedAt: ago(900).toISOString() }),
      rollouts: [rollout(changes)],
    });
    await expect(handler({}, lambdaContext())).resolves.toEqual({ recovered: [], boots: [] });
    expect(events()).toEqual([]);
  });
});
