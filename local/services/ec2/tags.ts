import type {
  CreateTagsRequest,
  DeleteTagsRequest,
  DescribeTagsRequest,
  DescribeTagsResult,
  ResourceType,
} from '@aws-sdk/client-ec2';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { page } from '../paging.ts';
import { badToken, invalidValue, missing } from './errors.ts';
import { passes } from './filters.ts';
import type { Ec2State } from './state.ts';
import { describeAccess, onResource, resourceArn } from './state.ts';
import { isReserved, requestTagContext } from './tag-store.ts';

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Tag.html */
const longest = { key: 127, value: 256 };

export function tagOperations(state: Ec2State) {
  const { context, tags } = state;

  const CreateTags: Operation<CreateTagsRequest, Record<string, never>> = {
    access: (input) =>
      (input.Resources ?? []).map((id) => {
        const access = onResource(state, 'ec2:CreateTags', id);
        return { ...access, context: { ...access.context, ...requestTagContext(input.Tags ?? []) } };
      }),
    run(input) {
      if (!input.Resources?.length) throw missing('resourceIdSet');
      if (!input.Tags?.length) throw missing('tagSet');
      for (const id of input.Resources) checkExists(state, id);
      for (const tag of input.Tags) {
        const key = tag.Key ?? '';
        if (key === '' || key.length > longest.key || (tag.Value ?? '').length > longest.value) {
          throw invalidValue(`Tag keys have 1 to ${longest.key} characters, values at most ${longest.value}`);
        }
        refuseReserved(key);
      }
      for (const id of input.Resources) {
        const keys = new Set([...tags.list(id).map((tag) => tag.Key), ...input.Tags.map((tag) => tag.Key)]);
        if (keys.size > 50) {
          throw new AwsError(
            'TagLimitExceeded',
            'The maximum number of Tags for a resource has been reached.',
          );
        }
      }
      for (const id of input.Resources) tags.set(id, input.Tags);
      return {};
    },
  };

  const DeleteTags: Operation<DeleteTagsRequest, Record<string, never>> = {
    access: (input) => (input.Resources ?? []).map((id) => onResource(state, 'ec2:DeleteTags', id)),
    run(input) {
      if (!input.Resources?.length) throw missing('resourceIdSet');
      for (const { Key = '' } of input.Tags ?? []) refuseReserved(Key);
      for (const id of input.Resources) tags.remove(id, input.Tags);
      return {};
    },
  };

  const DescribeTags: Operation<DescribeTagsRequest, DescribeTagsResult> = {
    access: describeAccess('DescribeTags'),
    run(input) {
      const rows = tags.resources().flatMap((id) =>
        tags.list(id).map((tag) => ({
          ResourceId: id,
          // The kind is the part of the ARN before the id; the SDK's union lists each of them.
          ResourceType: resourceArn(context, id).split(':').at(-1)?.split('/')[0] as ResourceType,
          ...tag,
        })),
      );
      const found = rows.filter((row) =>
        passes(input.Filters, (name) => {
          if (name === 'resource-id') return row.ResourceId;
          if (name === 'resource-type') return row.ResourceType;
          if (name === 'key') return row.Key;
          if (name === 'value') return row.Value;
          if (name.startsWith('tag:')) return name.slice(4) === row.Key ? row.Value : undefined;
          return null;
        }),
      );
      const keyOf = (row: (typeof rows)[number]): string => `${row.ResourceId}/${row.Key}`;
      const shown = page(found, keyOf, input.MaxResults ?? 1_000, input.NextToken, badToken);
      return { Tags: [...shown.items], NextToken: shown.nextToken };
    },
  };

  return { CreateTags, DeleteTags, DescribeTags };
}

/**
 * Nobody edits or deletes a tag of AWS's own. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html
 * @throws InvalidParameterValue
 */
function refuseReserved(key: string): void {
  if (!isReserved(key)) return;
  throw invalidValue(
    `Value ( ${key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use`,
  );
}

/** @throws the NotFound error of the resource's kind. */
function checkExists(state: Ec2State, id: string): void {
  const { network } = state;
  const known: readonly (readonly [prefix: string, exists: boolean, code: string])[] = [
    ['ami-', state.images.has(id), 'InvalidAMIID.NotFound'],
    ['snap-', state.snapshots.all.has(id), 'InvalidSnapshot.NotFound'],
    ['i-', state.instances.all.has(id), 'InvalidInstanceID.NotFound'],
    ['lt-', state.templates.has(id), 'InvalidLaunchTemplateId.NotFound'],
    ['vpc-', network.vpcId === id, 'InvalidVpcID.NotFound'],
    ['subnet-', network.subnet(id) !== undefined, 'InvalidSubnetID.NotFound'],
    ['sg-', network.securityGroupId === id, 'InvalidGroup.NotFound'],
    ['vol-', state.instances.hasVolume(id), 'InvalidVolume.NotFound'],
  ];
  const row = known.find(([prefix]) => id.startsWith(prefix));
  if (row === undefined) throw new AwsError('InvalidID', `The ID '${id}' is not valid`);
  if (!row[1]) throw new AwsError(row[2], `The ID '${id}' does not exist`);
}
