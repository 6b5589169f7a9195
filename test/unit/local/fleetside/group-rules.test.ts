/** What a group is told to do and not to do: processes, protection, policies, cooldowns; and what it says of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FleetRegion } from './fleet-region.ts';

let fleet: FleetRegion;

beforeEach(async () => {
  fleet = await FleetRegion.create();
});

afterEach(() => fleet.region.close());

const AutoScalingGroupName = 'web';
const call = (operation: string, input: object = {}) =>
  fleet.call('autoscaling', operation, { AutoScalingGroupName, ...input });
const members = async () => (await fleet.describe('web'))?.Instances ?? [];
const ids = async () => (await members()).map((one) => one.InstanceId ?? '');
const suspend = (...ScalingProcesses: string[]) => call('SuspendProcesses', { ScalingProcesses });
const resume = () => call('ResumeProcesses');
const resize = (DesiredCapacity: number) => call('SetDesiredCapacity', { DesiredCapacity });

async function group(desired = 1, more: object = {}): Promise<void> {
  await fleet.group('web', await fleet.template('web'), {
    MinSize: 0,
    DesiredCapacity: desired,
    ...more,
  });
  await fleet.seconds(20);
}

async function makeUnhealthy(InstanceId: string | undefined): Promise<void> {
  await fleet.call('autoscaling', 'SetInstanceHealth', {
    InstanceId,
    HealthStatus: 'Unhealthy',
    ShouldRespectGracePeriod: false,
  });
}

describe('while a process is suspended', () => {
  it('Launch: nothing comes, and what is sick goes', async () => {
    await group(2);
    await suspend('Launch');
    await makeUnhealthy((await ids())[0]);
    await fleet.seconds(60);
    expect(await ids()).toHaveLength(1);
    await resume();
    await fleet.seconds(20);
    expect(await ids()).toHaveLength(2);
  });

  it('Terminate: nothing goes, neither surplus nor sick', async () => {
    await group(2);
    const before = await ids();
    await suspend('Terminate');
    await resize(1);
    await makeUnhealthy(before[0]);
    await fleet.seconds(60);
    expect(await ids()).toEqual(before);
    await resume();
    await fleet.seconds(20);
    expect(await ids()).toEqual([before[1]]);
  });

  it('HealthCheck: EC2 is not listened to, a person is', async () => {
    await group(2);
    const [first, second] = await ids();
    await suspend('HealthCheck');
    fleet.region.parts.ec2.outages.impair(first ?? '');
    await makeUnhealthy(second);
    await fleet.seconds(30);
    expect(await ids()).toContain(first);
    expect(await ids()).not.toContain(second);
    await resume();
    await fleet.seconds(30);
    expect(await ids()).not.toContain(first);
  });

  it('ReplaceUnhealthy: the sick are marked, and go when it is resumed', async () => {
    await group();
    const [first] = await ids();
    await suspend('ReplaceUnhealthy');
    await makeUnhealthy(first);
    await fleet.seconds(60);
    expect(await members()).toMatchObject([{ InstanceId: first, HealthStatus: 'Unhealthy' }]);
    await resume();
    await fleet.seconds(30);
    expect(await ids()).not.toContain(first);
  });

  it('AddToLoadBalancer: what comes meanwhile is not registered, nor is it later', async () => {
    const blue = await fleet.targetGroup('blue');
    await fleet.rule(10, { [blue]: 1 });
    await group(1, { TargetGroupARNs: [blue] });
    await suspend('AddToLoadBalancer');
    await resize(2);
    await fleet.seconds(20);
    await resume();
    await fleet.seconds(20);
    expect(await fleet.health(blue)).toHaveLength(1);
  });

  it('is told as it is', async () => {
    await group();
    await suspend('AZRebalance');
    expect((await fleet.describe('web'))?.SuspendedProcesses).toEqual([
      { ProcessName: 'AZRebalance', SuspensionReason: expect.stringMatching(/^User suspended at 2026-/) },
    ]);
    expect(
      await fleet.refusal('autoscaling', 'SuspendProcesses', {
        AutoScalingGroupName,
        ScalingProcesses: ['Sleep'],
      }),
    ).toBe('ValidationError');
  });
});

describe('health', () => {
  it('is lost when status checks fail, after the grace period', async () => {
    await group(1, { HealthCheckGracePeriod: 60 });
    const [first] = await ids();
    fleet.region.parts.ec2.outages.impair(first ?? '');
    await fleet.seconds(30);
    expect(await ids()).toEqual([first]);
    await fleet.seconds(40);
    expect(await ids()).not.toContain(first);
    expect((await fleet.activities('web')).map((one) => one.Cause).join()).toContain(
      'an instance was taken out of service in response to an EC2 instance status checks failure.',
    );
  });

  it('is lost at once when an instance is not running, grace period or not', async () => {
    await group(1, { HealthCheckGracePeriod: 3_600 });
    const [first] = await ids();
    await fleet.call('ec2', 'TerminateInstances', { InstanceIds: [first] });
    await fleet.seconds(20);
    expect(await ids()).not.toContain(first);
  });

  it('of an instance that ends before it is in service makes its launch a cancelled one', async () => {
    await group(0);
    await resize(1);
    await fleet.seconds(2);
    await fleet.call('ec2', 'TerminateInstances', { InstanceIds: await ids() });
    await fleet.seconds(60);
    const launches = (await fleet.activities('web')).filter((one) =>
      one.Description?.startsWith('Launching'),
    );
    expect(launches.map((one) => one.StatusCode)).toEqual(['Successful', 'Cancelled']);
    expect(launches[1]?.StatusMessage).toBe(
      'Instance became unhealthy while waiting for instance to be in InService state. Termination Reason: Client.UserInitiatedShutdown: User initiated shutdown',
    );
  });
});

describe('protection from scaling in', () => {
  it('keeps instances, though the desired capacity is lower, until it is taken away', async () => {
    await group(2, { NewInstancesProtectedFromScaleIn: true });
    await resize(0);
    await fleet.seconds(60);
    expect(await members()).toMatchObject([{ ProtectedFromScaleIn: true }, { ProtectedFromScaleIn: true }]);
    const [first, second] = await ids();
    await call('SetInstanceProtection', { InstanceIds: [first], ProtectedFromScaleIn: false });
    await fleet.seconds(20);
    expect(await ids()).toEqual([second]);
  });

  it('keeps them from being replaced for age, but not for health', async () => {
    await group(1, { NewInstancesProtectedFromScaleIn: true, MaxInstanceLifetime: 86_400 });
    const before = await ids();
    await fleet.seconds(100_000);
    expect(await ids()).toEqual(before);
    await makeUnhealthy(before[0]);
    await fleet.seconds(20);
    expect(await ids()).not.toEqual(before);
  });
});

describe('a termination policy', () => {
  it.each([
    ['OldestInstance', 0],
    ['NewestInstance', 2],
    ['Default', 0],
    ['OldestLaunchTemplate', 0],
  ])('%s has instance %d of three go', async (policy, index) => {
    await group(1, {
      AvailabilityZones: ['us-east-1a'],
      VPCZoneIdentifier: undefined,
      TerminationPolicies: [policy],
    });
    for (const desired of [2, 3]) {
      await resize(desired);
      await fleet.seconds(20);
    }
    const before = await ids();
    await resize(2);
    await fleet.seconds(20);
    expect(await ids()).toEqual(before.filter((id) => id !== before[index]));
  });

  it('counts only in the fullest zone', async () => {
    await group(3, {
      AvailabilityZones: ['us-east-1a', 'us-east-1b'],
      VPCZoneIdentifier: undefined,
      TerminationPolicies: ['NewestInstance'],
    });
    await resize(2);
    await fleet.seconds(20);
    expect((await members()).map((one) => one.AvailabilityZone ?? '').sort()).toEqual([
      'us-east-1a',
      'us-east-1b',
    ]);
  });

  it('has to be one that is known', async () => {
    await expect(group(1, { TerminationPolicies: ['Tallest'] })).rejects.toThrow('Tallest');
  });
});

describe('a cooldown', () => {
  it('holds back who honours it, and nobody else', async () => {
    await group(1, { DefaultCooldown: 60 });
    const more = { AutoScalingGroupName, DesiredCapacity: 2, HonorCooldown: true };
    expect(await fleet.refusal('autoscaling', 'SetDesiredCapacity', more)).toBe('ScalingActivityInProgress');
    await fleet.seconds(60);
    expect(await fleet.refusal('autoscaling', 'SetDesiredCapacity', more)).toBe('no error');
    await fleet.seconds(1);
    expect(await fleet.refusal('autoscaling', 'SetDesiredCapacity', { ...more, DesiredCapacity: 3 })).toBe(
      'ScalingActivityInProgress',
    );
    await resize(3);
    await fleet.seconds(20);
    expect(await ids()).toHaveLength(3);
  });
});

describe('deletion protection', () => {
  it('of every kind of deletion refuses an empty group, too', async () => {
    await group(0, { DeletionProtection: 'prevent-all-deletion' });
    const name = { AutoScalingGroupName };
    expect(await fleet.refusal('autoscaling', 'DeleteAutoScalingGroup', name)).toBe('ValidationError');
    await call('UpdateAutoScalingGroup', { DeletionProtection: 'prevent-force-deletion' });
    expect(await fleet.refusal('autoscaling', 'DeleteAutoScalingGroup', name)).toBe('no error');
  });
});

describe('activities', () => {
  const causes = async () => (await fleet.activities('web')).map((one) => one.Cause);
  const time = String.raw`At \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ `;

  it('tell of growing and shrinking in the words of AWS', async () => {
    await group(1);
    await resize(2);
    await fleet.seconds(20);
    await resize(1);
    await fleet.seconds(20);
    const [shrunk, grown, first] = await causes();
    expect(first).toMatch(
      new RegExp(
        `^${time}a user request created an AutoScalingGroup changing the desired capacity from 0 to 1\\.  ${time}an instance was started in response to a difference between desired and actual capacity, increasing the capacity from 0 to 1\\.$`,
      ),
    );
    expect(grown).toMatch(
      new RegExp(
        `^${time}a user request explicitly set group desired capacity changing the desired capacity from 1 to 2\\.  ${time}an instance was started in response to a difference between desired and actual capacity, increasing the capacity from 1 to 2\\.$`,
      ),
    );
    expect(shrunk).toMatch(
      new RegExp(
        `^${time}a user request explicitly set group desired capacity changing the desired capacity from 2 to 1\\.  ${time}an instance was taken out of service in response to a difference between desired and actual capacity, shrinking the capacity from 2 to 1\\.  ${time}instance i-[0-9a-f]{17} was selected for termination\\.$`,
      ),
    );
  });

  it('tell of draining while it lasts', async () => {
    const blue = await fleet.targetGroup('blue');
    await fleet.rule(10, { [blue]: 1 });
    await group(1, { TargetGroupARNs: [blue] });
    await resize(0);
    await fleet.seconds(5);
    const [id] = await ids();
    expect((await fleet.activities('web'))[0]).toMatchObject({
      Description: `Terminating EC2 instance: ${id} - Waiting For ELB Connection Draining.`,
      StatusCode: 'WaitingForELBConnectionDraining',
      Progress: 50,
    });
    await fleet.seconds(30);
    expect((await fleet.activities('web'))[0]).toMatchObject({
      Description: `Terminating EC2 instance: ${id}`,
      StatusCode: 'Successful',
      Progress: 100,
    });
  });

  it('tell who was replaced, and for what', async () => {
    await group(1);
    const [first] = await ids();
    await makeUnhealthy(first);
    await fleet.seconds(20);
    const [came, went] = await causes();
    expect(came).toMatch(
      new RegExp(
        `^${time}an instance was launched in response to an unhealthy instance needing to be replaced\\.$`,
      ),
    );
    expect(went).toMatch(
      new RegExp(`^${time}an instance was taken out of service in response to a user health-check\\.$`),
    );
  });

  it('tell of one that a person took out', async () => {
    await group(2);
    const [InstanceId] = await ids();
    const { Activity } = await fleet.call('autoscaling', 'TerminateInstanceInAutoScalingGroup', {
      InstanceId,
      ShouldDecrementDesiredCapacity: true,
    });
    expect(Activity).toMatchObject({ Description: `Terminating EC2 instance: ${InstanceId}` });
    expect(Activity.Cause).toMatch(
      new RegExp(
        `^${time}instance ${InstanceId} was taken out of service in response to a user request, shrinking the capacity from 2 to 1\\.$`,
      ),
    );
  });

  it('are events, too', async () => {
    const events = fleet.eventsOf('aws.autoscaling');
    await group(1);
    const [id] = await ids();
    expect(events).toMatchObject([
      {
        detailType: 'EC2 Instance Launch Successful',
        resources: [
          (await fleet.describe('web'))?.AutoScalingGroupARN,
          `arn:aws:ec2:us-east-1:000000000000:instance/${id}`,
        ],
        detail: {
          StatusCode: 'InProgress',
          Description: `Launching a new EC2 instance: ${id}`,
          EC2InstanceId: id,
          Details: { 'Availability Zone': 'us-east-1a', 'Subnet ID': expect.stringMatching(/^subnet-/) },
        },
      },
    ]);
    fleet.region.parts.ec2.quotas.onDemandStandard.value = 0;
    await resize(2);
    await fleet.seconds(5);
    expect(events[1]).toMatchObject({
      detailType: 'EC2 Instance Launch Unsuccessful',
      detail: { StatusCode: 'Failed', StatusMessage: expect.stringContaining('vCPU limit of 0') },
    });
  });

  it('stay for those who ask for deleted groups', async () => {
    await group(0);
    await resize(1);
    await fleet.seconds(20);
    await call('DeleteAutoScalingGroup', { ForceDelete: true });
    await fleet.seconds(10);
    const { Activities } = await call('DescribeScalingActivities', { IncludeDeletedGroups: true });
    expect(Activities[0]).toMatchObject({ AutoScalingGroupState: 'Deleted' });
    expect(Activities[0].Cause).toMatch(
      new RegExp(
        `^${time}a user request force-deleted AutoScalingGroup changing the desired capacity from 1 to 0\\.  ${time}an instance was taken out of service in response to a difference`,
      ),
    );
  });
});

it('waits for the warm-up of the new before the old goes, where a policy says that the new comes first', async () => {
  await group(1, {
    InstanceMaintenancePolicy: { MinHealthyPercentage: 100, MaxHealthyPercentage: 200 },
    DefaultInstanceWarmup: 100,
  });
  const [first] = await ids();
  await makeUnhealthy(first);
  await fleet.seconds(90);
  expect(await ids()).toContain(first);
  await fleet.seconds(30);
  expect(await ids()).not.toContain(first);
});
