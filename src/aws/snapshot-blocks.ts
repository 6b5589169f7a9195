/** Snapshots read block by block with the EBS direct APIs. */
import { createHash } from 'node:crypto';
import {
  type EBSClient,
  GetSnapshotBlockCommand,
  ListSnapshotBlocksCommand,
  type ListSnapshotBlocksCommandOutput,
} from '@aws-sdk/client-ebs';
import { ebsClient } from './clients/ebs.ts';
import { isRetryable } from './errors.ts';

/** A block that the snapshot has, with the token that opens it for some days. */
export interface SnapshotBlock {
  readonly index: number;
  readonly token: string;
}

export interface SnapshotPage {
  readonly volumeSizeGiB: number;
  readonly blocks: readonly SnapshotBlock[];
}

export interface ReadBlock {
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes as they came, base64. */
  readonly checksum: string;
}

export interface SnapshotReader {
  /** The blocks that the snapshot has from `first` on, ascending, ten thousand at a time; one page at least. */
  pages(snapshotId: string, first?: number): AsyncGenerator<SnapshotPage>;
  /** @throws BlockDamaged where the bytes are not those that EBS announced: worth another try */
  read(snapshotId: string, block: SnapshotBlock): Promise<ReadBlock>;
}

/** Half a megabyte came otherwise than EBS announced it: on the way, not in the snapshot. */
export class BlockDamaged extends Error {
  override readonly name = 'BlockDamaged';
}

/** Which failures of reading are worth another try. */
export function isWorthReadingAgain(error: unknown): boolean {
  return error instanceof BlockDamaged || isRetryable(error);
}

const pageBlocks = 10_000;

/** @param send called for each call to EBS: adds retries, or none */
export function openSnapshotReader(
  client: EBSClient = ebsClient(),
  send: <T>(call: () => Promise<T>) => Promise<T> = (call) => call(),
): SnapshotReader {
  return {
    async *pages(snapshotId, first = 0) {
      for (let token: string | undefined; ; ) {
        const after = token;
        const answer: ListSnapshotBlocksCommandOutput = await send(() =>
          client.send(
            new ListSnapshotBlocksCommand({
              SnapshotId: snapshotId,
              MaxResults: pageBlocks,
              // A token goes on where the page before it ended.
              ...(after === undefined ? { StartingBlockIndex: first } : { NextToken: after }),
            }),
          ),
        );
        const blocks = (answer.Blocks ?? []).flatMap(({ BlockIndex, BlockToken }) =>
          BlockIndex === undefined || BlockToken === undefined
            ? []
            : { index: BlockIndex, token: BlockToken },
        );
        yield { volumeSizeGiB: answer.VolumeSize ?? 0, blocks };
        token = answer.NextToken;
        if (token === undefined || token === '') return;
      }
    },

    read: (snapshotId, { index, token }) =>
      send(async () => {
        const { BlockData, Checksum, ChecksumAlgorithm } = await client.send(
          new GetSnapshotBlockCommand({ SnapshotId: snapshotId, BlockIndex: index, BlockToken: token }),
        );
        if (BlockData === undefined) throw new Error('EBS answered GetSnapshotBlock without a body');
        const bytes = await BlockData.transformToByteArray();
        const checksum = createHash('sha256').update(bytes).digest('base64');
        if (ChecksumAlgorithm === 'SHA256' && Checksum !== undefined && Checksum !== checksum) {
          throw new BlockDamaged(`Block ${index} of ${snapshotId} came otherwise than EBS announced it`);
        }
        return { bytes, checksum };
      }),
  };
}
