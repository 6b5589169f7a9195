/** A bucket, and tables, for tests that ask a region itself. */
import { afterEach, beforeEach } from 'vitest';
import { VirtualClock } from '../../local/clock.ts';
import { createRegion, type Region } from '../../local/region.ts';

/** The bucket of {@link bucketInRegion}. */
export const Bucket = 'things';

/** An empty bucket in a region of its own for each test. @returns calls S3 there, about that bucket */
export function bucketInRegion(): <Output>(operation: string, input: object) => Promise<Output> {
  let region: Region | undefined;
  const call = async <Output>(operation: string, input: object): Promise<Output> => {
    if (region === undefined) throw new Error('There is no region before the first test');
    return (await region.call('s3', operation, { Bucket, ...input })) as Output;
  };
  beforeEach(async () => {
    region = await createRegion({ clock: new VirtualClock(), seed: 5 });
    await call('CreateBucket', {});
  });
  afterEach(() => region?.close());
  return call;
}

const keySchema = ([hash, range]: readonly string[]) => [
  { AttributeName: hash, KeyType: 'HASH' },
  ...(range === undefined ? [] : [{ AttributeName: range, KeyType: 'RANGE' }]),
];

/**
 * Makes a table whose keys are texts.
 * @param keys partition key, and sort key where there is one
 * @param byList also an index `byList` by the attribute `list`
 */
export async function createTextTable(
  region: Region,
  TableName: string,
  keys: readonly [string, string?],
  byList?: 'byList',
): Promise<void> {
  const named = keys.filter((name) => name !== undefined);
  const indexed = byList === undefined ? [] : ['list'];
  await region.call('dynamodb', 'CreateTable', {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [...named, ...indexed].map((AttributeName) => ({
      AttributeName,
      AttributeType: 'S',
    })),
    KeySchema: keySchema(named),
    ...(byList === undefined
      ? {}
      : {
          GlobalSecondaryIndexes: [
            {
              IndexName: byList,
              KeySchema: keySchema(indexed),
              Projection: { ProjectionType: 'ALL' },
            },
          ],
        }),
  });
}
