/** Creates of Elastic Load Balancing that are repeated: with the same settings, and with others. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FleetRegion, forward } from './fleet-region.ts';

const elb = 'elasticloadbalancing';

let fleet: FleetRegion;
beforeEach(async () => {
  fleet = await FleetRegion.create();
});
afterEach(() => fleet.region.close());

describe('a target group that is created again', () => {
  const create = (more: object = {}) =>
    fleet.call(elb, 'CreateTargetGroup', {
      ...{ Name: 'again', Protocol: 'HTTP', Port: 8080 },
      ...{ VpcId: fleet.region.parts.ec2.network.vpcId, ...more },
    });

  it('is the same, whether its settings are named or left to their defaults', async () => {
    const first = await create();
    const again = await create({ HealthCheckPath: '/', Matcher: { HttpCode: '200' } });
    expect(again.TargetGroups).toEqual(first.TargetGroups);
    expect(await create()).toEqual(first);
  });

  it('collides where a setting is left out that is not at its default', async () => {
    await create({ HealthCheckPath: '/ready' });
    await expect(create()).rejects.toMatchObject({ code: 'DuplicateTargetGroupName' });
  });
});

describe('a load balancer that is created again', () => {
  const create = (more: object = {}) => fleet.call(elb, 'CreateLoadBalancer', { Name: 'again', ...more });
  const subnets = () => fleet.region.parts.ec2.network.subnets.map((subnet) => subnet.subnetId);

  it('is the same, in whatever order its subnets are named', async () => {
    const first = await create({ Subnets: subnets() });
    const again = await create({ Subnets: subnets().reverse(), Scheme: 'internet-facing' });
    expect(again.LoadBalancers).toEqual(first.LoadBalancers);
    expect((await fleet.call(elb, 'DescribeLoadBalancers', { Names: ['again'] })).LoadBalancers).toEqual(
      first.LoadBalancers,
    );
  });

  it.each([
    ['scheme', () => ({ Scheme: 'internal', Subnets: subnets() })],
    ['choice of subnets', () => ({ Subnets: subnets().slice(1) })],
  ])('collides where another %s is asked for', async (_, other) => {
    await create({ Subnets: subnets() });
    await expect(create(other())).rejects.toMatchObject({ code: 'DuplicateLoadBalancerName' });
  });
});

describe('a listener that is created again', () => {
  const create = (action: object) =>
    fleet.call(elb, 'CreateListener', {
      LoadBalancerArn: fleet.region.parts.elbv2.defaultLoadBalancer.arn,
      ...{ Protocol: 'HTTP', Port: 8082, DefaultActions: [action] },
    });

  it('is the same, even where no further one may be made', async () => {
    const blue = await fleet.targetGroup('blue');
    const first = await create({ Type: 'forward', TargetGroupArn: blue });
    fleet.region.parts.elbv2.state.quotas.listeners.value = 2;
    // Another way to say it.
    const again = await create(forward({ [blue]: 1 }));
    expect(again.Listeners).toEqual(first.Listeners);
    expect(fleet.region.parts.elbv2.state.listeners.size).toBe(2);
  });

  it('collides where its default actions differ', async () => {
    const [blue, green] = [await fleet.targetGroup('blue'), await fleet.targetGroup('green')];
    await create(forward({ [blue]: 1 }));
    await expect(create(forward({ [green]: 1 }))).rejects.toMatchObject({ code: 'DuplicateListener' });
  });
});
