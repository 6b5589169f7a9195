import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { EBSClient, PutSnapshotBlockCommand } from '@aws-sdk/client-ebs';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { sdkStreamMixin } from '@smithy/core/serde';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../functions/write-blocks.ts';
import { segmentBlocks } from '../../src/contracts/image-blocks.ts';
import { BLOCK_BYTES } from '../../src/image/blocks.ts';
import { awsError, giveEnvironment, lambdaContext } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';
import { identity, recipeOfDisk } from './image-kit.ts';

const ebs = mockClient(EBSClient);
const s3 = mockClient(S3Client);

/** Four blocks: text, zeros, text, and half a block of text at the end. */
const disk = Buffer.alloc(3.5 * BLOCK_BYTES);
disk.write('first', 0);
disk.write('third', 2 * BLOCK_BYTES);
disk.write('fourth', 3 * BLOCK_BYTES);

const recipe = recipeOfDisk(disk.length);
const event = {
  identity,
  attempt: 2,
  snapshotId: 'snap-1',
  encrypted: false,
  parent: null,
  segment: { number: 0, first: 0, count: 4 },
  writers: 1,
};

const body = (bytes: Uint8Array) => sdkStreamMixin(Readable.from([bytes]));
const puts = () => ebs.commandCalls(PutSnapshotBlockCommand).map((call) => call.args[0].input);
const digestFile = () => String(s3.commandCalls(PutObjectCommand)[0]?.args[0].input.Body);

beforeAll(() => giveEnvironment());

beforeEach(() => {
  ebs.reset();
  s3.reset();
  ebs.on(PutSnapshotBlockCommand).resolves({});
  s3.on(PutObjectCommand).resolves({});
  s3.on(GetObjectCommand).callsFake((input: { Key: string; Range?: string }) => {
    if (input.Key.startsWith('recipes/')) return { Body: body(Buffer.from(JSON.stringify(recipe))) };
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(input.Range ?? '') ?? [];
    return { Body: body(disk.subarray(Number(from), Number(to) + 1)) };
  });
});

describe('write-blocks', () => {
  it('puts each block that is not zero, with its checksum, and the last one filled up', async () => {
    const result = await handler(event, lambdaContext());
    expect(puts().map((put) => put.BlockIndex)).toEqual([0, 2, 3]);
    for (const put of puts()) {
      const bytes = put.BlockData as Uint8Array;
      expect(bytes.length).toBe(BLOCK_BYTES);
      expect(put.Checksum).toBe(createHash('sha256').update(bytes).digest('base64'));
    }
    expect(result).toEqual({
      number: 0,
      first: 0,
      count: 4,
      nonZero: 3,
      put: 3,
      digest: createHash('sha256').update(digestFile()).digest('hex'),
    });
    const { nonZero, put } = segmentBlocks.parse(JSON.parse(digestFile()));
    expect(nonZero.map(([index]) => index)).toEqual([0, 2, 3]);
    expect(put).toEqual([0, 2, 3]);
  });

  it('leaves nothing out on an encrypted snapshot, where a block without a put reads as garbage', async () => {
    await handler({ ...event, encrypted: true }, lambdaContext());
    expect(puts().map((put) => put.BlockIndex)).toEqual([0, 1, 2, 3]);
  });

  it('tries again while the snapshot is too fresh to be found, or EBS asks to slow down', async () => {
    ebs
      .on(PutSnapshotBlockCommand, { BlockIndex: 2 })
      .rejectsOnce(awsError('ResourceNotFoundException', 404))
      .rejectsOnce(awsError('RequestThrottledException'))
      .resolves({});
    await expect(handler(event, lambdaContext())).resolves.toMatchObject({ put: 3 });
    expect(puts().filter((put) => put.BlockIndex === 2)).toHaveLength(3);
  });

  it('does not repeat what EBS refuses for good', async () => {
    ebs.on(PutSnapshotBlockCommand).rejects(awsError('AccessDeniedException', 403));
    await expect(handler(event, lambdaContext())).rejects.toMatchObject({ name: 'AwsDenied' });
    expect(s3.commandCalls(PutObjectCommand)).toHaveLength(0);
  });

  it('stops in order when little time is left', async () => {
    await expect(handler(event, lambdaContext(10_000))).rejects.toMatchObject({ name: 'DeadlineNear' });
    expect(puts()).toEqual([]);
  });

  it('takes no more than its own segment', async () => {
    await handler({ ...event, segment: { number: 1, first: 2, count: 1 } }, lambdaContext());
    expect(puts().map((put) => put.BlockIndex)).toEqual([2]);
  });
});
