/** Where a listener is reached from inside the VPC: at the private address of each node of its load balancer. */
import { DescribeNetworkInterfacesCommand, type EC2Client } from '@aws-sdk/client-ec2';
import {
  DescribeListenersCommand,
  type ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { FlotillaError } from '../errors.ts';
import { ec2Client } from './clients/ec2.ts';
import { loadBalancingClient } from './clients/load-balancing.ts';
import { together } from './together.ts';

export interface Entrances {
  /**
   * Addresses and port. They change at any time: to be asked at once, and kept nowhere. The nodes' interfaces are found
   * by their description. https://repost.aws/knowledge-center/elb-find-load-balancer-IP
   * @throws FlotillaError `SmokeTestFailed` where the listener speaks anything but HTTP: since its fleet was applied,
   * somebody changed its protocol.
   */
  of(listenerArn: string): Promise<{ readonly port: number; readonly addresses: readonly string[] }>;
}

export function openEntrances(
  balancing: ElasticLoadBalancingV2Client = loadBalancingClient(),
  ec2: EC2Client = ec2Client(),
): Entrances {
  return {
    async of(listenerArn) {
      // `…:listener/app/NAME/ID/LISTENER`
      const [, name = '', id = ''] = listenerArn.split(':listener/')[1]?.split('/') ?? [];
      const Filters = [{ Name: 'description', Values: [`ELB app/${name}/${id}`] }];
      const [{ Listeners = [] }, { NetworkInterfaces = [] }] = await together([
        balancing.send(new DescribeListenersCommand({ ListenerArns: [listenerArn] })),
        ec2.send(new DescribeNetworkInterfacesCommand({ Filters })),
      ]);
      const { Protocol = 'HTTP', Port = 80 } = Listeners[0] ?? {};
      if (Protocol !== 'HTTP') {
        throw new FlotillaError(
          'SmokeTestFailed',
          `The test listener speaks ${Protocol} now, and its nodes are asked by HTTP; make it an HTTP listener again, or name another in rule.testListenerArn`,
          { listenerArn },
        );
      }
      return {
        port: Port,
        addresses: NetworkInterfaces.flatMap(({ PrivateIpAddress }) => PrivateIpAddress ?? []),
      };
    },
  };
}
