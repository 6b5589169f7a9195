import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { BalancerNode } from '../../../../local/balancer/node.ts';
import { FleetRegion, forward } from './fleet-region.ts';

let fleet: FleetRegion;
let templateId: string;
let blue: string;
let green: string;
let rule: string;

beforeEach(async () => {
  fleet = await FleetRegion.create();
  templateId = await fleet.template('web');
  [blue, green] = [await fleet.targetGroup('blue'), await fleet.targetGroup('green')];
  rule = await fleet.rule(10, { [blue]: 1, [green]: 0 });
});

afterEach(async () => {
  await fleet.region.close();
});

const nodes = (): readonly BalancerNode[] => fleet.region.parts.elbv2.defaultLoadBalancer.nodes;

function ask(node?: BalancerNode) {
  const request = { host: 'x', target: '/', method: 'GET', headers: {}, sourceIp: '127.0.0.1' };
  return fleet.region.parts.elbv2.route(request, undefined, node);
}

function groupAt(node: BalancerNode): string {
  const route = ask(node);
  return route.kind === 'forward' ? route.group.name : route.kind;
}

/** How many of `count` requests each target of a group gets. */
function shares(count: number): Map<string, number> {
  const seen = new Map<string, number>();
  for (let index = 0; index < count; index += 1) {
    const route = ask();
    if (route.kind === 'forward') seen.set(route.target.id, (seen.get(route.target.id) ?? 0) + 1);
  }
  return seen;
}

async function bothHealthy(): Promise<void> {
  await fleet.group('web-v1', templateId, { TargetGroupARNs: [blue], DesiredCapacity: 2 });
  await fleet.group('web-v2', templateId, { TargetGroupARNs: [green], DesiredCapacity: 2 });
  await fleet.seconds(30);
}

describe('the nodes of a load balancer', () => {
  it('stand in its zones, one in each', () => {
    expect(nodes().map((node) => node.zone)).toEqual(fleet.region.context.zones);
  });

  it('hear of weights one after the other, so that they disagree for a while', async () => {
    await bothHealthy();
    fleet.region.context.lag.bounds.rulesMs = 8_000;
    await fleet.call('elasticloadbalancing', 'ModifyRule', {
      RuleArn: rule,
      Actions: [forward({ [blue]: 0, [green]: 1 })],
    });
    const seen = new Set<string>();
    for (let second = 0; second <= 8; second += 1) {
      seen.add(nodes().map(groupAt).join(' '));
      await fleet.seconds(1);
    }
    expect([...seen][0]).toBe('blue blue blue');
    expect([...seen].at(-1)).toBe('green green green');
    expect(seen.size).toBeGreaterThan(2);
  });

  it('end with the last of several changes, however late each comes', async () => {
    await bothHealthy();
    fleet.region.context.lag.bounds.rulesMs = 8_000;
    for (let index = 0; index < 10; index += 1) {
      const weights = index % 2 === 0 ? { [blue]: 0, [green]: 1 } : { [blue]: 1, [green]: 0 };
      await fleet.call('elasticloadbalancing', 'ModifyRule', { RuleArn: rule, Actions: [forward(weights)] });
    }
    await fleet.seconds(8);
    expect(nodes().map(groupAt)).toEqual(['blue', 'blue', 'blue']);
  });

  it('still send to a target that was removed until they hear of it', async () => {
    await bothHealthy();
    fleet.region.context.lag.bounds.targetsMs = 2_000;
    const targets = (await fleet.health(blue)).map((one) => ({ Id: one.Target?.Id }));
    await fleet.call('elasticloadbalancing', 'DeregisterTargets', { TargetGroupArn: blue, Targets: targets });
    expect(nodes().map(groupAt)).toContain('blue');
    await fleet.seconds(2);
    expect(nodes().map(groupAt)).toEqual(['none', 'none', 'none']);
  });

  it('keep to their own zone where cross-zone balancing is off', async () => {
    await fleet.call('elasticloadbalancing', 'ModifyTargetGroupAttributes', {
      TargetGroupArn: blue,
      Attributes: [{ Key: 'load_balancing.cross_zone.enabled', Value: 'false' }],
    });
    await bothHealthy();
    const zones = new Set(
      nodes().flatMap((node) => {
        const route = ask(node);
        if (route.kind !== 'forward') return [];
        expect(route.target.zone).toBe(node.zone);
        return [node.zone];
      }),
    );
    // Two machines in two of three zones: the third node has nobody to ask.
    expect(zones.size).toBe(2);
    expect(nodes().map(groupAt)).toContain('none');
    const sticky = {
      TargetGroupArn: blue,
      Attributes: [{ Key: 'stickiness.enabled', Value: 'true' }],
    };
    expect(await fleet.refusal('elasticloadbalancing', 'ModifyTargetGroupAttributes', sticky)).toBe(
      'InvalidConfigurationRequest',
    );
  });
});

describe('a target in a zone that its load balancer has not enabled', () => {
  /** A load balancer in all zones but the last, whose one listener forwards to the group. */
  async function smaller(targetGroupArn: string): Promise<void> {
    const { subnets } = fleet.region.parts.ec2.network;
    const { LoadBalancers } = await fleet.call('elasticloadbalancing', 'CreateLoadBalancer', {
      Name: 'smaller',
      Subnets: subnets.slice(0, -1).map((subnet) => subnet.subnetId),
    });
    await fleet.call('elasticloadbalancing', 'CreateListener', {
      LoadBalancerArn: LoadBalancers[0].LoadBalancerArn,
      Protocol: 'HTTP',
      Port: 8082,
      DefaultActions: [{ Type: 'forward', TargetGroupArn: targetGroupArn }],
    });
  }
  const healthByZone = async (targetGroupArn: string) => {
    const told = await fleet.health(targetGroupArn);
    return fleet.region.context.zones.map((zone) => {
      const here = [...fleet.region.parts.ec2.instances.all.values()].find(
        ({ spec }) => spec.subnet.zone === zone,
      );
      const found = told.find((one) => one.Target?.Id === here?.instanceId)?.TargetHealth;
      return found?.Reason ?? found?.State;
    });
  };

  it.each(['before', 'after'])('is unused, registered %s a listener names the group', async (when) => {
    const third = await fleet.targetGroup('third');
    if (when === 'after') await smaller(third);
    await fleet.group('web-v1', templateId, { TargetGroupARNs: [third], DesiredCapacity: 3 });
    await fleet.seconds(30);
    if (when === 'before') await smaller(third);
    await fleet.seconds(30);
    expect(await healthByZone(third)).toEqual(['healthy', 'healthy', 'Target.NotInUse']);
    expect((await fleet.health(third)).map((one) => one.TargetHealth?.Description)).toContain(
      'Target is in an Availability Zone that is not enabled for the load balancer',
    );
    const listener = [...fleet.region.parts.elbv2.state.listeners.values()].at(-1);
    const request = { host: 'x', target: '/', method: 'GET', headers: {}, sourceIp: '127.0.0.1' };
    const zones = Array.from({ length: 12 }, () => {
      const route = fleet.region.parts.elbv2.route(request, listener);
      return route.kind === 'forward' ? route.target.zone : route.kind;
    });
    expect(new Set(zones)).toEqual(new Set(fleet.region.context.zones.slice(0, -1)));
  });
});

describe('slow start', () => {
  const slow = (seconds: string) =>
    fleet.call('elasticloadbalancing', 'ModifyTargetGroupAttributes', {
      TargetGroupArn: blue,
      Attributes: [{ Key: 'slow_start.duration_seconds', Value: seconds }],
    });

  it('lets the share of a new target grow from nothing to all of it', async () => {
    await slow('100');
    await fleet.group('web-v1', templateId, { TargetGroupARNs: [blue], DesiredCapacity: 1 });
    await fleet.seconds(30);
    // The first target of an empty group has nobody to wait behind.
    expect([...shares(10).values()]).toEqual([10]);
    const [old] = await fleet.health(blue);
    await fleet.call('autoscaling', 'SetDesiredCapacity', {
      AutoScalingGroupName: 'web-v1',
      DesiredCapacity: 2,
    });
    await fleet.clock.runUntil(
      () => fleet.region.parts.elbv2.state.targetGroups.get(blue)?.targets.size === 2,
      60_000,
    );
    const young = [...(fleet.region.parts.elbv2.state.targetGroups.get(blue)?.targets.values() ?? [])].find(
      (one) => one.id !== old?.Target?.Id,
    );
    await fleet.clock.runUntil(() => young?.health.State === 'healthy', 60_000);
    const share = (): number => (shares(1_000).get(young?.id ?? '') ?? 0) / 1_000;
    expect(share()).toBe(0);
    await fleet.seconds(50);
    // Half as often as the other in its turn.
    expect(share()).toBeGreaterThan(0.25);
    expect(share()).toBeLessThan(0.42);
    await fleet.seconds(50);
    expect(share()).toBeCloseTo(0.5, 2);
  });

  it('is left when a target gets unhealthy, and entered again', async () => {
    await bothHealthy();
    await slow('100');
    // Those that are healthy already do not enter it.
    const [one] = [...(fleet.region.parts.elbv2.state.targetGroups.get(blue)?.targets.values() ?? [])];
    expect(one?.slowSince).toBeUndefined();
    const { outages } = fleet.region.parts.ec2;
    for (const round of [1, 2]) {
      outages.script(one?.id ?? '', { healthy: 503 });
      await fleet.seconds(15);
      expect([round, one?.health.State, one?.slowSince]).toEqual([round, 'unhealthy', undefined]);
      outages.script(one?.id ?? '', { healthy: true });
      await fleet.seconds(15);
      expect([round, one?.health.State]).toEqual([round, 'healthy']);
      expect(one?.slowSince).toBeGreaterThan(fleet.clock.now() - 15_000);
    }
  });

  it.each(['29', '901', '-1', 'x'])('is refused for %s seconds', async (value) => {
    await expect(slow(value)).rejects.toThrow(/slow_start/);
  });

  it('excludes the algorithm of least outstanding requests', async () => {
    await slow('30');
    const input = {
      TargetGroupArn: blue,
      Attributes: [{ Key: 'load_balancing.algorithm.type', Value: 'least_outstanding_requests' }],
    };
    expect(await fleet.refusal('elasticloadbalancing', 'ModifyTargetGroupAttributes', input)).toBe(
      'InvalidConfigurationRequest',
    );
  });
});

describe('quotas', () => {
  const quotas = () => fleet.region.parts.elbv2.state.quotas;
  const another = (priority: number) => fleet.rule(priority, { [blue]: 1 });

  it('bound the rules of a load balancer over all its listeners', async () => {
    quotas().rules.value = 2;
    const { defaultLoadBalancer } = fleet.region.parts.elbv2;
    const made = await fleet.call('elasticloadbalancing', 'CreateListener', {
      LoadBalancerArn: defaultLoadBalancer.arn,
      Protocol: 'HTTP',
      Port: 8082,
      DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }],
    });
    await fleet.call('elasticloadbalancing', 'CreateRule', {
      ListenerArn: made.Listeners[0].ListenerArn,
      Priority: 1,
      Conditions: [{ Field: 'path-pattern', Values: ['/'] }],
      Actions: [forward({ [blue]: 1 })],
    });
    await expect(another(20)).rejects.toMatchObject({ code: 'TooManyRules' });
  });

  it('bound its target groups and its targets', async () => {
    quotas().groupsPerBalancer.value = 2;
    const third = await fleet.targetGroup('third');
    await expect(fleet.rule(20, { [third]: 1 })).rejects.toMatchObject({
      code: 'TooManyUniqueTargetGroupsPerLoadBalancer',
    });
    await bothHealthy();
    quotas().targetsPerBalancer.value = 4;
    const targets = (await fleet.health(green)).map((one) => ({ Id: one.Target?.Id }));
    const input = { TargetGroupArn: blue, Targets: targets };
    expect(await fleet.refusal('elasticloadbalancing', 'RegisterTargets', input)).toBe('TooManyTargets');
  });
});

describe('conditions', () => {
  const create = (Conditions: object[]) =>
    fleet.refusal('elasticloadbalancing', 'CreateRule', {
      ListenerArn: fleet.region.parts.elbv2.defaultListener.arn,
      Priority: 77,
      Conditions,
      Actions: [forward({ [blue]: 1 })],
    });
  const path = (...Values: string[]) => ({ Field: 'path-pattern', PathPatternConfig: { Values } });
  const header = (HttpHeaderName: string, ...Values: string[]) => ({
    Field: 'http-header',
    HttpHeaderConfig: { HttpHeaderName, Values },
  });

  it.each([
    ['none', []],
    ['six values', [path('/1', '/2', '/3', '/4', '/5', '/6')]],
    ['seven wildcards', [path('/*/*/*/*/*/*/*')]],
    ['two paths', [path('/1'), path('/2')]],
    ['a long value', [path(`/${'x'.repeat(128)}`)]],
    ['a header of a long name', [header('x'.repeat(41), '1')]],
    ['the header host', [header('Host', 'a.example')]],
    [
      'a method in lower case',
      [{ Field: 'http-request-method', HttpRequestMethodConfig: { Values: ['get'] } }],
    ],
    ['an address without a block', [{ Field: 'source-ip', SourceIpConfig: { Values: ['10.0.0.1'] } }]],
    ['an unknown field', [{ Field: 'cookie', Values: ['x'] }]],
  ])('are refused: %s', async (_name, conditions) => {
    expect(await create(conditions)).toBe('ValidationError');
  });

  it.each([
    ['five values', [path('/1', '/2', '/3', '/4', '/5')]],
    ['six wildcards', [path('/*/*/*/*/*/*')]],
    ['two headers', [header('x-a', '1'), header('x-b', '2')]],
  ])('are taken: %s', async (_name, conditions) => {
    expect(await create(conditions)).toBe('no error');
  });
});
