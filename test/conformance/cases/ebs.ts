/** Cases of the EBS direct APIs. */
import { createHash } from 'node:crypto';
import { absent, aTime, type Sheet, type Step } from '../case.ts';

const block = new Uint8Array(524_288).fill(7);
const sumOf = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();
const checksum = sumOf(block).toString('base64');
/** LINEAR: over the digests of the blocks, in their order. */
const checksumOfTwo = createHash('sha256').update(sumOf(block)).update(sumOf(block)).digest('base64');
const written = { BlockData: block, DataLength: 524_288, Checksum: checksum, ChecksumAlgorithm: 'SHA256' };

const started: Step = {
  call: 'StartSnapshot',
  input: { VolumeSize: 1, Description: '<name>' },
  keep: { snapshot: 'SnapshotId' },
};
const put = (index: number): Step => ({
  call: 'PutSnapshotBlock',
  input: { SnapshotId: '<snapshot>', BlockIndex: index, ...written },
});
const state = (wanted: string): Step => ({
  call: 'ec2.DescribeSnapshots',
  input: { SnapshotIds: ['<snapshot>'] },
  until: { Snapshots: [{ State: wanted }] },
});
/** Two blocks, 0 and 5, and no others. */
const completed: readonly Step[] = [
  started,
  put(0),
  put(5),
  { call: 'CompleteSnapshot', input: { SnapshotId: '<snapshot>', ChangedBlocksCount: 2 } },
  state('completed'),
];
const nowhere = 'snap-0123456789abcdef0';
const noSnapshot = {
  code: 'ResourceNotFoundException',
  status: 404,
  members: { Reason: 'SNAPSHOT_NOT_FOUND' },
};
const guide = 'https://docs.aws.amazon.com/ebs/latest/userguide';

export const ebs: Sheet = {
  service: 'ebs',
  title: 'EBS direct APIs',
  pages: 'https://docs.aws.amazon.com/ebs/latest/APIReference/API_*.html',
  cases: [
    {
      operation: 'StartSnapshot',
      says: 'answers with a pending snapshot of the size given, in blocks of 512 KiB',
      input: {
        VolumeSize: 3,
        Description: 'of <name>',
        Timeout: 30,
        Tags: [{ Key: 'flotilla:fleet', Value: '<name>' }],
      },
      answers: {
        SnapshotId: /^snap-[0-9a-f]{17}$/,
        OwnerId: '<account>',
        Status: 'pending',
        StartTime: aTime,
        VolumeSize: 3,
        BlockSize: 524_288,
        Description: 'of <name>',
        Tags: [{ Key: 'flotilla:fleet', Value: '<name>' }],
        ParentSnapshotId: absent,
        KmsKeyArn: absent,
      },
    },
    {
      operation: 'StartSnapshot',
      says: 'repeated with the same client token and parameters, answers with the same snapshot',
      page: `${guide}/ebs-direct-api-idempotency.html`,
      given: [
        {
          call: 'StartSnapshot',
          input: { VolumeSize: 1, ClientToken: '<name>' },
          keep: { first: 'SnapshotId' },
        },
      ],
      input: { VolumeSize: 1, ClientToken: '<name>' },
      answers: { SnapshotId: '<first>', Status: 'pending' },
    },
    {
      operation: 'StartSnapshot',
      says: 'refuses a client token that came with other parameters before',
      given: [{ call: 'StartSnapshot', input: { VolumeSize: 1, ClientToken: '<name>' } }],
      input: { VolumeSize: 2, ClientToken: '<name>' },
      fails: { code: 'ConflictException', status: 409 },
    },
    {
      operation: 'StartSnapshot',
      says: 'refuses a parent that does not exist',
      input: { VolumeSize: 1, ParentSnapshotId: nowhere },
      fails: noSnapshot,
    },
    {
      operation: 'StartSnapshot',
      says: 'takes volumes of at least 1 GiB',
      notByCli: 'it refuses this by itself',
      input: { VolumeSize: 0 },
      fails: { code: 'ValidationException', status: 400 },
    },
    {
      operation: 'StartSnapshot',
      says: 'begins with the blocks of its parent',
      page: `${guide}/writesnapshots.html`,
      given: [
        ...completed,
        {
          call: 'StartSnapshot',
          input: { VolumeSize: 1, ParentSnapshotId: '<snapshot>' },
          keep: { child: 'SnapshotId' },
        },
        { call: 'PutSnapshotBlock', input: { SnapshotId: '<child>', BlockIndex: 9, ...written } },
        { call: 'CompleteSnapshot', input: { SnapshotId: '<child>', ChangedBlocksCount: 1 } },
        {
          call: 'ec2.DescribeSnapshots',
          input: { SnapshotIds: ['<child>'] },
          until: { Snapshots: [{ State: 'completed' }] },
        },
        {
          call: 'ListSnapshotBlocks',
          input: { SnapshotId: '<child>' },
          answers: { Blocks: [{ BlockIndex: 0 }, { BlockIndex: 5 }, { BlockIndex: 9 }] },
        },
      ],
      input: { VolumeSize: 1, ParentSnapshotId: '<child>' },
      answers: { ParentSnapshotId: '<child>', Status: 'pending' },
    },
    {
      operation: 'PutSnapshotBlock',
      says: 'answers with the checksum that it computed',
      given: [started],
      input: { SnapshotId: '<snapshot>', BlockIndex: 1000, ...written },
      answers: { Checksum: checksum, ChecksumAlgorithm: 'SHA256' },
    },
    {
      operation: 'PutSnapshotBlock',
      says: 'puts a block that is there again: the last one counts',
      page: `${guide}/writesnapshots.html`,
      given: [started, put(3)],
      input: { SnapshotId: '<snapshot>', BlockIndex: 3, ...written },
      answers: { Checksum: checksum },
      after: [
        { call: 'CompleteSnapshot', input: { SnapshotId: '<snapshot>', ChangedBlocksCount: 1 } },
        state('completed'),
      ],
    },
    {
      operation: 'PutSnapshotBlock',
      says: 'refuses a snapshot that does not exist',
      input: { SnapshotId: nowhere, BlockIndex: 0, ...written },
      fails: noSnapshot,
    },
    {
      operation: 'PutSnapshotBlock',
      says: 'refuses a checksum that is not of the data',
      given: [started],
      input: {
        SnapshotId: '<snapshot>',
        BlockIndex: 0,
        ...written,
        Checksum: sumOf(Buffer.from('x')).toString('base64'),
      },
      fails: { code: 'ValidationException', status: 400, members: { Reason: 'INVALID_BLOCK' } },
    },
    {
      operation: 'PutSnapshotBlock',
      says: 'refuses a block beyond the end of the volume',
      given: [started],
      input: { SnapshotId: '<snapshot>', BlockIndex: 2048, ...written },
      fails: { code: 'ValidationException', status: 400 },
    },
    {
      operation: 'PutSnapshotBlock',
      says: 'refuses a snapshot that is completed',
      page: `${guide}/writesnapshots.html`,
      given: completed,
      input: { SnapshotId: '<snapshot>', BlockIndex: 0, ...written },
      fails: { code: 'ValidationException', status: 400 },
    },
    {
      operation: 'CompleteSnapshot',
      says: 'seals the snapshot, which then is pending until it is completed',
      given: [started, put(0), put(1)],
      input: {
        SnapshotId: '<snapshot>',
        ChangedBlocksCount: 2,
        Checksum: checksumOfTwo,
        ChecksumAlgorithm: 'SHA256',
        ChecksumAggregationMethod: 'LINEAR',
      },
      answers: { Status: 'pending' },
      after: [
        {
          call: 'ec2.DescribeSnapshots',
          input: { SnapshotIds: ['<snapshot>'] },
          until: { Snapshots: [{ State: 'completed', Progress: '100%', VolumeSize: 1, Encrypted: false }] },
        },
      ],
    },
    {
      operation: 'CompleteSnapshot',
      says: 'with a number of blocks that was not written, the snapshot ends in error',
      page: `${guide}/writesnapshots.html`,
      given: [started, put(0)],
      input: { SnapshotId: '<snapshot>', ChangedBlocksCount: 2 },
      answers: { Status: 'pending' },
      after: [state('error')],
    },
    {
      operation: 'CompleteSnapshot',
      says: 'refuses a snapshot that does not exist',
      input: { SnapshotId: nowhere, ChangedBlocksCount: 0 },
      fails: noSnapshot,
    },
    {
      operation: 'ListSnapshotBlocks',
      says: 'lists the blocks that were written, with a token for each',
      given: completed,
      input: { SnapshotId: '<snapshot>', MaxResults: 100 },
      answers: {
        Blocks: [
          { BlockIndex: 0, BlockToken: /./ },
          { BlockIndex: 5, BlockToken: /./ },
        ],
        BlockSize: 524_288,
        VolumeSize: 1,
        ExpiryTime: aTime,
        NextToken: absent,
      },
    },
    {
      operation: 'ListSnapshotBlocks',
      says: 'begins at the index asked for, or at the next that was written',
      given: completed,
      input: { SnapshotId: '<snapshot>', StartingBlockIndex: 1 },
      answers: { Blocks: [{ BlockIndex: 5 }] },
    },
    {
      operation: 'ListSnapshotBlocks',
      says: 'refuses a snapshot that does not exist',
      input: { SnapshotId: nowhere },
      fails: noSnapshot,
    },
    {
      operation: 'ListSnapshotBlocks',
      says: 'refuses a snapshot that is not completed',
      page: `${guide}/readsnapshots.html`,
      given: [started],
      input: { SnapshotId: '<snapshot>' },
      fails: { code: 'ValidationException', status: 400 },
    },
    {
      operation: 'GetSnapshotBlock',
      says: 'answers with the bytes of the block, their length and their checksum',
      given: [
        ...completed,
        {
          call: 'ListSnapshotBlocks',
          input: { SnapshotId: '<snapshot>' },
          keep: { token: 'Blocks.1.BlockToken' },
        },
      ],
      input: { SnapshotId: '<snapshot>', BlockIndex: 5, BlockToken: '<token>' },
      answers: { BlockData: block, DataLength: 524_288, Checksum: checksum, ChecksumAlgorithm: 'SHA256' },
    },
    {
      operation: 'GetSnapshotBlock',
      says: 'refuses a token that is not of that block',
      given: [
        ...completed,
        {
          call: 'ListSnapshotBlocks',
          input: { SnapshotId: '<snapshot>' },
          keep: { token: 'Blocks.1.BlockToken' },
        },
      ],
      input: { SnapshotId: '<snapshot>', BlockIndex: 0, BlockToken: '<token>' },
      fails: { code: 'ValidationException', status: 400, members: { Reason: 'INVALID_BLOCK_TOKEN' } },
    },
    {
      operation: 'StartSnapshot',
      says: 'refuses a volume smaller than the parent’s',
      given: [
        { call: 'StartSnapshot', input: { VolumeSize: 2 }, keep: { snapshot: 'SnapshotId' } },
        { call: 'CompleteSnapshot', input: { SnapshotId: '<snapshot>', ChangedBlocksCount: 0 } },
        state('completed'),
      ],
      input: { VolumeSize: 1, ParentSnapshotId: '<snapshot>' },
      fails: { code: 'ValidationException', status: 400 },
    },
    {
      operation: 'StartSnapshot',
      says: 'refuses encryption together with a parent',
      given: completed,
      input: { VolumeSize: 1, ParentSnapshotId: '<snapshot>', Encrypted: true },
      fails: { code: 'ValidationException', status: 400 },
    },
    {
      operation: 'StartSnapshot',
      says: 'takes timeouts of 10 minutes at least',
      notByCli: 'it refuses this by itself',
      input: { VolumeSize: 1, Timeout: 9 },
      fails: { code: 'ValidationException', status: 400 },
    },
    {
      operation: 'PutSnapshotBlock',
      says: 'takes blocks of 512 KiB and no others',
      given: [started],
      input: {
        SnapshotId: '<snapshot>',
        BlockIndex: 0,
        ...written,
        BlockData: block.subarray(1),
        DataLength: 524_287,
        Checksum: sumOf(block.subarray(1)).toString('base64'),
      },
      fails: { code: 'ValidationException', status: 400 },
    },
    {
      operation: 'CompleteSnapshot',
      says: 'with a checksum that is not of the blocks, the snapshot ends in error',
      page: `${guide}/writesnapshots.html`,
      given: [started, put(0), put(1)],
      input: {
        SnapshotId: '<snapshot>',
        ChangedBlocksCount: 2,
        Checksum: checksum,
        ChecksumAlgorithm: 'SHA256',
        ChecksumAggregationMethod: 'LINEAR',
      },
      answers: { Status: 'pending' },
      after: [state('error')],
    },
    {
      operation: 'ListSnapshotBlocks',
      says: 'takes pages of 100 blocks at least',
      notByCli: 'it refuses this by itself',
      given: completed,
      input: { SnapshotId: '<snapshot>', MaxResults: 99 },
      fails: { code: 'ValidationException', status: 400 },
    },
    {
      operation: 'ListSnapshotBlocks',
      says: 'refuses a token that is not valid',
      given: completed,
      input: { SnapshotId: '<snapshot>', NextToken: 'nothing' },
      fails: { code: 'ValidationException', status: 400, members: { Reason: 'INVALID_PAGE_TOKEN' } },
    },
    {
      operation: 'GetSnapshotBlock',
      says: 'refuses a snapshot that does not exist',
      input: { SnapshotId: nowhere, BlockIndex: 0, BlockToken: 'nothing' },
      fails: noSnapshot,
    },
  ],
};
