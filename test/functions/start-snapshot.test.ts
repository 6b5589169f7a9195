import { Readable } from 'node:stream';
import { EBSClient, StartSnapshotCommand } from '@aws-sdk/client-ebs';
import {
  DeleteSnapshotCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { sdkStreamMixin } from '@smithy/core/serde';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler as abandonImage } from '../../functions/abandon-image.ts';
import { handler } from '../../functions/start-snapshot.ts';
import { awsError, giveEnvironment, lambdaContext } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';
import { buildingImage, identity, recipeOfDisk } from './image-kit.ts';

const ebs = mockClient(EBSClient);
const ec2 = mockClient(EC2Client);
const s3 = mockClient(S3Client);
const table = mockClient(DynamoDBDocumentClient);
const attempt = { identity, attempt: 1, executionArn: 'arn:self' };
const event = { ...attempt, refused: null };
const recipe = recipeOfDisk(2 ** 20);
const deleted = () => ec2.commandCalls(DeleteSnapshotCommand).map((call) => call.args[0].input.SnapshotId);
const tokens = () => ebs.commandCalls(StartSnapshotCommand).map((call) => call.args[0].input.ClientToken);

beforeAll(() => giveEnvironment());
beforeEach(() => {
  for (const client of [ebs, ec2, s3, table]) client.reset();
  ebs.on(StartSnapshotCommand).resolves({ SnapshotId: 'snap-1' });
  // Nothing is listed: a listing lags.
  ec2.on(DescribeImagesCommand).resolves({ Images: [] });
  ec2.on(DescribeSnapshotsCommand).resolves({ Snapshots: [] });
  ec2.on(DeleteSnapshotCommand).resolves({});
  s3.on(GetObjectCommand).callsFake(() => ({
    Body: sdkStreamMixin(Readable.from([Buffer.from(JSON.stringify(recipe))])),
  }));
  table.on(GetCommand).resolves({ Item: buildingImage });
  table.on(QueryCommand).resolves({ Items: [] });
  table.on(TransactWriteCommand).resolves({});
});

describe('start-snapshot, where the table refuses to hold what was started', () => {
  const refuse = async (): Promise<Error> => {
    table.on(TransactWriteCommand).rejectsOnce(awsError('AccessDeniedException')).resolves({});
    return await handler(event, lambdaContext()).then(
      () => expect.unreachable(),
      (error: Error) => error,
    );
  };

  it('lets it be, since another try is given the same one, even one deleted', async () => {
    expect((await refuse()).name).toBe('AwsDenied');
    await expect(handler(event, lambdaContext())).resolves.toMatchObject({ snapshotId: 'snap-1' });
    expect(new Set(tokens()).size).toBe(1);
    expect(deleted()).toEqual([]);
  });

  it('names it to whoever undoes the attempt, which finds it in no listing yet', async () => {
    const { name, message } = await refuse();
    const failure = { Error: name, Cause: JSON.stringify({ errorType: name, errorMessage: message }) };
    await expect(abandonImage({ ...attempt, failure }, lambdaContext())).resolves.toEqual({
      removed: { images: [], snapshots: ['snap-1'] },
    });
    expect(deleted()).toEqual(['snap-1']);
  });
});
