import { DescribeNetworkInterfacesCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  DescribeListenersCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { beforeEach, describe, expect, it } from 'vitest';
import { openEntrances } from '../../../src/aws/entrances.ts';
import { mockClient } from '../../support/mock-client.ts';

const listenerArn = 'arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/web/b1/l1';

describe('the entrances of a listener', () => {
  const balancer = mockClient(ElasticLoadBalancingV2Client);
  const ec2 = mockClient(EC2Client);
  beforeEach(() => {
    balancer.reset();
    ec2.reset();
    ec2
      .on(DescribeNetworkInterfacesCommand, {
        Filters: [{ Name: 'description', Values: ['ELB app/web/b1'] }],
      })
      .resolves({
        NetworkInterfaces: [{ PrivateIpAddress: '10.0.15.0' }, { PrivateIpAddress: '10.0.31.0' }],
      });
  });
  const speaks = (Protocol: 'HTTP' | 'HTTPS') =>
    balancer.on(DescribeListenersCommand).resolves({ Listeners: [{ Port: 8081, Protocol }] });
  const of = () => openEntrances(new ElasticLoadBalancingV2Client({}), new EC2Client({})).of(listenerArn);

  it('are its port, at the address of each node of its load balancer', async () => {
    speaks('HTTP');
    expect(await of()).toEqual({ port: 8081, addresses: ['10.0.15.0', '10.0.31.0'] });
  });

  it('are none where it speaks HTTPS since: that is told, and not what TLS makes of plain requests', async () => {
    speaks('HTTPS');
    await expect(of()).rejects.toMatchObject({
      name: 'SmokeTestFailed',
      message: expect.stringContaining('speaks HTTPS now'),
    });
  });
});
