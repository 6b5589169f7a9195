import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FleetRegion } from './fleet-region.ts';

const blockBytes = 524_288;
let fleet: FleetRegion;

beforeEach(async () => {
  fleet = await FleetRegion.create();
});

afterEach(async () => {
  await fleet.region.close();
});

function block(SnapshotId: string, BlockIndex: number, fill: number) {
  const BlockData = Buffer.alloc(blockBytes, fill);
  const Checksum = createHash('sha256').update(BlockData).digest('base64');
  return { SnapshotId, BlockIndex, BlockData, DataLength: blockBytes, Checksum, ChecksumAlgorithm: 'SHA256' };
}

async function state(SnapshotId: string): Promise<string> {
  const found = await fleet.call('ec2', 'DescribeSnapshots', { SnapshotIds: [SnapshotId] });
  return found.Snapshots[0].State;
}

describe('a snapshot', () => {
  it('is the same for the same client token, and a conflict with other parameters', async () => {
    const asked = { VolumeSize: 1, ClientToken: 'one' };
    const first = await fleet.call('ebs', 'StartSnapshot', asked);
    expect(await fleet.call('ebs', 'StartSnapshot', asked)).toEqual(first);
    expect(await fleet.refusal('ebs', 'StartSnapshot', { ...asked, VolumeSize: 2 })).toBe(
      'ConflictException',
    );
    await fleet.call('ec2', 'DeleteSnapshot', { SnapshotId: first.SnapshotId });
    expect(await fleet.call('ebs', 'StartSnapshot', asked)).toEqual(first);
  });

  it('refuses a block that does not match its checksum', async () => {
    const { SnapshotId } = await fleet.call('ebs', 'StartSnapshot', { VolumeSize: 1 });
    const wrong = { ...block(SnapshotId, 0, 1), BlockData: Buffer.alloc(blockBytes, 2) };
    expect(await fleet.refusal('ebs', 'PutSnapshotBlock', wrong)).toBe('ValidationException');
    const outside = block(SnapshotId, 2_048, 1);
    expect(await fleet.refusal('ebs', 'PutSnapshotBlock', outside)).toBe('ValidationException');
  });

  it('completes a little later, checked by count and linear checksum', async () => {
    const { SnapshotId } = await fleet.call('ebs', 'StartSnapshot', { VolumeSize: 1 });
    const blocks = [block(SnapshotId, 3, 3), block(SnapshotId, 1, 1)];
    for (const one of blocks) await fleet.call('ebs', 'PutSnapshotBlock', one);
    const hash = createHash('sha256');
    for (const one of blocks.toReversed()) hash.update(Buffer.from(one.Checksum, 'base64'));
    const answer = await fleet.call('ebs', 'CompleteSnapshot', {
      SnapshotId,
      ChangedBlocksCount: 2,
      Checksum: hash.digest('base64'),
      ChecksumAlgorithm: 'SHA256',
      ChecksumAggregationMethod: 'LINEAR',
    });
    expect(answer.Status).toBe('pending');
    await fleet.seconds(10);
    expect(await state(SnapshotId)).toBe('completed');
    const { Blocks } = await fleet.call('ebs', 'ListSnapshotBlocks', { SnapshotId });
    expect(Blocks.map((one: { BlockIndex: number }) => one.BlockIndex)).toEqual([1, 3]);
    const got = await fleet.call('ebs', 'GetSnapshotBlock', { SnapshotId, ...Blocks[0] });
    expect(got.Checksum).toBe(blocks[1]?.Checksum);
  });

  it('is completed once: whoever did not hear the answer is refused while it seals, and afterwards', async () => {
    const { SnapshotId } = await fleet.call('ebs', 'StartSnapshot', { VolumeSize: 1 });
    const asked = { SnapshotId, ChangedBlocksCount: 0 };
    await fleet.call('ebs', 'CompleteSnapshot', asked);
    expect(await fleet.refusal('ebs', 'CompleteSnapshot', asked)).toBe('ValidationException');
    expect(await state(SnapshotId)).toBe('pending');
    await fleet.seconds(10);
    expect(await fleet.refusal('ebs', 'CompleteSnapshot', asked)).toBe('ValidationException');
    expect(await state(SnapshotId)).toBe('completed');
  });

  it('ends in error when the count is wrong', async () => {
    const { SnapshotId } = await fleet.call('ebs', 'StartSnapshot', { VolumeSize: 1 });
    await fleet.call('ebs', 'PutSnapshotBlock', block(SnapshotId, 0, 1));
    await fleet.call('ebs', 'CompleteSnapshot', { SnapshotId, ChangedBlocksCount: 2 });
    await fleet.seconds(10);
    expect(await state(SnapshotId)).toBe('error');
  });

  it('ends in error when nothing is written within its timeout', async () => {
    const { SnapshotId } = await fleet.call('ebs', 'StartSnapshot', { VolumeSize: 1, Timeout: 10 });
    await fleet.seconds(400);
    await fleet.call('ebs', 'PutSnapshotBlock', block(SnapshotId, 0, 1));
    await fleet.seconds(400);
    expect(await state(SnapshotId)).toBe('pending');
    await fleet.seconds(400);
    expect(await state(SnapshotId)).toBe('error');
  });

  it('inherits the blocks of its parent', async () => {
    const parent = await fleet.snapshot();
    const child = await fleet.call('ebs', 'StartSnapshot', { VolumeSize: 1, ParentSnapshotId: parent });
    await fleet.call('ebs', 'PutSnapshotBlock', block(child.SnapshotId, 5, 5));
    await fleet.call('ebs', 'CompleteSnapshot', { SnapshotId: child.SnapshotId, ChangedBlocksCount: 1 });
    await fleet.seconds(10);
    const { ChangedBlocks } = await fleet.call('ebs', 'ListChangedBlocks', {
      FirstSnapshotId: parent,
      SecondSnapshotId: child.SnapshotId,
    });
    expect(ChangedBlocks.map((one: { BlockIndex: number }) => one.BlockIndex)).toEqual([5]);
    await fleet.call('ec2', 'DeleteSnapshot', { SnapshotId: parent });
    const { Blocks } = await fleet.call('ebs', 'ListSnapshotBlocks', { SnapshotId: child.SnapshotId });
    const inherited = { SnapshotId: child.SnapshotId, ...Blocks[0] };
    expect((await fleet.call('ebs', 'GetSnapshotBlock', inherited)).DataLength).toBe(blockBytes);
  });

  it('is throttled when it is written too fast', async () => {
    for (let index = 0; index < 10; index += 1) await fleet.call('ebs', 'StartSnapshot', { VolumeSize: 1 });
    expect(await fleet.refusal('ebs', 'StartSnapshot', { VolumeSize: 1 })).toBe('RequestThrottledException');
    await fleet.seconds(1);
    expect(await fleet.refusal('ebs', 'StartSnapshot', { VolumeSize: 1 })).toBe('no error');
  });
});

describe('an image', () => {
  it('has a name of its own, and holds its snapshot', async () => {
    const imageId = await fleet.image('web-1');
    const { Images } = await fleet.call('ec2', 'DescribeImages', { ImageIds: [imageId], Owners: ['self'] });
    expect(Images).toMatchObject([{ Name: 'web-1', State: 'available' }]);
    const SnapshotId = Images[0].BlockDeviceMappings[0].Ebs.SnapshotId;
    const again = {
      Name: 'web-1',
      RootDeviceName: '/dev/xvda',
      VirtualizationType: 'hvm',
      BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId } }],
    };
    expect(await fleet.refusal('ec2', 'RegisterImage', again)).toBe('InvalidAMIName.Duplicate');
    expect(await fleet.refusal('ec2', 'DeleteSnapshot', { SnapshotId })).toBe('InvalidSnapshot.InUse');
    await fleet.call('ec2', 'CreateTags', { Resources: [SnapshotId], Tags: [{ Key: 'team', Value: 'a' }] });
    await fleet.call('ec2', 'DeregisterImage', { ImageId: imageId, DeleteAssociatedSnapshots: true });
    expect(await fleet.refusal('ec2', 'DescribeImages', { ImageIds: [imageId] })).toBe(
      'InvalidAMIID.NotFound',
    );
    const named = { SnapshotIds: [SnapshotId] };
    expect(await fleet.refusal('ec2', 'DescribeSnapshots', named)).toBe('InvalidSnapshot.NotFound');
    expect((await fleet.call('ec2', 'DescribeTags', {})).Tags).toEqual([]);
  });

  it('is not made of a snapshot that is not completed', async () => {
    const { SnapshotId } = await fleet.call('ebs', 'StartSnapshot', { VolumeSize: 1 });
    const input = {
      Name: 'early',
      Architecture: 'x86_64',
      RootDeviceName: '/dev/xvda',
      VirtualizationType: 'hvm',
      BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId } }],
    };
    expect(await fleet.refusal('ec2', 'RegisterImage', input)).toBe('IncorrectState');
  });

  it('is listed in pages that hide and repeat nothing', async () => {
    for (const name of ['one', 'two', 'three']) await fleet.image(`page-${name}`);
    const names: string[] = [];
    let NextToken: string | undefined;
    do {
      const found = await fleet.call('ec2', 'DescribeImages', { MaxResults: 2, NextToken });
      names.push(...found.Images.map((image: { Name: string }) => image.Name));
      NextToken = found.NextToken;
    } while (NextToken !== undefined);
    expect(names).toEqual(['page-one', 'page-two', 'page-three']);
  });
});

describe('a launch template', () => {
  it('numbers its versions, and repeats an answer for a repeated token', async () => {
    const LaunchTemplateId = await fleet.template('web');
    const add = {
      LaunchTemplateId,
      LaunchTemplateData: { InstanceType: 't3.micro' },
      SourceVersion: '1',
      ClientToken: 't',
    };
    const first = await fleet.call('ec2', 'CreateLaunchTemplateVersion', add);
    expect(first.LaunchTemplateVersion.VersionNumber).toBe(2);
    expect(first.LaunchTemplateVersion.LaunchTemplateData.ImageId).toMatch(/^ami-/);
    const again = await fleet.call('ec2', 'CreateLaunchTemplateVersion', add);
    expect(again.LaunchTemplateVersion.VersionNumber).toBe(2);
    const other = { ...add, LaunchTemplateData: { InstanceType: 't3.nano' } };
    expect(await fleet.refusal('ec2', 'CreateLaunchTemplateVersion', other)).toBe(
      'IdempotentParameterMismatch',
    );
  });

  it('launches nothing on another architecture, and nothing beyond the vCPU limit', async () => {
    const LaunchTemplateId = await fleet.template('web');
    const run = { LaunchTemplate: { LaunchTemplateId }, MinCount: 1, MaxCount: 1 };
    const arm = { ...run, InstanceType: 't4g.nano' };
    expect(await fleet.refusal('ec2', 'RunInstances', arm)).toBe('InvalidParameterValue');
    fleet.region.parts.ec2.quotas.onDemandStandard.value = 2;
    expect(await fleet.refusal('ec2', 'RunInstances', run)).toBe('no error');
    expect(await fleet.refusal('ec2', 'RunInstances', run)).toBe('VcpuLimitExceeded');
  });
});
