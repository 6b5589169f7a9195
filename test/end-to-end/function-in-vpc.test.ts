/** Functions in the VPC reach what is in it and nothing else; those outside reach everything but that. */
import type { VpcConfig } from '@aws-sdk/client-lambda';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock, WallClock } from '../../local/clock.ts';
import { createRegion, type Region } from '../../local/region.ts';
import { createFunction, invoke } from '../support/functions.ts';

const opened: Region[] = [];
afterEach(async () => {
  for (const region of opened.splice(0)) await region.close();
});

/** Asks like src/runtime/ask-instance.ts, and gives up after a second. */
const asking = `
import { request } from 'node:http';
export const handler = ({ url, headers = {} }) => new Promise((resolve) => {
  const asking = request(url, { headers }, (answer) => { clearTimeout(timer); answer.destroy(); resolve(answer.statusCode); });
  const timer = setTimeout(() => { resolve('silence'); asking.destroy(); }, 1000);
  asking.on('error', (error) => { clearTimeout(timer); resolve(error.message); });
  asking.end();
});`;

const rights = [
  {
    Effect: 'Allow',
    Action: [
      'ec2:CreateNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:DeleteNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ],
    Resource: '*',
  },
];

async function open(executor: 'process' | 'context') {
  const clock = executor === 'process' ? new WallClock() : new VirtualClock();
  const region = await createRegion({ seed: 1, executor, clock });
  opened.push(region);
  await region.listen();
  const { network } = region.parts.ec2;
  const VpcConfig: VpcConfig = {
    SubnetIds: network.subnets.map(({ subnetId }) => subnetId),
    SecurityGroupIds: [network.securityGroupId],
  };
  await createFunction(region, 'inside', asking, { Timeout: 5, VpcConfig }, rights);
  await createFunction(region, 'outside', asking, { Timeout: 5 });
  const ask = async (name: string, url: string, headers?: Record<string, string>) => {
    const answer = invoke(region, name, { url, headers });
    let ended = false;
    void answer.finally(() => {
      ended = true;
    });
    if (clock instanceof VirtualClock) await clock.runUntil(() => ended, 10_000);
    return (await answer).payload;
  };
  /** The address of an instance that has booted, or is about to. */
  const launch = async (script: object) => {
    region.parts.ec2.instances.machines = () => script;
    const { SnapshotId } = (await region.call('ebs', 'StartSnapshot', { VolumeSize: 1 })) as {
      SnapshotId: string;
    };
    await region.call('ebs', 'CompleteSnapshot', { SnapshotId, ChangedBlocksCount: 0 });
    const until = async (look: () => unknown) => {
      if (clock instanceof VirtualClock) await clock.runUntil(() => Boolean(look()), 60_000);
      else await expect.poll(look, { timeout: 20_000 }).toBeTruthy();
    };
    const { ebs, ec2 } = region.parts;
    await until(() => ebs.snapshots.all.get(SnapshotId)?.status === 'completed');
    const { ImageId } = (await region.call('ec2', 'RegisterImage', {
      Name: `image-${SnapshotId}`,
      Architecture: 'x86_64',
      RootDeviceName: '/dev/sda1',
      VirtualizationType: 'hvm',
      EnaSupport: true,
      BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: { SnapshotId } }],
    })) as { ImageId: string };
    await until(() => ec2.state.images.get(ImageId)?.State === 'available');
    const made = (await region.call('ec2', 'RunInstances', {
      ImageId,
      InstanceType: 't3.nano',
      MinCount: 1,
      MaxCount: 1,
    })) as { Instances: { InstanceId: string; PrivateIpAddress: string }[] };
    const [instance] = made.Instances;
    await until(() => ec2.instances.all.get(instance?.InstanceId ?? '')?.state === 'running');
    return instance?.PrivateIpAddress ?? '';
  };
  return { region, ask, launch };
}

describe.each(['process', 'context'] as const)('in a %s, a function', (executor) => {
  it('in the VPC asks an instance, and is refused before its program listens', async () => {
    const { ask, launch } = await open(executor);
    const well = await launch({ bootMs: 0, healthy: (_: number, path: string) => path === '/health?deep=1' });
    const slow = await launch({ bootMs: 3_600_000 });
    expect(await ask('inside', `http://${well}:8080/health?deep=1`)).toBe(200);
    expect(await ask('inside', `http://${well}:8080/`)).toBe(500);
    expect(await ask('inside', `http://${slow}:8080/`)).toMatch(/ECONNREFUSED|socket hang up/);
  });

  it('in the VPC hears nothing of an address that nobody has, nor of AWS', async () => {
    const { ask, region } = await open(executor);
    expect(await ask('inside', 'http://10.0.0.77:8080/')).toBe('silence');
    expect(await ask('inside', `${region.endpoint}/`)).toBe('silence');
  });

  it('in the VPC asks a node of a load balancer by its address, with the host that a rule wants', async () => {
    const { ask, region } = await open(executor);
    const { defaultListener: listener } = region.parts.elbv2;
    const FixedResponseConfig = { StatusCode: '299' };
    await region.call('elasticloadbalancing', 'CreateRule', {
      ListenerArn: listener.arn,
      Priority: 1,
      Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: ['web.example.com'] } }],
      Actions: [{ Type: 'fixed-response', FixedResponseConfig }],
    });
    const { NetworkInterfaces } = (await region.call('ec2', 'DescribeNetworkInterfaces', {
      Filters: [{ Name: 'description', Values: [`ELB ${listener.loadBalancer.fullName}`] }],
    })) as { NetworkInterfaces: { PrivateIpAddress: string }[] };
    expect(NetworkInterfaces).toHaveLength(region.context.zones.length);
    const host = { host: 'web.example.com' };
    // Nodes hear of a rule at a moment of their own.
    const { clock } = region.context;
    if (clock instanceof VirtualClock) await clock.advance(10_000);
    for (const { PrivateIpAddress: address } of NetworkInterfaces) {
      const at = `http://${address}:${listener.port}/`;
      await expect.poll(() => ask('inside', at, host), { timeout: 9_000 }).toBe(299);
      expect(await ask('inside', at)).toBe(404);
      expect(await ask('inside', `http://${address}:${listener.port + 1}/`, host)).toBe('silence');
    }
  });

  it('outside the VPC does not reach an instance, and does reach AWS', async () => {
    const { ask, launch, region } = await open(executor);
    const address = await launch({ bootMs: 0 });
    // A process is not kept from the host's own network, where the address may be somebody's.
    if (executor === 'context') expect(await ask('outside', `http://${address}:8080/`)).toBe('silence');
    expect(await ask('outside', `${region.endpoint}/`)).toBeTypeOf('number');
  });
});

describe('a function that is to stand in the VPC', () => {
  it.each(rights[0]?.Action ?? [])('needs a role that may %s', async (action) => {
    const region = await createRegion({ seed: 1 });
    opened.push(region);
    const { network } = region.parts.ec2;
    const VpcConfig = {
      SubnetIds: [network.subnets[0]?.subnetId ?? ''],
      SecurityGroupIds: [network.securityGroupId],
    };
    const others = rights.map((one) => ({ ...one, Action: one.Action.filter((each) => each !== action) }));
    await expect(createFunction(region, 'inside', asking, { VpcConfig }, others)).rejects.toThrow(
      `The provided execution role does not have permissions to call ${action.split(':')[1]} on EC2`,
    );
  });

  it('is told of a subnet or security group that is not there', async () => {
    const region = await createRegion({ seed: 1 });
    opened.push(region);
    const { network } = region.parts.ec2;
    const VpcConfig = { SubnetIds: ['subnet-0none'], SecurityGroupIds: [network.securityGroupId] };
    await expect(createFunction(region, 'inside', asking, { VpcConfig }, rights)).rejects.toThrow(
      'subnet-0none does not exist',
    );
  });
});
