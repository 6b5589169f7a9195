/** What EBS refuses for good reaches an operator with a name of ours, and the ids to look for. */
import { CompleteSnapshotCommand, EBSClient, PutSnapshotBlockCommand } from '@aws-sdk/client-ebs';
import { beforeEach, expect, it } from 'vitest';
import { openSnapshotWriter } from '../../../src/aws/snapshots.ts';
import { mockClient } from '../../support/mock-client.ts';

const ebs = mockClient(EBSClient);
const snapshotId = 'snap-00000000000000001';
const block = { index: 7, bytes: new Uint8Array(524_288), checksum: 'sum' };

beforeEach(() => ebs.reset());

function answerWith(name: string): void {
  const error = Object.assign(new Error('The snapshot is not pending'), { name });
  ebs.on(PutSnapshotBlockCommand).rejects(error);
  ebs.on(CompleteSnapshotCommand).rejects(error);
}

it('names a refused block and its snapshot', async () => {
  answerWith('ValidationException');
  await expect(openSnapshotWriter(new EBSClient()).putBlock(snapshotId, block)).rejects.toMatchObject({
    name: 'SnapshotFailed',
    message: `EBS refuses block 7 of ${snapshotId}: The snapshot is not pending`,
  });
});

it('names a snapshot that cannot be sealed', async () => {
  answerWith('ValidationException');
  await expect(openSnapshotWriter(new EBSClient()).complete(snapshotId, 1, 'sum')).rejects.toMatchObject({
    name: 'SnapshotFailed',
    message: `EBS refuses ${snapshotId}: The snapshot is not pending`,
  });
});

it.each(['RequestThrottledException', 'ResourceNotFoundException', 'InternalServerException'])(
  'leaves %s as it is, which another try may change',
  async (name) => {
    answerWith(name);
    await expect(openSnapshotWriter(new EBSClient()).putBlock(snapshotId, block)).rejects.toMatchObject({
      name,
    });
  },
);
