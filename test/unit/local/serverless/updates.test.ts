import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import { createRegion, type Region } from '../../../../local/region.ts';
import { createTextTable } from '../../../support/things-in-region.ts';

const TableName = 'things';
const Key = { pk: { S: 'a' } };
let region: Region;
beforeEach(async () => {
  region = await createRegion({ clock: new VirtualClock(), seed: 1 });
  await createTextTable(region, TableName, ['pk']);
  return () => region.close();
});

const call = (operation: string, input: object) => region.call('dynamodb', operation, input);
const n = (value: number) => ({ N: String(value) });
const list = (...texts: string[]) => ({ L: texts.map((text) => ({ S: text })) });
const put = (attributes: object) => call('PutItem', { TableName, Item: { ...Key, ...attributes } });
const update = (UpdateExpression: string, values?: object, more: object = {}) =>
  call('UpdateItem', {
    TableName,
    Key,
    UpdateExpression,
    ...(values !== undefined && { ExpressionAttributeValues: values }),
    ...more,
  });
const stored = async () => {
  const { Item } = (await call('GetItem', { TableName, Key, ConsistentRead: true })) as { Item: object };
  return Item;
};

describe('an update expression', () => {
  it('removes the elements that the list had at the indexes before', async () => {
    await put({ l: list('a', 'b', 'c', 'd') });
    await update('REMOVE l[0], l[2], l[9]');
    expect(await stored()).toEqual({ ...Key, l: list('b', 'd') });
  });

  it('sets and removes elements of one list by the indexes before, and appends what is beyond its end', async () => {
    await put({ l: list('a', 'b', 'c') });
    await update('SET l[20] = :y, l[10] = :x, l[2] = :z REMOVE l[0]', {
      ':x': { S: 'x' },
      ':y': { S: 'y' },
      ':z': { S: 'z' },
    });
    expect(await stored()).toEqual({ ...Key, l: list('b', 'z', 'x', 'y') });
  });

  it('reads each attribute as it was before the update', async () => {
    await put({ a: n(1), b: n(2) });
    await update('SET a = b, b = a ADD c :one', { ':one': n(1) });
    expect(await stored()).toEqual({ ...Key, a: n(2), b: n(1), c: n(1) });
    await update('SET o = c, again = c + :one ADD c :one', { ':one': n(1) });
    expect(await stored()).toMatchObject({ o: n(1), again: n(2), c: n(2) });
  });

  it('copies what it reads', async () => {
    await put({ m: { M: { x: n(1) } } });
    await update('SET twin = m, m.x = :two, third = if_not_exists(nil, m)', { ':two': n(2) });
    expect(await stored()).toEqual({
      ...Key,
      m: { M: { x: n(2) } },
      twin: { M: { x: n(1) } },
      third: { M: { x: n(1) } },
    });
  });

  it('adds to and takes from sets and lists, and removes a set that gets empty', async () => {
    await put({ s: { SS: ['a', 'b'] }, gone: { SS: ['a'] }, l: list('a') });
    await update('SET l = list_append(:l, l) ADD s :s, fresh :s DELETE gone :gone', {
      ':s': { SS: ['b', 'c'] },
      ':gone': { SS: ['a', 'z'] },
      ':l': list('z'),
    });
    expect(await stored()).toEqual({
      ...Key,
      s: { SS: ['a', 'b', 'c'] },
      fresh: { SS: ['b', 'c'] },
      l: list('z', 'a'),
    });
  });

  it('calculates exactly', async () => {
    await put({ a: { N: '0.1' }, big: { N: '12345678901234567890123456789012345678' } });
    await update('SET a = a + :x, b = :x - a, big = big - :one ADD c :c', {
      ':x': { N: '0.2' },
      ':one': n(1),
      ':c': { N: '-0.05' },
    });
    expect(await stored()).toMatchObject({
      a: { N: '0.3' },
      b: { N: '0.1' },
      big: { N: '12345678901234567890123456789012345677' },
      c: { N: '-0.05' },
    });
  });

  it('refuses a number of more than 38 digits, or beyond the range', async () => {
    const digits = '9'.repeat(38);
    await put({ a: { N: digits }, b: { N: '1E125' } });
    await expect(update('ADD a :x', { ':x': { N: '0.1' } })).rejects.toMatchObject({
      code: 'ValidationException',
      message: 'Attempting to store more than 38 significant digits in a Number',
    });
    await expect(update('ADD b :x', { ':x': { N: '9E125' } })).rejects.toMatchObject({
      code: 'ValidationException',
      message: expect.stringContaining('Number overflow'),
    });
  });

  it('makes an item where there was none, and answers with what it was told to', async () => {
    expect(await update('SET m = :m', { ':m': { M: {} } }, { ReturnValues: 'ALL_OLD' })).toEqual({});
    const answered = async (ReturnValues: string) =>
      ((await update('SET m.x = :x ADD c :x', { ':x': n(1) }, { ReturnValues })) as { Attributes?: object })
        .Attributes;
    expect(await answered('UPDATED_NEW')).toEqual({ m: { M: { x: n(1) } }, c: n(1) });
    expect(await answered('UPDATED_OLD')).toEqual({ m: { M: { x: n(1) } }, c: n(1) });
    expect(await answered('ALL_OLD')).toEqual({ ...Key, m: { M: { x: n(1) } }, c: n(2) });
    expect(await answered('ALL_NEW')).toEqual({ ...Key, m: { M: { x: n(1) } }, c: n(4) });
    expect(await answered('NONE')).toBeUndefined();
  });

  it.each([
    ['SET a = nil', undefined, 'refers to an attribute that does not exist'],
    ['SET nil.x = :x', { ':x': n(1) }, 'document path provided in the update expression is invalid'],
    ['REMOVE t[0]', undefined, 'document path provided in the update expression is invalid'],
    ['SET a = t + :x', { ':x': n(1) }, 'incorrect data type'],
    ['SET a = list_append(t, t)', undefined, 'incorrect data type'],
    ['ADD t :x', { ':x': n(1) }, 'incorrect data type'],
    ['SET pk = :x', { ':x': { S: 'b' } }, 'This attribute is part of the key'],
  ])('is refused: %s', async (expression, values, message) => {
    await put({ t: { S: 'text' } });
    await expect(update(expression, values)).rejects.toMatchObject({
      code: 'ValidationException',
      message: expect.stringContaining(message),
    });
    expect(await stored()).toEqual({ ...Key, t: { S: 'text' } });
  });

  it('does the same in a transaction', async () => {
    await put({ l: list('a', 'b', 'c'), c: n(1) });
    await call('TransactWriteItems', {
      TransactItems: [
        {
          Update: {
            TableName,
            Key,
            UpdateExpression: 'SET o = c REMOVE l[0], l[1] ADD c :one',
            ExpressionAttributeValues: { ':one': n(1) },
          },
        },
      ],
    });
    expect(await stored()).toEqual({ ...Key, l: list('c'), c: n(2), o: n(1) });
  });
});
