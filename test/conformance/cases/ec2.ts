/** Cases of EC2: images, snapshots, launch templates, instances, the network. */
import { absent, aTime, holding, listOf, type Sheet, type Step } from '../case.ts';

/** "The Amazon EC2 API … error codes": EC2 models none of its errors, and each page leads here. */
const errors = 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html';
const guide = 'https://docs.aws.amazon.com/AWSEC2/latest/UserGuide';

const image = {
  Name: '<name>',
  Architecture: 'x86_64',
  VirtualizationType: 'hvm',
  RootDeviceName: '/dev/xvda',
  BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId: '<snapshot>', VolumeType: 'gp3' } }],
};
const registered: Step = { call: 'RegisterImage', input: image, keep: { ami: 'ImageId' } };
const started: Step = { call: 'ebs.StartSnapshot', input: { VolumeSize: 1 }, keep: { own: 'SnapshotId' } };
const template: Step = {
  call: 'CreateLaunchTemplate',
  input: {
    LaunchTemplateName: '<name>',
    LaunchTemplateData: { ImageId: '<image>', InstanceType: 't3.micro' },
  },
  keep: { template: 'LaunchTemplate.LaunchTemplateId' },
};
const noImage = 'ami-0123456789abcdef0';
const noSnapshot = 'snap-0123456789abcdef0';
const noTemplate = 'lt-0123456789abcdef0';
const noInstance = 'i-0123456789abcdef0';

/** The output is in base64 on the wire; boto3 and the AWS CLI decode it, the SDK for JavaScript does not. */
function tellsOfListening(output: unknown): boolean {
  const text = String(output);
  return [text, Buffer.from(text, 'base64').toString()].some((one) =>
    one.includes('listening, version world'),
  );
}

export const ec2: Sheet = {
  service: 'ec2',
  title: 'EC2',
  pages: 'https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_*.html',
  cases: [
    {
      operation: 'RegisterImage',
      says: 'answers with the id of an image that becomes available',
      input: {
        ...image,
        Description: 'of <name>',
        EnaSupport: true,
        BootMode: 'uefi',
        ImdsSupport: 'v2.0',
        TagSpecifications: [{ ResourceType: 'image', Tags: [{ Key: 'flotilla:fleet', Value: '<name>' }] }],
      },
      answers: { ImageId: /^ami-[0-9a-f]{17}$/ },
      after: [
        {
          call: 'DescribeImages',
          input: { Owners: ['self'], Filters: [{ Name: 'name', Values: ['<name>'] }] },
          until: { Images: [{ State: 'available' }] },
          answers: {
            Images: [
              {
                Name: '<name>',
                Description: 'of <name>',
                OwnerId: '<account>',
                ImageLocation: '<account>/<name>',
                Public: false,
                ImageType: 'machine',
                Architecture: 'x86_64',
                VirtualizationType: 'hvm',
                BootMode: 'uefi',
                ImdsSupport: 'v2.0',
                EnaSupport: true,
                RootDeviceType: 'ebs',
                RootDeviceName: '/dev/xvda',
                Tags: [{ Key: 'flotilla:fleet', Value: '<name>' }],
                BlockDeviceMappings: [
                  {
                    DeviceName: '/dev/xvda',
                    Ebs: {
                      SnapshotId: '<snapshot>',
                      VolumeType: 'gp3',
                      VolumeSize: 1,
                      DeleteOnTermination: true,
                      Encrypted: false,
                    },
                  },
                ],
              },
            ],
          },
        },
      ],
    },
    {
      operation: 'RegisterImage',
      says: 'refuses a name that is in use: "AMI names must be unique for your account"',
      page: errors,
      given: [registered],
      input: image,
      fails: { code: 'InvalidAMIName.Duplicate', status: 400 },
    },
    {
      operation: 'RegisterImage',
      says: 'refuses a name of fewer than three characters',
      page: errors,
      input: { ...image, Name: 'ab' },
      fails: { code: 'InvalidAMIName.Malformed', status: 400 },
    },
    {
      operation: 'RegisterImage',
      says: 'refuses a snapshot that does not exist',
      page: errors,
      input: {
        ...image,
        BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId: noSnapshot } }],
      },
      fails: { code: 'InvalidSnapshot.NotFound', status: 400 },
    },
    {
      operation: 'DescribeImages',
      says: 'finds images by owner and by filters, with wildcards',
      page: `${guide}/Using_Filtering.html`,
      given: [registered],
      input: {
        Owners: ['self'],
        Filters: [
          { Name: 'name', Values: ['<name>', 'nothing'] },
          { Name: 'architecture', Values: ['x86*'] },
        ],
      },
      answers: { Images: [{ ImageId: '<ami>', Name: '<name>' }], NextToken: absent },
    },
    {
      operation: 'DescribeImages',
      says: 'answers with an empty list where no image passes the filters',
      input: { Owners: ['self'], Filters: [{ Name: 'name', Values: ['<name>'] }] },
      answers: { Images: [] },
    },
    {
      operation: 'DescribeImages',
      says: 'refuses an id that does not exist',
      page: errors,
      input: { ImageIds: [noImage] },
      fails: { code: 'InvalidAMIID.NotFound', status: 400 },
    },
    {
      operation: 'DescribeImages',
      says: 'refuses an id that is malformed',
      page: errors,
      input: { ImageIds: ['my-image'] },
      fails: { code: 'InvalidAMIID.Malformed', status: 400 },
    },
    {
      operation: 'DescribeImages',
      says: 'refuses a filter that it does not have',
      page: errors,
      input: { Filters: [{ Name: 'colour', Values: ['blue'] }] },
      fails: { code: 'InvalidParameterValue', status: 400 },
    },
    {
      operation: 'DeregisterImage',
      says: 'removes the image and leaves its snapshot',
      given: [registered],
      input: { ImageId: '<ami>' },
      answers: { Return: true },
      after: [
        {
          call: 'DescribeImages',
          input: { Filters: [{ Name: 'image-id', Values: ['<ami>'] }] },
          answers: { Images: [] },
        },
        {
          call: 'DescribeSnapshots',
          input: { SnapshotIds: ['<snapshot>'] },
          answers: { Snapshots: listOf(1) },
        },
      ],
    },
    {
      operation: 'DeregisterImage',
      says: 'refuses an id that does not exist',
      page: errors,
      input: { ImageId: noImage },
      fails: { code: 'InvalidAMIID.NotFound', status: 400 },
    },
    {
      operation: 'DeregisterImage',
      says: 'refuses an image that was deregistered before',
      page: errors,
      given: [registered, { call: 'DeregisterImage', input: { ImageId: '<ami>' } }],
      input: { ImageId: '<ami>' },
      fails: { code: 'InvalidAMIID.Unavailable', status: 400 },
    },
    {
      operation: 'DescribeSnapshots',
      says: 'tells state, size and owner',
      input: { SnapshotIds: ['<snapshot>'], OwnerIds: ['self'] },
      answers: {
        Snapshots: [
          {
            SnapshotId: '<snapshot>',
            State: 'completed',
            Progress: '100%',
            OwnerId: '<account>',
            VolumeSize: 1,
            Encrypted: false,
            StartTime: aTime,
            StorageTier: 'standard',
          },
        ],
        NextToken: absent,
      },
    },
    {
      operation: 'DescribeSnapshots',
      says: 'finds pending ones by tag and status',
      page: `${guide}/Using_Filtering.html`,
      given: [
        {
          call: 'ebs.StartSnapshot',
          input: { VolumeSize: 1, Tags: [{ Key: 'flotilla:fleet', Value: '<name>' }] },
          keep: { own: 'SnapshotId' },
        },
      ],
      input: {
        Filters: [
          { Name: 'tag:flotilla:fleet', Values: ['<name>'] },
          { Name: 'status', Values: ['pending'] },
        ],
      },
      answers: { Snapshots: [{ SnapshotId: '<own>', State: 'pending' }] },
    },
    {
      operation: 'DescribeSnapshots',
      says: 'refuses an id that does not exist',
      page: errors,
      input: { SnapshotIds: [noSnapshot] },
      fails: { code: 'InvalidSnapshot.NotFound', status: 400 },
    },
    {
      operation: 'DescribeSnapshots',
      says: 'refuses an id that is malformed',
      page: errors,
      input: { SnapshotIds: ['snapshot'] },
      fails: { code: 'InvalidSnapshotID.Malformed', status: 400 },
    },
    {
      operation: 'DeleteSnapshot',
      says: 'removes the snapshot',
      given: [started],
      input: { SnapshotId: '<own>' },
      answers: {},
      after: [
        {
          call: 'DescribeSnapshots',
          input: { SnapshotIds: ['<own>'] },
          fails: 'InvalidSnapshot.NotFound',
        },
      ],
    },
    {
      operation: 'DeleteSnapshot',
      says: 'refuses a snapshot of a registered image: deregister the AMI first',
      given: [registered],
      input: { SnapshotId: '<snapshot>' },
      fails: { code: 'InvalidSnapshot.InUse', status: 400 },
    },
    {
      operation: 'DeleteSnapshot',
      says: 'refuses an id that does not exist',
      page: errors,
      input: { SnapshotId: noSnapshot },
      fails: { code: 'InvalidSnapshot.NotFound', status: 400 },
    },
    {
      operation: 'DeleteSnapshot',
      says: 'asked for a dry run, says that it would have succeeded, and deletes nothing',
      given: [started],
      input: { SnapshotId: '<own>', DryRun: true },
      fails: { code: 'DryRunOperation', status: 412 },
      after: [
        { call: 'DescribeSnapshots', input: { SnapshotIds: ['<own>'] }, answers: { Snapshots: listOf(1) } },
      ],
    },
    {
      operation: 'CreateLaunchTemplate',
      says: 'makes version 1, which is the default and the latest',
      input: {
        LaunchTemplateName: '<name>',
        VersionDescription: 'first',
        LaunchTemplateData: { ImageId: '<image>', InstanceType: 't3.micro' },
        TagSpecifications: [{ ResourceType: 'launch-template', Tags: [{ Key: 'a', Value: '<name>' }] }],
      },
      answers: {
        LaunchTemplate: {
          LaunchTemplateId: /^lt-[0-9a-f]{17}$/,
          LaunchTemplateName: '<name>',
          CreateTime: aTime,
          CreatedBy: /^arn:aws:iam::/,
          DefaultVersionNumber: 1,
          LatestVersionNumber: 1,
          Tags: [{ Key: 'a', Value: '<name>' }],
        },
      },
    },
    {
      operation: 'CreateLaunchTemplate',
      says: 'refuses a name that is in use',
      page: errors,
      given: [template],
      input: template.input,
      fails: { code: 'InvalidLaunchTemplateName.AlreadyExistsException', status: 400 },
    },
    {
      operation: 'CreateLaunchTemplate',
      says: 'refuses a name with characters other than letters, digits and ( ) . - / _',
      page: errors,
      input: { ...template.input, LaunchTemplateName: 'not a name' },
      fails: { code: 'InvalidLaunchTemplateName.MalformedException', status: 400 },
    },
    {
      operation: 'CreateLaunchTemplateVersion',
      says: 'takes the number after the latest, and leaves the default',
      given: [template],
      input: {
        LaunchTemplateId: '<template>',
        VersionDescription: 'second',
        LaunchTemplateData: { ImageId: '<image>', InstanceType: 't3.small' },
      },
      answers: {
        LaunchTemplateVersion: {
          LaunchTemplateId: '<template>',
          LaunchTemplateName: '<name>',
          VersionNumber: 2,
          VersionDescription: 'second',
          DefaultVersion: false,
          LaunchTemplateData: { ImageId: '<image>', InstanceType: 't3.small' },
        },
      },
      after: [
        {
          call: 'DescribeLaunchTemplates',
          input: { LaunchTemplateIds: ['<template>'] },
          answers: { LaunchTemplates: [{ DefaultVersionNumber: 1, LatestVersionNumber: 2 }] },
        },
      ],
    },
    {
      operation: 'CreateLaunchTemplateVersion',
      says: 'takes over from a source version what is not given',
      given: [template],
      input: {
        LaunchTemplateName: '<name>',
        SourceVersion: '1',
        LaunchTemplateData: { InstanceType: 't3.small' },
      },
      answers: {
        LaunchTemplateVersion: { LaunchTemplateData: { ImageId: '<image>', InstanceType: 't3.small' } },
      },
    },
    {
      operation: 'CreateLaunchTemplateVersion',
      says: 'repeated with the same client token, makes no other version',
      page: 'https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html',
      given: [
        template,
        {
          call: 'CreateLaunchTemplateVersion',
          input: {
            LaunchTemplateId: '<template>',
            ClientToken: '<name>',
            LaunchTemplateData: { ImageId: '<image>' },
          },
        },
      ],
      input: {
        LaunchTemplateId: '<template>',
        ClientToken: '<name>',
        LaunchTemplateData: { ImageId: '<image>' },
      },
      answers: { LaunchTemplateVersion: { VersionNumber: 2 } },
    },
    {
      operation: 'CreateLaunchTemplateVersion',
      says: 'refuses a client token that came with other parameters before',
      page: errors,
      given: [
        template,
        {
          call: 'CreateLaunchTemplateVersion',
          input: {
            LaunchTemplateId: '<template>',
            ClientToken: '<name>',
            LaunchTemplateData: { ImageId: '<image>' },
          },
        },
      ],
      input: {
        LaunchTemplateId: '<template>',
        ClientToken: '<name>',
        LaunchTemplateData: { KeyName: 'other' },
      },
      fails: { code: 'IdempotentParameterMismatch', status: 400 },
    },
    {
      operation: 'CreateLaunchTemplateVersion',
      says: 'refuses a template that does not exist',
      page: errors,
      input: { LaunchTemplateId: noTemplate, LaunchTemplateData: { ImageId: '<image>' } },
      fails: { code: 'InvalidLaunchTemplateId.NotFound', status: 400 },
    },
    {
      operation: 'DescribeLaunchTemplates',
      says: 'finds a template by its name',
      given: [template],
      input: { LaunchTemplateNames: ['<name>'] },
      answers: {
        LaunchTemplates: [
          { LaunchTemplateId: '<template>', DefaultVersionNumber: 1, LatestVersionNumber: 1 },
        ],
      },
    },
    {
      operation: 'DescribeLaunchTemplates',
      says: 'refuses a name that does not exist',
      page: errors,
      input: { LaunchTemplateNames: ['<name>'] },
      fails: { code: 'InvalidLaunchTemplateName.NotFoundException', status: 400 },
    },
    {
      operation: 'DescribeLaunchTemplates',
      says: 'refuses an id that does not exist',
      page: errors,
      input: { LaunchTemplateIds: [noTemplate] },
      fails: { code: 'InvalidLaunchTemplateId.NotFound', status: 400 },
    },
    {
      operation: 'DeleteLaunchTemplate',
      says: 'removes all of its versions',
      given: [template],
      input: { LaunchTemplateId: '<template>' },
      answers: { LaunchTemplate: { LaunchTemplateId: '<template>', LaunchTemplateName: '<name>' } },
      after: [
        {
          call: 'DescribeLaunchTemplates',
          input: { LaunchTemplateIds: ['<template>'] },
          fails: 'InvalidLaunchTemplateId.NotFound',
        },
      ],
    },
    {
      operation: 'DeleteLaunchTemplate',
      says: 'refuses a template that does not exist',
      page: errors,
      input: { LaunchTemplateId: noTemplate },
      fails: { code: 'InvalidLaunchTemplateId.NotFound', status: 400 },
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
  ],
};
