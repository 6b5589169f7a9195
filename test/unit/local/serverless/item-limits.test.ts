import { beforeAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import { createRegion, type Region } from '../../../../local/region.ts';
import { createTextTable } from '../../../support/things-in-region.ts';

const TableName = 'things';
let region: Region;
beforeAll(async () => {
  region = await createRegion({ clock: new VirtualClock(), seed: 1 });
  await createTextTable(region, TableName, ['pk'], 'byList');
  return () => region.close();
});

const call = (operation: string, input: object) => region.call('dynamodb', operation, input);
const nested = (levels: number): object => (levels === 0 ? { S: 'x' } : { M: { m: nested(levels - 1) } });
const Key = { pk: { S: 'a' } };
const update = async (name: string, value: object) => {
  await call('DeleteItem', { TableName, Key });
  return call('UpdateItem', {
    TableName,
    Key,
    UpdateExpression: 'SET #a = :a',
    ExpressionAttributeNames: { '#a': name },
    ExpressionAttributeValues: { ':a': value },
  });
};
/** Each way to store an attribute. */
const ways: [string, (name: string, value: object) => Promise<unknown>][] = [
  ['PutItem', (name, value) => call('PutItem', { TableName, Item: { ...Key, [name]: value } })],
  [
    'BatchWriteItem',
    (name, value) =>
      call('BatchWriteItem', {
        RequestItems: { [TableName]: [{ PutRequest: { Item: { ...Key, [name]: value } } }] },
      }),
  ],
  [
    'TransactWriteItems',
    (name, value) =>
      call('TransactWriteItems', {
        TransactItems: [{ Put: { TableName, Item: { ...Key, [name]: value } } }],
      }),
  ],
  ['UpdateItem', update],
];

describe.each(ways)('an item that %s stores', (way, store) => {
  const refused = (message: string) => ({
    code: 'ValidationException',
    message: expect.stringContaining(message),
  });

  it('has at most 400 KB of UTF-8', async () => {
    // The name of the key, the key, and the name of the attribute.
    const rest = 400 * 1024 - 'pk'.length - 'a'.length - 'text'.length;
    await store('text', { S: 'x'.repeat(rest) });
    await store('text', { S: 'é'.repeat(Math.floor(rest / 2)) });
    await expect(store('text', { S: 'é'.repeat(Math.floor(rest / 2) + 1) })).rejects.toMatchObject(
      refused(way === 'UpdateItem' ? 'Item size to update has exceeded' : 'Item size has exceeded'),
    );
    await expect(store('text', { M: { m: { L: [{ S: '€'.repeat(140_000) }] } } })).rejects.toThrow(
      'Item size',
    );
    await expect(store('text', { SS: ['a', '€'.repeat(140_000)] })).rejects.toThrow('Item size');
  });

  it('is at most 32 levels deep', async () => {
    await store('deep', nested(31));
    await expect(store('deep', nested(32))).rejects.toMatchObject(
      refused('Nesting Levels have exceeded supported limits'),
    );
  });

  it('has no empty text as the key of an index', async () => {
    await store('list', { S: 'x' });
    await store('plain', { S: '' });
    await expect(store('list', { S: '' })).rejects.toMatchObject(
      refused('The AttributeValue for a key attribute cannot contain an empty string value.'),
    );
  });
});

it('a partition key has at most 2048 bytes of UTF-8', async () => {
  const put = (pk: string) => call('PutItem', { TableName, Item: { pk: { S: pk } } });
  await put('é'.repeat(1024));
  await expect(put('é'.repeat(1025))).rejects.toThrow('Size of hashkey');
});
