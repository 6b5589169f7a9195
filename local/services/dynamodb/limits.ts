/**
 * Limits of items that dynalite does not keep, or keeps otherwise.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
 */
import { AwsError } from '../../service.ts';
import { typed, type Value } from './documents.ts';
import type { Dynalite, Item, Table } from './engine.ts';

const mostItemBytes = 400 * 1024;
/** Levels of lists and maps, a value at the bottom being one. */
const mostLevels = 32;

/** @throws AwsError ValidationException with the words given, or those of nesting. */
export function checkItem(item: Item, database: Dynalite, tooLarge: string): void {
  // A UTF-16 unit is at most three bytes of UTF-8: counting exactly has its price.
  if (database.itemSize(item) * 3 > mostItemBytes && database.itemSize(inOctets(item)) > mostItemBytes)
    throw invalid(tooLarge);
  if (Object.values(item).some((value) => levelsOf(value as Value) > mostLevels))
    throw invalid(
      'Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit',
    );
}

/** What an item, or the key of one, lacks to fit the table: an error of dynalite's or ours. */
export function misfit(kind: 'item' | 'key', value: Item, of: Table, database: Dynalite): unknown {
  const counted = withKeyInOctets(value, of);
  if (kind === 'key') return database.validateKey(counted, of) ?? undefined;
  const error = database.validateItem(counted, of);
  if (error != null) return error;
  const empty = emptyIndexKey(value, of, database);
  return empty === undefined
    ? undefined
    : invalid(
        `One or more parameter values are not valid. A value specified for a secondary index key is not supported. ${empty.why} IndexName: ${empty.IndexName}, IndexKey: ${empty.name}`,
      );
}

/** @throws AwsError ValidationException where an update has left the key of an index empty. */
export function checkUpdatedIndexKeys(item: Item, of: Table, database: Dynalite): void {
  const empty = emptyIndexKey(item, of, database);
  if (empty !== undefined)
    throw invalid(
      `One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. ${empty.why}`,
    );
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html */
function emptyIndexKey(item: Item, of: Table, database: Dynalite) {
  return database.traverseIndexes(of, (name, type, { IndexName }) => {
    if ((item[name] as Value | undefined)?.[type] !== '') return undefined;
    const kind = type === 'B' ? 'binary' : 'string';
    return {
      name,
      IndexName,
      why: `The AttributeValue for a key attribute cannot contain an empty ${kind} value.`,
    };
  });
}

/** The item with the texts of its key as {@link octets}. */
function withKeyInOctets(item: Item, of: Table): Item {
  const copy: Record<string, unknown> = { ...item };
  for (const { AttributeName: name } of of.KeySchema) {
    const value = copy[name] as Value | undefined;
    if (typeof value?.S === 'string') copy[name] = { S: octets(value.S) };
  }
  return copy;
}

/** A text with a character for each of its bytes in UTF-8: to dynalite a text is as long as its UTF-16 units. */
function octets(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function inOctets(item: Item): Item {
  return Object.fromEntries(
    Object.entries(item).map(([name, value]) => [octets(name), valueInOctets(value as Value)]),
  );
}

function valueInOctets(value: Value): Value {
  const [type, within] = typed(value);
  if (type === 'S') return { S: octets(within as string) };
  if (type === 'SS') return { SS: (within as readonly string[]).map(octets) };
  if (type === 'L') return { L: (within as readonly Value[]).map(valueInOctets) };
  return type === 'M' ? { M: inOctets(within as Item) } : value;
}

function levelsOf(value: Value): number {
  const [type, within] = typed(value);
  if (type !== 'L' && type !== 'M') return 1;
  return 1 + Math.max(0, ...Object.values(within as Readonly<Record<string, Value>>).map(levelsOf));
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
