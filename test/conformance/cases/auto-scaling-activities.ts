/** Cases of EC2 Auto Scaling: what groups did, and the policies by which they scale. */
import { aTime, type Case, listOf } from '../case.ts';
import {
  empty,
  guide,
  noGroup,
  policy,
  refused,
  settings,
  template,
  withOne,
} from './auto-scaling-things.ts';

/** Cases are played side by side, each with its groups. */
function someGroups(count: unknown): boolean {
  return typeof count === 'number' && count > 0;
}

export const activityCases: readonly Case[] = [
  {
    operation: 'DescribeAccountLimits',
    says: 'tells how many groups there may be, and how many there are',
    given: empty,
    input: {},
    answers: {
      MaxNumberOfAutoScalingGroups: 500,
      MaxNumberOfLaunchConfigurations: 200,
      NumberOfAutoScalingGroups: someGroups,
    },
  },
  {
    operation: 'DescribeScalingActivities',
    says: 'tells of a launch: description, cause, times, status',
    given: withOne,
    input: { AutoScalingGroupName: '<name>' },
    answers: {
      Activities: [
        {
          ActivityId: /./,
          AutoScalingGroupName: '<name>',
          Description: /^Launching a new EC2 instance: i-[0-9a-f]{17}$/,
          Cause: /^At \S+Z a user request created an AutoScalingGroup/,
          StartTime: aTime,
          EndTime: aTime,
          StatusCode: 'Successful',
          Progress: 100,
          Details: /"Availability Zone":"us-east-1/,
        },
      ],
    },
    after: [
      {
        call: 'UpdateAutoScalingGroup',
        input: { AutoScalingGroupName: '<name>', MinSize: 0, DesiredCapacity: 0 },
      },
    ],
  },
  {
    operation: 'DescribeScalingActivities',
    says: 'tells why a launch failed',
    page: `${guide}/CHAP_Troubleshooting.html`,
    given: [
      {
        ...template,
        input: {
          ...template.input,
          LaunchTemplateData: { ImageId: 'ami-0123456789abcdef0', InstanceType: 't3.micro' },
        },
      },
      { call: 'CreateAutoScalingGroup', input: { ...settings, MinSize: 1 } },
    ],
    input: { AutoScalingGroupName: '<name>', MaxRecords: 1 },
    until: { Activities: [{ StatusCode: 'Failed' }] },
    answers: { Activities: [{ StatusMessage: /ami-0123456789abcdef0.*does not exist/, Progress: 100 }] },
    after: [
      {
        call: 'UpdateAutoScalingGroup',
        input: { AutoScalingGroupName: '<name>', MinSize: 0, DesiredCapacity: 0 },
      },
    ],
  },
  {
    operation: 'DescribeScalingActivities',
    says: 'refuses a token that is not valid',
    given: empty,
    input: { AutoScalingGroupName: '<name>', NextToken: 'nothing' },
    fails: refused('InvalidNextToken'),
  },
  {
    operation: 'PutScalingPolicy',
    says: 'answers with the ARN of a policy that tracks a target',
    given: empty,
    input: {
      AutoScalingGroupName: '<name>',
      PolicyName: 'busy',
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingConfiguration: {
        PredefinedMetricSpecification: { PredefinedMetricType: 'ASGAverageCPUUtilization' },
        TargetValue: 50,
      },
    },
    answers: { PolicyARN: /:scalingPolicy:[0-9a-f-]{36}:autoScalingGroupName\/[\w-]+:policyName\/busy$/ },
    after: [
      {
        call: 'DescribePolicies',
        input: { AutoScalingGroupName: '<name>' },
        answers: { ScalingPolicies: listOf(1) },
      },
    ],
  },
  {
    operation: 'PutScalingPolicy',
    says: 'refuses a group that does not exist',
    input: {
      AutoScalingGroupName: '<name>',
      PolicyName: 'busy',
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingConfiguration: {
        PredefinedMetricSpecification: { PredefinedMetricType: 'ASGAverageCPUUtilization' },
        TargetValue: 50,
      },
    },
    fails: noGroup,
  },
  {
    operation: 'PutScalingPolicy',
    says: 'refuses a resource label of a target group that is not attached',
    page: 'https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_PredefinedMetricSpecification.html',
    given: empty,
    input: {
      AutoScalingGroupName: '<name>',
      PolicyName: 'busy',
      PolicyType: 'TargetTrackingScaling',
      TargetTrackingConfiguration: {
        PredefinedMetricSpecification: {
          PredefinedMetricType: 'ALBRequestCountPerTarget',
          ResourceLabel: '<loadBalancerFullName>/targetgroup/nothing/0123456789abcdef',
        },
        TargetValue: 50,
      },
    },
    fails: refused('ValidationError'),
  },
  {
    operation: 'PutScalingPolicy',
    says: 'with a name that is there, replaces the policy',
    given: [template, { call: 'CreateAutoScalingGroup', input: settings }, policy(50)],
    input: policy(60).input,
    answers: { PolicyARN: '<policy>' },
    after: [
      {
        call: 'DescribePolicies',
        input: { AutoScalingGroupName: '<name>' },
        answers: { ScalingPolicies: [{ TargetTrackingConfiguration: { TargetValue: 60 } }] },
      },
    ],
  },
  {
    operation: 'DeletePolicy',
    says: 'takes the policy away, and the alarms that were made for it',
    given: [template, { call: 'CreateAutoScalingGroup', input: settings }, policy(50)],
    input: { AutoScalingGroupName: '<name>', PolicyName: 'busy' },
    answers: {},
    after: [
      {
        call: 'DescribePolicies',
        input: { AutoScalingGroupName: '<name>' },
        answers: { ScalingPolicies: listOf(0) },
      },
    ],
  },
  {
    operation: 'DeletePolicy',
    says: 'refuses a policy that does not exist',
    given: empty,
    input: { AutoScalingGroupName: '<name>', PolicyName: 'busy' },
    fails: refused('ValidationError'),
  },
];
