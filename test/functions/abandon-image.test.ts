import {
  DeleteSnapshotCommand,
  DeregisterImageCommand,
  DescribeImagesCommand,
  DescribeSnapshotsCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import {
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../functions/abandon-image.ts';
import { amiName } from '../../src/image/identity.ts';
import { awsError, giveEnvironment, lambdaContext } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';
import { buildingImage, identity } from './image-kit.ts';

const ec2 = mockClient(EC2Client);
const table = mockClient(DynamoDBDocumentClient);
const event = {
  identity,
  attempt: 2,
  executionArn: 'arn:self',
  failure: { Error: 'SnapshotFailed', Cause: '{"errorMessage":"snap-2 is in the state error"}' },
};
const item = { ...buildingImage, attempt: 2, snapshotId: 'snap-2' };
const tags = (attempt: number) =>
  Object.entries({
    'flotilla:stack': 'flotilla',
    'flotilla:identity': identity,
    'flotilla:attempt': String(attempt),
  }).map(([Key, Value]) => ({ Key, Value }));
const deleted = () => ec2.commandCalls(DeleteSnapshotCommand).map((call) => call.args[0].input.SnapshotId);
const written = () =>
  table.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems?.[0]?.Put?.Item;

beforeAll(() => giveEnvironment());
beforeEach(() => {
  ec2.reset();
  table.reset();
  table.on(GetCommand).resolves({ Item: item });
  table.on(QueryCommand).resolves({ Items: [] });
  table.on(TransactWriteCommand).resolves({});
  ec2.on(DescribeImagesCommand).resolves({ Images: [] });
  ec2.on(DescribeSnapshotsCommand).resolves({ Snapshots: [] });
  ec2.on(DeleteSnapshotCommand).resolves({});
  ec2.on(DeregisterImageCommand).resolves({});
});

describe('abandon-image', () => {
  it('removes the image before its snapshot, and records the failure', async () => {
    ec2.on(DescribeImagesCommand).resolves({
      Images: [
        {
          ImageId: 'ami-2',
          Name: amiName('flotilla', identity),
          RootDeviceName: '/dev/sda1',
          BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: { SnapshotId: 'snap-2' } }],
          Tags: tags(2),
        },
      ],
    });
    await expect(handler(event, lambdaContext())).resolves.toEqual({
      removed: { images: ['ami-2'], snapshots: ['snap-2'] },
    });
    const order = ec2.calls().map((call) => call.args[0].constructor.name);
    expect(order.indexOf('DeregisterImageCommand')).toBeLessThan(order.indexOf('DeleteSnapshotCommand'));
    expect(written()).toMatchObject({
      state: 'failed',
      error: { name: 'SnapshotFailed', message: 'snap-2 is in the state error' },
    });
    expect(written()).not.toHaveProperty('snapshotId');
  });

  it('finds by its tags a snapshot that was started and never recorded', async () => {
    const { snapshotId: _none, ...unrecorded } = item;
    table.on(GetCommand).resolves({ Item: unrecorded });
    ec2.on(DescribeSnapshotsCommand).resolves({ Snapshots: [{ SnapshotId: 'snap-lost', Tags: tags(2) }] });
    await handler(event, lambdaContext());
    expect(deleted()).toEqual(['snap-lost']);
  });

  it('never removes what is recorded, or what a later attempt made', async () => {
    ec2.on(DescribeSnapshotsCommand).resolves({
      Snapshots: [
        { SnapshotId: 'snap-1', Tags: tags(1) },
        { SnapshotId: 'snap-3', Tags: tags(3) },
      ],
    });
    table
      .on(QueryCommand)
      .callsFake((input: { ExpressionAttributeValues: Record<string, string> }) =>
        input.ExpressionAttributeValues[':pk'] === 'REF#snap-1'
          ? { Items: [{ type: 'ref', id: 'snap-1', toType: 'image', to: identity, at: item.createdAt }] }
          : { Items: [] },
      );
    await handler(event, lambdaContext());
    expect(deleted()).toEqual(['snap-2']);
  });

  it.each([
    ['another execution owns it', { owner: 'arn:other' }],
    ['a later attempt runs', { attempt: 3 }],
    ['the image was recorded', { state: 'available' }],
  ])('does nothing where %s', async (_why, change) => {
    table.on(GetCommand).resolves({ Item: { ...item, ...change } });
    await expect(handler(event, lambdaContext())).resolves.toEqual({
      removed: { images: [], snapshots: [] },
    });
    expect(ec2.calls()).toHaveLength(0);
    expect(table.commandCalls(TransactWriteCommand)).toHaveLength(0);
  });

  it('is content with a snapshot that is gone already', async () => {
    ec2.on(DeleteSnapshotCommand).rejects(awsError('InvalidSnapshot.NotFound'));
    await expect(handler(event, lambdaContext())).resolves.toBeDefined();
    expect(written()).toMatchObject({ state: 'failed' });
  });
});
