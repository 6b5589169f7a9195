import { DescribeImagesCommand, EC2Client, type Image, RegisterImageCommand } from '@aws-sdk/client-ec2';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../functions/register-image.ts';
import { amiName } from '../../src/image/identity.ts';
import { awsError, giveEnvironment, lambdaContext } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';
import { buildingImage, identity } from './image-kit.ts';

const ec2 = mockClient(EC2Client);
const table = mockClient(DynamoDBDocumentClient);
const event = { identity, attempt: 1, executionArn: 'arn:self', snapshotId: 'snap-1' };
const item = { ...buildingImage, volumeSizeGiB: 2 };
const present = (snapshotId: string, tags: Record<string, string>): Image => ({
  ImageId: 'ami-1',
  Name: amiName('flotilla', identity),
  State: 'available',
  RootDeviceName: '/dev/sda1',
  BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: { SnapshotId: snapshotId } }],
  Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
});
const ours = { 'flotilla:stack': 'flotilla', 'flotilla:identity': identity };

beforeAll(() => giveEnvironment());
beforeEach(() => {
  ec2.reset();
  table.reset();
  table.on(GetCommand).resolves({ Item: { pk: 'x', sk: 'y', ...item } });
  ec2.on(DescribeImagesCommand).resolves({ Images: [] });
  ec2.on(RegisterImageCommand).resolves({ ImageId: 'ami-new' });
});

describe('register-image', () => {
  it('registers a Nitro image that boots by BIOS, guards its metadata and goes with its instance', async () => {
    await expect(handler(event, lambdaContext())).resolves.toEqual({ imageId: 'ami-new' });
    const [call] = ec2.commandCalls(RegisterImageCommand);
    expect(call?.args[0].input).toMatchObject({
      Name: amiName('flotilla', identity),
      Architecture: 'x86_64',
      VirtualizationType: 'hvm',
      EnaSupport: true,
      ImdsSupport: 'v2.0',
      BootMode: 'legacy-bios',
      RootDeviceName: '/dev/sda1',
      BlockDeviceMappings: [
        {
          DeviceName: '/dev/sda1',
          Ebs: { SnapshotId: 'snap-1', VolumeSize: 2, VolumeType: 'gp3', DeleteOnTermination: true },
        },
      ],
    });
  });

  it('boots arm64 by UEFI', async () => {
    table.on(GetCommand).resolves({ Item: { ...item, architecture: 'arm64' } });
    await handler(event, lambdaContext());
    expect(ec2.commandCalls(RegisterImageCommand)[0]?.args[0].input.BootMode).toBe('uefi');
  });

  it('adopts what an earlier call registered', async () => {
    ec2.on(DescribeImagesCommand).resolves({ Images: [present('snap-1', ours)] });
    await expect(handler(event, lambdaContext())).resolves.toEqual({ imageId: 'ami-1' });
    expect(ec2.commandCalls(RegisterImageCommand)).toHaveLength(0);
    expect(ec2.commandCalls(DescribeImagesCommand)[0]?.args[0].input.Owners).toEqual(['self']);
  });

  it('makes its own image of an artifact that another stack of the account has made one of', async () => {
    const theirs = { ...present('snap-9', { ...ours, 'flotilla:stack': 'staging' }) };
    theirs.Name = amiName('staging', identity);
    ec2.on(DescribeImagesCommand).callsFake(({ Filters }) => ({
      Images: Filters[0].Values.includes(theirs.Name) ? [theirs] : [],
    }));
    await expect(handler(event, lambdaContext())).resolves.toEqual({ imageId: 'ami-new' });
    expect(ec2.commandCalls(RegisterImageCommand)[0]?.args[0].input.Name).not.toBe(theirs.Name);
  });

  it.each([
    ['on another snapshot', present('snap-9', ours)],
    ['without our tags', present('snap-1', {})],
    ['of another stack', present('snap-1', { ...ours, 'flotilla:stack': 'other' })],
  ])('refuses an image of the same name %s', async (_what, found) => {
    ec2.on(DescribeImagesCommand).resolves({ Images: [found] });
    await expect(handler(event, lambdaContext())).rejects.toMatchObject({ name: 'ImageBuildFailed' });
    expect(ec2.commandCalls(RegisterImageCommand)).toHaveLength(0);
  });

  it('looks again where the name turns out to be taken', async () => {
    ec2
      .on(DescribeImagesCommand)
      .resolvesOnce({ Images: [] })
      .resolves({ Images: [present('snap-1', ours)] });
    ec2.on(RegisterImageCommand).rejects(awsError('InvalidAMIName.Duplicate'));
    await expect(handler(event, lambdaContext())).resolves.toEqual({ imageId: 'ami-1' });
  });

  it('is tried again where the name is taken and the listing lags', async () => {
    ec2.on(RegisterImageCommand).rejects(awsError('InvalidAMIName.Duplicate'));
    await expect(handler(event, lambdaContext())).rejects.toMatchObject({ name: 'AwsUnavailable' });
  });

  it.each([
    ['owner', 'arn:other'],
    ['attempt', 2],
    ['state', 'failed'],
  ])('does nothing where the build is not its own any more (%s)', async (field, value) => {
    table.on(GetCommand).resolves({ Item: { ...item, [field]: value } });
    await expect(handler(event, lambdaContext())).rejects.toMatchObject({ name: 'ImageBuildFailed' });
    expect(ec2.commandCalls(RegisterImageCommand)).toHaveLength(0);
  });
});
