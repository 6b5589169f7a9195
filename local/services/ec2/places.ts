/** What an account finds when it looks around: regions, zones, network, types. */
import type {
  DescribeAccountAttributesRequest,
  DescribeAccountAttributesResult,
  DescribeAvailabilityZonesRequest,
  DescribeAvailabilityZonesResult,
  DescribeInstanceTypeOfferingsRequest,
  DescribeInstanceTypeOfferingsResult,
  DescribeInstanceTypesRequest,
  DescribeInstanceTypesResult,
  DescribeRegionsRequest,
  DescribeRegionsResult,
  DescribeSecurityGroupsRequest,
  DescribeSecurityGroupsResult,
  DescribeSubnetsRequest,
  DescribeSubnetsResult,
  DescribeVpcsRequest,
  DescribeVpcsResult,
} from '@aws-sdk/client-ec2';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { badToken, checkId } from './errors.ts';
import { passes, tagFilter } from './filters.ts';
import { allInstanceTypes, describeType, instanceTypeFacts } from './instance-types.ts';
import { zoneId } from './network.ts';
import type { Ec2State } from './state.ts';
import { describeAccess } from './state.ts';

export function placeOperations(state: Ec2State) {
  const { context, network, tags } = state;

  const DescribeVpcs: Operation<DescribeVpcsRequest, DescribeVpcsResult> = {
    access: describeAccess('DescribeVpcs'),
    run(input) {
      checkIds(input.VpcIds, [network.vpcId], 'InvalidVpcID.NotFound', 'vpc');
      const vpc = { ...network.vpc(), Tags: tags.list(network.vpcId) };
      const shown = passes(input.Filters, (name) => {
        if (name === 'vpc-id') return network.vpcId;
        if (name === 'is-default' || name === 'isDefault') return 'true';
        if (name === 'cidr') return vpc.CidrBlock;
        if (name === 'state') return vpc.State;
        return tagFilter(name, vpc.Tags);
      });
      return { Vpcs: shown ? [vpc] : [] };
    },
  };

  const DescribeSubnets: Operation<DescribeSubnetsRequest, DescribeSubnetsResult> = {
    access: describeAccess('DescribeSubnets'),
    run(input) {
      checkIds(
        input.SubnetIds,
        network.subnets.map((one) => one.subnetId),
        'InvalidSubnetID.NotFound',
        'subnet',
      );
      const found = network.subnets.filter(
        (one) =>
          (!input.SubnetIds?.length || input.SubnetIds.includes(one.subnetId)) &&
          passes(input.Filters, (name) => {
            if (name === 'subnet-id') return one.subnetId;
            if (name === 'vpc-id') return network.vpcId;
            if (name === 'availability-zone' || name === 'availabilityZone') return one.zone;
            if (name === 'default-for-az' || name === 'defaultForAz') return 'true';
            if (name === 'state') return 'available';
            return tagFilter(name, tags.list(one.subnetId));
          }),
      );
      return {
        Subnets: found.map((one) => ({ ...network.describeSubnet(one), Tags: tags.list(one.subnetId) })),
      };
    },
  };

  const DescribeSecurityGroups: Operation<DescribeSecurityGroupsRequest, DescribeSecurityGroupsResult> = {
    access: describeAccess('DescribeSecurityGroups'),
    run(input) {
      for (const id of input.GroupIds ?? []) checkId(id, 'sg', 'InvalidGroupId.Malformed');
      checkIds(input.GroupIds, [network.securityGroupId], 'InvalidGroup.NotFound', 'security group');
      checkIds(input.GroupNames, ['default'], 'InvalidGroup.NotFound', 'security group');
      const group = { ...network.securityGroup(), Tags: tags.list(network.securityGroupId) };
      const shown = passes(input.Filters, (name) => {
        if (name === 'group-id') return network.securityGroupId;
        if (name === 'group-name') return 'default';
        if (name === 'vpc-id') return network.vpcId;
        return tagFilter(name, group.Tags);
      });
      return { SecurityGroups: shown ? [group] : [] };
    },
  };

  function zonesAsked(input: DescribeAvailabilityZonesRequest): readonly string[] {
    onlySupported('DescribeAvailabilityZones', input, [
      'AllAvailabilityZones',
      'DryRun',
      'ZoneIds',
      'ZoneNames',
    ]);
    const unknown = [
      ...(input.ZoneNames ?? []).filter((name) => !context.zones.includes(name)),
      ...(input.ZoneIds ?? []).filter((id) => !context.zones.some((zone) => zoneId(context, zone) === id)),
    ];
    if (unknown.length > 0)
      throw new AwsError('InvalidParameterValue', `Invalid availability zone: [${unknown.join(', ')}]`);
    return context.zones.filter(
      (zone) =>
        (!input.ZoneNames?.length || input.ZoneNames.includes(zone)) &&
        (!input.ZoneIds?.length || input.ZoneIds.includes(zoneId(context, zone))),
    );
  }

  const DescribeAvailabilityZones: Operation<
    DescribeAvailabilityZonesRequest,
    DescribeAvailabilityZonesResult
  > = {
    access: describeAccess('DescribeAvailabilityZones'),
    run: (input) => ({
      AvailabilityZones: zonesAsked(input).map((zone) => ({
        ZoneName: zone,
        ZoneId: zoneId(context, zone),
        RegionName: context.regionName,
        State: 'available' as const,
        OptInStatus: 'opt-in-not-required' as const,
        ZoneType: 'availability-zone',
        GroupName: context.regionName,
        NetworkBorderGroup: context.regionName,
        Messages: [],
      })),
    }),
  };

  const DescribeRegions: Operation<DescribeRegionsRequest, DescribeRegionsResult> = {
    access: describeAccess('DescribeRegions'),
    run(input) {
      onlySupported('DescribeRegions', input, ['AllRegions', 'DryRun', 'RegionNames']);
      const unknown = (input.RegionNames ?? []).filter((name) => name !== context.regionName);
      if (unknown.length > 0)
        throw new AwsError('InvalidParameterValue', `Invalid region '[${unknown.join(', ')}]'`);
      return {
        Regions: [
          {
            RegionName: context.regionName,
            Endpoint: `ec2.${context.regionName}.amazonaws.com`,
            OptInStatus: 'opt-in-not-required',
          },
        ],
      };
    },
  };

  const DescribeInstanceTypes: Operation<DescribeInstanceTypesRequest, DescribeInstanceTypesResult> = {
    access: describeAccess('DescribeInstanceTypes'),
    run(input) {
      const unknown = (input.InstanceTypes ?? []).filter((name) => instanceTypeFacts(name) === undefined);
      if (unknown.length > 0) {
        throw new AwsError(
          'InvalidInstanceType',
          `The following supplied instance types do not exist: [${unknown.join(', ')}]`,
        );
      }
      const found = allInstanceTypes().filter(
        (facts) =>
          (!input.InstanceTypes?.length || input.InstanceTypes.includes(facts.name)) &&
          passes(input.Filters, (name) => {
            if (name === 'instance-type') return facts.name;
            if (name === 'processor-info.supported-architecture') return facts.architecture;
            if (name === 'current-generation') return 'true';
            if (name === 'vcpu-info.default-vcpus') return `${facts.vcpus}`;
            if (name === 'memory-info.size-in-mib') return `${facts.memoryMiB}`;
            return null;
          }),
      );
      const shown = page(found, (one) => one.name, input.MaxResults ?? 100, input.NextToken, badToken);
      return { InstanceTypes: shown.items.map(describeType), NextToken: shown.nextToken };
    },
  };

  const DescribeInstanceTypeOfferings: Operation<
    DescribeInstanceTypeOfferingsRequest,
    DescribeInstanceTypeOfferingsResult
  > = {
    access: describeAccess('DescribeInstanceTypeOfferings'),
    run(input) {
      const kind = input.LocationType ?? 'region';
      const places =
        kind === 'availability-zone'
          ? context.zones
          : kind === 'availability-zone-id'
            ? context.zones.map((zone) => zoneId(context, zone))
            : [context.regionName];
      const rows = allInstanceTypes().flatMap((facts) =>
        places.map((place) => ({ InstanceType: facts.name, LocationType: kind, Location: place })),
      );
      const found = rows.filter((row) =>
        passes(input.Filters, (name) => {
          if (name === 'instance-type') return row.InstanceType;
          if (name === 'location') return row.Location;
          return null;
        }),
      );
      const keyOf = (row: (typeof rows)[number]): string => `${row.InstanceType}/${row.Location}`;
      const shown = page(found, keyOf, input.MaxResults ?? 1_000, input.NextToken, badToken);
      return { InstanceTypeOfferings: [...shown.items], NextToken: shown.nextToken };
    },
  };

  const DescribeAccountAttributes: Operation<
    DescribeAccountAttributesRequest,
    DescribeAccountAttributesResult
  > = {
    access: describeAccess('DescribeAccountAttributes'),
    run(input) {
      const values: Record<string, string> = {
        'supported-platforms': 'VPC',
        'default-vpc': network.vpcId,
        'max-instances': '1000',
        'vpc-max-security-groups-per-interface': '5',
        'max-elastic-ips': '5',
        'vpc-max-elastic-ips': '5',
      };
      const asked = input.AttributeNames?.length ? input.AttributeNames : Object.keys(values);
      return {
        AccountAttributes: asked.map((name) => ({
          AttributeName: name,
          AttributeValues: [{ AttributeValue: values[name] ?? 'none' }],
        })),
      };
    },
  };

  return {
    DescribeVpcs,
    DescribeSubnets,
    DescribeSecurityGroups,
    DescribeAvailabilityZones,
    DescribeRegions,
    DescribeInstanceTypes,
    DescribeInstanceTypeOfferings,
    DescribeAccountAttributes,
  };
}

function checkIds(
  asked: readonly string[] | undefined,
  known: readonly string[],
  code: string,
  kind: string,
): void {
  for (const id of asked ?? []) {
    if (!known.includes(id)) throw new AwsError(code, `The ${kind} '${id}' does not exist`);
  }
}
