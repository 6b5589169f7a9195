/**
 * AMIs. RegisterImage has no client token: the name is the idempotency, and only images that are our own
 * count, or a stranger's of the same name would be taken for it.
 */
import {
  DeregisterImageCommand,
  DescribeImagesCommand,
  type EC2Client,
  type Image,
  type ImageState,
  RegisterImageCommand,
} from '@aws-sdk/client-ec2';
import type { Architecture, BootMode } from '../contracts/ids.ts';
import { hasCode } from './errors.ts';
import type { Prospect } from './waiting.ts';

/** What each state of an image means to somebody who waits for it to become available. */
export const imageProspect = {
  available: 'reached',
  deregistered: 'hopeless',
  disabled: 'hopeless',
  error: 'hopeless',
  failed: 'hopeless',
  invalid: 'hopeless',
  pending: 'waiting',
  transient: 'waiting',
} as const satisfies Record<ImageState, Prospect>;

export interface ImageFacts {
  readonly imageId: string;
  readonly name: string;
  readonly prospect: Prospect;
  /** The state as EC2 names it. */
  readonly state: string;
  readonly reason: string;
  /** Of the root device. */
  readonly snapshotId: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

export interface ImageRegistration {
  readonly name: string;
  readonly description: string;
  readonly architecture: Architecture;
  readonly bootMode: BootMode;
  readonly snapshotId: string;
  readonly volumeSizeGiB: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface Images {
  /** Our own image of this name. */
  findByName(name: string): Promise<ImageFacts | undefined>;
  /** Our own image with this id; undefined while, or where, EC2 knows none. */
  describe(imageId: string): Promise<ImageFacts | undefined>;
  /** `name-taken`: look again by name. Not repeatable by itself. */
  register(
    wanted: ImageRegistration,
  ): Promise<
    { readonly outcome: 'registered'; readonly imageId: string } | { readonly outcome: 'name-taken' }
  >;
  /** Deregisters; one that is gone already is as good. The snapshot stays. */
  deregister(imageId: string): Promise<'deregistered' | 'absent'>;
}

const rootDevice = '/dev/sda1';

function facts(image: Image): ImageFacts {
  const state = image.State ?? 'pending';
  const root = image.BlockDeviceMappings?.find((mapping) => mapping.DeviceName === image.RootDeviceName);
  return {
    imageId: image.ImageId ?? '',
    name: image.Name ?? '',
    prospect: Object.hasOwn(imageProspect, state) ? imageProspect[state] : 'waiting',
    state,
    reason: image.StateReason?.Message ?? '',
    snapshotId: root?.Ebs?.SnapshotId,
    tags: Object.fromEntries((image.Tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? ''])),
  };
}

export function openImages(client: EC2Client): Images {
  return {
    async findByName(name) {
      const answer = await client.send(
        new DescribeImagesCommand({ Owners: ['self'], Filters: [{ Name: 'name', Values: [name] }] }),
      );
      const found = answer.Images?.[0];
      return found === undefined ? undefined : facts(found);
    },

    async describe(imageId) {
      try {
        const answer = await client.send(
          new DescribeImagesCommand({ Owners: ['self'], ImageIds: [imageId] }),
        );
        const found = answer.Images?.[0];
        return found === undefined ? undefined : facts(found);
      } catch (error) {
        if (hasCode(error, 'InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable')) return undefined;
        throw error;
      }
    },

    async register(wanted) {
      const tags = Object.entries(wanted.tags).map(([Key, Value]) => ({ Key, Value }));
      try {
        const answer = await client.send(
          new RegisterImageCommand({
            Name: wanted.name,
            Description: wanted.description,
            Architecture: wanted.architecture,
            VirtualizationType: 'hvm',
            EnaSupport: true,
            ImdsSupport: 'v2.0',
            BootMode: wanted.bootMode,
            RootDeviceName: rootDevice,
            BlockDeviceMappings: [
              {
                DeviceName: rootDevice,
                Ebs: {
                  SnapshotId: wanted.snapshotId,
                  VolumeSize: wanted.volumeSizeGiB,
                  VolumeType: 'gp3',
                  DeleteOnTermination: true,
                },
              },
            ],
            TagSpecifications: [{ ResourceType: 'image', Tags: tags }],
          }),
        );
        if (answer.ImageId === undefined) throw new Error('RegisterImage answered without an ImageId');
        return { outcome: 'registered', imageId: answer.ImageId };
      } catch (error) {
        if (hasCode(error, 'InvalidAMIName.Duplicate')) return { outcome: 'name-taken' };
        throw error;
      }
    },

    async deregister(imageId) {
      try {
        await client.send(new DeregisterImageCommand({ ImageId: imageId }));
        return 'deregistered';
      } catch (error) {
        if (hasCode(error, 'InvalidAMIID.NotFound', 'InvalidAMIID.Unavailable')) return 'absent';
        throw error;
      }
    },
  };
}
