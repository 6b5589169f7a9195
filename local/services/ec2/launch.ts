/** From what a caller asks to run, to what will run; the same for RunInstances and Auto Scaling. */
import type {
  Image,
  InstanceMarketOptionsRequest,
  InstanceMetadataOptionsResponse,
  RequestLaunchTemplateData,
  RunInstancesRequest,
} from '@aws-sdk/client-ec2';
import { arn } from '../../context.ts';
import type { Access } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { invalidValue } from './errors.ts';
import type { InstanceTypeFacts } from './instance-types.ts';
import { instanceTypeFacts } from './instance-types.ts';
import type { NetworkSubnet } from './network.ts';
import type { Ec2State } from './state.ts';
import { onResource, resourceArn, tagOnCreate, tagsFor } from './state.ts';
import type { Tag } from './tag-store.ts';
import { requestTagContext } from './tag-store.ts';
import { findTemplate, findVersion } from './template-lookup.ts';

export interface LaunchSpec {
  readonly imageId: string;
  /** As it was when the launch was asked for: deregistering it later changes nothing. */
  readonly image: Image;
  readonly rootSnapshotId: string;
  readonly market: 'on-demand' | 'spot';
  readonly type: InstanceTypeFacts;
  readonly subnet: NetworkSubnet;
  readonly securityGroupIds: readonly string[];
  readonly instanceTags: readonly Tag[];
  readonly volumeTags: readonly Tag[];
  /** ARN of the instance profile. */
  readonly profileArn: string | undefined;
  readonly shutdownBehavior: 'stop' | 'terminate';
  readonly userData: string | undefined;
  readonly metadataOptions: InstanceMetadataOptionsResponse;
  readonly templateId: string | undefined;
  readonly templateVersion: number | undefined;
  readonly keyName: string | undefined;
}

/** Members that change nothing that the region shows, or that it heeds below. */
const heeded = new Set<string>([
  'ImageId',
  'InstanceType',
  'SecurityGroupIds',
  'SubnetId',
  'NetworkInterfaces',
  'TagSpecifications',
  'UserData',
  'IamInstanceProfile',
  'InstanceInitiatedShutdownBehavior',
  'MetadataOptions',
  'KeyName',
  'BlockDeviceMappings',
  'Monitoring',
  'EbsOptimized',
  'CreditSpecification',
  'CpuOptions',
  'MaintenanceOptions',
  'PrivateDnsNameOptions',
  'Placement',
  'InstanceMarketOptions',
]);

type Asked = Pick<
  RunInstancesRequest,
  'ImageId' | 'InstanceType' | 'SubnetId' | 'LaunchTemplate' | 'TagSpecifications'
> &
  RequestLaunchTemplateData;

/**
 * Merges the request over its launch template, and checks what EC2 checks before anything starts.
 * @throws InvalidAMIID.NotFound, InvalidAMIID.Unavailable, InvalidSubnetID.NotFound, InvalidGroup.NotFound,
 *   InvalidParameterValue, MissingParameter
 */
export function resolveLaunch(state: Ec2State, asked: Asked): LaunchSpec {
  const { LaunchTemplate: template, ...own } = asked;
  const record = template === undefined ? undefined : findTemplate(state, template);
  const version = record === undefined ? undefined : findVersion(record, template?.Version);
  const base = (version?.LaunchTemplateData ?? {}) as RequestLaunchTemplateData; // stored from a request
  const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
  const data: Asked = { ...(base as Asked), ...given };
  for (const [name, value] of Object.entries(data)) {
    if (heeded.has(name) || value === false || (Array.isArray(value) && value.length === 0)) continue;
    throw new AwsError('UnsupportedOperation', `The local region cannot launch with ${name}.`);
  }

  const imageId = data.ImageId;
  if (imageId === undefined)
    throw new AwsError('MissingParameter', 'The request must contain the parameter ImageId');
  const image = state.images.get(imageId);
  if (image === undefined) {
    throw new AwsError('InvalidAMIID.NotFound', `The image id '[${imageId}]' does not exist`);
  }
  if (image.State !== 'available') {
    throw new AwsError('InvalidAMIID.Unavailable', `The image ID '${imageId}' is not available`);
  }
  // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html: m1.small, which is gone
  const typeName = data.InstanceType;
  const type = instanceTypeFacts(typeName);
  if (type === undefined) throw invalidValue(`Invalid value '${typeName ?? 'm1.small'}' for InstanceType.`);
  if (type.architecture !== image.Architecture) {
    throw invalidValue(
      `The architecture '${type.architecture}' of the specified instance type does not match the architecture '${image.Architecture}' of the specified AMI. Specify an instance type and an AMI that have matching architectures, and try again.`,
    );
  }
  if (image.EnaSupport !== true) {
    throw new AwsError(
      'InvalidParameterCombination',
      `Enhanced networking with the Elastic Network Adapter (ENA) is required for the '${type.name}' instance type. Ensure that you are using an AMI that is enabled for ENA.`,
    );
  }
  const nic = data.NetworkInterfaces?.[0];
  const subnetId = data.SubnetId ?? nic?.SubnetId ?? state.network.subnets[0]?.subnetId ?? '';
  const subnet = state.network.subnet(subnetId);
  if (subnet === undefined) {
    throw new AwsError('InvalidSubnetID.NotFound', `The subnet ID '${subnetId}' does not exist`);
  }
  const groups = data.SecurityGroupIds ?? nic?.Groups ?? [];
  for (const group of groups) {
    if (group !== state.network.securityGroupId) {
      throw new AwsError('InvalidGroup.NotFound', `The security group '${group}' does not exist`);
    }
  }
  const profile = data.IamInstanceProfile;
  const options = data.MetadataOptions;
  // Tags of the request and of the template both apply; the request's win.
  const specifications = [...(base.TagSpecifications ?? []), ...(asked.TagSpecifications ?? [])];
  const root = image.BlockDeviceMappings?.find((one) => one.DeviceName === image.RootDeviceName);
  return {
    imageId,
    image: { ...image },
    rootSnapshotId: root?.Ebs?.SnapshotId ?? '',
    market: marketOf(data.InstanceMarketOptions),
    type,
    subnet,
    securityGroupIds: groups.length === 0 ? [state.network.securityGroupId] : groups,
    instanceTags: tagsFor(specifications, 'instance'),
    volumeTags: tagsFor(specifications, 'volume'),
    profileArn:
      profile === undefined
        ? undefined
        : (profile.Arn ?? globalArn(state, `instance-profile/${profile.Name}`)),
    shutdownBehavior: data.InstanceInitiatedShutdownBehavior ?? 'stop',
    userData: data.UserData,
    metadataOptions: {
      State: 'applied',
      HttpTokens: options?.HttpTokens ?? (image.ImdsSupport === 'v2.0' ? 'required' : 'optional'),
      HttpPutResponseHopLimit: options?.HttpPutResponseHopLimit ?? 1,
      HttpEndpoint: options?.HttpEndpoint ?? 'enabled',
      HttpProtocolIpv6: 'disabled',
      InstanceMetadataTags: options?.InstanceMetadataTags ?? 'disabled',
    },
    templateId: record?.template.LaunchTemplateId,
    templateVersion: version?.VersionNumber,
    keyName: data.KeyName,
  };
}

/** One-time Spot requests that end in termination: the kind that Auto Scaling makes, and the only one here. */
function marketOf(options: InstanceMarketOptionsRequest | undefined): LaunchSpec['market'] {
  if (options?.MarketType === undefined) return 'on-demand';
  const { InstanceInterruptionBehavior: behaviour = 'terminate', SpotInstanceType: kind = 'one-time' } =
    options.SpotOptions ?? {};
  if (options.MarketType !== 'spot' || behaviour !== 'terminate' || kind !== 'one-time') {
    throw new AwsError(
      'UnsupportedOperation',
      'The local region has one-time Spot requests that end in termination, and no other market.',
    );
  }
  return 'spot';
}

/**
 * What a caller must be allowed to do to launch. Auto Scaling checks the same of who creates or updates a
 * group with a launch template.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html#amazonec2-RunInstances
 */
export function launchAccess(state: Ec2State, asked: Asked): readonly Access[] {
  const { context } = state;
  const record = asked.LaunchTemplate === undefined ? undefined : findTemplate(state, asked.LaunchTemplate);
  const version = record === undefined ? undefined : findVersion(record, asked.LaunchTemplate?.Version);
  const base = (version?.LaunchTemplateData ?? {}) as RequestLaunchTemplateData; // stored from a request
  const imageId = asked.ImageId ?? base.ImageId ?? 'ami-*';
  const specifications = [...(base.TagSpecifications ?? []), ...(asked.TagSpecifications ?? [])];
  const instanceTags = tagsFor(specifications, 'instance');
  const volumeTags = tagsFor(specifications, 'volume');
  const instances = arn(context, 'ec2', 'instance/*');
  const volumes = arn(context, 'ec2', 'volume/*');
  const subnetId = asked.SubnetId ?? base.NetworkInterfaces?.[0]?.SubnetId;
  const groups = asked.SecurityGroupIds ?? base.SecurityGroupIds ?? base.NetworkInterfaces?.[0]?.Groups ?? [];
  const run = (resources: readonly string[], tags: readonly Tag[] = []): Access => ({
    action: 'ec2:RunInstances',
    resources,
    context: requestTagContext(tags),
  });
  const profile = asked.IamInstanceProfile ?? base.IamInstanceProfile;
  return [
    { ...onResource(state, 'ec2:RunInstances', imageId) },
    run([instances], instanceTags),
    run([volumes], volumeTags),
    run([
      arn(context, 'ec2', 'network-interface/*'),
      arn(context, 'ec2', `subnet/${subnetId ?? '*'}`),
      ...(groups.length === 0 ? ['*'] : groups).map((group) =>
        arn(context, 'ec2', `security-group/${group}`),
      ),
      ...(record === undefined ? [] : [resourceArn(context, record.template.LaunchTemplateId)]),
      // As policies of people who launch Spot Instances have it (karpenter-provider-aws, its controller's policy).
      ...(asked.InstanceMarketOptions?.MarketType === 'spot'
        ? [arn(context, 'ec2', 'spot-instances-request/*')]
        : []),
    ]),
    ...tagOnCreate([instances], 'RunInstances', instanceTags),
    ...tagOnCreate([volumes], 'RunInstances', volumeTags),
    ...(profile === undefined
      ? []
      : [
          {
            action: 'iam:PassRole',
            // Its path is a part of the role's ARN, which policies are matched against:
            // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-arns
            resources: [globalArn(state, `role/${state.instances.roleOfProfile(profileName(profile))}`)],
            context: { 'iam:passedtoservice': 'ec2.amazonaws.com' },
          },
        ]),
  ];
}

function profileName({
  Name,
  Arn,
}: {
  readonly Name?: string | undefined;
  readonly Arn?: string | undefined;
}): string {
  return Name ?? Arn?.split('/').at(-1) ?? '*';
}

function globalArn(state: Ec2State, rest: string): string {
  return `arn:aws:iam::${state.context.accountId}:${rest}`;
}
