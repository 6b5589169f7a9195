import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FleetRegion } from './fleet-region.ts';

/** Load balancer nodes at their private addresses, as something in the VPC asks them. */
describe('a load balancer node, asked inside the VPC', () => {
  let fleet: FleetRegion;
  let blue: string;
  beforeEach(async () => {
    fleet = await FleetRegion.create();
    blue = await fleet.targetGroup('blue');
    await fleet.rule(10, { [blue]: 1 });
  });
  afterEach(() => fleet.region.close());

  const ask = (port = 80) => {
    const [node] = fleet.region.parts.ec2.network.nodes();
    if (node === undefined) throw new Error('no node');
    return node.answer({ host: node.address, port, method: 'GET', path: '/', headers: {} });
  };

  it('answers 503 where the rule has nobody, and what the target answers where it has', async () => {
    await fleet.seconds(10);
    expect(await ask()).toMatchObject({ kind: 'answer', status: 503 });
    await fleet.group('web-v1', await fleet.template('web'), { TargetGroupARNs: [blue], DesiredCapacity: 1 });
    await fleet.seconds(40);
    expect(await ask()).toMatchObject({ kind: 'answer', status: 200 });
  });

  it('drops what comes to a port without a listener', async () => {
    expect(await ask(81)).toEqual({ kind: 'silence' });
  });

  it('has an interface that is found by its description, and by nothing else here', async () => {
    const { fullName } = fleet.region.parts.elbv2.defaultLoadBalancer;
    const find = (filters: object) => fleet.call('ec2', 'DescribeNetworkInterfaces', { Filters: filters });
    const { NetworkInterfaces } = await find([{ Name: 'description', Values: [`ELB ${fullName}`] }]);
    const addresses = NetworkInterfaces.map((one: { PrivateIpAddress: string }) => one.PrivateIpAddress);
    expect(addresses).toEqual(fleet.region.parts.ec2.network.nodes().map(({ address }) => address));
    expect(new Set(addresses).size).toBe(fleet.region.context.zones.length);
    expect(await find([{ Name: 'description', Values: ['ELB app/other/1'] }])).toMatchObject({
      NetworkInterfaces: [],
    });
    await expect(find([{ Name: 'subnet-id', Values: ['*'] }])).rejects.toThrow('load balancers only');
  });
});
