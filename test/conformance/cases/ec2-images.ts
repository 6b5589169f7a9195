/** Cases of EC2: images and their snapshots. */
import { absent, aTime, type Case, listOf, type Step } from '../case.ts';

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
const noImage = 'ami-0123456789abcdef0';
const noSnapshot = 'snap-0123456789abcdef0';

export const imageCases: readonly Case[] = [
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
    notByCli: 'it refuses this by itself',
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
    operation: 'DescribeImages',
    says: 'finds what is tagged so',
    page: `${guide}/Using_Filtering.html`,
    given: [
      {
        ...registered,
        input: {
          ...image,
          TagSpecifications: [{ ResourceType: 'image', Tags: [{ Key: 'flotilla:fleet', Value: '<name>' }] }],
        },
      },
    ],
    input: {
      Filters: [
        { Name: 'tag:flotilla:fleet', Values: ['<name>'] },
        { Name: 'tag-key', Values: ['flotilla:*'] },
      ],
    },
    answers: { Images: [{ ImageId: '<ami>' }] },
  },
  {
    operation: 'DescribeImages',
    says: 'refuses a token that is not valid',
    page: errors,
    input: { NextToken: 'nothing' },
    fails: { code: 'InvalidNextToken', status: 400 },
  },
  {
    operation: 'RegisterImage',
    says: 'refuses legacy BIOS for arm64, which boots by UEFI alone',
    page: `${guide}/ami-boot.html`,
    input: { ...image, Architecture: 'arm64', BootMode: 'legacy-bios' },
    fails: { code: 'InvalidParameterValue', status: 400 },
  },
  {
    operation: 'RegisterImage',
    says: 'without a name, lacks a parameter',
    notByCli: 'it refuses this by itself',
    page: errors,
    input: { ...image, Name: '' },
    fails: { code: ['MissingParameter', 'InvalidAMIName.Malformed'], status: 400 },
  },
  {
    operation: 'DeregisterImage',
    says: 'frees the name for another image',
    given: [registered, { call: 'DeregisterImage', input: { ImageId: '<ami>' } }, registered],
    input: { ImageId: '<ami>' },
    answers: { Return: true },
  },
  {
    operation: 'DeregisterImage',
    says: 'refuses an id that is malformed',
    page: errors,
    input: { ImageId: 'my-image' },
    fails: { code: 'InvalidAMIID.Malformed', status: 400 },
  },
  {
    operation: 'DeleteSnapshot',
    says: 'refuses an id that is malformed',
    page: errors,
    input: { SnapshotId: 'my-snapshot' },
    fails: { code: 'InvalidSnapshotID.Malformed', status: 400 },
  },
  {
    operation: 'DescribeImages',
    says: 'leaves out the images of other owners than those asked for',
    given: [registered],
    input: { Owners: ['amazon'], Filters: [{ Name: 'name', Values: ['<name>'] }] },
    answers: { Images: [] },
  },
];
