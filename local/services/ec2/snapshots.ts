import type {
  DeleteSnapshotRequest,
  DescribeSnapshotsRequest,
  DescribeSnapshotsResult,
  Snapshot,
} from '@aws-sdk/client-ec2';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import type { SnapshotRecord } from '../ebs/snapshots.ts';
import { blockSizeBytes, effectiveBlocks } from '../ebs/snapshots.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { badToken, checkId, required } from './errors.ts';
import { passes, tagFilter } from './filters.ts';
import { imageUsing } from './images.ts';
import type { Ec2State } from './state.ts';
import { describeAccess, onResource } from './state.ts';

export function snapshotOperations(state: Ec2State) {
  const { context, snapshots, tags } = state;

  const describe = (snapshot: SnapshotRecord): Snapshot => ({
    SnapshotId: snapshot.snapshotId,
    // Snapshots written through the EBS direct APIs belong to no volume, and show this one.
    VolumeId: 'vol-ffffffff',
    OwnerId: context.accountId,
    State: snapshot.status,
    StateMessage: snapshot.statusMessage,
    StartTime: new Date(snapshot.startedAt),
    CompletionTime:
      snapshot.status === 'completed' && snapshot.completedAt !== undefined
        ? new Date(snapshot.completedAt)
        : undefined,
    Progress: snapshot.status === 'completed' ? '100%' : '',
    Description: snapshot.description ?? '',
    VolumeSize: snapshot.volumeSizeGiB,
    Encrypted: snapshot.kmsKeyArn !== undefined,
    KmsKeyId: snapshot.kmsKeyArn,
    StorageTier: 'standard',
    FullSnapshotSizeInBytes: effectiveBlocks(snapshot).length * blockSizeBytes,
    Tags: tags.list(snapshot.snapshotId),
  });

  const DescribeSnapshots: Operation<DescribeSnapshotsRequest, DescribeSnapshotsResult> = {
    access: describeAccess('DescribeSnapshots'),
    run(input) {
      onlySupported('DescribeSnapshots', input, [
        'DryRun',
        'Filters',
        'MaxResults',
        'NextToken',
        'OwnerIds',
        'SnapshotIds',
      ]);
      for (const id of input.SnapshotIds ?? []) {
        checkId(id, 'snap', 'InvalidSnapshotID.Malformed');
        if (!snapshots.all.has(id)) {
          throw new AwsError('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`);
        }
      }
      const owners = input.OwnerIds ?? [];
      const found = [...snapshots.all.values()].filter((snapshot) => {
        if (input.SnapshotIds?.length && !input.SnapshotIds.includes(snapshot.snapshotId)) return false;
        if (owners.length > 0 && !owners.includes('self') && !owners.includes(context.accountId))
          return false;
        return passes(input.Filters, (name) => {
          switch (name) {
            case 'snapshot-id':
              return snapshot.snapshotId;
            case 'status':
              return snapshot.status;
            case 'description':
              return snapshot.description;
            case 'owner-id':
              return context.accountId;
            case 'encrypted':
              return `${snapshot.kmsKeyArn !== undefined}`;
            case 'volume-size':
              return `${snapshot.volumeSizeGiB}`;
            default:
              return tagFilter(name, tags.list(snapshot.snapshotId));
          }
        });
      });
      const shown = page(
        found,
        (one) => one.snapshotId,
        input.MaxResults ?? 1_000,
        input.NextToken,
        badToken,
      );
      return { Snapshots: shown.items.map(describe), NextToken: shown.nextToken };
    },
  };

  const DeleteSnapshot: Operation<DeleteSnapshotRequest, Record<string, never>> = {
    access: (input) => [onResource(state, 'ec2:DeleteSnapshot', input.SnapshotId)],
    async run(input) {
      const id = required(input.SnapshotId, 'SnapshotId');
      checkId(id, 'snap', 'InvalidSnapshotID.Malformed');
      const snapshot = snapshots.all.get(id);
      if (snapshot === undefined) {
        throw new AwsError('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`);
      }
      const image = imageUsing(state, id);
      if (image !== undefined) {
        throw new AwsError(
          'InvalidSnapshot.InUse',
          `The snapshot ${id} is currently in use by ${image.ImageId}`,
        );
      }
      await snapshots.delete(snapshot);
      tags.forget(id);
      return {};
    },
  };

  return { DescribeSnapshots, DeleteSnapshot };
}
