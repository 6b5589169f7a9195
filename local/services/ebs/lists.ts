import type {
  ListChangedBlocksRequest,
  ListChangedBlocksResponse,
  ListSnapshotBlocksRequest,
  ListSnapshotBlocksResponse,
} from '@aws-sdk/client-ebs';
import type { Operation } from '../../service.ts';
import { page } from '../paging.ts';
import type { SnapshotRecord } from './snapshots.ts';
import { blockSizeBytes, effectiveBlocks } from './snapshots.ts';
import type { EbsState } from './state.ts';
import { blockToken, invalid } from './state.ts';

/** Block tokens are good for this long: "the time when the block tokens expire", seven days. */
const tokenLifeMs = 7 * 24 * 3_600_000;

/** ListSnapshotBlocks and ListChangedBlocks. */
export function listOperations(state: EbsState) {
  const completed = (snapshotId: string | undefined): SnapshotRecord => {
    const snapshot = state.snapshot(snapshotId);
    if (snapshot.status === 'completed') return snapshot;
    throw invalid(`The snapshot ${snapshot.snapshotId} is not completed`, 'INVALID_SNAPSHOT_ID');
  };
  const badToken = () => invalid('The page token is invalid', 'INVALID_PAGE_TOKEN');

  const ListSnapshotBlocks: Operation<ListSnapshotBlocksRequest, ListSnapshotBlocksResponse> = {
    access: (input) => state.access('ebs:ListSnapshotBlocks', input.SnapshotId),
    run(input) {
      const snapshot = completed(input.SnapshotId);
      const from = input.StartingBlockIndex ?? 0;
      const blocks = effectiveBlocks(snapshot).filter(([index]) => index >= from);
      const shown = page(
        blocks,
        ([index]) => `${index}`,
        input.MaxResults ?? 10_000,
        input.NextToken,
        badToken,
      );
      return {
        Blocks: shown.items.map(([index, digest]) => ({
          BlockIndex: index,
          BlockToken: blockToken(snapshot.snapshotId, index, digest),
        })),
        ExpiryTime: new Date(state.context.clock.now() + tokenLifeMs),
        VolumeSize: snapshot.volumeSizeGiB,
        BlockSize: blockSizeBytes,
        NextToken: shown.nextToken,
      };
    },
  };

  const ListChangedBlocks: Operation<ListChangedBlocksRequest, ListChangedBlocksResponse> = {
    access: (input) => [
      ...state.access('ebs:ListChangedBlocks', input.SecondSnapshotId),
      ...(input.FirstSnapshotId === undefined
        ? []
        : state.access('ebs:ListChangedBlocks', input.FirstSnapshotId)),
    ],
    run(input) {
      const second = completed(input.SecondSnapshotId);
      const first = input.FirstSnapshotId === undefined ? undefined : completed(input.FirstSnapshotId);
      const before = new Map(first === undefined ? [] : effectiveBlocks(first));
      const after = new Map(effectiveBlocks(second));
      const from = input.StartingBlockIndex ?? 0;
      const changed = [...new Set([...before.keys(), ...after.keys()])]
        .filter((index) => index >= from && before.get(index) !== after.get(index))
        .sort((a, b) => a - b);
      const shown = page(
        changed,
        (index) => `${index}`,
        input.MaxResults ?? 10_000,
        input.NextToken,
        badToken,
      );
      const token = (snapshot: SnapshotRecord | undefined, index: number, digest: string | undefined) =>
        snapshot === undefined || digest === undefined
          ? undefined
          : blockToken(snapshot.snapshotId, index, digest);
      return {
        ChangedBlocks: shown.items.map((index) => ({
          BlockIndex: index,
          FirstBlockToken: token(first, index, before.get(index)),
          SecondBlockToken: token(second, index, after.get(index)),
        })),
        ExpiryTime: new Date(state.context.clock.now() + tokenLifeMs),
        VolumeSize: second.volumeSizeGiB,
        BlockSize: blockSizeBytes,
        NextToken: shown.nextToken,
      };
    },
  };
  return { ListSnapshotBlocks, ListChangedBlocks };
}
