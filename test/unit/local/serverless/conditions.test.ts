import { beforeAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import { createRegion, type Region } from '../../../../local/region.ts';
import { createTextTable } from '../../../support/things-in-region.ts';

const TableName = 'things';
const Item = {
  pk: { S: 'a' },
  sk: { S: 'x' },
  m: { M: { x: { N: '1' }, y: { L: [{ S: 'deep' }, { BOOL: true }] } } },
  l: { L: [{ N: '1' }, { M: { x: { SS: ['p', 'q'] } } }] },
  s: { SS: ['p', 'q'] },
  n: { N: '10' },
  t: { S: 'text' },
  bare: { S: '' },
  off: { BOOL: false },
  b: { B: Uint8Array.of(1, 2, 3) },
};
const Key = { pk: Item.pk, sk: Item.sk };
/** The values of the item, in another order of keys and elements, and numbers written otherwise. */
const values = {
  ':m': { M: { y: { L: [{ S: 'deep' }, { BOOL: true }] }, x: { N: '1.0' } } },
  ':l': { L: [{ N: '1' }, { M: { x: { SS: ['q', 'p'] } } }] },
  ':turned': { L: [{ M: { x: { SS: ['q', 'p'] } } }, { N: '1' }] },
  ':s': { SS: ['q', 'p'] },
  ':n': { N: '1E1' },
  ':element': { M: { x: { SS: ['q', 'p'] } } },
  ':empty': { S: '' },
  ':bool': { S: 'BOOL' },
  ':part': { B: Uint8Array.of(2, 3) },
  ':p': { S: 'p' },
  ':ex': { S: 'ex' },
};
let region: Region;
beforeAll(async () => {
  region = await createRegion({ clock: new VirtualClock(), seed: 1 });
  await createTextTable(region, TableName, ['pk', 'sk']);
  await call('PutItem', { TableName, Item });
  return () => region.close();
});

const call = (operation: string, input: object) => region.call('dynamodb', operation, input);
const used = (expression: string) => {
  const named = Object.entries(values).filter(([name]) => new RegExp(`${name}(?![a-z])`).test(expression));
  return named.length === 0 ? {} : { ExpressionAttributeValues: Object.fromEntries(named) };
};

describe.each([
  ['m = :m', true],
  ['m <> :m', false],
  ['l = :l', true],
  ['l = :turned', false],
  ['l <> :turned', true],
  ['l IN (:m, :l)', true],
  ['m IN (:l)', false],
  ['s = :s', true],
  ['n = :n', true],
  ['contains(l, :element)', true],
  ['contains(l, :m)', false],
  ['contains(s, :p)', true],
  ['contains(t, :ex)', true],
  ['contains(b, :part)', true],
  ['nil = twin', false],
  ['nil <= twin', false],
  ['nil <> :m', true],
  ['bare IN (:empty)', true],
  ['size(bare) < size(m)', true],
  ['size(nil) < size(m)', false],
  ['attribute_type(off, :bool)', true],
  ['attribute_exists(m.y[1]) AND attribute_not_exists(m.y[2])', true],
  ['NOT (m = :m AND l = :l)', false],
  ['m = :l OR begins_with(t, :p)', false],
])('%s', (expression, expected) => {
  it(`${expected ? 'holds' : 'does not hold'} as a condition, in a transaction, and as a filter`, async () => {
    const condition = { TableName, Item, ConditionExpression: expression, ...used(expression) };
    const outcome = (promise: Promise<unknown>) =>
      promise.then(
        () => true,
        ({ code }: { code: string }) => {
          expect(code).toMatch(/^ConditionalCheckFailedException$|^TransactionCanceledException$/);
          return false;
        },
      );
    expect(await outcome(call('PutItem', condition))).toBe(expected);
    expect(await outcome(call('TransactWriteItems', { TransactItems: [{ Put: condition }] }))).toBe(expected);
    const { ExpressionAttributeValues: rest } = used(expression) as { ExpressionAttributeValues?: object };
    const filter = {
      TableName,
      KeyConditionExpression: 'pk = :pk',
      FilterExpression: expression,
      ExpressionAttributeValues: { ...rest, ':pk': Key.pk },
    };
    const counts = { Count: Number(expected), ScannedCount: 1 };
    expect(await call('Query', filter)).toMatchObject({ ...counts, Items: expected ? [Item] : [] });
    expect(await call('Query', { ...filter, Select: 'COUNT' })).toMatchObject(counts);
    expect(await call('Query', { ...filter, ProjectionExpression: 'm.x' })).toMatchObject({
      ...counts,
      Items: expected ? [{ m: { M: { x: { N: '1' } } } }] : [],
    });
    const scanned = { TableName, FilterExpression: expression, ...used(expression) };
    expect(await call('Scan', scanned)).toMatchObject(counts);
  });
});

describe('the legacy parameters', () => {
  it.each([
    [{ m: { Value: values[':m'] } }, 'AND', true],
    [{ n: { Exists: true, Value: { N: '9' } } }, 'AND', false],
    [
      { m: { Exists: false }, l: { ComparisonOperator: 'EQ', AttributeValueList: [values[':l']] } },
      'OR',
      true,
    ],
    [{ m: { Exists: false }, nil: { ComparisonOperator: 'NOT_NULL' } }, 'OR', false],
    [{ t: { ComparisonOperator: 'NOT_CONTAINS', AttributeValueList: [{ S: 'ex' }] } }, 'AND', false],
  ])('%j by %s: %s', async (Expected, ConditionalOperator, expected) => {
    const write = call('PutItem', { TableName, Item, Expected, ConditionalOperator });
    if (expected) await write;
    else await expect(write).rejects.toMatchObject({ code: 'ConditionalCheckFailedException' });
  });
});
