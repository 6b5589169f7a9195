import { DeleteSnapshotCommand, EC2Client } from '@aws-sdk/client-ec2';
import { beforeEach, describe, expect, it } from 'vitest';
import { deleteSnapshot } from '../../../src/aws/snapshots.ts';
import { mockClient } from '../../support/mock-client.ts';

const ec2 = mockClient(EC2Client);
const client = new EC2Client({ region: 'us-east-1', maxAttempts: 1 });
const refuse = (code: string) =>
  ec2.on(DeleteSnapshotCommand).rejects(Object.assign(new Error(code), { name: code }));

describe('deleting a snapshot', () => {
  beforeEach(() => ec2.reset());

  it('counts one that is gone as absent', async () => {
    refuse('InvalidSnapshot.NotFound');
    expect(await deleteSnapshot(client, 'snap-1')).toBe('absent');
  });

  it('asks to be tried again while the image that was just deregistered still holds it', async () => {
    refuse('InvalidSnapshot.InUse');
    await expect(deleteSnapshot(client, 'snap-1')).rejects.toMatchObject({
      name: 'AwsUnavailable',
      details: { snapshotId: 'snap-1' },
    });
  });
});
