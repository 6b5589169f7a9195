import type {
  ListChangedBlocksRequest,
  ListChangedBlocksResponse,
  ListSnapshotBlocksRequest,
  ListSnapshotBlocksResponse,
} from '@aws-sdk/client-ebs';
import type { Operation } from '../../service.ts';
import type { SnapshotRecord } from './snapshots.ts';
import { blockSizeBytes, effectiveBlocks } from './snapshots.ts';
import type { EbsState } from './state.ts';
import { invalid } from './state.ts';
import { blockToken, expiryOf, pageByIndex } from './tokens.ts';

/** ListSnapshotBlocks and ListChangedBlocks. */
export function listOperations(state: EbsState) {
  const completed = (snapshotId: string | undefined): SnapshotRecord => {
    const snapshot = state.snapshot(snapshotId);
    if (snapshot.status === 'completed') return snapshot;
    throw invalid(`The snapshot ${snapshot.snapshotId} is not completed`, 'INVALID_SNAPSHOT_ID');
  };
  const asked = (list: readonly string[], input: ListSnapshotBlocksRequest | ListChangedBlocksRequest) => ({
    list,
    limit: input.MaxResults ?? 10_000,
    token: input.NextToken,
    startingAt: input.StartingBlockIndex,
    now: state.context.clock.now(),
  });

  const ListSnapshotBlocks: Operation<ListSnapshotBlocksRequest, ListSnapshotBlocksResponse> = {
    access: (input) => state.access('ebs:ListSnapshotBlocks', input.SnapshotId),
    run(input) {
      const snapshot = completed(input.SnapshotId);
      const shown = pageByIndex(
        effectiveBlocks(snapshot),
        ([index]) => index,
        asked(['ListSnapshotBlocks', snapshot.snapshotId], input),
      );
      const expiresAt = expiryOf(state.context.clock.now());
      return {
        Blocks: shown.items.map(([index, digest]) => ({
          BlockIndex: index,
          BlockToken: blockToken(snapshot.snapshotId, index, digest, expiresAt),
        })),
        ExpiryTime: new Date(expiresAt),
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
      const changed = [...new Set([...before.keys(), ...after.keys()])]
        .filter((index) => before.get(index) !== after.get(index))
        .sort((a, b) => a - b);
      const shown = pageByIndex(
        changed,
        (index) => index,
        asked(['ListChangedBlocks', first?.snapshotId ?? '-', second.snapshotId], input),
      );
      const expiresAt = expiryOf(state.context.clock.now());
      const token = (snapshot: SnapshotRecord | undefined, index: number, digest: string | undefined) =>
        snapshot === undefined || digest === undefined
          ? undefined
          : blockToken(snapshot.snapshotId, index, digest, expiresAt);
      return {
        ChangedBlocks: shown.items.map((index) => ({
          BlockIndex: index,
          FirstBlockToken: token(first, index, before.get(index)),
          SecondBlockToken: token(second, index, after.get(index)),
        })),
        ExpiryTime: new Date(expiresAt),
        VolumeSize: second.volumeSizeGiB,
        BlockSize: blockSizeBytes,
        NextToken: shown.nextToken,
      };
    },
  };
  return { ListSnapshotBlocks, ListChangedBlocks };
}
