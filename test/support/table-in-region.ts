/** The table as the stack makes it, in a region of its own within this process. */
import { CreateTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { VirtualClock } from '../../local/clock.ts';
import { createRegion } from '../../local/region.ts';
import { openTable, type Table } from '../../src/aws/table.ts';
import { inRegionSettings } from '../scenarios/kit/in-region.ts';

export interface TableInRegion {
  readonly table: Table;
  readonly clock: VirtualClock;
}

/** The table of a file's tests, from before the first one until after the last. */
export function tableInRegion(): TableInRegion {
  let opened: Awaited<ReturnType<typeof open>> | undefined;
  beforeAll(async () => {
    opened = await open();
  });
  afterAll(() => opened?.close());
  const present = () => {
    if (opened === undefined) throw new Error('There is no table before the first test');
    return opened;
  };
  return {
    get table() {
      return present().table;
    },
    get clock() {
      return present().clock;
    },
  };
}

async function open() {
  const TableName = 'flotilla';
  const clock = new VirtualClock(Date.now());
  const region = await createRegion({ clock, seed: 3 });
  const client = DynamoDBDocumentClient.from(new DynamoDBClient(inRegionSettings(region)), {
    marshallOptions: { removeUndefinedValues: true },
  });
  const text = (AttributeName: string) => ({ AttributeName, AttributeType: 'S' }) as const;
  await client.send(
    new CreateTableCommand({
      TableName,
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
  return { table: openTable(TableName, client), clock, close: () => region.close() };
}
