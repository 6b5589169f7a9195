/** Cases of Elastic Load Balancing v2: target groups and targets. */
import { absent, type Case, holding, listOf } from '../case.ts';
import {
  forward,
  group,
  guide,
  made,
  noBalancer,
  noGroup,
  other,
  refused,
  ruled,
} from './load-balancing-things.ts';

export const targetGroupCases: readonly Case[] = [
  {
    operation: 'CreateTargetGroup',
    says: 'answers with the group, its health check by the documented defaults',
    input: group,
    answers: {
      TargetGroups: [
        {
          TargetGroupArn: /:targetgroup\/[\w-]+\/[0-9a-f]{16}$/,
          TargetGroupName: '<name>',
          Protocol: 'HTTP',
          ProtocolVersion: 'HTTP1',
          Port: 8080,
          VpcId: '<vpc>',
          TargetType: 'instance',
          HealthCheckEnabled: true,
          HealthCheckProtocol: 'HTTP',
          HealthCheckPort: 'traffic-port',
          HealthCheckPath: '/',
          HealthCheckIntervalSeconds: 30,
          HealthCheckTimeoutSeconds: 5,
          HealthyThresholdCount: 5,
          UnhealthyThresholdCount: 2,
          Matcher: { HttpCode: '200' },
        },
      ],
    },
  },
  {
    operation: 'CreateTargetGroup',
    says: 'is idempotent: the same settings again answer with the same group',
    given: [made],
    input: group,
    answers: { TargetGroups: [{ TargetGroupArn: '<group>' }] },
  },
  {
    operation: 'CreateTargetGroup',
    says: 'refuses a name that is in use by a group with other settings',
    given: [made],
    input: { ...group, Port: 9090 },
    fails: refused('DuplicateTargetGroupName'),
  },
  {
    operation: 'CreateTargetGroup',
    says: 'refuses a name that begins with a hyphen',
    notByCli: 'it takes this for an option',
    input: { ...group, Name: '-<name>' },
    fails: refused('ValidationError'),
  },
  {
    operation: 'CreateTargetGroup',
    says: 'takes an interval of 5 to 300 seconds between health checks',
    notByCli: 'it refuses this by itself',
    input: { ...group, HealthCheckIntervalSeconds: 4 },
    fails: refused('ValidationError'),
  },
  {
    operation: 'ModifyTargetGroup',
    says: 'changes the health check and nothing else',
    given: [made],
    input: {
      TargetGroupArn: '<group>',
      HealthCheckPath: '/ready',
      HealthCheckIntervalSeconds: 10,
      Matcher: { HttpCode: '200-299' },
    },
    answers: {
      TargetGroups: [
        {
          TargetGroupArn: '<group>',
          HealthCheckPath: '/ready',
          HealthCheckIntervalSeconds: 10,
          HealthCheckTimeoutSeconds: 5,
          Matcher: { HttpCode: '200-299' },
        },
      ],
    },
  },
  {
    operation: 'ModifyTargetGroup',
    says: 'takes success codes from 200 to 499 for Application Load Balancers',
    page: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_Matcher.html',
    given: [made],
    input: { TargetGroupArn: '<group>', Matcher: { HttpCode: '200-599' } },
    fails: refused('ValidationError'),
  },
  {
    operation: 'ModifyTargetGroup',
    says: 'refuses a group that does not exist',
    input: { TargetGroupArn: noGroup, HealthCheckPath: '/ready' },
    fails: refused('TargetGroupNotFound'),
  },
  {
    operation: 'DescribeTargetGroups',
    says: 'finds a group by name, with the load balancers that forward to it',
    given: [made, ruled],
    input: { Names: ['<name>'] },
    answers: { TargetGroups: [{ TargetGroupArn: '<group>', LoadBalancerArns: ['<loadBalancer>'] }] },
  },
  {
    operation: 'DescribeTargetGroups',
    says: 'answers in pages, with a marker for the next',
    given: [made, other],
    input: { TargetGroupArns: ['<group>', '<other>'], PageSize: 1 },
    answers: { TargetGroups: listOf(1), NextMarker: /./ },
  },
  {
    operation: 'DescribeTargetGroups',
    says: 'refuses a name that does not exist',
    input: { Names: ['<name>'] },
    fails: refused('TargetGroupNotFound'),
  },
  {
    operation: 'DescribeTargetGroups',
    says: 'refuses a load balancer that does not exist',
    input: { LoadBalancerArn: noBalancer },
    fails: refused('LoadBalancerNotFound'),
  },
  {
    operation: 'DeleteTargetGroup',
    says: 'removes a group that no action names',
    given: [made],
    input: { TargetGroupArn: '<group>' },
    answers: {},
    after: [{ call: 'DescribeTargetGroups', input: { Names: ['<name>'] }, fails: 'TargetGroupNotFound' }],
  },
  {
    operation: 'DeleteTargetGroup',
    says: 'refuses a group that an action names, at weight 0, too',
    given: [
      made,
      other,
      { ...ruled, input: { ...ruled.input, Actions: forward(['<other>', 1], ['<group>', 0]) } },
    ],
    input: { TargetGroupArn: '<group>' },
    fails: refused('ResourceInUse'),
  },
  {
    operation: 'DescribeTargetGroupAttributes',
    says: 'tells the documented defaults',
    given: [made],
    input: { TargetGroupArn: '<group>' },
    answers: {
      Attributes: holding(
        { Key: 'deregistration_delay.timeout_seconds', Value: '300' },
        { Key: 'stickiness.enabled', Value: 'false' },
        { Key: 'slow_start.duration_seconds', Value: '0' },
        { Key: 'load_balancing.algorithm.type', Value: 'round_robin' },
      ),
    },
  },
  {
    operation: 'DescribeTargetGroupAttributes',
    says: 'refuses a group that does not exist',
    input: { TargetGroupArn: noGroup },
    fails: refused('TargetGroupNotFound'),
  },
  {
    operation: 'ModifyTargetGroupAttributes',
    says: 'changes what is named, and answers with all attributes',
    given: [made],
    input: {
      TargetGroupArn: '<group>',
      Attributes: [{ Key: 'deregistration_delay.timeout_seconds', Value: '30' }],
    },
    answers: {
      Attributes: holding(
        { Key: 'deregistration_delay.timeout_seconds', Value: '30' },
        { Key: 'stickiness.enabled', Value: 'false' },
      ),
    },
  },
  {
    operation: 'ModifyTargetGroupAttributes',
    says: 'takes a delay of 0 to 3600 seconds before deregistration',
    page: `${guide}/edit-target-group-attributes.html`,
    given: [made],
    input: {
      TargetGroupArn: '<group>',
      Attributes: [{ Key: 'deregistration_delay.timeout_seconds', Value: '3601' }],
    },
    fails: refused('ValidationError'),
  },
  {
    operation: 'ModifyTargetGroupAttributes',
    says: 'refuses a group that does not exist',
    input: { TargetGroupArn: noGroup, Attributes: [{ Key: 'stickiness.enabled', Value: 'false' }] },
    fails: refused('TargetGroupNotFound'),
  },
  {
    operation: 'DescribeTargetHealth',
    says: 'calls a target unused while no listener forwards to its group: Target.NotInUse',
    given: [
      made,
      { call: 'RegisterTargets', input: { TargetGroupArn: '<group>', Targets: [{ Id: '<instance>' }] } },
    ],
    input: { TargetGroupArn: '<group>' },
    answers: {
      TargetHealthDescriptions: [
        {
          Target: { Id: '<instance>', Port: 8080 },
          HealthCheckPort: '8080',
          TargetHealth: { State: 'unused', Reason: 'Target.NotInUse' },
        },
      ],
    },
  },
  {
    operation: 'DescribeTargetHealth',
    says: 'checks the targets of a group that stands in a rule at weight 0',
    page: `${guide}/target-group-health-checks.html`,
    given: [
      { ...made, input: { ...group, HealthCheckIntervalSeconds: 5, HealthCheckTimeoutSeconds: 2 } },
      other,
      { ...ruled, input: { ...ruled.input, Actions: forward(['<other>', 1], ['<group>', 0]) } },
      { call: 'RegisterTargets', input: { TargetGroupArn: '<group>', Targets: [{ Id: '<instance>' }] } },
    ],
    input: { TargetGroupArn: '<group>' },
    until: { TargetHealthDescriptions: [{ TargetHealth: { State: 'healthy' } }] },
    answers: { TargetHealthDescriptions: [{ TargetHealth: { Reason: absent } }] },
  },
  {
    operation: 'DescribeTargetHealth',
    says: 'calls a target unused that is not registered: Target.NotRegistered',
    given: [made],
    input: { TargetGroupArn: '<group>', Targets: [{ Id: '<instance>', Port: 8080 }] },
    answers: {
      TargetHealthDescriptions: [{ TargetHealth: { State: 'unused', Reason: 'Target.NotRegistered' } }],
    },
  },
  {
    operation: 'DescribeTargetHealth',
    says: 'refuses a group that does not exist',
    input: { TargetGroupArn: noGroup },
    fails: refused('TargetGroupNotFound'),
  },
  {
    operation: 'DescribeTargetHealth',
    says: 'calls a target draining that was deregistered',
    given: [
      { ...made, input: { ...group, HealthCheckIntervalSeconds: 5, HealthCheckTimeoutSeconds: 2 } },
      ruled,
      { call: 'RegisterTargets', input: { TargetGroupArn: '<group>', Targets: [{ Id: '<instance>' }] } },
      {
        call: 'DescribeTargetHealth',
        input: { TargetGroupArn: '<group>' },
        until: { TargetHealthDescriptions: [{ TargetHealth: { State: 'healthy' } }] },
      },
      { call: 'DeregisterTargets', input: { TargetGroupArn: '<group>', Targets: [{ Id: '<instance>' }] } },
    ],
    input: { TargetGroupArn: '<group>' },
    answers: {
      TargetHealthDescriptions: [
        { TargetHealth: { State: 'draining', Reason: 'Target.DeregistrationInProgress' } },
      ],
    },
  },
  {
    operation: 'CreateTargetGroup',
    says: 'refuses a timeout that is not below the interval',
    input: { ...group, HealthCheckIntervalSeconds: 10, HealthCheckTimeoutSeconds: 10 },
    fails: refused('ValidationError'),
  },
  {
    operation: 'ModifyTargetGroupAttributes',
    says: 'refuses an attribute that does not exist',
    given: [made],
    input: { TargetGroupArn: '<group>', Attributes: [{ Key: 'colour', Value: 'blue' }] },
    fails: refused('ValidationError'),
  },
  {
    operation: 'DescribeTargetGroups',
    says: 'refuses an ARN that does not exist',
    input: { TargetGroupArns: [noGroup] },
    fails: refused('TargetGroupNotFound'),
  },
];
