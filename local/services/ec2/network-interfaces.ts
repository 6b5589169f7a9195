/** Network interfaces, as far as somebody looks for load balancers by them. */
import { createHash } from 'node:crypto';
import type { DescribeNetworkInterfacesRequest, DescribeNetworkInterfacesResult } from '@aws-sdk/client-ec2';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { badToken, checkId } from './errors.ts';
import { passes } from './filters.ts';
import type { Ec2State } from './state.ts';
import { describeAccess } from './state.ts';

const idOf = (address: string): string =>
  `eni-${createHash('sha256').update(address).digest('hex').slice(0, 17)}`;

export function networkInterfaceOperations({ context, network }: Ec2State) {
  /**
   * The nodes of load balancers, by the description that AWS gives them; other interfaces are not told.
   * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html
   */
  const DescribeNetworkInterfaces: Operation<
    DescribeNetworkInterfacesRequest,
    DescribeNetworkInterfacesResult
  > = {
    access: describeAccess('DescribeNetworkInterfaces'),
    run(input) {
      onlySupported('DescribeNetworkInterfaces', input, [
        'DryRun',
        'Filters',
        'MaxResults',
        'NetworkInterfaceIds',
        'NextToken',
      ]);
      const asked = input.NetworkInterfaceIds ?? [];
      for (const id of asked) {
        checkId(id, 'eni', 'InvalidNetworkInterfaceId.Malformed');
        if (!network.nodes().some(({ address }) => idOf(address) === id)) {
          throw new AwsError(
            'InvalidNetworkInterfaceID.NotFound',
            `The networkInterface ID '${id}' does not exist`,
          );
        }
      }
      const described = (input.Filters ?? []).some(({ Name, Values = [] }) =>
        Name === 'description' ? Values.every((value) => value.startsWith('ELB ')) : false,
      );
      if (!described && asked.length === 0) {
        throw new AwsError(
          'UnsupportedOperation',
          'The local region tells the network interfaces of load balancers only: filter by a description that begins with ELB',
        );
      }
      const found = network.nodes().filter(
        ({ address, description, subnet }) =>
          (asked.length === 0 || asked.includes(idOf(address))) &&
          passes(input.Filters, (name) => {
            if (name === 'description') return description;
            if (name === 'subnet-id') return subnet.subnetId;
            if (name === 'vpc-id') return network.vpcId;
            if (name === 'status') return 'in-use';
            return null;
          }),
      );
      const shown = page(
        found,
        ({ address }) => address,
        input.MaxResults ?? 1_000,
        input.NextToken,
        badToken,
      );
      return {
        NetworkInterfaces: shown.items.map(({ subnet, address, description }) => ({
          NetworkInterfaceId: idOf(address),
          Description: description,
          VpcId: network.vpcId,
          SubnetId: subnet.subnetId,
          AvailabilityZone: subnet.zone,
          OwnerId: context.accountId,
          RequesterManaged: true,
          Status: 'in-use' as const,
          PrivateIpAddress: address,
          PrivateIpAddresses: [{ Primary: true, PrivateIpAddress: address }],
          Groups: [{ GroupId: network.securityGroupId, GroupName: 'default' }],
        })),
        NextToken: shown.nextToken,
      };
    },
  };

  return { DescribeNetworkInterfaces };
}
