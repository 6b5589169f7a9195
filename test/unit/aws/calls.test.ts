/** Which call an error of AWS answers, for each client that functions use. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PutSnapshotBlockCommand, StartSnapshotCommand } from '@aws-sdk/client-ebs';
import { DescribeSnapshotsCommand } from '@aws-sdk/client-ec2';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { callOf } from '../../../src/aws/calls.ts';
import { documentClient } from '../../../src/aws/clients/dynamodb.ts';
import { ebsClient } from '../../../src/aws/clients/ebs.ts';
import { ec2Client } from '../../../src/aws/clients/ec2.ts';
import { s3Client } from '../../../src/aws/clients/s3.ts';
import { stepFunctionsClient } from '../../../src/aws/clients/step-functions.ts';
import { LeanPutSnapshotBlock } from '../../../src/aws/put-block.ts';

/** Refuses whatever it is asked. */
const server = createServer((_, response) => response.writeHead(400).end());

beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
  vi.stubEnv('AWS_REGION', 'us-east-1');
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIATEST');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
});

afterAll(async () => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function callRefused(asking: Promise<unknown>) {
  const error = await asking.then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  return error && callOf(error);
}

const block = {
  SnapshotId: 'snap-1',
  BlockIndex: 7,
  BlockData: Buffer.alloc(524_288),
  DataLength: 524_288,
  Checksum: 'sum',
  ChecksumAlgorithm: 'SHA256',
} as const;

describe('an error of AWS', () => {
  it.each([
    [
      'ec2:DescribeSnapshots',
      { snapshotIds: ['snap-1'] },
      () => ec2Client().send(new DescribeSnapshotsCommand({ SnapshotIds: ['snap-1'] })),
    ],
    [
      'ebs:StartSnapshot',
      { parentSnapshotId: 'snap-1' },
      () => ebsClient().send(new StartSnapshotCommand({ VolumeSize: 1, ParentSnapshotId: 'snap-1' })),
    ],
    [
      'ebs:PutSnapshotBlock',
      { snapshotId: 'snap-1' },
      () => ebsClient().send(new PutSnapshotBlockCommand(block)),
    ],
    [
      'ebs:PutSnapshotBlock',
      { snapshotId: 'snap-1' },
      () => ebsClient().send(new LeanPutSnapshotBlock(block)),
    ],
    [
      's3:HeadObject',
      { bucket: 'store', key: 'a/b' },
      () => s3Client().send(new HeadObjectCommand({ Bucket: 'store', Key: 'a/b' })),
    ],
    [
      'dynamodb:GetItem',
      { tableName: 'flotilla' },
      () => documentClient().send(new GetCommand({ TableName: 'flotilla', Key: { pk: 'a', sk: 'b' } })),
    ],
    [
      'states:StartExecution',
      { stateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:m' },
      () =>
        stepFunctionsClient().send(
          new StartExecutionCommand({
            stateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:m',
            input: '{}',
          }),
        ),
    ],
  ] as const)('tells of %s, and of what it was asked', async (action, ids, ask) => {
    expect(await callRefused(ask())).toEqual({ action, ids });
  });
});
