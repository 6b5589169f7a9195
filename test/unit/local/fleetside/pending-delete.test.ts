/** A group that is being deleted: it is still there to be seen, and takes no changes. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { FleetRegion } from './fleet-region.ts';

const AutoScalingGroupName = 'web';
const modified = 'The AutoScaling group may not be modified while it is pending delete';
const tag = { ResourceId: 'web', ResourceType: 'auto-scaling-group', Key: 'team', Value: 'a' };

let fleet: FleetRegion;
let targetGroups: { readonly attached: string; readonly other: string };

beforeAll(async () => {
  fleet = await FleetRegion.create();
  targetGroups = { attached: await fleet.targetGroup('attached'), other: await fleet.targetGroup('other') };
  await fleet.group('web', await fleet.template('web'), {
    TargetGroupARNs: [targetGroups.attached],
    Tags: [tag],
    LifecycleHookSpecificationList: [
      { LifecycleHookName: 'hook', LifecycleTransition: 'autoscaling:EC2_INSTANCE_TERMINATING' },
    ],
  });
  await fleet.call('autoscaling', 'PutScalingPolicy', policy('busy'));
  await fleet.seconds(30);
  await fleet.call('autoscaling', 'DeleteAutoScalingGroup', { AutoScalingGroupName, ForceDelete: true });
});

afterAll(() => fleet.region.close());

function policy(PolicyName: string): object {
  return {
    AutoScalingGroupName,
    PolicyName,
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingConfiguration: {
      PredefinedMetricSpecification: { PredefinedMetricType: 'ASGAverageCPUUtilization' },
      TargetValue: 50,
    },
  };
}

it.each<[operation: string, input: () => object, message?: string]>([
  ['UpdateAutoScalingGroup', () => ({ MinSize: 0 })],
  ['SetDesiredCapacity', () => ({ DesiredCapacity: 0 })],
  [
    'SuspendProcesses',
    () => ({}),
    'Processes may not be suspended while the AutoScaling group is pending delete',
  ],
  ['ResumeProcesses', () => ({})],
  ['EnableMetricsCollection', () => ({ Granularity: '1Minute' })],
  ['DisableMetricsCollection', () => ({})],
  ['PutScalingPolicy', () => policy('other')],
  ['DeletePolicy', () => ({ PolicyName: 'busy' })],
  ['AttachLoadBalancerTargetGroups', () => ({ TargetGroupARNs: [targetGroups.other] })],
  ['DetachLoadBalancerTargetGroups', () => ({ TargetGroupARNs: [targetGroups.attached] })],
  [
    'PutLifecycleHook',
    () => ({ LifecycleHookName: 'other', LifecycleTransition: 'autoscaling:EC2_INSTANCE_LAUNCHING' }),
  ],
  ['DeleteLifecycleHook', () => ({ LifecycleHookName: 'hook' })],
  ['SetInstanceProtection', () => ({ InstanceIds: [], ProtectedFromScaleIn: true })],
  ['CreateOrUpdateTags', () => ({ AutoScalingGroupName: undefined, Tags: [{ ...tag, Key: 'other' }] })],
  ['DeleteTags', () => ({ AutoScalingGroupName: undefined, Tags: [tag] })],
])('%s refuses it', async (operation, input, message = modified) => {
  await expect(
    fleet.call('autoscaling', operation, { AutoScalingGroupName, ...input() }),
  ).rejects.toMatchObject({ name: 'ValidationError', message });
});

it('is still described, and not deleted again', async () => {
  expect(await fleet.describe('web')).toMatchObject({ Status: 'Delete in progress' });
  expect(await fleet.refusal('autoscaling', 'DeleteAutoScalingGroup', { AutoScalingGroupName })).toBe(
    'ScalingActivityInProgress',
  );
});
