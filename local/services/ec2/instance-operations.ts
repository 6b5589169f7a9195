import type {
  DescribeInstancesRequest,
  DescribeInstancesResult,
  GetConsoleOutputRequest,
  GetConsoleOutputResult,
  Instance,
  Reservation,
  RunInstancesRequest,
  TerminateInstancesRequest,
  TerminateInstancesResult,
} from '@aws-sdk/client-ec2';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { page } from '../paging.ts';
import { badToken, checkId, invalidValue, missing, required } from './errors.ts';
import { passes, tagFilter } from './filters.ts';
import type { InstanceRecord } from './instance-record.ts';
import { stateCodes } from './instance-record.ts';
import { launchAccess, resolveLaunch } from './launch.ts';
import type { Ec2State } from './state.ts';
import { describeAccess, onResource } from './state.ts';

/** The instances of these ids, or all. @throws InvalidInstanceID.Malformed, InvalidInstanceID.NotFound */
export function selected({ instances }: Ec2State, ids: readonly string[] | undefined): InstanceRecord[] {
  if (ids === undefined || ids.length === 0) return [...instances.all.values()];
  return ids.map((id) => {
    checkId(id, 'i', 'InvalidInstanceID.Malformed');
    const found = instances.all.get(id);
    if (found !== undefined) return found;
    throw new AwsError('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
  });
}

/** The same for what is answered in pages. @throws InvalidParameterCombination for pages of named instances */
export function selectedInPages(
  state: Ec2State,
  input: { InstanceIds?: string[] | undefined; MaxResults?: number | undefined },
): InstanceRecord[] {
  // "You cannot specify this parameter and the instance IDs parameter in the same request."
  if (input.MaxResults !== undefined && input.InstanceIds?.length)
    throw new AwsError(
      'InvalidParameterCombination',
      'The parameter instancesSet cannot be used with the parameter maxResults',
    );
  return selected(state, input.InstanceIds);
}

export function instanceOperations(state: Ec2State) {
  const { context, instances } = state;
  const { launchedByToken } = state;

  const RunInstances: Operation<RunInstancesRequest, Reservation> = {
    access: (input) => launchAccess(state, input as Parameters<typeof launchAccess>[1]),
    run(input) {
      const { MinCount, MaxCount, ClientToken, DryRun: _dryRun, ...asked } = input;
      const most = required(MaxCount, 'MaxCount');
      if (most < 1 || required(MinCount, 'MinCount') > most)
        throw invalidValue('MinCount must not exceed MaxCount');
      const parameters = JSON.stringify([asked, MinCount, most]);
      const earlier = ClientToken === undefined ? undefined : launchedByToken.get(ClientToken);
      if (earlier !== undefined) {
        if (earlier.parameters !== parameters) {
          throw new AwsError(
            'IdempotentParameterMismatch',
            'The request uses the same client token as a previous, but non-identical request.',
          );
        }
        // One that was forgotten since has been terminated, too.
        // https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
        if (earlier.launched.every(({ state }) => state === 'terminated')) {
          throw new AwsError(
            'IdempotentInstanceTerminated',
            'The request to launch an instance uses the same client token as a previous request for which the instance has been terminated.',
          );
        }
        return reservation(earlier.launched);
      }
      // The shapes differ from a launch template's only in members that resolveLaunch refuses.
      const spec = resolveLaunch(state, asked as Parameters<typeof resolveLaunch>[1]);
      const launched = instances.launch(spec, most, ClientToken);
      if (ClientToken !== undefined) launchedByToken.set(ClientToken, { parameters, launched });
      return reservation(launched);
    },
  };

  const reservation = (launched: readonly InstanceRecord[]): Reservation => ({
    ReservationId: launched[0]?.reservationId,
    OwnerId: context.accountId,
    Groups: [],
    Instances: launched.map((one) => describeInstance(state, one)),
  });

  const DescribeInstances: Operation<DescribeInstancesRequest, DescribeInstancesResult> = {
    access: describeAccess('DescribeInstances'),
    run(input) {
      const found = selectedInPages(state, input).filter((one) =>
        passes(input.Filters, (name) => instanceFilter(state, one, name)),
      );
      const shown = page(
        found,
        (one) => one.instanceId,
        input.MaxResults ?? 1_000,
        input.NextToken,
        badToken,
      );
      const groups = Map.groupBy(shown.items, (one) => one.reservationId);
      return { Reservations: [...groups.values()].map(reservation), NextToken: shown.nextToken };
    },
  };

  const TerminateInstances: Operation<TerminateInstancesRequest, TerminateInstancesResult> = {
    access: (input) => (input.InstanceIds ?? []).map((id) => onResource(state, 'ec2:TerminateInstances', id)),
    run(input) {
      if (!input.InstanceIds?.length) throw missing('InstanceIds');
      return {
        TerminatingInstances: selected(state, input.InstanceIds).map((one) => {
          const before = one.state;
          instances.terminate(one);
          return {
            InstanceId: one.instanceId,
            PreviousState: { Name: before, Code: stateCodes[before] },
            CurrentState: { Name: one.state, Code: stateCodes[one.state] },
          };
        }),
      };
    },
  };

  const GetConsoleOutput: Operation<GetConsoleOutputRequest, GetConsoleOutputResult> = {
    access: (input) => [onResource(state, 'ec2:GetConsoleOutput', input.InstanceId)],
    run(input) {
      const [instance] = selected(state, [required(input.InstanceId, 'InstanceId')]);
      if (instance === undefined) throw missing('InstanceId');
      const live = instance.machine !== undefined && input.Latest === true;
      // Without Latest, the output is what was posted shortly after the last transition: never fresher here.
      return {
        InstanceId: instance.instanceId,
        Output: Buffer.from(instances.console(instance)).toString('base64'),
        Timestamp: new Date(live ? context.clock.now() : instance.consoleAt),
      };
    },
  };

  return { RunInstances, DescribeInstances, TerminateInstances, GetConsoleOutput };
}

function describeInstance(state: Ec2State, one: InstanceRecord): Instance {
  const { context, network } = state;
  const { spec } = one;
  const { image } = spec;
  const alive = one.state !== 'terminated';
  const dns = `ip-${one.privateIp.replaceAll('.', '-')}.ec2.internal`;
  const securityGroups = spec.securityGroupIds.map((GroupId) => ({ GroupId, GroupName: 'default' }));
  return {
    InstanceId: one.instanceId,
    ImageId: spec.imageId,
    InstanceType: spec.type.name,
    Architecture: spec.type.architecture,
    State: { Name: one.state, Code: stateCodes[one.state] },
    StateReason: one.stateReason,
    StateTransitionReason: one.transitionReason,
    LaunchTime: new Date(one.launchedAt),
    AmiLaunchIndex: one.launchIndex,
    ClientToken: one.clientToken ?? '',
    InstanceLifecycle: spec.market === 'spot' ? 'spot' : undefined,
    SpotInstanceRequestId: one.spotRequestId,
    KeyName: spec.keyName,
    Placement: { AvailabilityZone: spec.subnet.zone, Tenancy: 'default', GroupName: '' },
    Monitoring: { State: 'disabled' },
    Hypervisor: 'xen',
    VirtualizationType: 'hvm',
    EnaSupport: true,
    EbsOptimized: false,
    RootDeviceType: 'ebs',
    RootDeviceName: image.RootDeviceName ?? '/dev/xvda',
    BlockDeviceMappings: alive
      ? [
          {
            DeviceName: image.RootDeviceName ?? '/dev/xvda',
            Ebs: {
              VolumeId: one.volumeId,
              Status: 'attached',
              DeleteOnTermination: true,
              AttachTime: new Date(one.launchedAt),
            },
          },
        ]
      : [],
    NetworkInterfaces: alive
      ? [
          {
            NetworkInterfaceId: one.interfaceId,
            PrivateIpAddress: one.privateIp,
            PrivateDnsName: dns,
            SubnetId: spec.subnet.subnetId,
            VpcId: network.vpcId,
            OwnerId: context.accountId,
            Status: 'in-use',
            Groups: securityGroups,
            SourceDestCheck: true,
          },
        ]
      : [],
    SecurityGroups: alive ? securityGroups : [],
    PrivateIpAddress: alive ? one.privateIp : undefined,
    PrivateDnsName: alive ? dns : '',
    PublicDnsName: '',
    SubnetId: alive ? spec.subnet.subnetId : undefined,
    VpcId: alive ? network.vpcId : undefined,
    SourceDestCheck: alive ? true : undefined,
    IamInstanceProfile:
      spec.profileArn === undefined
        ? undefined
        : { Arn: spec.profileArn, Id: spec.profileArn.split('/').at(-1) },
    MetadataOptions: spec.metadataOptions,
    BootMode: image.BootMode,
    CurrentInstanceBootMode: image.BootMode === 'uefi' ? 'uefi' : 'legacy-bios',
    PlatformDetails: 'Linux/UNIX',
    UsageOperation: 'RunInstances',
    Tags: state.tags.list(one.instanceId),
  };
}

export function instanceFilter(state: Ec2State, one: InstanceRecord, name: string) {
  switch (name) {
    case 'instance-id':
      return one.instanceId;
    case 'instance-state-name':
      return one.state;
    case 'instance-state-code':
      return `${stateCodes[one.state]}`;
    case 'instance-lifecycle':
      return one.spec.market === 'spot' ? 'spot' : undefined;
    case 'spot-instance-request-id':
      return one.spotRequestId;
    case 'image-id':
      return one.spec.imageId;
    case 'instance-type':
      return one.spec.type.name;
    case 'availability-zone':
      return one.spec.subnet.zone;
    case 'subnet-id':
      return one.spec.subnet.subnetId;
    case 'vpc-id':
      return state.network.vpcId;
    case 'private-ip-address':
      return one.privateIp;
    case 'reservation-id':
      return one.reservationId;
    case 'client-token':
      return one.clientToken;
    default:
      return tagFilter(name, state.tags.list(one.instanceId));
  }
}
