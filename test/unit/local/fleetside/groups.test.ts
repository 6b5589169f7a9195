import type { Activity } from '@aws-sdk/client-auto-scaling';
import { afterEach, describe, expect, it } from 'vitest';
import type { MachineScript } from '../../../../local/machines/scripted.ts';
import { AwsError } from '../../../../local/service.ts';
import { FleetRegion } from './fleet-region.ts';

let fleet: FleetRegion | undefined;

afterEach(async () => {
  await fleet?.region.close();
  fleet = undefined;
});

/** A group of one or more behind a target group in use. */
async function served(script: () => MachineScript = () => ({}), more: object = {}) {
  fleet = await FleetRegion.create(script);
  const templateId = await fleet.template('web');
  const blue = await fleet.targetGroup('blue');
  await fleet.rule(10, { [blue]: 1 });
  await fleet.group('web-v1', templateId, {
    TargetGroupARNs: [blue],
    HealthCheckType: 'ELB',
    HealthCheckGracePeriod: 30,
    ...more,
  });
  return { fleet, blue, templateId };
}

describe('an Auto Scaling group', () => {
  it('launches, registers and becomes healthy', async () => {
    const { fleet, blue } = await served(undefined, { DesiredCapacity: 3 });
    expect(await fleet.healthStates(blue)).toEqual([]);
    await fleet.seconds(2);
    expect((await fleet.describe('web-v1'))?.Instances?.map((one) => one.LifecycleState)).toEqual([
      'Pending',
      'Pending',
      'Pending',
    ]);
    await fleet.seconds(10);
    const group = await fleet.describe('web-v1');
    expect(group?.Instances?.map((one) => one.LifecycleState)).toEqual([
      'InService',
      'InService',
      'InService',
    ]);
    expect(new Set(group?.Instances?.map((one) => one.AvailabilityZone)).size).toBe(3);
    expect(await fleet.healthStates(blue)).toEqual(['healthy', 'healthy', 'healthy']);
    const [activity] = await fleet.activities('web-v1');
    expect(activity).toMatchObject({ StatusCode: 'Successful', Progress: 100 });
    expect(activity?.Description).toMatch(/^Launching a new EC2 instance: i-0/);
  });

  it('replaces an instance that was killed', async () => {
    const { fleet, blue } = await served();
    await fleet.seconds(15);
    const first = (await fleet.describe('web-v1'))?.Instances?.[0]?.InstanceId ?? '';
    fleet.region.parts.ec2.outages.kill(first);
    await fleet.seconds(15);
    const instances = (await fleet.describe('web-v1'))?.Instances ?? [];
    expect(instances.map((one) => one.LifecycleState)).toEqual(['InService']);
    expect(instances[0]?.InstanceId).not.toBe(first);
    expect(await fleet.healthStates(blue)).toEqual(['healthy']);
    const causes = (await fleet.activities('web-v1')).map((one) => one.Cause).join('\n');
    expect(causes).toContain('EC2 health check indicating it has been terminated or stopped');
  });

  it('replaces an instance that fails its health checks, but not before the grace period ends', async () => {
    const { fleet, blue } = await served(() => ({ healthy: 500 }));
    await fleet.seconds(20);
    expect(await fleet.health(blue)).toMatchObject([
      {
        TargetHealth: {
          State: 'unhealthy',
          Reason: 'Target.ResponseCodeMismatch',
          Description: 'Health checks failed with these codes: [500]',
        },
      },
    ]);
    expect((await fleet.describe('web-v1'))?.Instances).toMatchObject([{ HealthStatus: 'Healthy' }]);
    await fleet.seconds(20);
    const causes = (await fleet.activities('web-v1')).map((one) => one.Cause).join('\n');
    expect(causes).toContain('ELB system health check failure');
  });

  it('goes dark at each replacement for age when there is no maintenance policy', async () => {
    const { fleet, blue } = await served(undefined, { MaxInstanceLifetime: 86_400 });
    await fleet.seconds(86_400);
    expect(await darkSeconds(fleet, blue, 120)).toBeGreaterThan(0);
  });

  it('launches before it terminates when the maintenance policy says so', async () => {
    const { fleet, blue } = await served(undefined, {
      MaxInstanceLifetime: 86_400,
      InstanceMaintenancePolicy: { MinHealthyPercentage: 100, MaxHealthyPercentage: 200 },
    });
    await fleet.seconds(86_395);
    const first = (await fleet.describe('web-v1'))?.Instances?.[0]?.InstanceId;
    expect(await darkSeconds(fleet, blue, 120)).toBe(0);
    const instances = (await fleet.describe('web-v1'))?.Instances ?? [];
    expect(instances).toHaveLength(1);
    expect(instances[0]?.InstanceId).not.toBe(first);
  });

  it('drains an instance before it terminates it', async () => {
    const { fleet, blue } = await served(undefined, { MinSize: 0 });
    await fleet.seconds(15);
    await fleet.call('autoscaling', 'SetDesiredCapacity', {
      AutoScalingGroupName: 'web-v1',
      DesiredCapacity: 0,
    });
    await fleet.seconds(5);
    expect(await fleet.health(blue)).toMatchObject([
      { TargetHealth: { State: 'draining', Reason: 'Target.DeregistrationInProgress' } },
    ]);
    expect((await fleet.activities('web-v1'))[0]?.StatusCode).toBe('WaitingForELBConnectionDraining');
    expect(
      await fleet.refusal('autoscaling', 'DeleteAutoScalingGroup', { AutoScalingGroupName: 'web-v1' }),
    ).toBe('ScalingActivityInProgress');
    await fleet.seconds(25);
    expect(await fleet.health(blue)).toEqual([]);
    expect((await fleet.describe('web-v1'))?.Instances).toEqual([]);
    await fleet.call('autoscaling', 'DeleteAutoScalingGroup', { AutoScalingGroupName: 'web-v1' });
    await fleet.seconds(5);
    expect(await fleet.describe('web-v1')).toBeUndefined();
  });

  it('is described without its instances where they are not asked for', async () => {
    const { fleet } = await served();
    await fleet.seconds(15);
    const describe = (IncludeInstances: boolean) =>
      fleet.call('autoscaling', 'DescribeAutoScalingGroups', { IncludeInstances });
    expect((await describe(true)).AutoScalingGroups[0].Instances).toHaveLength(1);
    expect((await describe(false)).AutoScalingGroups[0].Instances).toEqual([]);
  });

  it('is not deleted while it has instances', async () => {
    const { fleet } = await served(undefined, { DeletionProtection: 'prevent-force-deletion' });
    await fleet.seconds(15);
    const name = { AutoScalingGroupName: 'web-v1' };
    expect(await fleet.refusal('autoscaling', 'DeleteAutoScalingGroup', name)).toBe('ResourceInUse');
    const forced = { ...name, ForceDelete: true };
    expect(await fleet.refusal('autoscaling', 'DeleteAutoScalingGroup', forced)).toBe('ValidationError');
    await fleet.call('autoscaling', 'UpdateAutoScalingGroup', { ...name, DeletionProtection: 'none' });
    await fleet.call('autoscaling', 'DeleteAutoScalingGroup', forced);
    await fleet.seconds(40);
    expect(await fleet.describe('web-v1')).toBeUndefined();
  });

  it('says why a launch failed, and tries again', async () => {
    fleet = await FleetRegion.create();
    const templateId = await fleet.template('web');
    fleet.region.parts.ec2.instances.refuseLaunch = () =>
      new AwsError(
        'InsufficientInstanceCapacity',
        'We currently do not have sufficient t3.nano capacity.',
        500,
      );
    await fleet.group('web-v1', templateId);
    await fleet.seconds(5);
    const [failed] = await fleet.activities('web-v1');
    expect(failed).toMatchObject({
      StatusCode: 'Failed',
      StatusMessage: 'We currently do not have sufficient t3.nano capacity. Launching EC2 instance failed.',
    });
    fleet.region.parts.ec2.instances.refuseLaunch = undefined;
    await fleet.seconds(30);
    expect((await fleet.describe('web-v1'))?.Instances).toMatchObject([{ LifecycleState: 'InService' }]);
  });

  it('loses an instance whose program ended, with its last words on the console', async () => {
    const { fleet } = await served(() => ({ crashAtMs: 3_000, consoleOnExit: ['panic: no configuration'] }));
    await fleet.seconds(4);
    const id = (await fleet.describe('web-v1'))?.Instances?.[0]?.InstanceId;
    await fleet.seconds(6);
    const { Output } = await fleet.call('ec2', 'GetConsoleOutput', { InstanceId: id });
    expect(Buffer.from(Output, 'base64').toString()).toContain('panic: no configuration');
    const causes = (await fleet.activities('web-v1')).map((one) => one.Cause).join('\n');
    expect(causes).toContain('terminated or stopped');
  });

  it('takes no version that its template does not have', async () => {
    fleet = await FleetRegion.create();
    const templateId = await fleet.template('web');
    const input = {
      AutoScalingGroupName: 'web-v1',
      LaunchTemplate: { LaunchTemplateId: templateId, Version: '7' },
      AvailabilityZones: ['us-east-1a'],
      MinSize: 0,
      MaxSize: 1,
    };
    expect(await fleet.refusal('autoscaling', 'CreateAutoScalingGroup', input)).toBe('ValidationError');
    await fleet.group('web-v1', templateId);
    const again = { ...input, LaunchTemplate: { LaunchTemplateId: templateId, Version: '1' } };
    expect(await fleet.refusal('autoscaling', 'CreateAutoScalingGroup', again)).toBe('AlreadyExists');
  });
});

/** How many of the next seconds pass without a healthy target. */
async function darkSeconds(fleet: FleetRegion, targetGroupArn: string, within: number): Promise<number> {
  let dark = 0;
  for (let second = 0; second < within; second += 1) {
    await fleet.seconds(1);
    if (!(await fleet.healthStates(targetGroupArn)).includes('healthy')) dark += 1;
  }
  return dark;
}

describe('a zone that fails', () => {
  it('has its instances replaced in the others', async () => {
    const { fleet, blue } = await served(undefined, { DesiredCapacity: 3 });
    await fleet.seconds(15);
    fleet.region.parts.ec2.outages.loseZone('us-east-1a');
    await fleet.seconds(30);
    const zones = (await fleet.describe('web-v1'))?.Instances?.map((one) => one.AvailabilityZone);
    expect(zones).toHaveLength(3);
    expect(zones).not.toContain('us-east-1a');
    expect(await fleet.healthStates(blue)).toEqual(['healthy', 'healthy', 'healthy']);
  });
});

describe('a scaling policy', () => {
  it('grows a group while requests per target stay above its value, and shrinks it when they are gone', async () => {
    const { fleet, blue } = await served(undefined, { MaxSize: 3 });
    await fleet.seconds(15);
    const { elbv2 } = fleet.region.parts;
    const label = `${elbv2.defaultLoadBalancer.fullName}/${elbv2.state.group(blue).fullName}`;
    const policy = (ResourceLabel: string) => ({
      AutoScalingGroupName: 'web-v1',
      PolicyName: 'requests',
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingConfiguration: {
        TargetValue: 100,
        PredefinedMetricSpecification: { PredefinedMetricType: 'ALBRequestCountPerTarget', ResourceLabel },
      },
    });
    expect(
      await fleet.refusal('autoscaling', 'PutScalingPolicy', policy('app/none/0/targetgroup/none/0')),
    ).toBe('ValidationError');
    await fleet.call('autoscaling', 'PutScalingPolicy', policy(label));
    for (let minute = 0; minute < 5; minute += 1) {
      elbv2.state.group(blue).metrics?.requestsPerTarget.add(fleet.clock.now(), 190);
      await fleet.seconds(60);
    }
    expect((await fleet.describe('web-v1'))?.DesiredCapacity).toBeGreaterThan(1);
    await fleet.seconds(3_600);
    expect((await fleet.describe('web-v1'))?.DesiredCapacity).toBe(1);
  });
});

describe('who creates a group', () => {
  it('must be allowed to launch from its template', async () => {
    fleet = await FleetRegion.create();
    const templateId = await fleet.template('web');
    const allow = (actions: readonly string[]) => ({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow' as const, Action: actions, Resource: '*' }],
    });
    const input = {
      AutoScalingGroupName: 'web-v1',
      LaunchTemplate: { LaunchTemplateId: templateId, Version: '1' },
      AvailabilityZones: ['us-east-1a'],
      MinSize: 0,
      MaxSize: 1,
      Tags: [{ Key: 'flotilla:fleet', Value: 'web', PropagateAtLaunch: true }],
    };
    const attempt = async (...actions: string[]): Promise<string> => {
      const arn = 'arn:aws:sts::000000000000:assumed-role/launcher/test';
      const principal = { kind: 'role' as const, arn, userId: 'AROATEST:test', policies: [allow(actions)] };
      try {
        await fleet?.region.call('autoscaling', 'CreateAutoScalingGroup', input, principal);
        return 'allowed';
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    };
    const group = ['autoscaling:CreateAutoScalingGroup', 'autoscaling:CreateOrUpdateTags'];
    expect(await attempt(...group)).toContain('ec2:RunInstances');
    expect(await attempt(...group, 'ec2:RunInstances')).toContain('ec2:CreateTags');
    expect(await attempt(...group, 'ec2:RunInstances', 'ec2:CreateTags')).toBe('allowed');
  });
});

describe('a group of several instance types', () => {
  it('takes the next type when the first cannot be had', async () => {
    fleet = await FleetRegion.create();
    const templateId = await fleet.template('web');
    fleet.region.parts.ec2.instances.refuseLaunch = (spec) =>
      spec.type.name === 't3.nano'
        ? new AwsError('InsufficientInstanceCapacity', 'We currently do not have sufficient capacity.', 500)
        : undefined;
    await fleet.call('autoscaling', 'CreateAutoScalingGroup', {
      AutoScalingGroupName: 'web-v1',
      MixedInstancesPolicy: {
        LaunchTemplate: {
          LaunchTemplateSpecification: { LaunchTemplateId: templateId, Version: '1' },
          Overrides: [{ InstanceType: 't3.nano' }, { InstanceType: 't3a.nano' }],
        },
      },
      AvailabilityZones: ['us-east-1a'],
      MinSize: 1,
      MaxSize: 1,
    });
    await fleet.seconds(10);
    expect((await fleet.describe('web-v1'))?.Instances).toMatchObject([{ InstanceType: 't3a.nano' }]);
  });
});

// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeScalingActivities.html
it('tells of activities in progress first, and of the others from the newest, over all groups', async () => {
  const { fleet, templateId } = await served();
  await fleet.seconds(20);
  await fleet.group('web-v2', templateId);
  await fleet.seconds(10);
  const resize = (AutoScalingGroupName: string, DesiredCapacity: number) =>
    fleet.call('autoscaling', 'UpdateAutoScalingGroup', {
      AutoScalingGroupName,
      MinSize: 0,
      DesiredCapacity,
    });
  const told = async (input: object) => {
    const { Activities } = await fleet.call('autoscaling', 'DescribeScalingActivities', input);
    return Activities.map(
      ({ AutoScalingGroupName, Description, StatusCode }: Activity) =>
        `${AutoScalingGroupName} ${Description?.split(' ')[0]} ${StatusCode}`,
    );
  };
  // Drains for twenty seconds, in which another comes.
  await resize('web-v1', 0);
  await fleet.seconds(3);
  await resize('web-v1', 1);
  await fleet.seconds(8);
  const draining = 'web-v1 Terminating WaitingForELBConnectionDraining';
  const launched = 'web-v1 Launching Successful';
  expect(await told({ AutoScalingGroupName: 'web-v1' })).toEqual([draining, launched, launched]);
  expect(await told({})).toEqual([draining, launched, 'web-v2 Launching Successful', launched]);
  expect(await told({ MaxRecords: 1 })).toEqual([draining]);
  await fleet.seconds(30);
  expect((await told({ AutoScalingGroupName: 'web-v1' }))[1]).toBe('web-v1 Terminating Successful');
});
