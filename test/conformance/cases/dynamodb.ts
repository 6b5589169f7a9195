/** Cases of DynamoDB, on a table with the keys `pk` and `sk` and the index `byList`. */
import { absent, type Sheet, type Step } from '../case.ts';
import { expressionCases } from './dynamodb-expressions.ts';

const key = (sk: string) => ({ pk: { S: '<name>' }, sk: { S: sk } });
const item = (sk: string, value: string) => ({ ...key(sk), value: { N: value } });
const stored = (sk: string, value: string, more: object = {}): Step => ({
  call: 'PutItem',
  input: { TableName: 'world', Item: { ...item(sk, value), ...more } },
});
const three: readonly Step[] = [stored('event#1', '1'), stored('event#2', '2'), stored('fleet', '3')];
const put = (sk: string, value: string, more: object = {}) => ({
  Put: { TableName: 'world', Item: item(sk, value), ...more },
});
const ifNew = { ConditionExpression: 'attribute_not_exists(pk)' };
const guide = 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide';
const errors = `${guide}/Programming.Errors.html`;
const refused = (code: string, message?: RegExp) => ({
  code,
  status: 400,
  ...(message === undefined ? {} : { message }),
});

export const dynamodb: Sheet = {
  service: 'dynamodb',
  title: 'DynamoDB',
  pages: 'https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_*.html',
  cases: [
    {
      operation: 'GetItem',
      says: 'answers with all attributes of the item',
      given: [stored('fleet', '3', { flags: { SS: ['a', 'b'] }, bytes: { B: Uint8Array.of(0, 1, 255) } })],
      input: { TableName: 'world', Key: key('fleet'), ConsistentRead: true },
      answers: {
        Item: {
          ...item('fleet', '3'),
          flags: { SS: ['a', 'b'] },
          bytes: { B: Uint8Array.of(0, 1, 255) },
        },
      },
      notByCli: 'it takes no bytes inside of JSON',
    },
    {
      operation: 'GetItem',
      says: 'answers with no item where there is none',
      input: { TableName: 'world', Key: key('fleet') },
      answers: { Item: absent },
    },
    {
      operation: 'GetItem',
      says: 'answers with the attributes of a projection',
      given: three,
      input: {
        TableName: 'world',
        Key: key('fleet'),
        ProjectionExpression: '#v',
        ExpressionAttributeNames: { '#v': 'value' },
      },
      answers: { Item: { value: { N: '3' }, pk: absent } },
    },
    {
      operation: 'GetItem',
      says: 'refuses a table that does not exist',
      input: { TableName: '<name>', Key: key('fleet') },
      fails: refused('ResourceNotFoundException'),
    },
    {
      operation: 'GetItem',
      says: 'refuses a key that is not the table’s',
      page: errors,
      input: { TableName: 'world', Key: { pk: { S: '<name>' } } },
      fails: refused('ValidationException', /key element does not match the schema/),
    },
    {
      operation: 'Query',
      says: 'answers with the items of a partition, by the sort key',
      given: three,
      input: {
        TableName: 'world',
        KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: { ':pk': { S: '<name>' }, ':prefix': { S: 'event#' } },
      },
      answers: { Items: [item('event#1', '1'), item('event#2', '2')], Count: 2, ScannedCount: 2 },
    },
    {
      operation: 'Query',
      says: 'backwards where it is told so, in pages with the last key',
      given: three,
      input: {
        TableName: 'world',
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: '<name>' } },
        ScanIndexForward: false,
        Limit: 2,
      },
      answers: {
        Items: [{ sk: { S: 'fleet' } }, { sk: { S: 'event#2' } }],
        LastEvaluatedKey: key('event#2'),
      },
    },
    {
      operation: 'Query',
      says: 'goes on after the key given',
      given: three,
      input: {
        TableName: 'world',
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: '<name>' } },
        ExclusiveStartKey: key('event#2'),
      },
      answers: { Items: [{ sk: { S: 'fleet' } }], LastEvaluatedKey: absent },
    },
    {
      operation: 'Query',
      says: 'finds items by an index',
      given: [stored('fleet', '3', { listPk: { S: 'list-<name>' }, listSk: { S: '1' } })],
      input: {
        TableName: 'world',
        IndexName: 'byList',
        KeyConditionExpression: 'listPk = :pk',
        ExpressionAttributeValues: { ':pk': { S: 'list-<name>' } },
      },
      until: { Count: 1 },
      answers: { Items: [item('fleet', '3')] },
    },
    {
      operation: 'Query',
      says: 'refuses strong consistency on a global secondary index',
      input: {
        TableName: 'world',
        IndexName: 'byList',
        KeyConditionExpression: 'listPk = :pk',
        ExpressionAttributeValues: { ':pk': { S: '<name>' } },
        ConsistentRead: true,
      },
      fails: refused('ValidationException'),
    },
    {
      operation: 'Query',
      says: 'refuses a table that does not exist',
      input: {
        TableName: '<name>',
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: '<name>' } },
      },
      fails: refused('ResourceNotFoundException'),
    },
    {
      operation: 'TransactWriteItems',
      says: 'puts, updates, deletes and checks, all or nothing',
      given: [...three, stored('gone', '0')],
      input: {
        TransactItems: [
          put('event#3', '3', ifNew),
          {
            Update: {
              TableName: 'world',
              Key: key('fleet'),
              UpdateExpression: 'SET #v = :v',
              ConditionExpression: '#v = :old',
              ExpressionAttributeNames: { '#v': 'value' },
              ExpressionAttributeValues: { ':v': { N: '4' }, ':old': { N: '3' } },
            },
          },
          { Delete: { TableName: 'world', Key: key('gone') } },
          {
            ConditionCheck: {
              TableName: 'world',
              Key: key('event#1'),
              ConditionExpression: 'attribute_exists(pk)',
            },
          },
        ],
      },
      answers: {},
      after: [
        {
          call: 'Query',
          input: {
            TableName: 'world',
            KeyConditionExpression: 'pk = :pk',
            ExpressionAttributeValues: { ':pk': { S: '<name>' } },
            ConsistentRead: true,
          },
          answers: {
            Items: [item('event#1', '1'), item('event#2', '2'), item('event#3', '3'), item('fleet', '4')],
          },
        },
      ],
    },
    {
      operation: 'TransactWriteItems',
      says: 'cancelled, tells the reason of each action in their order, and the old item where asked for',
      given: three,
      input: {
        TransactItems: [
          put('event#4', '4', ifNew),
          put('event#1', '9', { ...ifNew, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
        ],
      },
      fails: {
        ...refused('TransactionCanceledException', /\[None, ConditionalCheckFailed\]/),
        members: {
          CancellationReasons: [
            { Code: 'None', Message: absent, Item: absent },
            { Code: 'ConditionalCheckFailed', Message: /./, Item: item('event#1', '1') },
          ],
        },
      },
      after: [
        { call: 'GetItem', input: { TableName: 'world', Key: key('event#4') }, answers: { Item: absent } },
      ],
    },
    {
      operation: 'TransactWriteItems',
      says: 'repeated with the same client token, succeeds without writing again',
      given: [
        {
          call: 'TransactWriteItems',
          input: { TransactItems: [put('once', '1', ifNew)], ClientRequestToken: '<name>' },
        },
      ],
      input: { TransactItems: [put('once', '1', ifNew)], ClientRequestToken: '<name>' },
      answers: {},
    },
    {
      operation: 'TransactWriteItems',
      says: 'refuses a client token that came with another request',
      given: [
        {
          call: 'TransactWriteItems',
          input: { TransactItems: [put('once', '1')], ClientRequestToken: '<name>' },
        },
      ],
      input: { TransactItems: [put('once', '2')], ClientRequestToken: '<name>' },
      fails: refused('IdempotentParameterMismatchException'),
    },
    {
      operation: 'TransactWriteItems',
      says: 'refuses two actions on one item',
      input: { TransactItems: [put('twice', '1'), put('twice', '2')] },
      fails: refused('ValidationException', /multiple operations on one item/),
    },
    {
      operation: 'TransactWriteItems',
      says: 'takes at most 100 actions',
      input: { TransactItems: Array.from({ length: 101 }, (_, index) => put(`many#${index}`, '1')) },
      fails: refused('ValidationException'),
    },
    {
      operation: 'TransactWriteItems',
      says: 'refuses a table that does not exist',
      input: { TransactItems: [{ Put: { TableName: '<name>', Item: item('a', '1') } }] },
      fails: refused('ResourceNotFoundException'),
    },
    {
      operation: 'TransactGetItems',
      says: 'answers in the order of the question, with nothing for an item that is not there',
      given: three,
      input: {
        TransactItems: [
          { Get: { TableName: 'world', Key: key('event#2') } },
          { Get: { TableName: 'world', Key: key('nowhere') } },
          { Get: { TableName: 'world', Key: key('event#1') } },
        ],
      },
      answers: {
        Responses: [{ Item: item('event#2', '2') }, { Item: absent }, { Item: item('event#1', '1') }],
      },
    },
    {
      operation: 'TransactGetItems',
      says: 'answers with the attributes of the projection alone',
      given: three,
      input: {
        TransactItems: [
          {
            Get: {
              TableName: 'world',
              Key: key('event#1'),
              ProjectionExpression: '#v',
              ExpressionAttributeNames: { '#v': 'value' },
            },
          },
        ],
      },
      answers: { Responses: [{ Item: { value: { N: '1' }, pk: absent } }] },
    },
    {
      operation: 'TransactGetItems',
      says: 'takes at most 100 items',
      input: {
        TransactItems: Array.from({ length: 101 }, (_, index) => ({
          Get: { TableName: 'world', Key: key(`many#${index}`) },
        })),
      },
      fails: refused('ValidationException'),
    },
    {
      operation: 'TransactGetItems',
      says: 'refuses a table that does not exist',
      input: { TransactItems: [{ Get: { TableName: '<name>', Key: key('a') } }] },
      fails: refused('ResourceNotFoundException'),
    },
    {
      operation: 'GetItem',
      says: 'refuses a reserved word in a projection',
      page: `${guide}/ReservedWords.html`,
      input: { TableName: 'world', Key: key('fleet'), ProjectionExpression: 'value' },
      fails: refused('ValidationException', /reserved keyword/),
    },
    {
      operation: 'GetItem',
      says: 'takes no empty text as a key',
      page: `${guide}/HowItWorks.NamingRulesDataTypes.html`,
      input: { TableName: 'world', Key: { pk: { S: '' }, sk: { S: 'fleet' } } },
      fails: refused('ValidationException'),
    },
    {
      operation: 'Query',
      says: 'refuses an index that does not exist',
      input: {
        TableName: 'world',
        IndexName: 'nothing',
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: '<name>' } },
      },
      fails: refused('ValidationException'),
    },
    {
      operation: 'Query',
      says: 'refuses a condition that leaves the partition open',
      input: {
        TableName: 'world',
        KeyConditionExpression: 'begins_with(pk, :pk)',
        ExpressionAttributeValues: { ':pk': { S: '<name>' } },
      },
      fails: refused('ValidationException'),
    },
    {
      operation: 'Query',
      says: 'counts what the filter leaves apart from what was read',
      given: three,
      input: {
        TableName: 'world',
        KeyConditionExpression: 'pk = :pk',
        FilterExpression: '#v > :v',
        ExpressionAttributeNames: { '#v': 'value' },
        ExpressionAttributeValues: { ':pk': { S: '<name>' }, ':v': { N: '2' } },
      },
      answers: { Count: 1, ScannedCount: 3, Items: [{ sk: { S: 'fleet' } }] },
    },
    {
      operation: 'TransactWriteItems',
      says: 'cancelled for an item of more than 400 KB, says which',
      page: `${guide}/Constraints.html`,
      input: {
        TransactItems: [
          put('small', '1'),
          { Put: { TableName: 'world', Item: { ...item('large', '1'), text: { S: 'x'.repeat(410_000) } } } },
        ],
      },
      fails: refused('ValidationException', /Item size/),
    },
    {
      operation: 'TransactWriteItems',
      says: 'cancelled for an item that an update makes larger than 400 KB, says which',
      given: [stored('large', '1', { text: { S: 'x'.repeat(300_000) } })],
      input: {
        TransactItems: [
          put('small', '1'),
          {
            Update: {
              TableName: 'world',
              Key: key('large'),
              UpdateExpression: 'SET more = :more',
              ExpressionAttributeValues: { ':more': { S: 'x'.repeat(200_000) } },
            },
          },
        ],
      },
      fails: {
        ...refused('TransactionCanceledException'),
        members: { CancellationReasons: [{ Code: 'None' }, { Code: 'ValidationError', Message: /size/ }] },
      },
      after: [
        { call: 'GetItem', input: { TableName: 'world', Key: key('small') }, answers: { Item: absent } },
      ],
    },
    ...expressionCases,
  ],
};
