/** Cases of Elastic Load Balancing v2: rules, listeners, load balancers, tags. */
import { aTime, type Case, holding } from '../case.ts';
import {
  defaultRule,
  forward,
  group,
  guide,
  made,
  noBalancer,
  noGroup,
  noListener,
  noRule,
  other,
  path,
  refused,
  ruled,
} from './load-balancing-things.ts';

export const ruleCases: readonly Case[] = [
  {
    operation: 'CreateRule',
    says: 'answers with the rule: conditions, weights, stickiness off',
    given: [made, other],
    input: { ...ruled.input, Actions: forward(['<group>', 90], ['<other>', 10]) },
    answers: {
      Rules: [
        {
          RuleArn: /:listener-rule\/app\//,
          Priority: '<digits>',
          IsDefault: false,
          Conditions: [
            {
              Field: 'path-pattern',
              Values: ['/<name>/*'],
              PathPatternConfig: { Values: ['/<name>/*'] },
            },
          ],
          Actions: [
            {
              Type: 'forward',
              ForwardConfig: {
                TargetGroups: [
                  { TargetGroupArn: '<group>', Weight: 90 },
                  { TargetGroupArn: '<other>', Weight: 10 },
                ],
                TargetGroupStickinessConfig: { Enabled: false },
              },
            },
          ],
        },
      ],
    },
  },
  {
    operation: 'CreateRule',
    says: 'refuses a priority that another rule of the listener has',
    given: [made, ruled],
    input: { ...ruled.input, Conditions: [{ Field: 'host-header', Values: ['<name>.example.com'] }] },
    fails: refused('PriorityInUse'),
  },
  {
    operation: 'CreateRule',
    says: 'refuses a listener that does not exist',
    given: [made],
    input: { ...ruled.input, ListenerArn: noListener },
    fails: refused('ListenerNotFound'),
  },
  {
    operation: 'CreateRule',
    says: 'refuses a target group that does not exist',
    input: { ...ruled.input, Actions: forward([noGroup, 1]) },
    fails: refused('TargetGroupNotFound'),
  },
  {
    operation: 'CreateRule',
    says: 'takes weights from 0 to 999',
    page: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupTuple.html',
    given: [made],
    input: { ...ruled.input, Actions: forward(['<group>', 1000]) },
    fails: refused('ValidationError'),
  },
  {
    operation: 'ModifyRule',
    says: 'sets the weights, and leaves the conditions that are not given',
    given: [made, other, ruled],
    input: { RuleArn: '<rule>', Actions: forward(['<group>', 0], ['<other>', 999]) },
    answers: {
      Rules: [
        {
          RuleArn: '<rule>',
          Conditions: [{ Field: 'path-pattern', Values: ['/<name>/*'] }],
          Actions: [
            {
              ForwardConfig: {
                TargetGroups: [
                  { TargetGroupArn: '<group>', Weight: 0 },
                  { TargetGroupArn: '<other>', Weight: 999 },
                ],
              },
            },
          ],
        },
      ],
    },
  },
  {
    operation: 'ModifyRule',
    says: 'refuses a rule that does not exist',
    input: { RuleArn: noRule, Conditions: path },
    fails: refused('RuleNotFound'),
  },
  {
    operation: 'ModifyRule',
    says: 'refuses the default rule: modify the listener instead',
    given: [defaultRule],
    input: { RuleArn: '<rule>', Conditions: path },
    fails: refused('OperationNotPermitted'),
  },
  {
    operation: 'ModifyRule',
    says: 'refuses a target group that does not exist',
    given: [made, ruled],
    input: { RuleArn: '<rule>', Actions: forward([noGroup, 1]) },
    fails: refused('TargetGroupNotFound'),
  },
  {
    operation: 'DescribeRules',
    says: 'tells the rules asked for',
    given: [made, ruled],
    input: { RuleArns: ['<rule>'] },
    answers: {
      Rules: [
        {
          RuleArn: '<rule>',
          Priority: '<digits>',
          IsDefault: false,
          Actions: [
            {
              Type: 'forward',
              TargetGroupArn: '<group>',
              ForwardConfig: { TargetGroups: [{ TargetGroupArn: '<group>', Weight: 1 }] },
            },
          ],
        },
      ],
    },
  },
  {
    operation: 'DescribeRules',
    says: 'tells the default rule of a listener, too',
    input: { ListenerArn: '<listener>' },
    answers: { Rules: holding({ Priority: 'default', IsDefault: true, Conditions: [] }) },
  },
  {
    operation: 'DescribeRules',
    says: 'refuses a rule that does not exist',
    input: { RuleArns: [noRule] },
    fails: refused('RuleNotFound'),
  },
  {
    operation: 'DescribeRules',
    says: 'refuses a listener that does not exist',
    input: { ListenerArn: noListener },
    fails: refused('ListenerNotFound'),
  },
  {
    operation: 'DeleteRule',
    says: 'removes the rule',
    given: [made, ruled],
    input: { RuleArn: '<rule>' },
    answers: {},
    after: [{ call: 'DescribeRules', input: { RuleArns: ['<rule>'] }, fails: 'RuleNotFound' }],
  },
  {
    operation: 'DeleteRule',
    says: 'refuses a rule that does not exist',
    input: { RuleArn: noRule },
    fails: refused('RuleNotFound'),
  },
  {
    operation: 'DeleteRule',
    says: 'refuses the default rule',
    given: [defaultRule],
    input: { RuleArn: '<rule>' },
    fails: refused('OperationNotPermitted'),
  },
  {
    operation: 'DescribeListeners',
    says: 'tells port, protocol and default actions of the listeners of a load balancer',
    input: { LoadBalancerArn: '<loadBalancer>' },
    answers: {
      Listeners: [
        {
          ListenerArn: '<listener>',
          LoadBalancerArn: '<loadBalancer>',
          Protocol: 'HTTP',
          DefaultActions: [{ Type: 'fixed-response' }],
        },
      ],
    },
  },
  {
    operation: 'DescribeListeners',
    says: 'refuses a listener that does not exist',
    input: { ListenerArns: [noListener] },
    fails: refused('ListenerNotFound'),
  },
  {
    operation: 'DescribeListeners',
    says: 'refuses a load balancer that does not exist',
    input: { LoadBalancerArn: noBalancer },
    fails: refused('LoadBalancerNotFound'),
  },
  {
    operation: 'DescribeLoadBalancers',
    says: 'tells address, network, zones and state',
    input: { Names: ['<loadBalancerName>'] },
    answers: {
      LoadBalancers: [
        {
          LoadBalancerArn: '<loadBalancer>',
          LoadBalancerName: '<loadBalancerName>',
          State: { Code: 'active' },
          Type: 'application',
          Scheme: 'internet-facing',
          VpcId: '<vpc>',
          DNSName: /./,
          CanonicalHostedZoneId: /./,
          CreatedTime: aTime,
          AvailabilityZones: holding({ SubnetId: '<subnet>', ZoneName: 'us-east-1a' }),
        },
      ],
    },
  },
  {
    operation: 'DescribeLoadBalancers',
    says: 'refuses a load balancer that does not exist',
    input: { LoadBalancerArns: [noBalancer] },
    fails: refused('LoadBalancerNotFound'),
  },
  {
    operation: 'DescribeTags',
    says: 'tells the tags of each resource asked for',
    given: [{ ...made, input: { ...group, Tags: [{ Key: 'flotilla:fleet', Value: '<name>' }] } }, other],
    input: { ResourceArns: ['<group>', '<other>'] },
    answers: {
      TagDescriptions: [
        { ResourceArn: '<group>', Tags: [{ Key: 'flotilla:fleet', Value: '<name>' }] },
        { ResourceArn: '<other>', Tags: [] },
      ],
    },
  },
  {
    operation: 'DescribeTags',
    says: 'refuses a target group that does not exist',
    input: { ResourceArns: [noGroup] },
    fails: refused('TargetGroupNotFound'),
  },
  {
    operation: 'DescribeTags',
    says: 'takes at most 20 resources in a call',
    given: [made],
    input: { ResourceArns: Array.from({ length: 21 }, () => '<group>') },
    fails: refused('ValidationError'),
  },
  {
    operation: 'CreateRule',
    says: 'takes at most five target groups in an action',
    page: `${guide}/load-balancer-limits.html`,
    given: [made],
    input: {
      ...ruled.input,
      Actions: forward(...Array.from({ length: 6 }, () => ['<group>', 1] as const)),
    },
    fails: { code: ['TooManyTargetGroups', 'ValidationError'], status: 400 },
  },
  {
    operation: 'CreateRule',
    says: 'takes priorities from 1 to 50,000',
    given: [made],
    input: { ...ruled.input, Priority: 50_001 },
    fails: refused('ValidationError'),
  },
  {
    operation: 'DescribeRules',
    says: 'wants a listener or rules, not both',
    given: [made, ruled],
    input: { ListenerArn: '<listener>', RuleArns: ['<rule>'] },
    fails: refused('ValidationError'),
  },
  {
    operation: 'DescribeLoadBalancers',
    says: 'refuses a name that does not exist',
    input: { Names: ['<name>'] },
    fails: refused('LoadBalancerNotFound'),
  },
  {
    operation: 'DescribeTags',
    says: 'tells the tags of a rule',
    given: [made, { ...ruled, input: { ...ruled.input, Tags: [{ Key: 'a', Value: '<name>' }] } }],
    input: { ResourceArns: ['<rule>'] },
    answers: { TagDescriptions: [{ ResourceArn: '<rule>', Tags: [{ Key: 'a', Value: '<name>' }] }] },
  },
];
