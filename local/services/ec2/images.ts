/** AMIs. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RegisterImage.html */
import type {
  DeregisterImageRequest,
  DeregisterImageResult,
  DescribeImagesRequest,
  DescribeImagesResult,
  Image,
  RegisterImageRequest,
  RegisterImageResult,
} from '@aws-sdk/client-ec2';
import type { Clock } from '../../clock.ts';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { badToken, checkId, invalidValue, limitExceeded, required } from './errors.ts';
import { passes, tagFilter } from './filters.ts';
import type { Ec2State } from './state.ts';
import { describeAccess, onResource, resourceArn, tagOnCreate, tagsFor } from './state.ts';
import { requestTagContext } from './tag-store.ts';

/** How long a registered image is pending. */
const registerMs = 1_000;

/** Sets the timer that follows from a pending image. */
export function becomesAvailable({ clock }: { readonly clock: Clock }, image: Image): void {
  clock.after(registerMs, () => {
    image.State = 'available';
  });
}

export function imageOperations(state: Ec2State) {
  const { context, images, snapshots, tags } = state;

  const RegisterImage: Operation<RegisterImageRequest, RegisterImageResult> = {
    access: (input) => {
      const imageTags = tagsFor(input.TagSpecifications, 'image');
      const imageArn = resourceArn(context, 'ami-*').replace('ami-*', '*');
      const from = snapshotIds(input.BlockDeviceMappings).map((id) => resourceArn(context, id));
      return [
        {
          action: 'ec2:RegisterImage',
          resources: [imageArn, ...from],
          context: requestTagContext(imageTags),
        },
        ...tagOnCreate([imageArn], 'RegisterImage', imageTags),
        ...tagOnCreate(from, 'RegisterImage', tagsFor(input.TagSpecifications, 'snapshot')),
      ];
    },
    run(input) {
      onlySupported('RegisterImage', input, [
        'Name',
        'Description',
        'Architecture',
        'RootDeviceName',
        'BlockDeviceMappings',
        'VirtualizationType',
        'EnaSupport',
        'BootMode',
        'ImdsSupport',
        'TagSpecifications',
        'SriovNetSupport',
        'DryRun',
      ]);
      const name = required(input.Name, 'Name');
      if (!/^[A-Za-z0-9()[\] ./\-'@_]{3,128}$/.test(name)) {
        throw new AwsError(
          'InvalidAMIName.Malformed',
          "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, and ( ) [ ] . / - ' @ _",
        );
      }
      const same = [...images.values()].find((image) => image.Name === name);
      if (same !== undefined) {
        throw new AwsError(
          'InvalidAMIName.Duplicate',
          `AMI name ${name} is already in use by AMI ${same.ImageId}`,
        );
      }
      if (images.size >= state.quotas.images.value)
        throw limitExceeded('You have reached the limit of AMIs for this account in this Region.');
      const rootDeviceName = required(input.RootDeviceName, 'RootDeviceName');
      const mappings = input.BlockDeviceMappings ?? [];
      const root = mappings.find((mapping) => mapping.DeviceName === rootDeviceName);
      if (root?.Ebs?.SnapshotId === undefined) {
        throw new AwsError('InvalidBlockDeviceMapping', `The root device ${rootDeviceName} needs a snapshot`);
      }
      for (const id of snapshotIds(mappings)) {
        const snapshot = snapshots.all.get(id);
        if (snapshot === undefined) {
          throw new AwsError('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`);
        }
        if (snapshot.status !== 'completed') {
          throw new AwsError('IncorrectState', `Snapshot ${id} is in invalid state - ${snapshot.status}`);
        }
      }
      if (input.VirtualizationType !== 'hvm') {
        // Without it AWS takes paravirtual, which nothing current boots.
        throw invalidValue('The local region registers images with VirtualizationType hvm alone');
      }
      const architecture = input.Architecture ?? 'i386';
      if (architecture !== 'x86_64' && architecture !== 'arm64') {
        throw invalidValue(`The local region does not know the architecture ${architecture}`);
      }
      if (architecture === 'arm64' && input.BootMode === 'legacy-bios') {
        throw invalidValue('An image for arm64 boots by UEFI only');
      }
      const imageId = `ami-0${context.random.hex(16)}`;
      const image: Image = {
        ImageId: imageId,
        Name: name,
        Description: input.Description,
        ImageLocation: `${context.accountId}/${name}`,
        OwnerId: context.accountId,
        State: 'pending',
        CreationDate: new Date(context.clock.now()).toISOString(),
        Public: false,
        Architecture: architecture,
        ImageType: 'machine',
        RootDeviceName: rootDeviceName,
        RootDeviceType: 'ebs',
        BlockDeviceMappings: mappings.map((mapping) => {
          const snapshot = snapshots.all.get(mapping.Ebs?.SnapshotId ?? '');
          if (mapping.Ebs === undefined) return mapping;
          return {
            ...mapping,
            Ebs: {
              DeleteOnTermination: true,
              VolumeType: 'gp2',
              VolumeSize: snapshot?.volumeSizeGiB,
              Encrypted: snapshot?.kmsKeyArn !== undefined,
              ...mapping.Ebs,
            },
          };
        }),
        VirtualizationType: 'hvm',
        Hypervisor: 'xen',
        EnaSupport: input.EnaSupport ?? false,
        BootMode: input.BootMode,
        ImdsSupport: input.ImdsSupport,
        SriovNetSupport: input.SriovNetSupport,
        PlatformDetails: 'Linux/UNIX',
        UsageOperation: 'RunInstances',
      };
      images.set(imageId, image);
      tags.set(imageId, tagsFor(input.TagSpecifications, 'image'));
      for (const id of snapshotIds(mappings)) tags.set(id, tagsFor(input.TagSpecifications, 'snapshot'));
      becomesAvailable(context, image);
      return { ImageId: imageId };
    },
  };

  const DescribeImages: Operation<DescribeImagesRequest, DescribeImagesResult> = {
    access: describeAccess('DescribeImages'),
    run(input) {
      onlySupported('DescribeImages', input, [
        'DryRun',
        'Filters',
        'ImageIds',
        // No image is deprecated or disabled here.
        'IncludeDeprecated',
        'IncludeDisabled',
        'MaxResults',
        'NextToken',
        'Owners',
      ]);
      for (const id of input.ImageIds ?? []) {
        checkId(id, 'ami', 'InvalidAMIID.Malformed');
        if (!images.has(id)) {
          throw new AwsError('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`);
        }
      }
      const owners = input.Owners ?? [];
      const found = [...images.values()].filter((image) => {
        const id = image.ImageId ?? '';
        if (input.ImageIds?.length && !input.ImageIds.includes(id)) return false;
        if (owners.length > 0 && !owners.includes('self') && !owners.includes(context.accountId))
          return false;
        return passes(input.Filters, (name) => imageFilter(image, name, tags.list(id)));
      });
      const shown = page(
        found,
        (image) => image.ImageId ?? '',
        input.MaxResults ?? 1_000,
        input.NextToken,
        badToken,
      );
      return {
        Images: shown.items.map((image) => ({ ...image, Tags: tags.list(image.ImageId ?? '') })),
        NextToken: shown.nextToken,
      };
    },
  };

  const DeregisterImage: Operation<DeregisterImageRequest, DeregisterImageResult> = {
    access: (input) => [
      onResource(state, 'ec2:DeregisterImage', input.ImageId),
      ...(input.DeleteAssociatedSnapshots === true
        ? snapshotIds(images.get(input.ImageId ?? '')?.BlockDeviceMappings).map((id) =>
            onResource(state, 'ec2:DeleteSnapshot', id),
          )
        : []),
    ],
    async run(input) {
      const imageId = required(input.ImageId, 'ImageId');
      checkId(imageId, 'ami', 'InvalidAMIID.Malformed');
      const image = images.get(imageId);
      if (image === undefined) {
        throw state.deregistered.has(imageId)
          ? new AwsError('InvalidAMIID.Unavailable', `The image ID '${imageId}' is no longer available`)
          : new AwsError('InvalidAMIID.NotFound', `The image id '[${imageId}]' does not exist`);
      }
      images.delete(imageId);
      state.deregistered.add(imageId);
      tags.forget(imageId);
      if (input.DeleteAssociatedSnapshots !== true) return { Return: true };
      const results = [];
      for (const id of snapshotIds(image.BlockDeviceMappings)) {
        const snapshot = snapshots.all.get(id);
        if (snapshot === undefined) continue;
        const used = imageUsing(state, id) !== undefined;
        if (!used) {
          await snapshots.delete(snapshot);
          tags.forget(id);
        }
        results.push({ SnapshotId: id, ReturnCode: used ? ('skipped' as const) : ('success' as const) });
      }
      return { Return: true, DeleteSnapshotResults: results };
    },
  };

  return { RegisterImage, DescribeImages, DeregisterImage };
}

/** The image that holds a snapshot, if one does. */
export function imageUsing(state: Ec2State, snapshotId: string): Image | undefined {
  return [...state.images.values()].find((image) =>
    snapshotIds(image.BlockDeviceMappings).includes(snapshotId),
  );
}

function snapshotIds(
  mappings: readonly { Ebs?: { SnapshotId?: string | undefined } | undefined }[] | undefined,
): string[] {
  return (mappings ?? []).flatMap((mapping) => mapping.Ebs?.SnapshotId ?? []);
}

function imageFilter(image: Image, name: string, tags: readonly { Key: string; Value: string }[]) {
  switch (name) {
    case 'image-id':
      return image.ImageId;
    case 'name':
      return image.Name;
    case 'state':
      return image.State;
    case 'architecture':
      return image.Architecture;
    case 'owner-id':
      return image.OwnerId;
    case 'description':
      return image.Description;
    case 'image-type':
      return image.ImageType;
    case 'is-public':
      return `${image.Public === true}`;
    case 'root-device-name':
      return image.RootDeviceName;
    case 'root-device-type':
      return image.RootDeviceType;
    case 'virtualization-type':
      return image.VirtualizationType;
    case 'creation-date':
      return image.CreationDate;
    case 'block-device-mapping.snapshot-id':
      return snapshotIds(image.BlockDeviceMappings);
    default:
      return tagFilter(name, tags);
  }
}
