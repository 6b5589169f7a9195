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
    fleet.region.parts.ec2.instances.kill(first);
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
