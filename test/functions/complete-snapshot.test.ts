import { CompleteSnapshotCommand, EBSClient } from '@aws-sdk/client-ebs';
import { DescribeSnapshotsCommand, EC2Client, type SnapshotState } from '@aws-sdk/client-ec2';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../functions/complete-snapshot.ts';
import { awsError, giveEnvironment, lambdaContext } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';
import { buildingImage, identity } from './image-kit.ts';

const ebs = mockClient(EBSClient);
const ec2 = mockClient(EC2Client);
const s3 = mockClient(S3Client);
const table = mockClient(DynamoDBDocumentClient);
const event = {
  identity,
  attempt: 1,
  executionArn: 'arn:self',
  snapshotId: 'snap-1',
  encrypted: false,
  segments: [],
};
const saved = () => table.commandCalls(TransactWriteCommand);
const describedAs = (State: SnapshotState) =>
  ec2.on(DescribeSnapshotsCommand).resolves({ Snapshots: [{ SnapshotId: 'snap-1', State }] });

beforeAll(() => giveEnvironment());
beforeEach(() => {
  for (const client of [ebs, ec2, s3, table]) client.reset();
  ebs.on(CompleteSnapshotCommand).resolves({ Status: 'pending' });
  s3.on(PutObjectCommand).resolves({});
  table.on(GetCommand).resolves({ Item: buildingImage });
  table.on(TransactWriteCommand).resolves({});
});

it('seals the snapshot, and remembers its checksum', async () => {
  await expect(handler(event, lambdaContext())).resolves.toMatchObject({ blocksWritten: 0 });
  expect(saved()).toHaveLength(1);
});

describe('complete-snapshot, where EBS refuses what an earlier try may have sealed', () => {
  beforeEach(() => {
    ebs.on(CompleteSnapshotCommand).rejects(awsError('ValidationException'));
  });

  it('goes on where the snapshot is completed', async () => {
    describedAs('completed');
    await expect(handler(event, lambdaContext())).resolves.toMatchObject({ blocksWritten: 0 });
    expect(saved()).toHaveLength(1);
  });

  it('is tried again while it is pending, and says what EBS says', async () => {
    describedAs('pending');
    await expect(handler(event, lambdaContext())).rejects.toMatchObject({
      name: 'AwsUnavailable',
      message: expect.stringContaining('ValidationException'),
    });
    expect(saved()).toHaveLength(0);
  });

  it('is tried again while EC2 does not show it yet', async () => {
    ec2.on(DescribeSnapshotsCommand).rejects(awsError('InvalidSnapshot.NotFound'));
    await expect(handler(event, lambdaContext())).rejects.toMatchObject({ name: 'AwsUnavailable' });
  });

  it('fails the build where it is in error', async () => {
    describedAs('error');
    await expect(handler(event, lambdaContext())).rejects.toMatchObject({ name: 'SnapshotFailed' });
  });

  it('fails the build where it was deleted', async () => {
    ebs.on(CompleteSnapshotCommand).rejects(awsError('ResourceNotFoundException', 404));
    ec2.on(DescribeSnapshotsCommand).rejects(awsError('InvalidSnapshot.NotFound'));
    await expect(handler(event, lambdaContext())).rejects.toThrow('ResourceNotFoundException');
  });

  it('does not take a right that it lacks for a snapshot that is not sealed yet', async () => {
    ebs.on(CompleteSnapshotCommand).rejects(awsError('AccessDeniedException', 403));
    describedAs('pending');
    await expect(handler(event, lambdaContext())).rejects.toMatchObject({ name: 'AwsDenied' });
  });
});
