import { DescribeSnapshotsCommand, EC2Client, SnapshotState } from '@aws-sdk/client-ec2';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../functions/check-snapshot.ts';
import { awsError, giveEnvironment, lambdaContext } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';

const ec2 = mockClient(EC2Client);
const check = (checks = 0) => handler({ snapshotId: 'snap-1', checks }, lambdaContext());

beforeAll(() => giveEnvironment());
beforeEach(() => ec2.reset());

/** Every state that EC2 knows, and one that it may add. */
const meaning = {
  completed: 'reached',
  error: 'SnapshotFailed',
  pending: 'waiting',
  recoverable: 'SnapshotFailed',
  recovering: 'waiting',
  'as-yet-unknown': 'waiting',
} satisfies Record<SnapshotState | 'as-yet-unknown', string>;

describe('check-snapshot', () => {
  it.each(Object.entries(meaning))('takes %s for %s', async (state, expected) => {
    ec2.on(DescribeSnapshotsCommand).resolves({ Snapshots: [{ State: state as SnapshotState }] });
    if (expected === 'SnapshotFailed') await expect(check()).rejects.toMatchObject({ name: expected });
    else await expect(check()).resolves.toEqual({ completed: expected === 'reached', checks: 1 });
  });

  it('waits for a snapshot that EC2 does not show yet', async () => {
    ec2.on(DescribeSnapshotsCommand).rejects(awsError('InvalidSnapshot.NotFound'));
    await expect(check()).resolves.toMatchObject({ completed: false });
    await expect(check(20)).rejects.toMatchObject({ name: 'SnapshotFailed' });
  });

  it('gives up by name after long enough', async () => {
    ec2.on(DescribeSnapshotsCommand).resolves({ Snapshots: [{ State: SnapshotState.pending }] });
    await expect(check(250)).rejects.toMatchObject({ name: 'SnapshotTimeout' });
  });
});
