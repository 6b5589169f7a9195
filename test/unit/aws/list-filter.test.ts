/** The filters of lists, as a table answers them. */
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { VirtualClock } from '../../../local/clock.ts';
import { createRegion, type Region } from '../../../local/region.ts';
import type { ListFilter } from '../../../src/aws/list-filter.ts';
import { openTable, type Table } from '../../../src/aws/table.ts';
import { inRegionSettings } from '../../scenarios/kit/in-region.ts';

const time = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
const idle = { lease: null, queue: [], pins: [], warm: null, updatedAt: time(0) };
const fleets = {
  idle,
  leased: { ...idle, lease: { holder: 'x' } },
  queued: { ...idle, queue: [7] },
  pinned: { ...idle, pins: [{ groupName: 'g' }] },
  warm: { ...idle, warm: { keepUntil: time(9) } },
  'updated-at-5': { ...idle, updatedAt: time(5) },
};

let region: Region;
let table: Table;

beforeAll(async () => {
  const clock = new VirtualClock(Date.now());
  region = await createRegion({ clock, seed: 3 });
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(inRegionSettings(region)));
  const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' }) as const;
  await client.send(
    new CreateTableCommand({
      TableName: 'lists',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk', 'listPk', 'listSk'].map(text),
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'byList',
          KeySchema: [
            { AttributeName: 'listPk', KeyType: 'HASH' },
            { AttributeName: 'listSk', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
  await clock.advance(60_000);
  for (const [name, item] of Object.entries(fleets)) {
    const place = { pk: name, sk: 'FLEET', listPk: 'FLEETS', listSk: name };
    await client.send(new PutCommand({ TableName: 'lists', Item: { name, ...item, ...place } }));
  }
  // The index lags.
  await clock.advance(60_000);
  table = openTable('lists', client);
});

afterAll(() => region.close());

const all = Object.keys(fleets).sort();

test.each<[string, ListFilter | undefined, string[]]>([
  ['all', undefined, all],
  ['what has work', { kind: 'with-work' }, ['leased', 'pinned', 'queued', 'warm']],
  ['what was updated since', { kind: 'updated-since', since: time(5) }, ['updated-at-5']],
  ['what was updated since before all', { kind: 'updated-since', since: time(0) }, all],
  [
    'what is listed from a place on',
    { kind: 'from-place', listSk: 'queued' },
    all.filter((name) => name >= 'queued'),
  ],
])('gives %s', async (_, only, expected) => {
  const schema = z.object({ name: z.string() });
  const page = await table.list('FLEETS', schema, only === undefined ? {} : { only });
  expect(page.items.map(({ name }) => name)).toEqual(expected);
});
