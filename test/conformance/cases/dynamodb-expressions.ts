/** Cases of DynamoDB's conditions, filters and updates, on the same table. */
import { absent, type Case, type Step } from '../case.ts';

const guide = 'https://docs.aws.amazon.com/amazondynamodb/latest/developerguide';
const updates = `${guide}/Expressions.UpdateExpressions.html`;
const comparisons = `${guide}/Expressions.OperatorsAndFunctions.html`;
const Key = { pk: { S: '<name>' }, sk: { S: 'fleet' } };
const list = (...texts: string[]) => ({ L: texts.map((text) => ({ S: text })) });
const n = (value: number) => ({ N: String(value) });
const document = { M: { zones: list('a', 'b'), size: n(3) } };
/** The same in another order. */
const turned = { M: { size: { N: '3.0' }, zones: list('a', 'b') } };

const stored: readonly Step[] = [
  {
    call: 'PutItem',
    input: { TableName: 'world', Item: { ...Key, document, steps: list('a', 'b', 'c', 'd'), amount: n(1) } },
  },
];
const reading = (Item: object): Step => ({
  call: 'GetItem',
  input: { TableName: 'world', Key, ConsistentRead: true },
  answers: { Item },
});
const update = (UpdateExpression: string, values?: object) => ({
  TransactItems: [
    {
      Update: {
        TableName: 'world',
        Key,
        UpdateExpression,
        ...(values !== undefined && { ExpressionAttributeValues: values }),
      },
    },
  ],
});
const check = (ConditionExpression: string, values: object) => ({
  TransactItems: [
    { ConditionCheck: { TableName: 'world', Key, ConditionExpression, ExpressionAttributeValues: values } },
  ],
});
const cancelled = (Code: string, Message: RegExp) => ({
  code: 'TransactionCanceledException',
  status: 400,
  members: { CancellationReasons: [{ Code, Message }] },
});

export const expressionCases: readonly Case[] = [
  {
    operation: 'TransactWriteItems',
    says: 'removes the elements that a list had at the indexes before',
    page: updates,
    given: stored,
    input: update('REMOVE steps[0], steps[2]'),
    answers: {},
    after: [reading({ steps: list('b', 'd') })],
  },
  {
    operation: 'TransactWriteItems',
    says: 'evaluates every action of an update against the attributes as they were before',
    page: updates,
    given: stored,
    input: update('SET former = amount, again = amount + :one ADD amount :one', {
      ':one': n(1),
    }),
    answers: {},
    after: [reading({ former: n(1), again: n(2), amount: n(2) })],
  },
  {
    operation: 'TransactWriteItems',
    says: 'appends what is set beyond the end of a list, in the order of the indexes',
    page: updates,
    given: stored,
    input: update('SET steps[20] = :y, steps[10] = :x', { ':x': { S: 'x' }, ':y': { S: 'y' } }),
    answers: {},
    after: [reading({ steps: list('a', 'b', 'c', 'd', 'x', 'y') })],
  },
  {
    operation: 'TransactWriteItems',
    says: 'takes a map for equal to one with the same members in another order',
    page: comparisons,
    given: stored,
    input: check('document = :same AND document IN (:same)', { ':same': turned }),
    answers: {},
  },
  {
    operation: 'TransactWriteItems',
    says: 'takes a list for unequal to one with the same elements in another order',
    page: comparisons,
    given: stored,
    input: check('steps = :turned', { ':turned': list('d', 'c', 'b', 'a') }),
    fails: cancelled('ConditionalCheckFailed', /conditional request failed/),
  },
  {
    operation: 'Query',
    says: 'finds a map by a filter',
    page: comparisons,
    given: stored,
    input: {
      TableName: 'world',
      KeyConditionExpression: 'pk = :pk',
      FilterExpression: 'document = :same',
      ProjectionExpression: 'amount',
      ExpressionAttributeValues: { ':pk': Key.pk, ':same': turned },
    },
    answers: { Count: 1, ScannedCount: 1, Items: [{ amount: n(1), document: absent }] },
  },
  {
    operation: 'TransactWriteItems',
    says: 'refuses a sum of more than 38 digits',
    page: `${guide}/HowItWorks.NamingRulesDataTypes.html`,
    given: stored,
    input: update('ADD amount :much', { ':much': { N: `0.${'9'.repeat(38)}` } }),
    fails: cancelled('ValidationError', /38 significant digits/),
    after: [reading({ amount: n(1) })],
  },
  {
    operation: 'TransactWriteItems',
    says: 'takes no empty text as the key of an index',
    page: `${guide}/HowItWorks.NamingRulesDataTypes.html`,
    input: {
      TransactItems: [
        { Put: { TableName: 'world', Item: { ...Key, listPk: { S: '' }, listSk: { S: '1' } } } },
      ],
    },
    fails: { code: 'ValidationException', status: 400, message: /empty string value/ },
  },
];
