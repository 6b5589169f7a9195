import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FleetRegion, forward } from './fleet-region.ts';

let fleet: FleetRegion;
let templateId: string;

beforeEach(async () => {
  fleet = await FleetRegion.create();
  templateId = await fleet.template('web');
});

afterEach(async () => {
  await fleet.region.close();
});

/** Two slots, each with a group of its own. */
async function twoSlots() {
  const [blue, green] = [await fleet.targetGroup('blue'), await fleet.targetGroup('green')];
  await fleet.group('web-v1', templateId, { TargetGroupARNs: [blue], DesiredCapacity: 2 });
  await fleet.group('web-v2', templateId, { TargetGroupARNs: [green], DesiredCapacity: 2 });
  return { blue, green };
}

describe('a target group', () => {
  it('is not checked while no rule names it, and is when one does with weight 0', async () => {
    const { blue, green } = await twoSlots();
    const rule = await fleet.rule(10, { [blue]: 100 });
    await fleet.seconds(20);
    expect(await fleet.healthStates(blue)).toEqual(['healthy', 'healthy']);
    expect(await fleet.health(green)).toMatchObject([
      { TargetHealth: { State: 'unused', Reason: 'Target.NotInUse' } },
      { TargetHealth: { State: 'unused', Reason: 'Target.NotInUse' } },
    ]);
    await fleet.call('elasticloadbalancing', 'ModifyRule', {
      RuleArn: rule,
      Actions: [forward({ [blue]: 100, [green]: 0 })],
    });
    expect((await fleet.health(green))[0]?.TargetHealth?.Reason).toBe('Elb.RegistrationInProgress');
    await fleet.seconds(5);
    expect(await fleet.healthStates(green)).toEqual(['healthy', 'healthy']);
    expect(fleet.traffic(100)).toEqual({ blue: 100 });
  });

  it('gets its share by weight', async () => {
    const { blue, green } = await twoSlots();
    await fleet.rule(10, { [blue]: 90, [green]: 10 });
    await fleet.seconds(20);
    const { green: share = 0 } = fleet.traffic(2_000);
    expect(share).toBeGreaterThan(120);
    expect(share).toBeLessThan(300);
  });

  it('keeps its share when all its targets are unhealthy, and fails open', async () => {
    const { blue, green } = await twoSlots();
    await fleet.rule(10, { [blue]: 50, [green]: 50 });
    await fleet.seconds(20);
    const group = await fleet.describe('web-v2');
    for (const one of group?.Instances ?? []) {
      fleet.region.parts.ec2.outages.script(one.InstanceId ?? '', { healthy: 503 });
    }
    await fleet.seconds(15);
    expect(await fleet.healthStates(green)).toEqual(['unhealthy', 'unhealthy']);
    expect(fleet.traffic(200).green).toBeGreaterThan(50);
  });

  it('has nobody answer when no target is registered, or every weight is zero', async () => {
    const [blue, green] = [await fleet.targetGroup('blue'), await fleet.targetGroup('green')];
    const rule = await fleet.rule(10, { [blue]: 1 });
    expect(fleet.traffic(3)).toEqual({ none: 3 });
    await fleet.group('web-v1', templateId, { TargetGroupARNs: [blue] });
    await fleet.seconds(20);
    expect(fleet.traffic(3)).toEqual({ blue: 3 });
    const Actions = [forward({ [blue]: 0, [green]: 0 })];
    await fleet.call('elasticloadbalancing', 'ModifyRule', { RuleArn: rule, Actions });
    expect(fleet.traffic(3)).toEqual({ none: 3 });
  });

  it('recovers a target only after the healthy threshold', async () => {
    const { blue } = await twoSlots();
    await fleet.rule(10, { [blue]: 1 });
    await fleet.seconds(20);
    const { outages } = fleet.region.parts.ec2;
    const id = (await fleet.describe('web-v1'))?.Instances?.[0]?.InstanceId ?? '';
    outages.script(id, { healthy: 'timeout' });
    await fleet.seconds(15);
    expect((await fleet.health(blue)).find((one) => one.Target?.Id === id)?.TargetHealth).toMatchObject({
      State: 'unhealthy',
      Reason: 'Target.Timeout',
      Description: 'Request timed out',
    });
    outages.script(id, { healthy: true });
    await fleet.seconds(4);
    expect(await fleet.healthStates(blue)).toContain('unhealthy');
    await fleet.seconds(12);
    expect(await fleet.healthStates(blue)).toEqual(['healthy', 'healthy']);
  });

  it('belongs to one load balancer, and is not deleted while a rule names it', async () => {
    const blue = await fleet.targetGroup('blue');
    await fleet.rule(10, { [blue]: 1 });
    const other = await fleet.call('elasticloadbalancing', 'CreateLoadBalancer', { Name: 'other' });
    const listener = {
      LoadBalancerArn: other.LoadBalancers[0].LoadBalancerArn,
      Protocol: 'HTTP',
      Port: 8081,
      DefaultActions: [{ Type: 'forward', TargetGroupArn: blue }],
    };
    expect(await fleet.refusal('elasticloadbalancing', 'CreateListener', listener)).toBe(
      'TargetGroupAssociationLimit',
    );
    const named = { TargetGroupArn: blue };
    expect(await fleet.refusal('elasticloadbalancing', 'DeleteTargetGroup', named)).toBe('ResourceInUse');
  });
});

describe('a target', () => {
  /** A group whose port is 8080, with one instance registered there and at 9090. */
  async function atTwoPorts() {
    const blue = await fleet.targetGroup('blue');
    await fleet.group('web-v1', templateId);
    await fleet.seconds(20);
    const Id = (await fleet.describe('web-v1'))?.Instances?.[0]?.InstanceId ?? '';
    const Targets = [{ Id }, { Id, Port: 9090 }];
    await fleet.call('elasticloadbalancing', 'RegisterTargets', { TargetGroupArn: blue, Targets });
    const deregister = (target: object) =>
      fleet.call('elasticloadbalancing', 'DeregisterTargets', {
        TargetGroupArn: blue,
        Targets: [{ Id, ...target }],
      });
    const ports = async () => (await fleet.health(blue)).map((one) => one.Target?.Port);
    return { deregister, ports };
  }

  it('is deregistered at the port of its group where no port is named, and at no other', async () => {
    const { deregister, ports } = await atTwoPorts();
    await deregister({});
    expect(await ports()).toEqual([9090]);
    // What is not there is as good as deregistered.
    await deregister({});
    expect(await ports()).toEqual([9090]);
  });

  it('is deregistered at the port that is named, and at no other', async () => {
    const { deregister, ports } = await atTwoPorts();
    await deregister({ Port: 9090 });
    expect(await ports()).toEqual([8080]);
  });
});

describe('a rule', () => {
  it('has a priority of its own', async () => {
    const blue = await fleet.targetGroup('blue');
    const first = await fleet.rule(10, { [blue]: 1 });
    const create = {
      ListenerArn: fleet.region.parts.elbv2.defaultListener.arn,
      Priority: 10,
      Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: ['a.example'] } }],
      Actions: [forward({ [blue]: 1 })],
    };
    expect(await fleet.refusal('elasticloadbalancing', 'CreateRule', create)).toBe('PriorityInUse');
    const second = await fleet.call('elasticloadbalancing', 'CreateRule', { ...create, Priority: 20 });
    await fleet.call('elasticloadbalancing', 'SetRulePriorities', {
      RulePriorities: [
        { RuleArn: first, Priority: 20 },
        { RuleArn: second.Rules[0].RuleArn, Priority: 10 },
      ],
    });
    const { Rules } = await fleet.call('elasticloadbalancing', 'DescribeRules', {
      ListenerArn: fleet.region.parts.elbv2.defaultListener.arn,
    });
    expect(Rules.map((rule: { Priority: string }) => rule.Priority)).toEqual(['10', '20', 'default']);
    expect(Rules[1].RuleArn).toBe(first);
  });

  it.each([
    [
      'host-header',
      { HostHeaderConfig: { Values: ['*.shop.example'] } },
      { host: 'WWW.shop.example:8080' },
      { host: 'shop.example' },
    ],
    [
      'path-pattern',
      { PathPatternConfig: { Values: ['/api/*'] } },
      { target: '/api/x?y=1' },
      { target: '/API/x' },
    ],
    [
      'http-request-method',
      { HttpRequestMethodConfig: { Values: ['POST'] } },
      { method: 'POST' },
      { method: 'GET' },
    ],
    [
      'http-header',
      { HttpHeaderConfig: { HttpHeaderName: 'X-Beta', Values: ['yes*'] } },
      { headers: { 'x-beta': 'Yes please' } },
      { headers: {} },
    ],
    [
      'query-string',
      { QueryStringConfig: { Values: [{ Key: 'v', Value: '2*' }] } },
      { target: '/?a=1&v=21' },
      { target: '/?v=1' },
    ],
    [
      'source-ip',
      { SourceIpConfig: { Values: ['10.1.0.0/16'] } },
      { sourceIp: '10.1.200.3' },
      { sourceIp: '10.2.0.1' },
    ],
  ])('matches by %s', async (Field, config, fitting, other) => {
    await fleet.call('elasticloadbalancing', 'CreateRule', {
      ListenerArn: fleet.region.parts.elbv2.defaultListener.arn,
      Priority: 1,
      Conditions: [{ Field, ...config }],
      Actions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '299' } }],
    });
    const request = { host: 'x', target: '/', method: 'GET', headers: {}, sourceIp: '127.0.0.1' };
    const { elbv2 } = fleet.region.parts;
    expect(elbv2.route({ ...request, ...fitting })).toMatchObject({ kind: 'fixed', status: 299 });
    expect(elbv2.route({ ...request, ...other })).toMatchObject({ kind: 'fixed', status: 404 });
  });

  /** A rule before all others, recognised by its answer. */
  const answering = (condition: object) =>
    fleet.call('elasticloadbalancing', 'CreateRule', {
      ListenerArn: fleet.region.parts.elbv2.defaultListener.arn,
      Priority: 1,
      Conditions: [condition],
      Actions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '299' } }],
    });
  const queryStrings = (...Values: object[]) => ({
    Field: 'query-string',
    QueryStringConfig: { Values },
  });

  it.each([
    ['v=a*b', true],
    ['v=axb', false],
    ['k?=1', true],
    ['kx=1', false],
    ['w=C:\\dir', true],
    ['w=C:dir', false],
  ])(
    'takes an escaped wildcard of a query string, and nothing else, literally: %s %s',
    async (query, fits) => {
      await answering(
        queryStrings(
          { Key: 'v', Value: 'a\\*b' },
          { Key: 'k\\?', Value: '1' },
          { Key: 'w', Value: 'c:\\d*' },
        ),
      );
      const request = { host: 'x', target: `/?${query}`, method: 'GET', headers: {}, sourceIp: '127.0.0.1' };
      expect(fleet.region.parts.elbv2.route(request)).toMatchObject({ status: fits ? 299 : 404 });
    },
  );

  it('counts no escaped wildcard of a query string among its six, and those of a header all the same', async () => {
    const six = '\\*'.repeat(6);
    const header = (Value: string) => ({
      Field: 'http-header',
      HttpHeaderConfig: { HttpHeaderName: 'x-a', Values: [Value] },
    });
    await expect(answering(header(`${six}*`))).rejects.toMatchObject({ code: 'ValidationError' });
    await answering(queryStrings({ Value: `${six}*` }));
  });

  it.each([
    [['a', 'b'], 299],
    [['b', 'a'], 299],
    [['a', 'c'], 404],
    [['a, b'], 404],
  ])('searches a header that comes several times one by one: %j', async (values, status) => {
    await answering({ Field: 'http-header', HttpHeaderConfig: { HttpHeaderName: 'X-Beta', Values: ['b'] } });
    const { elbv2 } = fleet.region.parts;
    await elbv2.listen();
    const answered = await new Promise((resolve, reject) => {
      request(elbv2.url(), { headers: { 'x-beta': values } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(answered).toBe(status);
  });

  it.each([
    [{ weights: 1_000 }, 'ValidationError'],
    [{ weights: -1 }, 'ValidationError'],
    [{ groups: 6 }, 'TooManyTargetGroups'],
  ])('is refused for %o', async (wrong: { weights?: number; groups?: number }, code) => {
    const weights: Record<string, number> = {};
    for (let index = 0; index < (wrong.groups ?? 1); index += 1) {
      weights[await fleet.targetGroup(`tg-${index}`)] = wrong.weights ?? 1;
    }
    const input = {
      ListenerArn: fleet.region.parts.elbv2.defaultListener.arn,
      Priority: 1,
      Conditions: [{ Field: 'path-pattern', Values: ['/'] }],
      Actions: [forward(weights)],
    };
    expect(await fleet.refusal('elasticloadbalancing', 'CreateRule', input)).toBe(code);
  });
});
