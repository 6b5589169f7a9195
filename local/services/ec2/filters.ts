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
      if (!/[*?\\]/.test(pattern)) return values.includes(pattern);
      const parts = readPattern(pattern);
      return values.some((value) => value !== undefined && matches(parts, value));
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

/** A letter to be found, or what `*` and `?` stand for. */
type Part = string | typeof anything | typeof oneOrNone;
const anything = Symbol('*');
const oneOrNone = Symbol('?');

/**
 * "An asterisk (*) matches zero or more characters, and a question mark (?) matches zero or one character"; a backslash
 * before one of them, or before another backslash, makes a letter of it.
 */
function readPattern(pattern: string): readonly Part[] {
  const found = pattern.match(/\\[*?\\]|./gsu) ?? [];
  return found.map((one) => {
    if (one === '*') return anything;
    if (one === '?') return oneOrNone;
    return one.length > 1 && one.startsWith('\\') ? one.slice(1) : one;
  });
}

/** Goes through the value once with every place of the pattern that may have been reached: no filter makes it slow. */
function matches(parts: readonly Part[], value: string): boolean {
  const skipping = (places: ReadonlySet<number>): Set<number> => {
    const all = new Set(places);
    for (const place of all) if (typeof parts[place] === 'symbol') all.add(place + 1);
    return all;
  };
  let reached = skipping(new Set([0]));
  for (const letter of value) {
    const next = new Set<number>();
    for (const place of reached) {
      const part = parts[place];
      if (part === anything) next.add(place);
      else if (part === oneOrNone || part === letter) next.add(place + 1);
    }
    reached = skipping(next);
  }
  return reached.has(parts.length);
}
