/** Snapshots written block by block with the EBS direct APIs, and what EC2 knows of them. */
import { CompleteSnapshotCommand, type EBSClient, StartSnapshotCommand } from '@aws-sdk/client-ebs';
import {
  DeleteSnapshotCommand,
  DescribeSnapshotsCommand,
  type EC2Client,
  type SnapshotState,
} from '@aws-sdk/client-ec2';
import { FlotillaError } from '../errors.ts';
import { ebsClient } from './clients/ebs.ts';
import { hasCode } from './errors.ts';
import { LeanPutSnapshotBlock } from './put-block.ts';
import type { Prospect } from './waiting.ts';

export type Tags = Readonly<Record<string, string>>;

export interface SnapshotStart {
  readonly volumeSizeGiB: number;
  /** At most 64 characters; a repeat of it gives the same snapshot, even one deleted since. */
  readonly clientToken: string;
  readonly description: string;
  readonly tags: Tags;
  /** The snapshot to whose blocks this one adds its own. */
  readonly parentSnapshotId?: string | undefined;
}

export interface Block {
  readonly index: number;
  readonly bytes: Uint8Array;
  /** SHA-256, base64. */
  readonly checksum: string;
}

export interface SnapshotWriter {
  /**
   * `encrypted`: the account encrypts by default, so that a block which is not put reads as garbage
   * (awslabs/coldsnap issues 395, 396): zero blocks must be put too.
   */
  start(wanted: SnapshotStart): Promise<{ readonly snapshotId: string; readonly encrypted: boolean }>;
  /** Puts one block of 512 KiB, in one try. Repeatable: the same bytes at the same place. */
  putBlock(snapshotId: string, block: Block, signal?: AbortSignal): Promise<void>;
  /** @param linearChecksum over the written blocks only, base64 */
  complete(snapshotId: string, changedBlocks: number, linearChecksum: string): Promise<void>;
}

/** A snapshot without a put for so long goes to error: the longest pause between two segments. */
const idleMinutes = 60;

export function openSnapshotWriter(client: EBSClient = ebsClient()): SnapshotWriter {
  return {
    async start(wanted) {
      const answer = await client.send(
        new StartSnapshotCommand({
          VolumeSize: wanted.volumeSizeGiB,
          ClientToken: wanted.clientToken,
          Description: wanted.description,
          Timeout: idleMinutes,
          ...(wanted.parentSnapshotId === undefined ? {} : { ParentSnapshotId: wanted.parentSnapshotId }),
          Tags: Object.entries(wanted.tags).map(([Key, Value]) => ({ Key, Value })),
        }),
      );
      if (answer.SnapshotId === undefined) throw new Error('StartSnapshot answered without a SnapshotId');
      const plain = answer.KmsKeyArn === undefined && (answer.SseType ?? 'none') === 'none';
      return { snapshotId: answer.SnapshotId, encrypted: !plain };
    },

    async putBlock(snapshotId, { index, bytes, checksum }, signal) {
      await client
        .send(
          new LeanPutSnapshotBlock({
            SnapshotId: snapshotId,
            BlockIndex: index,
            BlockData: bytes,
            DataLength: bytes.length,
            Checksum: checksum,
            ChecksumAlgorithm: 'SHA256',
          }),
          signal === undefined ? {} : { abortSignal: signal },
        )
        .catch(refused({ snapshotId, block: index }));
    },

    async complete(snapshotId, changedBlocks, linearChecksum) {
      await client
        .send(
          new CompleteSnapshotCommand({
            SnapshotId: snapshotId,
            ChangedBlocksCount: changedBlocks,
            Checksum: linearChecksum,
            ChecksumAlgorithm: 'SHA256',
            ChecksumAggregationMethod: 'LINEAR',
          }),
        )
        .catch(refused({ snapshotId }));
    },
  };
}

/**
 * What no other try would change has a name of ours, with the ids: a snapshot that went to error meanwhile takes no
 * block any more, and a block's checksum may not be that of the bytes that arrived.
 */
function refused(ids: { readonly snapshotId: string; readonly block?: number }): (error: unknown) => never {
  return (error) => {
    if (!hasCode(error, 'ValidationException')) throw error;
    const what = ids.block === undefined ? ids.snapshotId : `block ${ids.block} of ${ids.snapshotId}`;
    throw new FlotillaError('SnapshotFailed', `EBS refuses ${what}: ${(error as Error).message}`, ids, {
      cause: error,
    });
  };
}

/** What each state of a snapshot means to somebody who waits for it to complete. */
export const snapshotProspect = {
  completed: 'reached',
  error: 'hopeless',
  pending: 'waiting',
  recoverable: 'hopeless', // somebody deleted it: it lies in the recycle bin
  recovering: 'waiting',
} as const satisfies Record<SnapshotState, Prospect>;

export interface SnapshotFacts {
  readonly prospect: Prospect;
  /** The state as EC2 names it. */
  readonly state: string;
  readonly reason: string;
}

/** What EC2 says of our own snapshot; undefined while, or where, it knows none. */
export async function describeSnapshot(
  client: EC2Client,
  snapshotId: string,
): Promise<SnapshotFacts | undefined> {
  try {
    const answer = await client.send(
      new DescribeSnapshotsCommand({ SnapshotIds: [snapshotId], OwnerIds: ['self'] }),
    );
    const found = answer.Snapshots?.[0];
    if (found === undefined) return undefined;
    const state = found.State ?? 'pending';
    return {
      prospect: Object.hasOwn(snapshotProspect, state) ? snapshotProspect[state] : 'waiting',
      state,
      reason: found.StateMessage ?? '',
    };
  } catch (error) {
    if (hasCode(error, 'InvalidSnapshot.NotFound')) return undefined;
    throw error;
  }
}

/** Our own snapshots that carry all of these tags. The listing may lag behind by some seconds. */
export async function findSnapshots(
  client: EC2Client,
  tags: Tags,
): Promise<{ readonly snapshotId: string; readonly tags: Tags }[]> {
  const found: { snapshotId: string; tags: Tags }[] = [];
  for (let token: string | undefined; ; ) {
    const answer = await client.send(
      new DescribeSnapshotsCommand({
        OwnerIds: ['self'],
        Filters: Object.entries(tags).map(([name, value]) => ({ Name: `tag:${name}`, Values: [value] })),
        ...(token === undefined ? {} : { NextToken: token }),
      }),
    );
    for (const { SnapshotId, Tags: set } of answer.Snapshots ?? []) {
      if (SnapshotId === undefined) continue;
      const own = Object.fromEntries((set ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
      found.push({ snapshotId: SnapshotId, tags: own });
    }
    token = answer.NextToken;
    if (token === undefined || token === '') return found;
  }
}

/** Deletes a snapshot; one that is gone already is as good. */
export async function deleteSnapshot(client: EC2Client, snapshotId: string): Promise<'deleted' | 'absent'> {
  try {
    await client.send(new DeleteSnapshotCommand({ SnapshotId: snapshotId }));
    return 'deleted';
  } catch (error) {
    if (hasCode(error, 'InvalidSnapshot.NotFound')) return 'absent';
    // For a moment after its image is deregistered a snapshot still counts as used by it.
    if (hasCode(error, 'InvalidSnapshot.InUse')) {
      throw new FlotillaError(
        'AwsUnavailable',
        `The snapshot ${snapshotId} is still in use`,
        { snapshotId },
        { cause: error },
      );
    }
    throw error;
  }
}
