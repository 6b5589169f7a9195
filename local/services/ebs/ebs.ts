/** The EBS direct APIs. https://docs.aws.amazon.com/ebs/latest/APIReference/API_Operations.html */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type {
  CompleteSnapshotRequest,
  CompleteSnapshotResponse,
  GetSnapshotBlockRequest,
  GetSnapshotBlockResponse,
  PutSnapshotBlockRequest,
  PutSnapshotBlockResponse,
  StartSnapshotRequest,
  StartSnapshotResponse,
} from '@aws-sdk/client-ebs';
import type { Context } from '../../context.ts';
import type { Access, Operation, Service } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { mapOf, type Persistent, single } from '../../state/persistent.ts';
import { TokenBucket } from '../../throttling/token-bucket.ts';
import { requestTagContext, resourceTagContext, TagStore } from '../ec2/tag-store.ts';
import type { Quota } from '../servicequotas/quota.ts';
import { quota } from '../servicequotas/quota.ts';
import { onlySupported } from '../supported.ts';
import { encryptionOutcome } from './encryption.ts';
import { listOperations } from './lists.ts';
import { blockSizeBytes, Snapshots } from './snapshots.ts';
import type { EbsState, Encryption } from './state.ts';
import { invalid, snapshotArn, throttled } from './state.ts';
import { isBlockToken } from './tokens.ts';

/** https://docs.aws.amazon.com/general/latest/gr/ebs-service.html */
const pendingSnapshotsLimit = 100;

export interface Ebs {
  readonly service: Service;
  readonly persistent: Persistent;
  readonly snapshots: Snapshots;
  /** Tags of every EC2 resource, snapshots among them. */
  readonly tags: TagStore;
  readonly quotas: { readonly snapshots: Quota };
  readonly encryption: Encryption;
}

export function createEbs(context: Context): Ebs {
  const snapshots = new Snapshots(context);
  const tags = new TagStore();
  const quotas = { snapshots: quota('ebs', 'L-309BACF6', 'Snapshots per Region', 100_000) };
  const { regionName, accountId } = context;
  const encryption: Encryption = {
    byDefault: false,
    defaultKeyArn: `arn:aws:kms:${regionName}:${accountId}:key/eb500000-0000-4000-8000-000000000001`,
  };
  const state: EbsState = {
    context,
    quotas,
    encryption,
    snapshots,
    tags,
    snapshot(snapshotId) {
      const found = snapshots.all.get(snapshotId ?? '');
      if (found === undefined) {
        throw new AwsError(
          'ResourceNotFoundException',
          `The snapshot '${snapshotId ?? ''}' does not exist.`,
          404,
          { Reason: 'SNAPSHOT_NOT_FOUND' },
        );
      }
      return found;
    },
    access(action, snapshotId) {
      const resource = snapshotArn(context, snapshotId ?? '*');
      return [{ action, resources: [resource], context: resourceTagContext(tags.list(snapshotId ?? '')) }];
    },
  };
  const startedByToken: Started = new Map();
  return {
    service: {
      id: 'ebs',
      operations: { ...writeOperations(state, startedByToken), ...listOperations(state) },
    },
    persistent: {
      name: 'ebs',
      version: 2,
      collections: [
        ...snapshots.collections(),
        tags.collection('tags'),
        mapOf('tokens', startedByToken),
        single(
          'encryption',
          () => encryption,
          (kept) => Object.assign(encryption, kept),
        ),
        single(
          'quotas',
          () => quotas.snapshots.value,
          (value) => {
            quotas.snapshots.value = value;
          },
        ),
      ],
      resume: () => snapshots.resume(),
    },
    snapshots,
    tags,
    quotas,
    encryption,
  };
}

/** Answers by client token, with what was asked. */
type Started = Map<string, { parameters: string; answer: StartSnapshotResponse }>;

function writeOperations(state: EbsState, startedByToken: Started) {
  const { context, snapshots, tags } = state;
  // Rates of the EBS direct APIs: https://docs.aws.amazon.com/general/latest/gr/ebs-service.html
  const starts = new TokenBucket(context.clock, 10, 10);
  const completes = new TokenBucket(context.clock, 10, 10);
  const puts = new TokenBucket(context.clock, 1_000, 1_000);
  const gets = new TokenBucket(context.clock, 1_000, 1_000);

  const StartSnapshot: Operation<StartSnapshotRequest, StartSnapshotResponse> = {
    access: (input) => {
      const resource = snapshotArn(context, '*');
      const asked = input.Tags ?? [];
      const own: Access = {
        action: 'ebs:StartSnapshot',
        resources: [resource],
        context: requestTagContext(asked),
      };
      return asked.length === 0
        ? [own]
        : [own, { action: 'ec2:CreateTags', resources: [resource], context: requestTagContext(asked) }];
    },
    run(input) {
      const known = ['VolumeSize', 'ParentSnapshotId', 'Tags', 'Description', 'ClientToken', 'Timeout'];
      const judged = ['Encrypted', 'KmsKeyArn'];
      onlySupported('StartSnapshot', input, [...known, ...judged], 'ValidationException');
      if (!starts.take()) throw throttled();
      const size = input.VolumeSize;
      if (size === undefined || !Number.isInteger(size) || size < 1 || size > 65_536) {
        throw invalid('VolumeSize must be a whole number of GiB from 1 to 65536', 'INVALID_VOLUME_SIZE');
      }
      const timeoutMinutes = input.Timeout ?? 60;
      if ((input.Tags ?? []).some((tag) => tag.Key === undefined || tag.Key.startsWith('aws:'))) {
        throw invalid("Tag keys must not be empty or start with 'aws:'", 'INVALID_TAG');
      }
      // https://docs.aws.amazon.com/ebs/latest/userguide/ebs-direct-api-idempotency.html
      const parameters = JSON.stringify([
        size,
        input.ParentSnapshotId,
        input.Tags,
        input.Description,
        timeoutMinutes,
        input.Encrypted,
        input.KmsKeyArn,
      ]);
      const earlier = input.ClientToken === undefined ? undefined : startedByToken.get(input.ClientToken);
      if (earlier !== undefined) {
        if (earlier.parameters === parameters) return earlier.answer;
        throw new AwsError(
          'ConflictException',
          `The client token ${input.ClientToken} was used before with other parameters.`,
          409,
        );
      }
      const parent =
        input.ParentSnapshotId === undefined ? undefined : state.snapshot(input.ParentSnapshotId);
      if (parent !== undefined && parent.status !== 'completed') {
        throw invalid(`The parent snapshot ${parent.snapshotId} is not completed`, 'INVALID_SNAPSHOT_ID');
      }
      if (parent !== undefined && size < parent.volumeSizeGiB) {
        throw invalid(
          'VolumeSize must not be smaller than that of the parent snapshot',
          'INVALID_VOLUME_SIZE',
        );
      }
      const encrypted = encryptionOutcome({
        encrypted: input.Encrypted,
        kmsKeyArn: input.KmsKeyArn,
        parent: parent === undefined ? 'none' : parent.kmsKeyArn === undefined ? 'plain' : 'encrypted',
        byDefault: state.encryption.byDefault,
      });
      if (encrypted.kind === 'refused') throw invalid(encrypted.why, 'INVALID_PARAMETER_VALUE');
      if (encrypted.kind === 'encrypted' && encrypted.key === 'named')
        throw invalid("The local region has no keys but the account's own for EBS", 'INVALID_KMS_KEY');
      const key =
        encrypted.kind === 'plain' ? undefined : (parent?.kmsKeyArn ?? state.encryption.defaultKeyArn);
      const pending = [...snapshots.all.values()].filter((one) => one.status === 'pending').length;
      if (pending >= pendingSnapshotsLimit) {
        throw new AwsError(
          'ConcurrentLimitExceededException',
          'You have reached the limit for pending snapshots.',
        );
      }
      if (snapshots.all.size >= state.quotas.snapshots.value) {
        throw new AwsError(
          'ServiceQuotaExceededException',
          'You have reached the limit of snapshots for this account in this Region.',
          402,
        );
      }
      const made = snapshots.start({
        volumeSizeGiB: size,
        description: input.Description,
        parent,
        timeoutMinutes,
        kmsKeyArn: key,
      });
      tags.set(made.snapshotId, input.Tags);
      const answer: StartSnapshotResponse = {
        SnapshotId: made.snapshotId,
        OwnerId: context.accountId,
        Status: 'pending',
        StartTime: new Date(made.startedAt),
        VolumeSize: size,
        BlockSize: blockSizeBytes,
        Description: input.Description,
        ParentSnapshotId: input.ParentSnapshotId,
        Tags: input.Tags,
        KmsKeyArn: key,
        SseType: key === undefined ? 'none' : 'sse-kms',
      };
      if (input.ClientToken !== undefined) startedByToken.set(input.ClientToken, { parameters, answer });
      return answer;
    },
  };

  const PutSnapshotBlock: Operation<PutSnapshotBlockRequest, PutSnapshotBlockResponse> = {
    access: (input) => state.access('ebs:PutSnapshotBlock', input.SnapshotId),
    async run(input) {
      if (!puts.take()) throw throttled();
      const snapshot = state.snapshot(input.SnapshotId);
      const index = input.BlockIndex;
      const blocks = (snapshot.volumeSizeGiB * 1024 ** 3) / blockSizeBytes;
      if (index === undefined || !Number.isInteger(index) || index < 0 || index >= blocks) {
        throw invalid(`BlockIndex must be from 0 to ${blocks - 1}`, 'INVALID_BLOCK');
      }
      if (input.DataLength !== blockSizeBytes) throw invalid(`DataLength must be ${blockSizeBytes}`);
      if (input.ChecksumAlgorithm !== 'SHA256') throw invalid('ChecksumAlgorithm must be SHA256');
      const bytes = await context.clock.hold(collect(input.BlockData));
      const sum = createHash('sha256').update(bytes).digest();
      if (sum.toString('base64') !== input.Checksum) {
        throw invalid('The checksum does not match the block data', 'INVALID_BLOCK');
      }
      // After the body has arrived: the snapshot may have been sealed or deleted meanwhile.
      if (state.snapshot(input.SnapshotId).sealed || snapshot.status !== 'pending') {
        throw invalid(`The snapshot ${snapshot.snapshotId} is not pending`, 'INVALID_SNAPSHOT_ID');
      }
      await snapshots.put(snapshot, index, bytes, sum.toString('hex'));
      return { Checksum: input.Checksum, ChecksumAlgorithm: 'SHA256' };
    },
  };

  const CompleteSnapshot: Operation<CompleteSnapshotRequest, CompleteSnapshotResponse> = {
    access: (input) => state.access('ebs:CompleteSnapshot', input.SnapshotId),
    run(input) {
      if (!completes.take()) throw throttled();
      const snapshot = state.snapshot(input.SnapshotId);
      if (input.ChangedBlocksCount === undefined) throw invalid('ChangedBlocksCount is required');
      if (input.Checksum !== undefined) {
        if (input.ChecksumAlgorithm !== 'SHA256') throw invalid('ChecksumAlgorithm must be SHA256');
        if (input.ChecksumAggregationMethod !== 'LINEAR') {
          throw invalid('ChecksumAggregationMethod must be LINEAR');
        }
      }
      // AWS does not say what a second call is answered: one that is refused while the first one seals is worse.
      if (snapshot.sealed || snapshot.status !== 'pending') {
        throw invalid(`The snapshot ${snapshot.snapshotId} is not pending`, 'INVALID_SNAPSHOT_ID');
      }
      snapshots.complete(snapshot, input.ChangedBlocksCount, input.Checksum);
      return { Status: snapshot.status };
    },
  };

  const GetSnapshotBlock: Operation<GetSnapshotBlockRequest, GetSnapshotBlockResponse> = {
    access: (input) => state.access('ebs:GetSnapshotBlock', input.SnapshotId),
    async run(input) {
      if (!gets.take()) throw throttled();
      const snapshot = state.snapshot(input.SnapshotId);
      if (snapshot.status !== 'completed') {
        throw invalid(`The snapshot ${snapshot.snapshotId} is not completed`, 'INVALID_SNAPSHOT_ID');
      }
      const index = input.BlockIndex ?? -1;
      const digest = snapshot.written.get(index) ?? snapshot.inherited.get(index);
      const now = context.clock.now();
      if (digest === undefined || !isBlockToken(input.BlockToken, snapshot.snapshotId, index, digest, now)) {
        throw invalid('The block token is invalid', 'INVALID_BLOCK_TOKEN');
      }
      const bytes = await snapshots.block(snapshot, index);
      if (bytes === undefined) throw invalid('There is no such block', 'INVALID_BLOCK');
      return {
        DataLength: bytes.length,
        BlockData: Readable.from([bytes]),
        Checksum: Buffer.from(digest, 'hex').toString('base64'),
        ChecksumAlgorithm: 'SHA256',
      };
    },
  };

  return { StartSnapshot, PutSnapshotBlock, CompleteSnapshot, GetSnapshotBlock };
}

async function collect(body: unknown): Promise<Uint8Array> {
  if (body instanceof Uint8Array) {
    if (body.length !== blockSizeBytes)
      throw invalid(`The block must have ${blockSizeBytes} bytes`, 'INVALID_BLOCK');
    return body;
  }
  if (!(body instanceof Readable)) throw invalid('BlockData is required', 'INVALID_BLOCK');
  const bytes = Buffer.allocUnsafe(blockSizeBytes);
  let length = 0;
  for await (const chunk of body) {
    const part = chunk as Uint8Array; // the wire layer gives byte streams
    if (length + part.length > blockSizeBytes) {
      throw invalid(`The block has more than ${blockSizeBytes} bytes`, 'INVALID_BLOCK');
    }
    bytes.set(part, length);
    length += part.length;
  }
  if (length !== blockSizeBytes)
    throw invalid(`The block has ${length} bytes, not ${blockSizeBytes}`, 'INVALID_BLOCK');
  return bytes;
}
