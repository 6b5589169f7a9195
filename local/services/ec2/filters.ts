import { AwsError } from '../../service.ts';

export interface Filter {
  Name?: string | undefined;
  Values?: string[] | undefined;
}

/** What an item offers to filters: its values by filter name. */
export type FilterValues = (name: string) => string | readonly (string | undefined)[] | undefined | null;

/**
 * Whether an item passes all filters. Values may hold `*` and `?`.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
 * @param valuesOf gives undefined where the item has no such value, null where there is no such filter.
 */
export function passes(filters: readonly Filter[] | undefined, valuesOf: FilterValues): boolean {
  return (filters ?? []).every((filter) => {
    const name = filter.Name ?? '';
    const found = valuesOf(name);
    if (found === null) throw new AwsError('InvalidParameterValue', `The filter '${name}' is invalid`);
    const values = found === undefined ? [] : typeof found === 'string' ? [found] : found;
    return (filter.Values ?? []).some((pattern) => {
      const expression = wildcard(pattern);
      return values.some((value) => value !== undefined && expression.test(value));
    });
  });
}

/** The filters `tag:KEY`, `tag-key` and `tag-value`, which every describe call shares; null for others. */
export function tagFilter(
  name: string,
  tags: readonly { Key: string; Value: string }[],
): readonly string[] | undefined | null {
  if (name.startsWith('tag:')) return tags.filter((tag) => tag.Key === name.slice(4)).map((tag) => tag.Value);
  if (name === 'tag-key') return tags.map((tag) => tag.Key);
  if (name === 'tag-value') return tags.map((tag) => tag.Value);
  return null;
}

function wildcard(pattern: string): RegExp {
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  return new RegExp(`^${escaped}$`);
}
