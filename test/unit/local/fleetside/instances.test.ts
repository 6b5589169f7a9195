/** Instances by themselves: markets, quotas, capacity, status checks, and how each end is told. */
import type { Instance } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FleetRegion } from './fleet-region.ts';

let fleet: FleetRegion;

beforeEach(async () => {
  fleet = await FleetRegion.create();
});

afterEach(() => fleet.region.close());

const spot = { MarketType: 'spot' };

/** Runs one instance and gives its id. */
async function run(more: object = {}): Promise<string> {
  const ImageId = await fleet.image(`image-${fleet.clock.now()}`);
  const { Instances } = await fleet.call('ec2', 'RunInstances', {
    ImageId,
    InstanceType: 't3.nano',
    MinCount: 1,
    MaxCount: 1,
    ...more,
  });
  return Instances[0].InstanceId;
}

async function look(InstanceId: string): Promise<Instance> {
  const { Reservations } = await fleet.call('ec2', 'DescribeInstances', { InstanceIds: [InstanceId] });
  return Reservations[0].Instances[0];
}

describe('a Spot Instance', () => {
  it('is told two minutes before it is taken back, and ends as a Spot Instance', async () => {
    const id = await run({ InstanceMarketOptions: spot });
    await fleet.seconds(5);
    expect(await look(id)).toMatchObject({ InstanceLifecycle: 'spot', State: { Name: 'running' } });
    expect((await look(id)).SpotInstanceRequestId).toMatch(/^sir-[a-z0-9]{8}$/);
    const events = fleet.eventsOf('aws.ec2');
    fleet.region.parts.ec2.outages.interruptSpot(id);
    expect(events).toMatchObject([
      {
        detailType: 'EC2 Spot Instance Interruption Warning',
        detail: { 'instance-id': id, 'instance-action': 'terminate' },
        resources: [`arn:aws:ec2:us-east-1a:instance/${id}`],
      },
    ]);
    await fleet.seconds(119);
    expect((await look(id)).State?.Name).toBe('running');
    await fleet.seconds(5);
    expect(await look(id)).toMatchObject({
      State: { Name: 'terminated' },
      StateReason: {
        Code: 'Server.SpotInstanceTermination',
        Message: 'Server.SpotInstanceTermination: Spot instance termination',
      },
    });
    expect(events.slice(1).map((event) => event.detail.state)).toEqual(['shutting-down', 'terminated']);
  });

  it('goes on after a recommendation to replace it', async () => {
    const id = await run({ InstanceMarketOptions: spot });
    await fleet.seconds(5);
    const events = fleet.eventsOf('aws.ec2');
    fleet.region.parts.ec2.outages.recommendRebalance(id);
    expect(events).toMatchObject([
      { detailType: 'EC2 Instance Rebalance Recommendation', detail: { 'instance-id': id } },
    ]);
    await fleet.seconds(600);
    expect((await look(id)).State?.Name).toBe('running');
  });

  it('of another kind than one-time is refused', async () => {
    const ImageId = await fleet.image('web');
    const input = {
      ImageId,
      InstanceType: 't3.nano',
      MinCount: 1,
      MaxCount: 1,
      InstanceMarketOptions: { ...spot, SpotOptions: { SpotInstanceType: 'persistent' } },
    };
    expect(await fleet.refusal('ec2', 'RunInstances', input)).toBe('UnsupportedOperation');
  });
});

describe('quotas', () => {
  it('count On-Demand and Spot vCPUs apart, and not what has ended', async () => {
    const { quotas } = fleet.region.parts.ec2;
    quotas.onDemandStandard.value = 2;
    quotas.spotStandard.value = 2;
    const first = await run();
    await run({ InstanceMarketOptions: spot });
    await expect(run()).rejects.toThrow('current vCPU limit of 2 allows');
    await expect(run({ InstanceMarketOptions: spot })).rejects.toMatchObject({
      code: 'MaxSpotInstanceCountExceeded',
      message: 'Max spot instance count exceeded',
    });
    await fleet.call('ec2', 'TerminateInstances', { InstanceIds: [first] });
    await run();
  });

  it('hold for images, snapshots, launch templates and their versions', async () => {
    const { ec2, ebs } = fleet.region.parts;
    const id = await fleet.template('web');
    ec2.quotas.images.value = 1;
    await expect(fleet.image('another')).rejects.toMatchObject({ code: 'ResourceLimitExceeded' });
    ec2.quotas.launchTemplates.value = 1;
    const data = { LaunchTemplateData: { InstanceType: 't3.nano' } };
    const second = { LaunchTemplateName: 'api', ...data };
    expect(await fleet.refusal('ec2', 'CreateLaunchTemplate', second)).toBe('ResourceLimitExceeded');
    ec2.quotas.templateVersions.value = 1;
    const version = { LaunchTemplateId: id, ...data };
    expect(await fleet.refusal('ec2', 'CreateLaunchTemplateVersion', version)).toBe('VersionLimitExceeded');
    ebs.quotas.snapshots.value = 1;
    expect(await fleet.refusal('ebs', 'StartSnapshot', { VolumeSize: 1 })).toBe(
      'ServiceQuotaExceededException',
    );
  });
});

describe('a zone without capacity', () => {
  it('says where there is some, and launches again when it is back', async () => {
    const { outages } = fleet.region.parts.ec2;
    outages.withhold({ zone: 'us-east-1a', type: 't3.nano' });
    await expect(run()).rejects.toThrow(
      'You can currently get t3.nano capacity by not specifying an Availability Zone in your request or choosing us-east-1b, us-east-1c.',
    );
    await run({ InstanceType: 't3.micro' });
    outages.release({ zone: 'us-east-1a', type: 't3.nano' });
    await run();
  });

  it('may have some On-Demand, and none on the Spot market', async () => {
    fleet.region.parts.ec2.outages.withhold({ market: 'spot' });
    await expect(run({ InstanceMarketOptions: spot })).rejects.toThrow('There is no Spot capacity available');
    await run();
  });

  it('kills what ran there when it is lost', async () => {
    const id = await run();
    await fleet.seconds(5);
    fleet.region.parts.ec2.outages.loseZone('us-east-1a');
    await fleet.seconds(5);
    expect(await look(id)).toMatchObject({
      State: { Name: 'terminated' },
      StateReason: { Code: 'Server.InternalError' },
    });
    await expect(run()).rejects.toMatchObject({ code: 'InsufficientInstanceCapacity' });
    fleet.region.parts.ec2.outages.restoreZone('us-east-1a');
    await run();
  });
});

describe('an instance', () => {
  it('is initializing, then well, then impaired while its checks fail', async () => {
    const id = await run();
    const status = async (): Promise<unknown> => {
      const found = await fleet.call('ec2', 'DescribeInstanceStatus', { InstanceIds: [id] });
      return found.InstanceStatuses[0]?.InstanceStatus;
    };
    expect(await status()).toBeUndefined();
    await fleet.seconds(5);
    expect(await status()).toMatchObject({ Status: 'initializing' });
    await fleet.seconds(120);
    expect(await status()).toMatchObject({ Status: 'ok', Details: [{ Status: 'passed' }] });
    fleet.region.parts.ec2.outages.impair(id);
    const ImpairedSince = new Date(fleet.clock.now());
    expect(await status()).toMatchObject({
      Status: 'impaired',
      Details: [{ Status: 'failed', ImpairedSince }],
    });
    const filtered = await fleet.call('ec2', 'DescribeInstanceStatus', {
      Filters: [{ Name: 'instance-status.status', Values: ['impaired'] }],
    });
    expect(filtered.InstanceStatuses).toHaveLength(1);
    fleet.region.parts.ec2.outages.recover(id);
    expect(await status()).toMatchObject({ Status: 'ok' });
  });

  it('boots from an image that is deregistered meanwhile, but not without its snapshot', async () => {
    const first = await run();
    const { ImageId } = await look(first);
    await fleet.call('ec2', 'DeregisterImage', { ImageId });
    await fleet.seconds(5);
    expect((await look(first)).State?.Name).toBe('running');
    const second = await run();
    const image = (await look(second)).ImageId;
    await fleet.call('ec2', 'DeregisterImage', { ImageId: image, DeleteAssociatedSnapshots: true });
    await fleet.seconds(5);
    expect(await look(second)).toMatchObject({
      State: { Name: 'terminated' },
      StateReason: { Code: 'Client.InvalidSnapshot.NotFound' },
    });
  });

  it('says who ended it', async () => {
    const id = await run();
    await fleet.seconds(5);
    await fleet.call('ec2', 'TerminateInstances', { InstanceIds: [id] });
    expect(await look(id)).toMatchObject({
      State: { Name: 'shutting-down', Code: 32 },
      StateReason: { Code: 'Client.UserInitiatedShutdown' },
    });
    expect((await look(id)).StateTransitionReason).toMatch(/^User initiated \(2026-01-01 .* GMT\)$/);
    await fleet.seconds(3_700);
    expect(await fleet.refusal('ec2', 'DescribeInstances', { InstanceIds: [id] })).toBe(
      'InvalidInstanceID.NotFound',
    );
  });

  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
  it('is answered with for its client token while it lasts, and refused once it has been terminated', async () => {
    const ImageId = await fleet.image('web');
    const asked = { ImageId, InstanceType: 't3.nano', MinCount: 1, MaxCount: 1, ClientToken: 'one' };
    const launch = async () => (await fleet.call('ec2', 'RunInstances', asked)).Instances[0];
    const { InstanceId } = await launch();
    await fleet.seconds(5);
    expect(await launch()).toMatchObject({ InstanceId, State: { Name: 'running' } });
    await fleet.call('ec2', 'TerminateInstances', { InstanceIds: [InstanceId] });
    expect(await launch()).toMatchObject({ InstanceId, State: { Name: 'shutting-down' } });
    await fleet.seconds(5);
    expect(await fleet.refusal('ec2', 'RunInstances', asked)).toBe('IdempotentInstanceTerminated');
    await fleet.seconds(3_700);
    expect(await fleet.refusal('ec2', 'RunInstances', asked)).toBe('IdempotentInstanceTerminated');
  });

  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html
  it("keeps AWS's own tags, whoever deletes the others", async () => {
    await fleet.group('web', await fleet.template('web'), {
      Tags: [{ Key: 'fleet', Value: 'web', PropagateAtLaunch: true }],
    });
    await fleet.seconds(10);
    const id = (await fleet.describe('web'))?.Instances?.[0]?.InstanceId ?? '';
    const keys = async () => (await look(id)).Tags?.map(({ Key }) => Key).sort();
    const own = (await keys())?.filter((key) => key?.startsWith('aws:'));
    expect(own).toContain('aws:autoscaling:groupName');
    const deleteTags = (...Tags: object[]) => fleet.refusal('ec2', 'DeleteTags', { Resources: [id], Tags });
    expect(await deleteTags({ Key: 'fleet' }, { Key: 'aws:autoscaling:groupName' })).toBe(
      'InvalidParameterValue',
    );
    expect(await keys()).toContain('fleet');
    expect(await deleteTags()).toBe('no error');
    expect(await keys()).toEqual(own);
  });
});
