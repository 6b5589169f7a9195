/** Tags of everything that the service has. */
import type {
  AddTagsInput,
  DescribeTagsInput,
  DescribeTagsOutput,
  RemoveTagsInput,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Operation } from '../../service.ts';
import { requestTagContext } from '../ec2/tag-store.ts';
import type { Elbv2State } from './state.ts';
import { validation } from './state.ts';
import { elbDescribe, onElb } from './target-groups.ts';

export function tagOperations(state: Elbv2State) {
  /** "You can specify up to 20 resources in a single call." */
  const checkedResources = (arns: readonly string[] | undefined): readonly string[] => {
    if (!arns?.length) throw validation('At least one resource ARN must be specified');
    if (arns.length > 20) throw validation('At most 20 resource ARNs can be specified');
    for (const one of arns) {
      if (one.includes(':targetgroup/')) state.group(one);
      else if (one.includes(':listener-rule/')) state.rule(one);
      else if (one.includes(':listener/')) state.listener(one);
      else state.loadBalancer(one);
    }
    return arns;
  };

  const AddTags: Operation<AddTagsInput, object> = {
    access: (input) =>
      (input.ResourceArns ?? []).map((one) => {
        const access = onElb(state, 'AddTags', one);
        return { ...access, context: { ...access.context, ...requestTagContext(input.Tags ?? []) } };
      }),
    run(input) {
      for (const one of checkedResources(input.ResourceArns)) state.tags.set(one, input.Tags);
      return {};
    },
  };

  const RemoveTags: Operation<RemoveTagsInput, object> = {
    access: (input) => (input.ResourceArns ?? []).map((one) => onElb(state, 'RemoveTags', one)),
    run(input) {
      for (const one of checkedResources(input.ResourceArns)) {
        for (const Key of input.TagKeys ?? []) state.tags.remove(one, [{ Key }]);
      }
      return {};
    },
  };

  const DescribeTags: Operation<DescribeTagsInput, DescribeTagsOutput> = {
    access: elbDescribe('DescribeTags'),
    run: (input) => ({
      TagDescriptions: checkedResources(input.ResourceArns).map((ResourceArn) => ({
        ResourceArn,
        Tags: state.tags.list(ResourceArn),
      })),
    }),
  };

  return { AddTags, RemoveTags, DescribeTags };
}
