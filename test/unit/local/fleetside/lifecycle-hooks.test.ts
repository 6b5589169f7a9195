/** Lifecycle hooks: an instance waits on its way in or out. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RegionEvent } from '../../../../local/context.ts';
import { FleetRegion } from './fleet-region.ts';

let fleet: FleetRegion;
let events: RegionEvent[];

beforeEach(async () => {
  fleet = await FleetRegion.create();
  events = fleet.eventsOf('aws.autoscaling');
});

afterEach(() => fleet.region.close());

const AutoScalingGroupName = 'web';
const launching = 'autoscaling:EC2_INSTANCE_LAUNCHING';
const terminating = 'autoscaling:EC2_INSTANCE_TERMINATING';

async function group(...hooks: object[]): Promise<void> {
  await fleet.group('web', await fleet.template('web'), {
    MinSize: 0,
    LifecycleHookSpecificationList: hooks as never,
  });
  await fleet.seconds(10);
}

const states = async () => (await fleet.describe('web'))?.Instances?.map((one) => one.LifecycleState);
const actions = () => events.filter((event) => event.detailType.endsWith('Lifecycle Action'));
const tokenOf = (event: RegionEvent | undefined) => event?.detail.LifecycleActionToken as string;

async function complete(LifecycleActionResult: string, LifecycleHookName: string, token: string) {
  await fleet.call('autoscaling', 'CompleteLifecycleAction', {
    AutoScalingGroupName,
    LifecycleHookName,
    LifecycleActionToken: token,
    LifecycleActionResult,
  });
}

describe('a launch hook', () => {
  const hook = { LifecycleHookName: 'warm', LifecycleTransition: launching, HeartbeatTimeout: 60 };

  it('holds an instance until it is told to go on', async () => {
    await group({ ...hook, NotificationMetadata: 'more' });
    expect(await states()).toEqual(['Pending:Wait']);
    expect((await fleet.activities('web'))[0]?.StatusCode).toBe('MidLifecycleAction');
    const instance = (await fleet.describe('web'))?.Instances?.[0]?.InstanceId;
    expect(actions()).toEqual([
      {
        source: 'aws.autoscaling',
        detailType: 'EC2 Instance-launch Lifecycle Action',
        resources: [(await fleet.describe('web'))?.AutoScalingGroupARN],
        detail: {
          LifecycleActionToken: expect.stringMatching(/^[0-9a-f-]{36}$/),
          AutoScalingGroupName: 'web',
          LifecycleHookName: 'warm',
          EC2InstanceId: instance,
          LifecycleTransition: launching,
          NotificationMetadata: 'more',
          Origin: 'EC2',
          Destination: 'AutoScalingGroup',
        },
      },
    ]);
    await complete('CONTINUE', 'warm', tokenOf(actions()[0]));
    expect(await states()).toEqual(['InService']);
    await expect(complete('CONTINUE', 'warm', tokenOf(actions()[0]))).rejects.toThrow(
      'No active Lifecycle Action found with token',
    );
  });

  it('has an instance terminated that is abandoned, in the words of AWS, and another launched', async () => {
    await group(hook);
    const token = tokenOf(actions()[0]);
    await complete('ABANDON', 'warm', token);
    const [, launch] = await fleet.activities('web');
    const words = `Instance failed to complete user's Lifecycle Action: Lifecycle Action with token ${token} was abandoned: Lifecycle Action Completed with ABANDON Result`;
    expect(launch).toMatchObject({ StatusCode: 'Cancelled', StatusMessage: words, Progress: 100 });
    expect(launch?.Description).toMatch(
      /^Launching a new EC2 instance: i-0\w{16}\. {2}Status Reason: Instance failed/,
    );
    await fleet.seconds(30);
    expect(actions()).toHaveLength(2);
    expect(await states()).toEqual(['Pending:Wait']);
  });

  it('takes its default result when the heartbeats stop', async () => {
    await group({ ...hook, DefaultResult: 'CONTINUE' });
    await fleet.seconds(45);
    await fleet.call('autoscaling', 'RecordLifecycleActionHeartbeat', {
      AutoScalingGroupName,
      LifecycleHookName: 'warm',
      InstanceId: actions()[0]?.detail.EC2InstanceId,
    });
    await fleet.seconds(59);
    expect(await states()).toEqual(['Pending:Wait']);
    await fleet.seconds(2);
    expect(await states()).toEqual(['InService']);
  });

  it('lets nobody wait longer than a hundred heartbeats', async () => {
    await group({ ...hook, HeartbeatTimeout: 30 });
    const LifecycleActionToken = tokenOf(actions()[0]);
    const beat = { AutoScalingGroupName, LifecycleHookName: 'warm', LifecycleActionToken };
    for (let waited = 0; waited < 2_980; waited += 20) {
      await fleet.seconds(20);
      await fleet.call('autoscaling', 'RecordLifecycleActionHeartbeat', beat);
    }
    expect(await states()).toEqual(['Pending:Wait']);
    await fleet.seconds(25);
    expect((await fleet.activities('web')).at(-1)?.StatusMessage).toContain('Heartbeat Timeout Reached');
  });

  it('begins the grace period only when it is over', async () => {
    await fleet.region.close();
    fleet = await FleetRegion.create(() => ({ healthy: false }));
    const blue = await fleet.targetGroup('blue');
    await fleet.rule(10, { [blue]: 1 });
    await fleet.group('web', await fleet.template('web'), {
      TargetGroupARNs: [blue],
      HealthCheckType: 'ELB',
      HealthCheckGracePeriod: 60,
      LifecycleHookSpecificationList: [{ ...hook, DefaultResult: 'CONTINUE' }],
    });
    await fleet.seconds(115);
    expect((await fleet.describe('web'))?.Instances).toMatchObject([{ HealthStatus: 'Healthy' }]);
    await fleet.seconds(15);
    expect((await fleet.activities('web')).map((one) => one.Cause).join()).toContain(
      'ELB system health check',
    );
  });
});

describe('a terminate hook', () => {
  const hook = { LifecycleHookName: 'save', LifecycleTransition: terminating, HeartbeatTimeout: 60 };

  async function shrink(): Promise<void> {
    await fleet.call('autoscaling', 'SetDesiredCapacity', { AutoScalingGroupName, DesiredCapacity: 0 });
    await fleet.seconds(5);
  }

  it('holds an instance that goes, which is still running', async () => {
    await group(hook);
    await shrink();
    expect(await states()).toEqual(['Terminating:Wait']);
    expect(actions()[0]?.detailType).toBe('EC2 Instance-terminate Lifecycle Action');
    const { Reservations } = await fleet.call('ec2', 'DescribeInstances', {});
    expect(Reservations[0].Instances[0].State.Name).toBe('running');
    await complete('ABANDON', 'save', tokenOf(actions()[0]));
    await fleet.seconds(5);
    expect(await states()).toEqual([]);
    expect((await fleet.activities('web'))[0]).toMatchObject({ StatusCode: 'Successful', Progress: 100 });
  });

  it('waits for every hook that continues, and for none once one is abandoned', async () => {
    await group(hook, { ...hook, LifecycleHookName: 'tell' });
    await shrink();
    const [first, second] = actions();
    await complete('CONTINUE', 'save', tokenOf(first));
    expect(await states()).toEqual(['Terminating:Wait']);
    await complete('CONTINUE', 'tell', tokenOf(second));
    await fleet.seconds(5);
    expect(await states()).toEqual([]);
    await fleet.call('autoscaling', 'SetDesiredCapacity', { AutoScalingGroupName, DesiredCapacity: 1 });
    await fleet.seconds(10);
    await shrink();
    await complete('ABANDON', 'save', tokenOf(actions()[2]));
    await fleet.seconds(5);
    expect(await states()).toEqual([]);
  });

  it('must be completed for an instance that is gone already', async () => {
    await group(hook);
    const id = (await fleet.describe('web'))?.Instances?.[0]?.InstanceId ?? '';
    fleet.region.parts.ec2.outages.kill(id);
    await fleet.seconds(30);
    expect((await states())?.toSorted()).toEqual(['InService', 'Terminating:Wait']);
    await fleet.seconds(60);
    expect(await states()).toEqual(['InService']);
  });

  it('is not asked when the group is deleted by force', async () => {
    await group(hook);
    await fleet.call('autoscaling', 'DeleteAutoScalingGroup', { AutoScalingGroupName, ForceDelete: true });
    await fleet.seconds(5);
    expect(await fleet.describe('web')).toBeUndefined();
    expect(actions()).toEqual([]);
  });

  it('lets its instances go when it is deleted', async () => {
    await group(hook);
    await shrink();
    await fleet.call('autoscaling', 'DeleteLifecycleHook', {
      AutoScalingGroupName,
      LifecycleHookName: 'save',
    });
    await fleet.seconds(5);
    expect(await states()).toEqual([]);
  });
});

it('describes hooks with their global timeout, and refuses what AWS refuses', async () => {
  await group();
  const hook = { AutoScalingGroupName, LifecycleHookName: 'warm' };
  expect(await fleet.refusal('autoscaling', 'PutLifecycleHook', hook)).toBe('ValidationError');
  const put = { ...hook, LifecycleTransition: launching };
  for (const wrong of [{ HeartbeatTimeout: 29 }, { HeartbeatTimeout: 7_201 }, { DefaultResult: 'MAYBE' }]) {
    expect(await fleet.refusal('autoscaling', 'PutLifecycleHook', { ...put, ...wrong })).toBe(
      'ValidationError',
    );
  }
  const topic = { ...put, NotificationTargetARN: 'arn:aws:sns:us-east-1:000000000000:t' };
  await expect(fleet.call('autoscaling', 'PutLifecycleHook', topic)).rejects.toThrow('NotificationTargetARN');
  await fleet.call('autoscaling', 'PutLifecycleHook', put);
  await fleet.call('autoscaling', 'PutLifecycleHook', { ...hook, HeartbeatTimeout: 900 });
  const { LifecycleHooks } = await fleet.call('autoscaling', 'DescribeLifecycleHooks', {
    AutoScalingGroupName,
  });
  expect(LifecycleHooks).toEqual([
    {
      ...put,
      HeartbeatTimeout: 900,
      GlobalTimeout: 90_000,
      DefaultResult: 'ABANDON',
      NotificationMetadata: undefined,
    },
  ]);
});
