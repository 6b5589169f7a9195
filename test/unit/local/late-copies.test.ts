import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.ts';
import { createRegion, type Region } from '../../../local/region.ts';
import type { Principal } from '../../../local/service.ts';
import { createTextTable } from '../../support/things-in-region.ts';

let region: Region;
let clock: VirtualClock;

const user: Principal = {
  kind: 'user',
  arn: 'arn:aws:iam::000000000000:user/somebody',
  userId: 'somebody',
  policies: [{ Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }],
};

beforeEach(async () => {
  clock = new VirtualClock();
  region = await createRegion({ clock, seed: 5, lag: { copiesMs: 1_000, indexesMs: 3_000 } });
  await createTextTable(region, 'things', ['pk'], 'byList');
});

afterEach(async () => {
  await region.close();
});

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely by tests
function ask(operation: string, input: object, as: Principal = user): Promise<any> {
  return region.call('dynamodb', operation, input, as);
}

const put = (pk: string, value: string) =>
  ask('PutItem', { TableName: 'things', Item: { pk: { S: pk }, list: { S: 'all' }, value: { S: value } } });

async function listed(as: Principal = user): Promise<string[]> {
  const { Items } = await ask(
    'Query',
    {
      TableName: 'things',
      IndexName: 'byList',
      KeyConditionExpression: '#list = :list',
      ExpressionAttributeNames: { '#list': 'list' },
      ExpressionAttributeValues: { ':list': { S: 'all' } },
    },
    as,
  );
  return Items.map((one: { pk: { S: string }; value: { S: string } }) => `${one.pk.S}=${one.value.S}`).sort();
}

async function value(ConsistentRead: boolean): Promise<string> {
  const { Item } = await ask('GetItem', { TableName: 'things', Key: { pk: { S: 'a' } }, ConsistentRead });
  return Item?.value.S ?? 'nothing';
}

async function values(ConsistentRead: boolean): Promise<Set<string>> {
  const seen = new Set<string>();
  for (let index = 0; index < 20; index += 1) seen.add(await value(ConsistentRead));
  return seen;
}

it('An index hears of new and changed items later than their table', async () => {
  await put('a', 'old');
  expect(await listed()).toEqual([]);
  expect(await listed(region.root)).toEqual(['a=old']);
  await clock.advance(3_000);
  expect(await listed()).toEqual(['a=old']);
  await put('a', 'new');
  await ask('TransactWriteItems', {
    TransactItems: [
      { Put: { TableName: 'things', Item: { pk: { S: 'b' }, list: { S: 'all' }, value: { S: 'new' } } } },
    ],
  });
  expect(await listed()).toEqual(['a=old']);
  await clock.advance(3_000);
  expect(await listed()).toEqual(['a=new', 'b=new']);
});

it('A read may reach a copy that is behind, unless it asks for consistency', async () => {
  await put('a', 'old');
  expect(await values(true)).toEqual(new Set(['old']));
  expect(await values(false)).toEqual(new Set(['old', 'nothing']));
  await clock.advance(1_000);
  await put('a', 'new');
  expect(await values(true)).toEqual(new Set(['new']));
  expect(await values(false)).toEqual(new Set(['old', 'new']));
  await clock.advance(1_000);
  expect(await values(false)).toEqual(new Set(['new']));
});

it('Everything is fresh where the lag is off', async () => {
  region.context.lag.off();
  await put('a', 'old');
  expect(await listed()).toEqual(['a=old']);
  expect(await values(false)).toEqual(new Set(['old']));
});

it('An index refuses to be read consistently', async () => {
  const input = {
    TableName: 'things',
    IndexName: 'byList',
    ConsistentRead: true,
    KeyConditionExpression: '#list = :list',
    ExpressionAttributeNames: { '#list': 'list' },
    ExpressionAttributeValues: { ':list': { S: 'all' } },
  };
  await expect(ask('Query', input)).rejects.toMatchObject({ code: 'ValidationException' });
});
