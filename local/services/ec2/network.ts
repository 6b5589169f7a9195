/** The default VPC of a new account: one subnet for each zone, one default security group. */
import type { SecurityGroup, Subnet, Vpc } from '@aws-sdk/client-ec2';
import type { Context } from '../../context.ts';
import { arn } from '../../context.ts';
import { type Collection, mapOf, single } from '../../state/persistent.ts';
import type { Reach } from './reach.ts';

export interface NetworkSubnet {
  readonly subnetId: string;
  readonly zone: string;
  readonly cidr: string;
}

/** Of a subnet of 4,096 addresses: what lies behind it is for load balancers, of which there are 50 at most. */
const lastInstanceHost = 3_839;

/** Zone ids, as DescribeAvailabilityZones tells them: `use1-az1` in us-east-1. */
export function zoneId(context: Context, zone: string): string {
  const [area = '', direction = '', number = ''] = context.regionName.split('-');
  return `${area}${direction.slice(0, 1)}${number}-az${context.zones.indexOf(zone) + 1}`;
}

/** A load balancer node's way into the VPC. */
export interface NodeInterface {
  readonly subnet: NetworkSubnet;
  readonly address: string;
  /** `ELB app/NAME/ID` */
  readonly description: string;
  /** What a request to a port of that address gets. */
  readonly answer: Reach;
}

export class Network {
  /** The nodes of all load balancers; those come later than the network, and fill this in. */
  nodes: () => readonly NodeInterface[] = () => [];
  vpcId: string;
  securityGroupId: string;
  subnets: readonly NetworkSubnet[];
  readonly #context: Context;
  readonly #nextHost = new Map<string, number>();
  readonly #taken = new Set<string>();

  constructor(context: Context) {
    this.#context = context;
    const id = (prefix: string): string => `${prefix}-0${context.random.hex(16)}`;
    this.vpcId = id('vpc');
    this.securityGroupId = id('sg');
    this.subnets = context.zones.map((zone, index) => ({
      subnetId: id('subnet'),
      zone,
      cidr: `10.0.${index * 16}.0/20`,
    }));
  }

  collections(): Collection[] {
    return [
      single(
        'ids',
        () => ({ vpcId: this.vpcId, securityGroupId: this.securityGroupId, subnets: this.subnets }),
        (ids) => void Object.assign(this, ids),
      ),
      mapOf('next-hosts', this.#nextHost),
      single(
        'taken',
        () => this.#taken,
        (taken) => {
          for (const address of taken) this.#taken.add(address);
        },
      ),
    ];
  }

  subnet(subnetId: string): NetworkSubnet | undefined {
    return this.subnets.find((subnet) => subnet.subnetId === subnetId);
  }

  /** A private address of the subnet that no instance has. AWS keeps the first four for itself. */
  takeAddress(subnet: NetworkSubnet): string {
    const [, , third = '0'] = subnet.cidr.split('.');
    for (;;) {
      const host = this.#nextHost.get(subnet.subnetId) ?? 4;
      this.#nextHost.set(subnet.subnetId, host >= lastInstanceHost ? 4 : host + 1);
      const address = `10.0.${Number(third) + (host >> 8)}.${host & 255}`;
      if (this.#taken.has(address)) continue;
      this.#taken.add(address);
      return address;
    }
  }

  /** The first address of the subnet's end that no load balancer node has. */
  nodeAddress(subnet: NetworkSubnet): string {
    const [, , third = '0'] = subnet.cidr.split('.');
    const taken = new Set(this.nodes().map(({ address }) => address));
    for (let host = lastInstanceHost + 1; ; host += 1) {
      const address = `10.0.${Number(third) + (host >> 8)}.${host & 255}`;
      if (!taken.has(address)) return address;
    }
  }

  releaseAddress(address: string): void {
    this.#taken.delete(address);
  }

  vpc(): Vpc {
    return {
      VpcId: this.vpcId,
      OwnerId: this.#context.accountId,
      CidrBlock: '10.0.0.0/16',
      DhcpOptionsId: 'default',
      State: 'available',
      InstanceTenancy: 'default',
      IsDefault: true,
      Tags: [],
    };
  }

  describeSubnet(subnet: NetworkSubnet): Subnet {
    return {
      SubnetId: subnet.subnetId,
      SubnetArn: arn(this.#context, 'ec2', `subnet/${subnet.subnetId}`),
      VpcId: this.vpcId,
      OwnerId: this.#context.accountId,
      AvailabilityZone: subnet.zone,
      AvailabilityZoneId: zoneId(this.#context, subnet.zone),
      CidrBlock: subnet.cidr,
      AvailableIpAddressCount: 4_091,
      DefaultForAz: true,
      MapPublicIpOnLaunch: true,
      AssignIpv6AddressOnCreation: false,
      State: 'available',
      Tags: [],
    };
  }

  securityGroup(): SecurityGroup {
    const open = { IpProtocol: '-1', IpRanges: [], Ipv6Ranges: [], PrefixListIds: [] };
    return {
      GroupId: this.securityGroupId,
      GroupName: 'default',
      Description: 'default VPC security group',
      OwnerId: this.#context.accountId,
      VpcId: this.vpcId,
      IpPermissions: [
        { ...open, UserIdGroupPairs: [{ GroupId: this.securityGroupId, UserId: this.#context.accountId }] },
      ],
      IpPermissionsEgress: [{ ...open, IpRanges: [{ CidrIp: '0.0.0.0/0' }], UserIdGroupPairs: [] }],
      Tags: [],
    };
  }
}
