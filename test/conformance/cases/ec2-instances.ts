/** Cases of EC2: instances, and the network that they stand in. */
import { absent, aTime, type Case, holding } from '../case.ts';

/** "The Amazon EC2 API … error codes": EC2 models none of its errors, and each page leads here. */
const errors = 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html';

const noInstance = 'i-0123456789abcdef0';
const tokened = {
  ImageId: '<image>',
  InstanceType: 't3.micro',
  MinCount: 1,
  MaxCount: 1,
  ClientToken: '<name>',
};

/** The output is in base64 on the wire; boto3 and the AWS CLI decode it, the SDK for JavaScript does not. */
function tellsOfListening(output: unknown): boolean {
  const text = String(output);
  return [text, Buffer.from(text, 'base64').toString()].some((one) =>
    one.includes('listening, version world'),
  );
}

export const instanceCases: readonly Case[] = [
  {
    operation: 'DescribeInstanceTypes',
    says: 'tells the default vCPUs of the types named',
    input: { InstanceTypes: ['t3.micro', 'c7i.xlarge'] },
    answers: {
      InstanceTypes: holding(
        { InstanceType: 't3.micro', VCpuInfo: { DefaultVCpus: 2 } },
        { InstanceType: 'c7i.xlarge', VCpuInfo: { DefaultVCpus: 4 } },
      ),
    },
  },
  {
    operation: 'DescribeInstanceTypes',
    says: 'refuses a type that does not exist',
    page: errors,
    input: { InstanceTypes: ['t3.nothing'] },
    fails: { code: 'InvalidInstanceType', status: 400 },
  },
  {
    operation: 'DescribeInstances',
    says: 'tells state, image and addresses, by reservation',
    input: { InstanceIds: ['<instance>'] },
    answers: {
      Reservations: [
        {
          OwnerId: '<account>',
          ReservationId: /^r-/,
          Instances: [
            {
              InstanceId: '<instance>',
              ImageId: '<image>',
              InstanceType: 't3.micro',
              State: { Name: 'running', Code: 16 },
              PrivateIpAddress: /^10\./,
              VpcId: '<vpc>',
              LaunchTime: aTime,
              Placement: { AvailabilityZone: /^us-east-1/ },
              Tags: [{ Key: 'Name', Value: 'world' }],
            },
          ],
        },
      ],
    },
  },
  {
    operation: 'DescribeInstances',
    says: 'finds instances by tag and state',
    input: {
      Filters: [
        { Name: 'tag:Name', Values: ['world'] },
        { Name: 'instance-state-name', Values: ['running'] },
      ],
    },
    answers: { Reservations: [{ Instances: [{ InstanceId: '<instance>' }] }] },
  },
  {
    operation: 'DescribeInstances',
    says: 'refuses an id that does not exist',
    page: errors,
    input: { InstanceIds: [noInstance] },
    fails: { code: 'InvalidInstanceID.NotFound', status: 400 },
  },
  {
    operation: 'DescribeInstances',
    says: 'refuses an id that is malformed',
    page: errors,
    input: { InstanceIds: ['instance'] },
    fails: { code: 'InvalidInstanceID.Malformed', status: 400 },
  },
  {
    operation: 'DescribeInstances',
    says: 'refuses pages together with instance ids',
    input: { InstanceIds: ['<instance>'], MaxResults: 5 },
    fails: { code: 'InvalidParameterCombination', status: 400 },
  },
  {
    operation: 'GetConsoleOutput',
    says: 'answers with what the instance wrote, in base64',
    input: { InstanceId: '<instance>', Latest: true },
    until: { Output: tellsOfListening },
    answers: { InstanceId: '<instance>', Timestamp: aTime },
  },
  {
    operation: 'GetConsoleOutput',
    says: 'refuses an instance that does not exist',
    page: errors,
    input: { InstanceId: noInstance },
    fails: { code: 'InvalidInstanceID.NotFound', status: 400 },
  },
  {
    operation: 'RunInstances',
    says: 'answers with an instance that is pending',
    notByCli: 'it says --count in place of both numbers',
    input: { ImageId: '<image>', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1 },
    answers: { Instances: [{ ImageId: '<image>', State: { Name: 'pending', Code: 0 } }] },
  },
  {
    operation: 'RunInstances',
    says: 'refuses an image that does not exist',
    page: errors,
    notByCli: 'it says --count in place of both numbers',
    input: { ImageId: 'ami-0123456789abcdef0', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1 },
    fails: { code: 'InvalidAMIID.NotFound', status: 400 },
  },
  {
    operation: 'RunInstances',
    says: 'refuses the client token of an instance that has been terminated',
    page: errors,
    notByCli: 'it says --count in place of both numbers',
    given: [
      { call: 'RunInstances', input: tokened, keep: { launched: 'Instances.0.InstanceId' } },
      { call: 'RunInstances', input: tokened, answers: { Instances: [{ InstanceId: '<launched>' }] } },
      { call: 'TerminateInstances', input: { InstanceIds: ['<launched>'] } },
      {
        call: 'DescribeInstances',
        input: { InstanceIds: ['<launched>'] },
        until: { Reservations: [{ Instances: [{ State: { Name: 'terminated' } }] }] },
      },
    ],
    input: tokened,
    fails: { code: 'IdempotentInstanceTerminated', status: 400 },
  },
  {
    operation: 'TerminateInstances',
    says: 'shuts the instance down, and tells what it was before',
    given: [
      {
        call: 'RunInstances',
        input: { ImageId: '<image>', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1 },
        keep: { launched: 'Instances.0.InstanceId' },
      },
    ],
    input: { InstanceIds: ['<launched>'] },
    answers: {
      TerminatingInstances: [
        { InstanceId: '<launched>', CurrentState: { Name: /^(shutting-down|terminated)$/ } },
      ],
    },
  },
  {
    operation: 'TerminateInstances',
    says: 'refuses an instance that does not exist',
    page: errors,
    input: { InstanceIds: [noInstance] },
    fails: { code: 'InvalidInstanceID.NotFound', status: 400 },
  },
  {
    operation: 'DescribeSubnets',
    says: 'tells zone, network and free addresses',
    input: { SubnetIds: ['<subnet>'] },
    answers: {
      Subnets: [
        {
          SubnetId: '<subnet>',
          VpcId: '<vpc>',
          AvailabilityZone: 'us-east-1a',
          State: 'available',
          DefaultForAz: true,
          CidrBlock: /^10\./,
        },
      ],
    },
  },
  {
    operation: 'DescribeSubnets',
    says: 'finds the default subnets of a network',
    input: {
      Filters: [
        { Name: 'vpc-id', Values: ['<vpc>'] },
        { Name: 'default-for-az', Values: ['true'] },
      ],
    },
    answers: { Subnets: holding({ SubnetId: '<subnet>' }, { SubnetId: '<otherSubnet>' }) },
  },
  {
    operation: 'DescribeSubnets',
    says: 'refuses an id that does not exist',
    page: errors,
    input: { SubnetIds: ['subnet-0123456789abcdef0'] },
    fails: { code: 'InvalidSubnetID.NotFound', status: 400 },
  },
  {
    operation: 'DescribeNetworkInterfaces',
    says: 'finds interfaces by their description, or none',
    input: { Filters: [{ Name: 'description', Values: ['ELB app/<name>/0123456789abcdef'] }] },
    answers: { NetworkInterfaces: [] },
  },
  {
    operation: 'DescribeNetworkInterfaces',
    says: 'refuses an id that does not exist',
    page: errors,
    input: { NetworkInterfaceIds: ['eni-0123456789abcdef0'] },
    fails: { code: 'InvalidNetworkInterfaceID.NotFound', status: 400 },
  },
  {
    operation: 'DescribeSecurityGroups',
    says: 'tells name, network and rules',
    input: { GroupIds: ['<securityGroup>'] },
    answers: {
      SecurityGroups: [
        { GroupId: '<securityGroup>', GroupName: 'default', VpcId: '<vpc>', OwnerId: '<account>' },
      ],
    },
  },
  {
    operation: 'DescribeSecurityGroups',
    says: 'finds a group by its name and network',
    input: {
      Filters: [
        { Name: 'group-name', Values: ['default'] },
        { Name: 'vpc-id', Values: ['<vpc>'] },
      ],
    },
    answers: { SecurityGroups: [{ GroupId: '<securityGroup>' }] },
  },
  {
    operation: 'DescribeSecurityGroups',
    says: 'answers with an empty list where no group passes the filters',
    input: { Filters: [{ Name: 'group-name', Values: ['<name>'] }] },
    answers: { SecurityGroups: [] },
  },
  {
    operation: 'DescribeSecurityGroups',
    says: 'refuses an id that does not exist',
    page: errors,
    input: { GroupIds: ['sg-0123456789abcdef0'] },
    fails: { code: 'InvalidGroup.NotFound', status: 400 },
  },
  {
    operation: 'DescribeInstances',
    says: 'tells of terminated instances for an hour, and why they ended',
    page: 'https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/terminating-instances.html',
    given: [
      {
        call: 'RunInstances',
        input: { ImageId: '<image>', InstanceType: 't3.micro', MinCount: 1, MaxCount: 1 },
        keep: { own: 'Instances.0.InstanceId' },
      },
      { call: 'TerminateInstances', input: { InstanceIds: ['<own>'] } },
    ],
    input: { InstanceIds: ['<own>'] },
    until: { Reservations: [{ Instances: [{ State: { Name: 'terminated', Code: 48 } }] }] },
    answers: {
      Reservations: [
        { Instances: [{ StateReason: { Code: 'Client.UserInitiatedShutdown' }, PrivateIpAddress: absent }] },
      ],
    },
  },
  {
    operation: 'DescribeInstances',
    says: 'refuses a filter that it does not have',
    page: errors,
    input: { Filters: [{ Name: 'colour', Values: ['blue'] }] },
    fails: { code: 'InvalidParameterValue', status: 400 },
  },
  {
    operation: 'DescribeSecurityGroups',
    says: 'refuses an id that is malformed',
    page: errors,
    input: { GroupIds: ['my-group'] },
    fails: { code: 'InvalidGroupId.Malformed', status: 400 },
  },
];
