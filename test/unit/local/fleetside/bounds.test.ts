/** Values at the edge of what AWS takes, and lists of which a part is wrong. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FleetRegion } from './fleet-region.ts';

let fleet: FleetRegion;
let blue: string;
let green: string;

beforeAll(async () => {
  fleet = await FleetRegion.create();
  blue = await fleet.targetGroup('blue');
  green = await fleet.targetGroup('green');
  await fleet.group('web', await fleet.template('web'), { MinSize: 0, DesiredCapacity: 0 });
});

afterAll(() => fleet.region.close());

it.each([
  ['deregistration_delay.timeout_seconds', '3600', 'no error'],
  ['deregistration_delay.timeout_seconds', '3601', 'ValidationError'],
  ['deregistration_delay.timeout_seconds', '', 'ValidationError'],
  ['deregistration_delay.timeout_seconds', '1.5', 'ValidationError'],
  ['slow_start.duration_seconds', '30', 'no error'],
  ['slow_start.duration_seconds', '29', 'ValidationError'],
  ['slow_start.duration_seconds', '', 'ValidationError'],
  ['slow_start.duration_seconds', '0', 'no error'],
  ['stickiness.lb_cookie.duration_seconds', '604800', 'no error'],
  ['stickiness.lb_cookie.duration_seconds', '0', 'ValidationError'],
])('the attribute %s of a target group may be "%s": %s', async (Key, Value, outcome) => {
  const input = { TargetGroupArn: blue, Attributes: [{ Key, Value }] };
  expect(await fleet.refusal('elasticloadbalancing', 'ModifyTargetGroupAttributes', input)).toBe(outcome);
});

it.each([
  ['200', 'no error'],
  ['200-499', 'no error'],
  ['200,301-302', 'no error'],
  ['200-599', 'ValidationError'],
  ['500', 'ValidationError'],
  ['199-299', 'ValidationError'],
])('a health check of an Application Load Balancer may look for %s: %s', async (HttpCode, outcome) => {
  const input = { TargetGroupArn: green, Matcher: { HttpCode } };
  expect(await fleet.refusal('elasticloadbalancing', 'ModifyTargetGroup', input)).toBe(outcome);
});

it('a tag of EC2 has up to 256 characters in its value', async () => {
  const tag = (length: number) => ({
    Resources: [fleet.region.parts.ec2.network.vpcId],
    Tags: [{ Key: 'k', Value: 'v'.repeat(length) }],
  });
  expect(await fleet.refusal('ec2', 'CreateTags', tag(256))).toBe('no error');
  expect(await fleet.refusal('ec2', 'CreateTags', tag(257))).toBe('InvalidParameterValue');
});

it('the data of the reason for an alarm’s state is JSON', async () => {
  await fleet.call('monitoring', 'PutMetricAlarm', {
    AlarmName: 'errors',
    Namespace: 'Shop',
    MetricName: 'Errors',
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanThreshold',
  });
  const set = (StateReasonData: string) =>
    fleet.refusal('monitoring', 'SetAlarmState', {
      AlarmName: 'errors',
      StateValue: 'ALARM',
      StateReason: 'drill',
      StateReasonData,
    });
  expect(await set('{"by":"me"}')).toBe('no error');
  expect(await set('by me')).toBe('InvalidFormat');
});

describe('target groups of a group', () => {
  const change = (operation: string, ...TargetGroupARNs: string[]) =>
    fleet.refusal('autoscaling', `${operation}LoadBalancerTargetGroups`, {
      AutoScalingGroupName: 'web',
      TargetGroupARNs,
    });
  const attached = async () => (await fleet.describe('web'))?.TargetGroupARNs;

  it('are attached once, however often they are named', async () => {
    expect(await change('Attach', blue, blue)).toBe('no error');
    expect(await attached()).toEqual([blue]);
  });

  it('are all detached, or none', async () => {
    expect(await change('Detach', blue, green)).toBe('ValidationError');
    expect(await attached()).toEqual([blue]);
    expect(await change('Detach', blue, blue)).toBe('no error');
    expect(await attached()).toEqual([]);
  });
});
