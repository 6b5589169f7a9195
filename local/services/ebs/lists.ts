import type {
  ListChangedBlocksRequest,
  ListChangedBlocksResponse,
  ListSnapshotBlocksRequest,
  ListSnapshotBlocksResponse,
} from '@aws-sdk/client-ebs';
import type { Operation } from '../../service.ts';
import { TokenBucket } from '../../throttling/token-bucket.ts';
import type { SnapshotRecord } from './snapshots.ts';
import { blockSizeBytes, effectiveBlocks } from './snapshots.ts';
import type { EbsState } from './state.ts';
import { invalid, throttled } from './state.ts';
import { blockToken, expiryOf, pageByIndex } from './tokens.ts';

/** ListSnapshotBlocks and ListChangedBlocks. */
export function listOperations(state: EbsState) {
  // "ListSnapshotBlocks requests per account: 50 per second", and as many of ListChangedBlocks:
  // https://docs.aws.amazon.com/general/latest/gr/ebs-service.html
  const lists = new TokenBucket(state.context.clock, 50, 50);
  const comparisons = new TokenBucket(state.context.clock, 50, 50);
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
      if (!lists.take()) throw throttled();
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
      if (!comparisons.take()) throw throttled();
      // "The SecondSnapshotId parameter must be specified with a FirstSnapshotID parameter; otherwise, an error occurs."
      // https://docs.aws.amazon.com/ebs/latest/APIReference/API_ListChangedBlocks.html
      if (input.FirstSnapshotId === undefined) throw invalid('FirstSnapshotId must be specified');
      const second = completed(input.SecondSnapshotId);
      const first = completed(input.FirstSnapshotId);
      // "two Amazon Elastic Block Store snapshots of the same volume/snapshot lineage"
      if (first.lineage !== second.lineage) {
        throw invalid(
          `The snapshots ${first.snapshotId} and ${second.snapshotId} are not related`,
          'UNRELATED_SNAPSHOTS',
        );
      }
      const before = new Map(effectiveBlocks(first));
      const after = new Map(effectiveBlocks(second));
      const changed = [...new Set([...before.keys(), ...after.keys()])]
        .filter((index) => before.get(index) !== after.get(index))
        .sort((a, b) => a - b);
      const shown = pageByIndex(
        changed,
        (index) => index,
        asked(['ListChangedBlocks', first.snapshotId, second.snapshotId], input),
      );
      const expiresAt = expiryOf(state.context.clock.now());
      const token = (snapshot: SnapshotRecord, index: number, digest: string | undefined) =>
        digest === undefined ? undefined : blockToken(snapshot.snapshotId, index, digest, expiresAt);
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
