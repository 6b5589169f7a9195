/** Pages of a list of keys: where they begin and end, what they fold, and how they are spelled. */
import { AwsError } from '../../service.ts';
import { byBytes } from './state.ts';

export interface Asked {
  readonly Bucket?: string | undefined;
  readonly Prefix?: string | undefined;
  readonly Delimiter?: string | undefined;
  readonly EncodingType?: string | undefined;
}

/**
 * Keys as a form spells them, where the caller asked for it: XML cannot hold every character. `test_file(3).png` becomes
 * `test_file%283%29.png`, a space `+`; slashes stay.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 * What S3 makes of a space was measured: https://github.com/brekkylab/backlot/issues/178
 */
export function spelling({ EncodingType: type }: Asked): (text: string) => string {
  if (type === undefined) return (text) => text;
  if (type !== 'url') throw new AwsError('InvalidArgument', 'Invalid Encoding Method specified in Request');
  return (text) => new URLSearchParams([['', text]]).toString().slice(1).replaceAll('%2F', '/');
}

/** What every list of keys says back of its request. */
export function echo(input: Asked, spell: (text: string) => string) {
  return {
    Prefix: spell(input.Prefix ?? ''),
    ...(input.Delimiter === undefined ? {} : { Delimiter: spell(input.Delimiter) }),
    ...(input.EncodingType === undefined ? {} : { EncodingType: 'url' as const }),
  };
}

/** Where a list goes on: opaque, and known from any other text by its beginning. */
const tokenMark = 'after ';

export function makeToken(key: string): string {
  return Buffer.from(tokenMark + key).toString('base64url');
}

/** @throws AwsError InvalidArgument */
export function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString();
  if (text.startsWith(tokenMark)) return text.slice(tokenMark.length);
  throw new AwsError('InvalidArgument', 'The continuation token provided is incorrect');
}

/** How many entries a page may have. @throws AwsError InvalidArgument */
export function limitOf(name: string, asked: number | undefined): number {
  const limit = asked ?? 1000;
  if (limit < 0)
    throw new AwsError(
      'InvalidArgument',
      `Argument ${name} must be an integer between 0 and 2147483647`,
      400,
      { ArgumentName: name, ArgumentValue: limit },
    );
  return Math.min(limit, 1000);
}

/** What a list is made of: keys in S3's order, and what each of them has, in the order of the list. */
export interface Listed<Item> {
  readonly keys: readonly string[];
  itemsOf(key: string): readonly Item[];
  idOf(item: Item): string;
  /** How many items of a key a list has behind it that stopped at `marker`, which may be gone meanwhile. */
  countUntil(items: readonly Item[], marker: string): number;
}

interface Marker {
  readonly key: string;
  /** Without one the list goes on behind all items of the key. */
  readonly id?: string | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly prefixes: readonly string[];
  readonly truncated: boolean;
  /** The last key or common prefix of the page, and the item listed last under that key. */
  readonly last: Marker | undefined;
}

/** One page of at most `limit` items and common prefixes after `marker`. */
export function pageOf<Item>(
  { keys, itemsOf, idOf, countUntil }: Listed<Item>,
  { Prefix: prefix = '', Delimiter: delimiter = '' }: Asked,
  limit: number,
  marker: Marker | undefined,
): Page<Item> {
  const items: Item[] = [];
  const prefixes = new Set<string>();
  let last: Marker | undefined;
  const page = (truncated: boolean): Page<Item> => ({ items, prefixes: [...prefixes], truncated, last });
  if (limit === 0) return page(false);
  for (const key of keys) {
    if (!key.startsWith(prefix)) continue;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const common = cut < 0 ? undefined : key.slice(0, cut + delimiter.length);
    const order = marker === undefined ? 1 : byBytes(common ?? key, marker.key);
    if (order < 0 || (order === 0 && (common !== undefined || marker?.id === undefined))) continue;
    const all = itemsOf(key);
    if (all.length === 0 || (common !== undefined && prefixes.has(common))) continue;
    if (common !== undefined) {
      if (items.length + prefixes.size >= limit) return page(true);
      prefixes.add(common);
      last = { key: common };
      continue;
    }
    for (const item of order === 0 ? all.slice(countUntil(all, marker?.id ?? '')) : all) {
      if (items.length + prefixes.size >= limit) return page(true);
      items.push(item);
      last = { key, id: idOf(item) };
    }
  }
  return page(false);
}
