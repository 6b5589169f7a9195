import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeInterface } from '../../../../local/services/ec2/network.ts';
import { openReach, type PrivateAnswer } from '../../../../local/services/ec2/reach.ts';
import { FleetRegion, forward } from './fleet-region.ts';

const elb = 'elasticloadbalancing';

/** Load balancer nodes at their private addresses, as something in the VPC asks them. */
describe('a load balancer node, asked inside the VPC', () => {
  let fleet: FleetRegion;
  let blue: string;
  beforeEach(async () => {
    fleet = await FleetRegion.create();
    blue = await fleet.targetGroup('blue');
  });
  afterEach(() => fleet.region.close());

  const nodes = () => fleet.region.parts.ec2.network.nodes();
  interface Asked {
    readonly port?: number;
    readonly path?: string;
    readonly host?: string;
    readonly node?: NodeInterface | undefined;
  }
  const ask = async ({ port = 80, path = '/', host, node = nodes()[0] }: Asked = {}) => {
    if (node === undefined) throw new Error('no node');
    const headers = host === undefined ? {} : { host };
    const answer: PrivateAnswer = await node.answer({
      host: node.address,
      port,
      method: 'GET',
      path,
      headers,
    });
    return answer.kind === 'answer' ? { ...answer, body: String(answer.body) } : answer;
  };
  const status = async (asked?: Asked) => {
    const answer = await ask(asked);
    return answer.kind === 'answer' ? answer.status : answer.kind;
  };
  /** A rule before the others. */
  const rule = (Priority: number, condition: object, action: object) =>
    fleet.call(elb, 'CreateRule', {
      ListenerArn: fleet.region.parts.elbv2.defaultListener.arn,
      Priority,
      Conditions: [condition],
      Actions: [action],
    });
  /** One instance, healthy or not, in the target group. */
  async function instance(script: Parameters<typeof FleetRegion.create>[0] = () => ({})): Promise<void> {
    fleet.region.parts.ec2.instances.machines = script;
    await fleet.group('web-v1', await fleet.template('web'), { TargetGroupARNs: [blue], DesiredCapacity: 1 });
    await fleet.seconds(40);
  }
  /** The sum of one of the load balancer's metrics so far. */
  async function counted(MetricName: string, more: Record<string, string> = {}): Promise<number> {
    const { fullName } = fleet.region.parts.elbv2.defaultLoadBalancer;
    const now = fleet.clock.now();
    const { Datapoints } = await fleet.call('monitoring', 'GetMetricStatistics', {
      Namespace: 'AWS/ApplicationELB',
      MetricName,
      Dimensions: Object.entries({ LoadBalancer: fullName, ...more }).map(([Name, Value]) => ({
        Name,
        Value,
      })),
      StartTime: new Date(now - 3_600_000),
      EndTime: new Date(now + 60_000),
      Period: 60,
      Statistics: ['Sum'],
    });
    return Datapoints.reduce((sum: number, { Sum }: { Sum: number }) => sum + Sum, 0);
  }

  it('answers 503 where the rule has nobody, and what the target answers where it has', async () => {
    await fleet.rule(10, { [blue]: 1 });
    await fleet.seconds(10);
    expect(await status()).toBe(503);
    expect(await counted('HTTPCode_ELB_503_Count')).toBe(1);
    expect(await counted('RequestCount')).toBe(0);
    await instance(() => ({ healthy: (_, path) => (path === '/teapot' ? 418 : true), body: 'hello' }));
    expect(await ask()).toMatchObject({ status: 200, body: 'hello' });
    expect(await status({ path: '/teapot' })).toBe(418);
    expect(await counted('RequestCount', { AvailabilityZone: nodes()[0]?.subnet.zone ?? '' })).toBe(2);
    const group = { TargetGroup: blue.split(':').at(-1) ?? '' };
    expect(await counted('HTTPCode_Target_4XX_Count', group)).toBe(1);
  });

  it.each([
    ['502 where the target refuses', 'refused', 502, 1],
    ['nothing in time where the target does not', 'timeout', 'silence', 0],
  ] as const)('answers %s', async (_, healthy, expected, failures) => {
    await fleet.rule(10, { [blue]: 1 });
    // Where no target is healthy, each gets requests.
    await instance(() => ({ healthy }));
    expect(await status()).toBe(expected);
    expect(await counted('HTTPCode_ELB_502_Count')).toBe(failures);
  });

  it('answers for a target that was registered by its address', async () => {
    const made = await fleet.call(elb, 'CreateTargetGroup', {
      ...{ Name: 'by-address', Protocol: 'HTTP', Port: 8080, TargetType: 'ip' },
      ...{ VpcId: fleet.region.parts.ec2.network.vpcId },
    });
    const { TargetGroupArn } = made.TargetGroups[0];
    await fleet.rule(10, { [TargetGroupArn]: 1 });
    await instance(() => ({ body: 'by address' }));
    const [machine] = fleet.region.parts.ec2.instances.all.values();
    const Targets = [{ Id: machine?.privateIp ?? '', Port: 8080 }];
    await fleet.call(elb, 'RegisterTargets', { TargetGroupArn, Targets });
    await fleet.seconds(120);
    expect(await ask()).toMatchObject({ status: 200, body: 'by address' });
  });

  it('goes by host and path, and answers by itself what a rule says', async () => {
    const fixed = { StatusCode: '299', MessageBody: 'fixed', ContentType: 'text/css' };
    await rule(
      1,
      { Field: 'path-pattern', Values: ['/fixed'] },
      { Type: 'fixed-response', FixedResponseConfig: fixed },
    );
    const there = { Host: 'there.example.com', Path: '/there', StatusCode: 'HTTP_302' };
    await rule(
      2,
      { Field: 'host-header', Values: ['web.example.com'] },
      { Type: 'redirect', RedirectConfig: there },
    );
    await fleet.seconds(10);
    expect(await ask({ path: '/fixed' })).toEqual({
      ...{ kind: 'answer', status: 299, body: 'fixed' },
      headers: { server: 'awselb/2.0', 'content-type': 'text/css' },
    });
    expect(await ask({ host: 'web.example.com' })).toMatchObject({
      status: 302,
      headers: { location: expect.stringContaining('there.example.com') },
    });
    // The listener's last resort.
    expect(await status({ host: 'other.example.com' })).toBe(404);
  });

  it('hears of a change at a moment of its own, and answers by what it has heard', async () => {
    const arn = await fleet.rule(10, { [blue]: 1 });
    await fleet.seconds(10);
    fleet.region.context.lag.bounds.rulesMs = 8_000;
    await fleet.call(elb, 'ModifyRule', {
      RuleArn: arn,
      Actions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '299' } }],
    });
    const seen: string[] = [];
    for (let second = 0; second <= 8; second += 1) {
      seen.push((await Promise.all(nodes().map((node) => status({ node })))).join(' '));
      await fleet.seconds(1);
    }
    expect(seen[0]).toBe('503 503 503');
    expect(seen.at(-1)).toBe('299 299 299');
    expect(new Set(seen).size).toBeGreaterThan(2);
  });

  it('drops what comes to a port without a listener, or with one of another load balancer', async () => {
    expect(await ask({ port: 81 })).toEqual({ kind: 'silence' });
    const { LoadBalancers } = await fleet.call(elb, 'CreateLoadBalancer', { Name: 'other' });
    const [{ LoadBalancerArn }] = LoadBalancers;
    const FixedResponseConfig = { StatusCode: '298' };
    await fleet.call(elb, 'CreateListener', {
      ...{ LoadBalancerArn, Protocol: 'HTTP', Port: 18_083 },
      DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig }],
    });
    await fleet.seconds(10);
    const others = nodes().filter(({ description }) => description.includes('/other/'));
    expect(await ask({ port: 18_083 })).toEqual({ kind: 'silence' });
    expect(await status({ port: 18_083, node: others[0] })).toBe(298);
  });

  it('has an address that no other node and no instance ever has', async () => {
    await fleet.call(elb, 'CreateLoadBalancer', { Name: 'other' });
    const addresses = nodes().map(({ address }) => address);
    expect(addresses).toHaveLength(2 * fleet.region.context.zones.length);
    expect(new Set(addresses).size).toBe(addresses.length);
    const { network } = fleet.region.parts.ec2;
    const taken = new Set<string>();
    for (const subnet of network.subnets) {
      // All around the subnet.
      for (let count = 0; count < 4_096; count += 1) {
        const address = network.takeAddress(subnet);
        taken.add(address);
        network.releaseAddress(address);
      }
    }
    expect(taken.size).toBeGreaterThan(3 * 3_000);
    expect(addresses.filter((address) => taken.has(address))).toEqual([]);
  });

  it('is what its address leads to in the VPC; another one leads to an instance, or to nobody', async () => {
    await fleet.rule(10, { [blue]: 1 });
    await instance(() => ({ healthy: 202 }));
    const { instances, network } = fleet.region.parts.ec2;
    const reach = openReach(fleet.region.context, instances, network);
    const [node] = nodes();
    const [machine] = instances.all.values();
    const at = async (host: string, port: number) => {
      const answer = await reach({ host, port, method: 'GET', path: '/', headers: {} });
      return answer.kind === 'answer' ? [answer.status, answer.headers.server] : answer.kind;
    };
    expect(await at(node?.address ?? '', 81)).toBe('silence');
    expect(await at(machine?.privateIp ?? '', 81)).toEqual([202, undefined]);
    expect(await at('10.0.0.77', 80)).toBe('silence');
    await fleet.call(elb, 'ModifyRule', {
      RuleArn: (
        await fleet.call(elb, 'DescribeRules', { ListenerArn: fleet.region.parts.elbv2.defaultListener.arn })
      ).Rules[0].RuleArn,
      Actions: [forward({ [blue]: 0 })],
    });
    await fleet.seconds(10);
    expect(await at(node?.address ?? '', 80)).toEqual([503, 'awselb/2.0']);
  });

  it('has an interface that is found by its description, and by nothing else here', async () => {
    const { fullName } = fleet.region.parts.elbv2.defaultLoadBalancer;
    const find = (filters: object) => fleet.call('ec2', 'DescribeNetworkInterfaces', { Filters: filters });
    const { NetworkInterfaces } = await find([{ Name: 'description', Values: [`ELB ${fullName}`] }]);
    const told = NetworkInterfaces.map((one: { PrivateIpAddress: string; SubnetId: string }) => [
      one.PrivateIpAddress,
      one.SubnetId,
    ]);
    expect(told).toEqual(nodes().map(({ address, subnet }) => [address, subnet.subnetId]));
    expect(nodes().map(({ subnet }) => subnet.zone)).toEqual(fleet.region.context.zones);
    expect(await find([{ Name: 'description', Values: ['ELB app/other/1'] }])).toMatchObject({
      NetworkInterfaces: [],
    });
    await expect(find([{ Name: 'subnet-id', Values: ['*'] }])).rejects.toThrow('load balancers only');
  });
});
