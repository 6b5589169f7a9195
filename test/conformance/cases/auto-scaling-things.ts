/** What cases of EC2 Auto Scaling begin with, and words that they share. */
import type { Step } from '../case.ts';

export const template: Step = {
  call: 'ec2.CreateLaunchTemplate',
  input: {
    LaunchTemplateName: '<name>',
    LaunchTemplateData: { ImageId: '<image>', InstanceType: 't3.micro' },
  },
  keep: { template: 'LaunchTemplate.LaunchTemplateId' },
};
export const settings = {
  AutoScalingGroupName: '<name>',
  LaunchTemplate: { LaunchTemplateId: '<template>', Version: '1' },
  MinSize: 0,
  MaxSize: 2,
  VPCZoneIdentifier: '<subnet>,<otherSubnet>',
};
export const tags = [{ Key: 'flotilla:fleet', Value: '<name>', PropagateAtLaunch: true }];
export const empty: readonly Step[] = [
  template,
  { call: 'CreateAutoScalingGroup', input: { ...settings, Tags: tags } },
];
export const named = { AutoScalingGroupNames: ['<name>'] };
export const inService: Step = {
  call: 'DescribeAutoScalingGroups',
  input: named,
  until: { AutoScalingGroups: [{ Instances: [{ LifecycleState: 'InService' }] }] },
};
export const withOne: readonly Step[] = [
  template,
  { call: 'CreateAutoScalingGroup', input: { ...settings, MinSize: 1 } },
  inService,
];
export const mixed = {
  LaunchTemplate: {
    LaunchTemplateSpecification: { LaunchTemplateId: '<template>', Version: '1' },
    Overrides: [{ InstanceType: 't3.micro' }, { InstanceType: 't3a.micro' }],
  },
  InstancesDistribution: {
    OnDemandBaseCapacity: 1,
    OnDemandPercentageAboveBaseCapacity: 50,
    OnDemandAllocationStrategy: 'prioritized',
    SpotAllocationStrategy: 'capacity-optimized-prioritized',
  },
};
export const policy = (target: number): Step => ({
  call: 'PutScalingPolicy',
  input: {
    AutoScalingGroupName: '<name>',
    PolicyName: 'busy',
    PolicyType: 'TargetTrackingScaling',
    TargetTrackingConfiguration: {
      PredefinedMetricSpecification: { PredefinedMetricType: 'ASGAverageCPUUtilization' },
      TargetValue: target,
    },
  },
  keep: { policy: 'PolicyARN' },
});
export const refused = (code: string, message?: RegExp) => ({
  code,
  status: 400,
  ...(message === undefined ? {} : { message }),
});
export const guide = 'https://docs.aws.amazon.com/autoscaling/ec2/userguide';
export const noGroup = refused('ValidationError', /not found/);
