/** Tags of all EC2 resources by resource id; EBS direct writes into it too. */
import { type Collection, mapOf } from '../../state/persistent.ts';

export interface Tag {
  Key?: string | undefined;
  Value?: string | undefined;
}

/** A key that AWS keeps for tags of its own. */
export const isReserved = (key: string): boolean => key.toLowerCase().startsWith('aws:');

export class TagStore {
  readonly #tags = new Map<string, Map<string, string>>();

  set(resourceId: string, tags: readonly Tag[] | undefined): void {
    if (tags === undefined || tags.length === 0) return;
    let own = this.#tags.get(resourceId);
    if (own === undefined) {
      own = new Map();
      this.#tags.set(resourceId, own);
    }
    for (const tag of tags) own.set(tag.Key ?? '', tag.Value ?? '');
  }

  /**
   * Removes tags: by key, and where a value is given only while it has that value. Where none are named, all but those
   * that AWS generated. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html
   */
  remove(resourceId: string, tags: readonly Tag[] | undefined): void {
    const own = this.#tags.get(resourceId);
    if (own === undefined) return;
    if (tags === undefined || tags.length === 0) {
      for (const key of own.keys()) if (!isReserved(key)) own.delete(key);
      return;
    }
    for (const tag of tags) {
      if (tag.Key === undefined) continue;
      if (tag.Value === undefined || own.get(tag.Key) === tag.Value) own.delete(tag.Key);
    }
  }

  value(resourceId: string, key: string): string | undefined {
    return this.#tags.get(resourceId)?.get(key);
  }

  list(resourceId: string): { Key: string; Value: string }[] {
    return [...(this.#tags.get(resourceId) ?? [])].map(([Key, Value]) => ({ Key, Value }));
  }

  resources(): string[] {
    return [...this.#tags.keys()];
  }

  collection(name: string): Collection {
    return mapOf(name, this.#tags);
  }

  forget(resourceId: string): void {
    this.#tags.delete(resourceId);
  }
}

/**
 * Condition keys for tags that a request sets, in lower case.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
export function requestTagContext(tags: readonly Tag[]): Record<string, string | readonly string[]> {
  const context: Record<string, string | readonly string[]> = {};
  for (const tag of tags) context[`aws:requesttag/${(tag.Key ?? '').toLowerCase()}`] = tag.Value ?? '';
  if (tags.length > 0) context['aws:tagkeys'] = tags.map((tag) => tag.Key ?? '');
  return context;
}

/** Condition keys for the tags that a resource has, under the global name and the service's own. */
export function resourceTagContext(
  tags: readonly Tag[],
  servicePrefix = 'ec2',
): Record<string, string | readonly string[]> {
  const context: Record<string, string | readonly string[]> = {};
  for (const tag of tags) {
    const key = (tag.Key ?? '').toLowerCase();
    context[`aws:resourcetag/${key}`] = tag.Value ?? '';
    context[`${servicePrefix}:resourcetag/${key}`] = tag.Value ?? '';
  }
  return context;
}
