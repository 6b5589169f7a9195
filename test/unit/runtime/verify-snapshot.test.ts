import { EBSClient, GetSnapshotBlockCommand, ListSnapshotBlocksCommand } from '@aws-sdk/client-ebs';
import { beforeEach, describe, expect, it } from 'vitest';
import { isWorthReadingAgain, openSnapshotReader } from '../../../src/aws/snapshot-blocks.ts';
import { BLOCK_BYTES, blockChecksum } from '../../../src/image/blocks.ts';
import { openSnapshotSource } from '../../../src/runtime/snapshot-source.ts';
import { verifySnapshot } from '../../../src/runtime/verify-snapshot.ts';
import { mockClient } from '../../support/mock-client.ts';

const ebs = mockClient(EBSClient);
const bytesOf = (index: number) => new Uint8Array(BLOCK_BYTES).fill(index + 1);
const body = (bytes: Uint8Array) => ({ transformToByteArray: async () => bytes }) as never;

/** A snapshot of 1 GiB with blocks 0, 3 and 7, in two pages. */
beforeEach(() => {
  ebs.reset();
  ebs.on(ListSnapshotBlocksCommand).callsFake(({ NextToken }) =>
    NextToken === undefined
      ? {
          VolumeSize: 1,
          NextToken: 'more',
          Blocks: [0, 3].map((BlockIndex) => ({ BlockIndex, BlockToken: `t${BlockIndex}` })),
        }
      : { VolumeSize: 1, Blocks: [{ BlockIndex: 7, BlockToken: 't7' }] },
  );
  ebs.on(GetSnapshotBlockCommand).callsFake(({ BlockIndex }) => ({
    BlockData: body(bytesOf(BlockIndex)),
    Checksum: blockChecksum(bytesOf(BlockIndex)),
    ChecksumAlgorithm: 'SHA256',
  }));
});

const built = (indexes: readonly number[]) => ({
  nonZero: new Map(indexes.map((index) => [index, blockChecksum(bytesOf(index))])),
  present: new Set(indexes),
});
const reader = () => openSnapshotReader(new EBSClient({ region: 'us-east-1' }));

describe('a snapshot that is read back', () => {
  const look = (indexes: readonly number[], choose?: (all: readonly number[]) => readonly number[]) =>
    verifySnapshot(
      reader(),
      { snapshotId: 'snap-1', built: built(indexes) },
      { concurrency: 2, ...(choose && { choose }) },
    );

  it('matches when every block of every page does', async () => {
    expect(await look([0, 3, 7])).toEqual({ differences: [], listed: 3, read: 3 });
  });

  it('lacks what is not listed, and has too much what was not written', async () => {
    expect((await look([0, 2, 3])).differences).toEqual([
      { index: 2, kind: 'missing' },
      { index: 7, kind: 'unexpected' },
    ]);
  });

  it('is read where it is told to, and misses blocks all the same', async () => {
    const verdict = await look([0, 2, 3, 7], () => [3]);
    expect(verdict).toEqual({ differences: [{ index: 2, kind: 'missing' }], listed: 3, read: 1 });
    expect(ebs.commandCalls(GetSnapshotBlockCommand)).toHaveLength(1);
  });

  it('says nothing where a block came otherwise than EBS announced it: that is worth another try', async () => {
    ebs.on(GetSnapshotBlockCommand).resolves({
      BlockData: body(bytesOf(1)),
      Checksum: blockChecksum(bytesOf(0)),
      ChecksumAlgorithm: 'SHA256',
    });
    const error: unknown = await look([0, 3, 7]).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'BlockDamaged' });
    expect(isWorthReadingAgain(error)).toBe(true);
  });
});

describe('a snapshot as a volume', () => {
  it('reads across blocks, with zeros where it has none, and each block once', async () => {
    const source = await openSnapshotSource(reader(), 'snap-1');
    expect(source.sizeBytes).toBe(1024 ** 3);
    const across = await source.read(BLOCK_BYTES - 2, 4);
    expect([...across]).toEqual([1, 1, 0, 0]);
    expect([...(await source.read(3 * BLOCK_BYTES - 1, 2))]).toEqual([0, 4]);
    expect([...(await source.read(0, 1))]).toEqual([1]);
    expect(ebs.commandCalls(GetSnapshotBlockCommand)).toHaveLength(2);
    expect(await source.read(1024 ** 3 - 1, 5)).toHaveLength(1);
  });
});
