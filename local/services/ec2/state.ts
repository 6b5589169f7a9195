/** What the operations of EC2 share. */
import type { Image, LaunchTemplate, LaunchTemplateVersion } from '@aws-sdk/client-ec2';
import type { Context } from '../../context.ts';
import { arn } from '../../context.ts';
import type { Access } from '../../service.ts';
import type { Snapshots } from '../ebs/snapshots.ts';
import type { Encryption } from '../ebs/state.ts';
import type { InstanceRecord } from './instance-record.ts';
import type { Instances } from './instances.ts';
import type { Network } from './network.ts';
import type { Ec2Quotas } from './quotas.ts';
import type { Tag, TagStore } from './tag-store.ts';
import { requestTagContext, resourceTagContext } from './tag-store.ts';

export interface TemplateRecord {
  readonly template: LaunchTemplate & { LaunchTemplateId: string; LaunchTemplateName: string };
  readonly versions: Map<number, LaunchTemplateVersion>;
}

export interface Ec2State {
  readonly context: Context;
  readonly snapshots: Snapshots;
  readonly tags: TagStore;
  readonly encryption: Encryption;
  readonly network: Network;
  readonly images: Map<string, Image>;
  /** Ids that once were AMIs. */
  readonly deregistered: Set<string>;
  readonly templates: Map<string, TemplateRecord>;
  readonly instances: Instances;
  /** Answers of launch templates by client token: a repeat is answered alike, another question refused. */
  readonly templateAnswers: Map<string, { parameters: string; answer: unknown }>;
  /** What RunInstances launched, by client token. */
  readonly launchedByToken: Map<string, { parameters: string; launched: InstanceRecord[] }>;
  readonly quotas: Ec2Quotas;
}

/** `ec2:Describe…` takes no resource. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html */
export function describeAccess(operation: string): () => readonly Access[] {
  return () => [{ action: `ec2:${operation}`, resources: ['*'] }];
}

/** The ARN of any EC2 resource by its id; images and snapshots carry no account. */
export function resourceArn(context: Context, resourceId: string): string {
  const kinds: readonly (readonly [prefix: string, kind: string])[] = [
    ['ami-', 'image'],
    ['snap-', 'snapshot'],
    ['i-', 'instance'],
    ['lt-', 'launch-template'],
    ['vol-', 'volume'],
    ['vpc-', 'vpc'],
    ['subnet-', 'subnet'],
    ['sg-', 'security-group'],
  ];
  const kind = kinds.find(([prefix]) => resourceId.startsWith(prefix))?.[1] ?? '*';
  if (kind === 'image' || kind === 'snapshot')
    return `arn:aws:ec2:${context.regionName}::${kind}/${resourceId}`;
  return arn(context, 'ec2', `${kind}/${resourceId}`);
}

/** A right on one existing resource, with its tags as condition keys. */
export function onResource(state: Ec2State, action: string, resourceId: string | undefined): Access {
  return {
    action,
    resources: [resourceId === undefined ? '*' : resourceArn(state.context, resourceId)],
    context: resourceTagContext(state.tags.list(resourceId ?? '')),
  };
}

/**
 * The rights to tag what a call creates: `ec2:CreateTags` with the call's name as `ec2:CreateAction`.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
 */
export function tagOnCreate(
  resources: readonly string[],
  createAction: string,
  tags: readonly Tag[] | undefined,
): readonly Access[] {
  if (tags === undefined || tags.length === 0) return [];
  const context = { ...requestTagContext(tags), 'ec2:createaction': createAction };
  return [{ action: 'ec2:CreateTags', resources, context }];
}

/** The tags of one kind of resource out of a TagSpecification list. */
export function tagsFor(
  specifications: readonly { ResourceType?: string | undefined; Tags?: Tag[] | undefined }[] | undefined,
  resourceType: string,
): Tag[] {
  return (specifications ?? []).flatMap((one) => (one.ResourceType === resourceType ? (one.Tags ?? []) : []));
}
