/** Versions of a fleet's launch template: one for each release. EC2 gives the number. */
import { type _InstanceType, CreateLaunchTemplateVersionCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { ec2Client } from './clients/ec2.ts';

export interface TemplateVersion {
  readonly launchTemplateId: string;
  /** A repeat with the same token and content answers with the same version. */
  readonly clientToken: string;
  /** `v7`. */
  readonly description: string;
  readonly imageId: string;
  readonly instanceType: string;
  readonly securityGroups: readonly string[];
  readonly profile: string | undefined;
  /** Of instances and their volumes. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface LaunchTemplates {
  /** @returns the version's number. */
  createVersion(version: TemplateVersion): Promise<number>;
}

export function openLaunchTemplates(client: EC2Client = ec2Client()): LaunchTemplates {
  return {
    async createVersion(version) {
      const tags = Object.entries(version.tags).map(([Key, Value]) => ({ Key, Value }));
      const answer = await client.send(
        new CreateLaunchTemplateVersionCommand({
          LaunchTemplateId: version.launchTemplateId,
          ClientToken: version.clientToken,
          VersionDescription: version.description,
          LaunchTemplateData: {
            ImageId: version.imageId,
            InstanceType: version.instanceType as _InstanceType, // the SDK's enum is older than the newest types
            SecurityGroupIds: [...version.securityGroups],
            ...(version.profile === undefined ? {} : { IamInstanceProfile: { Name: version.profile } }),
            MetadataOptions: {
              HttpEndpoint: 'enabled',
              HttpTokens: 'required',
              HttpPutResponseHopLimit: 1,
              InstanceMetadataTags: 'enabled',
            },
            TagSpecifications: [
              { ResourceType: 'instance', Tags: tags },
              { ResourceType: 'volume', Tags: tags },
            ],
          },
        }),
      );
      const number = answer.LaunchTemplateVersion?.VersionNumber;
      if (number === undefined) throw new Error('EC2 made a launch template version and gave no number');
      return number;
    },
  };
}
