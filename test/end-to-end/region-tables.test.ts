/** DynamoDB's own client against the region: conditions, indexes, transactions and rights. */
import {
  CreateTableCommand,
  DeleteTableCommand,
  DescribeContinuousBackupsCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactGetItemsCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateContinuousBackupsCommand,
  UpdateItemCommand,
  UpdateTableCommand,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRegion, type Region } from '../../local/region.ts';

let region: Region;
let db: DynamoDBClient;
const TableName = 'fleets';
const tableArn = 'arn:aws:dynamodb:us-east-1:000000000000:table/fleets';

beforeAll(async () => {
  region = await createRegion({ seed: 11 });
  // What this file asks is what the region knows, not when each copy of it knows.
  region.context.lag.off();
  region.throttles.off();
  const endpoint = await region.listen();
  db = new DynamoDBClient({ endpoint, region: 'us-east-1', credentials: region.createOperator() });
  await db.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'pk', AttributeType: 'S' },
        { AttributeName: 'sk', AttributeType: 'S' },
        { AttributeName: 'gsi', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-gsi',
          KeySchema: [{ AttributeName: 'gsi', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      DeletionProtectionEnabled: true,
      Tags: [{ Key: 'app', Value: 'flotilla' }],
    }),
  );
});

afterAll(async () => {
  db.destroy();
  await region.close();
});

const key = (pk: string, sk = 'fleet') => ({ pk: { S: pk }, sk: { S: sk } });
const get = async (pk: string, sk?: string) =>
  (await db.send(new GetItemCommand({ TableName, Key: key(pk, sk), ConsistentRead: true }))).Item;
const transact = (TransactItems: TransactWriteItem[], ClientRequestToken?: string) =>
  db.send(new TransactWriteItemsCommand({ TransactItems, ClientRequestToken }));
const absent = 'attribute_not_exists(pk)';

test('a table tells what was set on it', async () => {
  const { Table } = await db.send(new DescribeTableCommand({ TableName: tableArn }));
  expect(Table).toMatchObject({
    TableStatus: 'ACTIVE',
    TableArn: tableArn,
    DeletionProtectionEnabled: true,
    BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
  });
  expect(Table?.CreationDateTime).toBeInstanceOf(Date);
  await db.send(
    new UpdateContinuousBackupsCommand({
      TableName,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    }),
  );
  const backups = await db.send(new DescribeContinuousBackupsCommand({ TableName }));
  expect(
    backups.ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus,
  ).toBe('ENABLED');
  await db.send(
    new UpdateTimeToLiveCommand({
      TableName,
      TimeToLiveSpecification: { Enabled: true, AttributeName: 'ttl' },
    }),
  );
});

test('a protected table is not deleted, an unprotected one is', async () => {
  await db.send(
    new CreateTableCommand({
      TableName: 'doomed',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      DeletionProtectionEnabled: true,
    }),
  );
  const doom = () => db.send(new DeleteTableCommand({ TableName: 'doomed' }));
  await expect(doom()).rejects.toMatchObject({ name: 'ValidationException' });
  await db.send(new UpdateTableCommand({ TableName: 'doomed', DeletionProtectionEnabled: false }));
  await doom();
  await expect(db.send(new DescribeTableCommand({ TableName: 'doomed' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
});

test('bytes, sets and nested values come back as they were put', async () => {
  const Item = {
    ...key('kinds'),
    bytes: { B: new Uint8Array([0, 255, 7]) },
    byteSet: { BS: [new Uint8Array([1])] },
    numbers: { NS: ['1', '2'] },
    B: { M: { B: { S: 'a name that is a type' }, inner: { B: new Uint8Array([9]) } } },
    list: { L: [{ NULL: true }, { BOOL: false }, { N: '1.5' }] },
  };
  await db.send(new PutItemCommand({ TableName, Item }));
  expect(await get('kinds')).toEqual(Item);
});

test('of racing writers with one condition exactly one wins, and the loser is shown why', async () => {
  const attempts = Array.from({ length: 8 }, (_, index) =>
    db.send(
      new PutItemCommand({
        TableName,
        Item: { ...key('race'), holder: { N: String(index) } },
        ConditionExpression: absent,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    ),
  );
  const results = await Promise.allSettled(attempts);
  expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
  const winner = await get('race');
  for (const result of results)
    if (result.status === 'rejected')
      expect(result.reason).toMatchObject({ name: 'ConditionalCheckFailedException', Item: winner });
});

test('a transaction writes all or nothing, with a reason for each action', async () => {
  await transact([
    { Put: { TableName, Item: { ...key('t1'), n: { N: '1' } }, ConditionExpression: absent } },
    { Put: { TableName, Item: { ...key('t1', 'event'), n: { N: '1' } } } },
  ]);
  const failing = transact([
    {
      Update: {
        TableName,
        Key: key('t1'),
        UpdateExpression: 'SET n = :n',
        ExpressionAttributeValues: { ':n': { N: '2' } },
      },
    },
    {
      Put: {
        TableName,
        Item: key('t1', 'event'),
        ConditionExpression: absent,
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      },
    },
    { ConditionCheck: { TableName, Key: key('none'), ConditionExpression: absent } },
  ]);
  await expect(failing).rejects.toMatchObject({
    name: 'TransactionCanceledException',
    CancellationReasons: [
      { Code: 'None' },
      { Code: 'ConditionalCheckFailed', Item: { ...key('t1', 'event'), n: { N: '1' } } },
      { Code: 'None' },
    ],
  });
  await expect(failing).rejects.toThrow('[None, ConditionalCheckFailed, None]');
  expect(await get('t1')).toMatchObject({ n: { N: '1' } });
});

test('a write that fails in the middle of a transaction takes the earlier ones back', async () => {
  await db.send(new PutItemCommand({ TableName, Item: { ...key('t2'), text: { S: 'x' } } }));
  await expect(
    transact([
      { Put: { TableName, Item: key('t2', 'new') } },
      { Delete: { TableName, Key: key('t1', 'event') } },
      // A number cannot be added to a text: that shows only when it is tried.
      {
        Update: {
          TableName,
          Key: key('t2'),
          UpdateExpression: 'ADD #t :n',
          ExpressionAttributeNames: { '#t': 'text' },
          ExpressionAttributeValues: { ':n': { N: '1' } },
        },
      },
    ]),
  ).rejects.toMatchObject({
    name: 'TransactionCanceledException',
    CancellationReasons: [{ Code: 'None' }, { Code: 'None' }, { Code: 'ValidationError' }],
  });
  expect(await get('t2', 'new')).toBeUndefined();
  expect(await get('t1', 'event')).toBeDefined();
});

test('a client token makes a repetition the same transaction, and another one a mismatch', async () => {
  const add = (by: string): TransactWriteItem[] => [
    {
      Update: {
        TableName,
        Key: key('token'),
        UpdateExpression: 'ADD n :n',
        ExpressionAttributeValues: { ':n': { N: by } },
      },
    },
  ];
  await transact(add('1'), 'token-1');
  await transact(add('1'), 'token-1');
  expect((await get('token'))?.n).toEqual({ N: '1' });
  await expect(transact(add('2'), 'token-1')).rejects.toMatchObject({
    name: 'IdempotentParameterMismatchException',
  });
});

test('two actions on one item, or more than a hundred, are refused', async () => {
  const put = (pk: string): TransactWriteItem => ({ Put: { TableName, Item: key(pk) } });
  await expect(transact([put('twice'), put('twice')])).rejects.toThrow('multiple operations on one item');
  const many = Array.from({ length: 101 }, (_, index) => put(`many-${index}`));
  await expect(transact(many)).rejects.toMatchObject({ name: 'ValidationException' });
  expect(await get('twice')).toBeUndefined();
});

test('of racing transactions on the same items the losers are cancelled as conflicts, and count once they are tried again', async () => {
  const step = () =>
    transact([
      {
        Update: {
          TableName,
          Key: key('sum', 'a'),
          UpdateExpression: 'ADD n :n',
          ExpressionAttributeValues: { ':n': { N: '1' } },
        },
      },
      {
        Update: {
          TableName,
          Key: key('sum', 'b'),
          UpdateExpression: 'ADD n :n',
          ExpressionAttributeValues: { ':n': { N: '1' } },
        },
      },
    ]);
  const untilTaken = async (): Promise<void> => {
    try {
      await step();
    } catch (error) {
      expect(error).toMatchObject({
        name: 'TransactionCanceledException',
        CancellationReasons: [{ Code: 'TransactionConflict' }, { Code: 'TransactionConflict' }],
      });
      await untilTaken();
    }
  };
  await Promise.all(Array.from({ length: 10 }, untilTaken));
  const { Responses } = await db.send(
    new TransactGetItemsCommand({
      TransactItems: ['a', 'b'].map((sk) => ({ Get: { TableName, Key: key('sum', sk) } })),
    }),
  );
  expect(Responses?.map((response) => response.Item?.n)).toEqual([{ N: '10' }, { N: '10' }]);
});

test('an item above 400 KB is refused', async () => {
  const Item = { ...key('large'), text: { S: 'x'.repeat(400 * 1024) } };
  await expect(db.send(new PutItemCommand({ TableName, Item }))).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

test('an index is queried, with its own right', async () => {
  await db.send(new PutItemCommand({ TableName, Item: { ...key('i1'), gsi: { S: 'ami-1' } } }));
  const query = new QueryCommand({
    TableName,
    IndexName: 'by-gsi',
    KeyConditionExpression: 'gsi = :g',
    ExpressionAttributeValues: { ':g': { S: 'ami-1' } },
  });
  expect((await db.send(query)).Count).toBe(1);
  const role = region.iam.createRole({
    name: 'index-less',
    assumeRolePolicy: {
      Statement: [
        { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } },
      ],
    },
    policies: {
      own: {
        Statement: [{ Effect: 'Allow', Action: ['dynamodb:Query', 'dynamodb:PutItem'], Resource: tableArn }],
      },
    },
  });
  const limited = new DynamoDBClient({
    endpoint: region.endpoint,
    region: 'us-east-1',
    credentials: region.iam.sessionFor(role.arn, 'session'),
  });
  await expect(limited.send(query)).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message: `User: arn:aws:sts::000000000000:assumed-role/index-less/session is not authorized to perform: dynamodb:Query on resource: ${tableArn}/index/by-gsi because no identity-based policy allows the dynamodb:Query action`,
  });
  // Each action of a transaction needs its own right.
  const both = new TransactWriteItemsCommand({
    TransactItems: [
      { Put: { TableName, Item: key('allowed') } },
      { ConditionCheck: { TableName, Key: key('none'), ConditionExpression: absent } },
    ],
  });
  await expect(limited.send(both)).rejects.toThrow('dynamodb:ConditionCheckItem');
});

test('an update gives back what it made', async () => {
  const { Attributes } = await db.send(
    new UpdateItemCommand({
      TableName,
      Key: key('update'),
      UpdateExpression: 'SET a = if_not_exists(a, :one) + :one',
      ExpressionAttributeValues: { ':one': { N: '1' } },
      ReturnValues: 'ALL_NEW',
    }),
  );
  expect(Attributes).toEqual({ ...key('update'), a: { N: '2' } });
});
