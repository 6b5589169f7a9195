/** Cases of Elastic Load Balancing v2. */
import { absent, aTime, holding, listOf, type Sheet, type Step } from '../case.ts';

const group = { Name: '<name>', Protocol: 'HTTP', Port: 8080, VpcId: '<vpc>' };
const made: Step = {
  call: 'CreateTargetGroup',
  input: group,
  keep: { group: 'TargetGroups.0.TargetGroupArn' },
};
const other: Step = {
  call: 'CreateTargetGroup',
  input: { ...group, Name: '<name>-b' },
  keep: { other: 'TargetGroups.0.TargetGroupArn' },
};
const path = [{ Field: 'path-pattern', Values: ['/<name>/*'] }];
const forward = (...groups: readonly (readonly [string, number])[]) => [
  {
    Type: 'forward',
    ForwardConfig: {
      TargetGroups: groups.map(([TargetGroupArn, Weight]) => ({ TargetGroupArn, Weight })),
    },
  },
];
const ruled: Step = {
  call: 'CreateRule',
  input: {
    ListenerArn: '<listener>',
    Priority: '<number>',
    Conditions: path,
    Actions: forward(['<group>', 1]),
  },
  keep: { rule: 'Rules.0.RuleArn' },
};
const defaultRule: Step = {
  call: 'DescribeRules',
  input: { ListenerArn: '<listener>' },
  keep: { rule: 'Rules.-1.RuleArn' },
};
const nothing = (kind: string): string => `arn:aws:elasticloadbalancing:us-east-1:<account>:${kind}`;
const noGroup = nothing('targetgroup/nothing/0123456789abcdef');
const noListener = nothing('listener/app/nothing/0123456789abcdef/0123456789abcdef');
const noRule = nothing('listener-rule/app/nothing/0123456789abcdef/0123456789abcdef/0123456789abcdef');
const noBalancer = nothing('loadbalancer/app/nothing/0123456789abcdef');
const refused = (code: string) => ({ code, status: 400 });
const guide = 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application';

export const loadBalancing: Sheet = {
  service: 'elasticloadbalancing',
  title: 'Elastic Load Balancing v2',
  pages: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_*.html',
  cases: [
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
      input: { ...group, Name: '-<name>' },
      fails: refused('ValidationError'),
    },
    {
      operation: 'CreateTargetGroup',
      says: 'takes an interval of 5 to 300 seconds between health checks',
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
  ],
};
