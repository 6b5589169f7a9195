import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import { createRegion, type Region } from '../../../../local/region.ts';
import { createTextTable } from '../../../support/things-in-region.ts';

const TableName = 'things';
let region: Region;
let clock: VirtualClock;
beforeEach(async () => {
  clock = new VirtualClock();
  region = await createRegion({ clock, seed: 1 });
  await createTextTable(region, TableName, ['pk']);
  return () => region.close();
});

const call = (operation: string, input: object) => region.call('dynamodb', operation, input);
const item = (pk: string, n: number) => ({ pk: { S: pk }, n: { N: String(n) } });
const put = (pk: string, n: number) => call('PutItem', { TableName, Item: item(pk, n) });
const putAll = (items: readonly [string, number][], more: object = {}) =>
  call('TransactWriteItems', {
    TransactItems: items.map(([pk, n]) => ({ Put: { TableName, Item: item(pk, n) } })),
    ...more,
  });

describe('a transaction', () => {
  it('is cancelled where another one that runs has one of its items', async () => {
    const [first, second] = await Promise.allSettled([
      putAll([['a', 1], ['b', 1]]), // biome-ignore format: one line
      putAll([['c', 2], ['b', 2]]), // biome-ignore format: one line
    ]);
    expect(first.status).toBe('fulfilled');
    expect(second).toMatchObject({
      reason: {
        code: 'TransactionCanceledException',
        message:
          'Transaction cancelled, please refer cancellation reasons for specific reasons [None, TransactionConflict]',
        fields: { CancellationReasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }] },
      },
    });
    // Nothing of it stays, and the items are free again.
    expect(await call('GetItem', { TableName, Key: { pk: { S: 'c' } } })).toEqual({});
    await putAll([['b', 3]]);
  });

  it('keeps single writes and transactional reads of its items off while it runs', async () => {
    const readAll = () =>
      call('TransactGetItems', { TransactItems: [{ Get: { TableName, Key: { pk: { S: 'a' } } } }] });
    // Its writes are made, and it has not answered yet.
    const seen: Promise<PromiseSettledResult<unknown>[]>[] = [];
    region.parts.dynamodb.onChange(() => seen.push(Promise.allSettled([put('a', 2), readAll()])));
    await putAll([['a', 1]]);
    const [write, read] = (await seen[0]) ?? [];
    expect(write).toMatchObject({ reason: { code: 'TransactionConflictException' } });
    expect(read).toMatchObject({ reason: { code: 'TransactionCanceledException' } });
  });

  it('in progress is named as such to a repetition, and its token is forgotten after ten minutes', async () => {
    const token = { ClientRequestToken: 'one' };
    const [, again] = await Promise.allSettled([putAll([['a', 1]], token), putAll([['a', 1]], token)]);
    expect(again).toMatchObject({ reason: { code: 'TransactionInProgressException' } });
    await clock.advance(9 * 60_000);
    await expect(putAll([['a', 2]], token)).rejects.toMatchObject({
      code: 'IdempotentParameterMismatchException',
    });
    await clock.advance(60_000);
    await putAll([['a', 2]], token);
    expect(await call('GetItem', { TableName, Key: { pk: { S: 'a' } } })).toMatchObject({
      Item: item('a', 2),
    });
  });

  it('that was cancelled may be tried again under its token', async () => {
    await put('a', 1);
    const TransactItems = [
      { Put: { TableName, Item: item('a', 2), ConditionExpression: 'attribute_not_exists(pk)' } },
    ];
    const attempt = () => call('TransactWriteItems', { TransactItems, ClientRequestToken: 'two' });
    await expect(attempt()).rejects.toMatchObject({ code: 'TransactionCanceledException' });
    await call('DeleteItem', { TableName, Key: { pk: { S: 'a' } } });
    await attempt();
    expect(await call('GetItem', { TableName, Key: { pk: { S: 'a' } } })).toMatchObject({
      Item: item('a', 2),
    });
  });
});

describe('a batch', () => {
  const arn = `arn:aws:dynamodb:us-east-1:000000000000:table/${TableName}`;
  const Keys = [{ pk: { S: 'a' } }];

  it.each([TableName, arn])('that names its table %s is answered under that name', async (name) => {
    await call('BatchWriteItem', { RequestItems: { [name]: [{ PutRequest: { Item: item('a', 1) } }] } });
    expect(await call('BatchGetItem', { RequestItems: { [name]: { Keys } } })).toMatchObject({
      Responses: { [name]: [item('a', 1)] },
      UnprocessedKeys: {},
    });
  });

  it('that has more than an answer holds tells what it left under the name, too', async () => {
    const pks = ['a', 'b', 'c', 'd'];
    for (const pk of pks)
      await call('PutItem', { TableName, Item: { pk: { S: pk }, text: { S: 'x'.repeat(400_000) } } });
    const answer = await call('BatchGetItem', {
      RequestItems: { [arn]: { Keys: pks.map((pk) => ({ pk: { S: pk } })) } },
    });
    expect(answer).toMatchObject({ UnprocessedKeys: { [arn]: { Keys: [{ pk: {} }] } } });
  });

  it('names a table once', async () => {
    await expect(
      call('BatchGetItem', { RequestItems: { [TableName]: { Keys }, [arn]: { Keys } } }),
    ).rejects.toMatchObject({ code: 'ValidationException' });
  });
});

describe('the changes of a table', () => {
  it('are told one commit at a time, a transaction as one', async () => {
    const told: unknown[] = [];
    const end = region.parts.dynamodb.onChange(({ sequence, changes }) =>
      told.push([sequence, ...changes.map(({ before, after }) => [before?.n, after?.n])]),
    );
    await put('a', 1);
    // Changes nothing: no commit.
    await put('a', 1);
    await putAll([['a', 2], ['b', 1]]); // biome-ignore format: one line
    await call('UpdateItem', {
      TableName,
      Key: { pk: { S: 'b' } },
      UpdateExpression: 'ADD n :n',
      ExpressionAttributeValues: { ':n': { N: '4' } },
    });
    await call('BatchWriteItem', {
      RequestItems: {
        [TableName]: [{ DeleteRequest: { Key: { pk: { S: 'a' } } } }, { PutRequest: { Item: item('c', 1) } }],
      },
    });
    await expect(
      call('DeleteItem', {
        TableName,
        Key: { pk: { S: 'c' } },
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    ).rejects.toThrow();
    end();
    await put('z', 1);
    const n = (value: number) => ({ N: String(value) });
    expect(told).toEqual([
      [1, [undefined, n(1)]],
      [2, [n(1), n(2)], [undefined, n(1)]],
      [3, [n(1), n(5)]],
      [4, [n(2), undefined], [undefined, n(1)]],
    ]);
  });

  it('give the table back as it was at a time, or after a commit', async () => {
    await put('b', 1);
    await region.parts.dynamodb.keepChanges();
    const start = clock.now();
    await clock.advance(1000);
    await putAll([['a', 1], ['b', 2]]); // biome-ignore format: one line
    await clock.advance(1000);
    await call('DeleteItem', { TableName, Key: { pk: { S: 'b' } } });
    const { asOf } = region.parts.dynamodb;
    expect(await asOf(TableName, { at: start })).toEqual([item('b', 1)]);
    expect(await asOf(TableName, { at: start + 1500 })).toEqual([item('a', 1), item('b', 2)]);
    expect(await asOf(TableName, { at: start + 2000 })).toEqual([item('a', 1)]);
    expect(await asOf(TableName, { sequence: 1 })).toEqual([item('a', 1), item('b', 2)]);
  });

  it('are refused for a time at which nothing was kept', async () => {
    await expect(region.parts.dynamodb.asOf(TableName, { at: 0 })).rejects.toThrow('Nothing is kept');
  });
});
