/** Target tracking: the alarms that a policy makes, and what a group does when they ring. */
import type { Alarm, ScalingPolicy } from '@aws-sdk/client-auto-scaling';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FleetRegion } from './fleet-region.ts';

let fleet: FleetRegion;
let blue: string;

beforeEach(async () => {
  fleet = await FleetRegion.create();
  blue = await fleet.targetGroup('blue');
  await fleet.rule(10, { [blue]: 1 });
  await fleet.group('web', await fleet.template('web'), {
    TargetGroupARNs: [blue],
    MaxSize: 10,
    DefaultInstanceWarmup: 60,
  });
  await fleet.seconds(15);
});

afterEach(() => fleet.region.close());

const AutoScalingGroupName = 'web';

async function put(
  more: object = {},
  name = 'requests',
  warmup: object = {},
): Promise<{ PolicyARN: string; Alarms: Alarm[] }> {
  const { elbv2 } = fleet.region.parts;
  const ResourceLabel = `${elbv2.defaultLoadBalancer.fullName}/${elbv2.state.group(blue).fullName}`;
  return await fleet.call('autoscaling', 'PutScalingPolicy', {
    AutoScalingGroupName,
    PolicyName: name,
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingConfiguration: {
      TargetValue: 100,
      PredefinedMetricSpecification: { PredefinedMetricType: 'ALBRequestCountPerTarget', ResourceLabel },
      ...more,
    },
    ...warmup,
  });
}

/** So many requests to each target, each minute. */
async function load(perTarget: number, minutes: number): Promise<void> {
  const { metrics } = fleet.region.parts.elbv2.state.group(blue);
  for (let minute = 0; minute < minutes; minute += 1) {
    metrics?.requestsPerTarget.add(fleet.clock.now(), perTarget);
    await fleet.seconds(60);
  }
}

const desired = async () => (await fleet.describe('web'))?.DesiredCapacity;
const alarmNames = async (): Promise<string[]> => {
  const { MetricAlarms } = await fleet.call('monitoring', 'DescribeAlarms', {
    AlarmNamePrefix: 'TargetTracking-',
  });
  return MetricAlarms.map((one: { AlarmName: string }) => one.AlarmName);
};

describe('a policy', () => {
  it('makes two alarms, which CloudWatch shows', async () => {
    const { PolicyARN, Alarms } = await put();
    expect(Alarms.map((one) => one.AlarmName)).toEqual([
      expect.stringMatching(/^TargetTracking-web-AlarmHigh-[0-9a-f-]{36}$/),
      expect.stringMatching(/^TargetTracking-web-AlarmLow-[0-9a-f-]{36}$/),
    ]);
    const { MetricAlarms } = await fleet.call('monitoring', 'DescribeAlarms', {
      AlarmNames: Alarms.map((one) => one.AlarmName),
    });
    expect(MetricAlarms).toMatchObject([
      {
        AlarmActions: [PolicyARN],
        MetricName: 'RequestCountPerTarget',
        ComparisonOperator: 'GreaterThanThreshold',
        Threshold: 100,
        EvaluationPeriods: 3,
      },
      { ComparisonOperator: 'LessThanThreshold', Threshold: 90, EvaluationPeriods: 15 },
    ]);
    const { ScalingPolicies } = await fleet.call('autoscaling', 'DescribePolicies', { AutoScalingGroupName });
    expect(ScalingPolicies.map((one: ScalingPolicy) => one.Alarms)).toEqual([Alarms]);
  });

  it('makes new alarms when it is changed, and takes them along when it or its group goes', async () => {
    const { Alarms } = await put();
    await put({ TargetValue: 50 });
    expect(await alarmNames()).toHaveLength(2);
    expect(await alarmNames()).not.toContain(Alarms[0]?.AlarmName);
    await fleet.call('autoscaling', 'DeletePolicy', { AutoScalingGroupName, PolicyName: 'requests' });
    expect(await alarmNames()).toEqual([]);
    await put();
    await fleet.call('autoscaling', 'DeleteAutoScalingGroup', { AutoScalingGroupName, ForceDelete: true });
    await fleet.seconds(10);
    expect(await alarmNames()).toEqual([]);
  });
});

describe('a group', () => {
  it('grows after three minutes above the value, in the words of AWS, and not twice for the same load', async () => {
    const { Alarms } = await put();
    await load(240, 2);
    expect(await desired()).toBe(1);
    await load(240, 1);
    expect(await desired()).toBe(3);
    const cause = (await fleet.activities('web'))[0]?.Cause;
    expect(cause).toContain(
      `a monitor alarm ${Alarms[0]?.AlarmName} in state ALARM triggered policy requests changing the desired capacity from 1 to 3.`,
    );
    await load(80, 5);
    expect(await desired()).toBe(3);
  });

  it('shrinks by one at a time after fifteen minutes well below it, and not below its minimum', async () => {
    await put();
    await load(240, 4);
    await load(85, 10);
    expect(await desired()).toBe(3);
    await load(85, 8);
    expect(await desired()).toBeLessThan(3);
    await load(1, 20);
    expect(await desired()).toBe(1);
  });

  it('does not shrink in the first fifteen minutes of a policy, nor while instances warm up', async () => {
    await fleet.call('autoscaling', 'SetDesiredCapacity', { AutoScalingGroupName, DesiredCapacity: 3 });
    await put();
    await fleet.seconds(600);
    expect(await desired()).toBe(3);
    await fleet.call('autoscaling', 'UpdateAutoScalingGroup', {
      AutoScalingGroupName,
      DefaultInstanceWarmup: 3_600,
    });
    await fleet.seconds(2_400);
    expect(await desired()).toBe(3);
    await fleet.seconds(1_200);
    expect(await desired()).toBe(1);
  });

  it.each([
    ['none', { EstimatedInstanceWarmup: 0 }, 1],
    ['an hour', { EstimatedInstanceWarmup: 3_600 }, 3],
    ['the usual', {}, 3],
  ])('lets instances warm up for as long as the policy says: %s', async (_, warmup, left) => {
    await fleet.call('autoscaling', 'UpdateAutoScalingGroup', {
      AutoScalingGroupName,
      DesiredCapacity: 3,
      DefaultInstanceWarmup: 3_600,
    });
    await put({}, 'requests', warmup);
    await fleet.seconds(2_400);
    expect(await desired()).toBe(left);
  });

  it('shrinks within a minute once its minimum lets it, although the alarm rang long before', async () => {
    const bounds = (MinSize: number) =>
      fleet.call('autoscaling', 'UpdateAutoScalingGroup', { AutoScalingGroupName, MinSize });
    await fleet.call('autoscaling', 'SetDesiredCapacity', { AutoScalingGroupName, DesiredCapacity: 3 });
    await bounds(3);
    await put();
    await load(1, 40);
    expect(await desired()).toBe(3);
    await bounds(1);
    await load(1, 2);
    expect(await desired()).toBeLessThan(3);
  });

  it('never shrinks where scaling in is disabled, and has no alarm for it', async () => {
    const { Alarms } = await put({ DisableScaleIn: true });
    expect(Alarms).toHaveLength(1);
    await load(240, 4);
    await fleet.seconds(7_200);
    expect(await desired()).toBe(3);
  });

  it('shrinks only when every policy agrees', async () => {
    await put();
    await put({ TargetValue: 10 }, 'stricter');
    await load(240, 4);
    const grown = (await desired()) ?? 0;
    expect(grown).toBe(10);
    // Well below the first value, and neither above nor well below the second.
    await load(9.5, 30);
    expect(await desired()).toBe(grown);
    await load(1, 60);
    expect(await desired()).toBe(1);
  });

  it('does nothing while alarm notifications are suspended, and acts when they are resumed', async () => {
    await put();
    const ScalingProcesses = ['AlarmNotification'];
    await fleet.call('autoscaling', 'SuspendProcesses', { AutoScalingGroupName, ScalingProcesses });
    await load(240, 8);
    expect(await desired()).toBe(1);
    await fleet.call('autoscaling', 'ResumeProcesses', { AutoScalingGroupName });
    await load(240, 2);
    expect(await desired()).toBeGreaterThan(1);
  });
});
