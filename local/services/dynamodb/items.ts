/** Single items, batches and queries: dynalite does the work, under the region's lock. */
import type {
  BatchGetItemInput,
  BatchGetItemOutput,
  BatchWriteItemInput,
  BatchWriteItemOutput,
  DeleteItemInput,
  DeleteItemOutput,
  GetItemInput,
  GetItemOutput,
  PutItemInput,
  PutItemOutput,
  QueryInput,
  QueryOutput,
  ScanInput,
  ScanOutput,
  UpdateItemInput,
  UpdateItemOutput,
} from '@aws-sdk/client-dynamodb';
import type { Context } from '../../context.ts';
import { AwsError, type Operation } from '../../service.ts';
import type { Changes, Target } from './changes.ts';
import type { Engine, Item, Table } from './engine.ts';
import type { InProgress } from './in-progress.ts';
import type { LateCopies } from './late-copies.ts';
import type { Lock } from './lock.ts';
import { onTable, onTables, tableNameOf } from './rights.ts';
import { plain } from './values.ts';

export interface Write {
  readonly TableName: string | undefined;
  readonly Key?: Item | undefined;
  readonly Item?: Item | undefined;
  readonly ReturnValuesOnConditionCheckFailure?: string | undefined;
}

/** The key of the item that a write means. */
export function keyOf(write: Write, table: Table): Item {
  const item = write.Key ?? write.Item ?? {};
  return Object.fromEntries(table.KeySchema.map(({ AttributeName: name }) => [name, item[name]]));
}

export function createItems(
  context: Context,
  engine: Engine,
  lock: Lock,
  changes: Changes,
  inProgress: InProgress,
  late: LateCopies,
) {
  async function targetOf(TableName: string, of: Write): Promise<Target> {
    return { tableName: TableName, key: plain(keyOf(of, await engine.table(TableName))) as Item };
  }

  function read<Input extends { TableName: string | undefined }, Output>(
    operation: string,
  ): Operation<Input, Output> {
    return {
      access: onTable(context, operation),
      run: async (input, { principal }) => {
        const asked = { ...input, TableName: tableNameOf(context, input.TableName) };
        const fresh = await engine.run(operation, asked);
        return (await late.shown(asked, fresh, principal)) as Output;
      },
    };
  }

  /**
   * A write of one item. Where the condition failed and the caller asked for it, the item that stood in the way is
   * in the error: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PutItem.html
   */
  function write<Input extends Write, Output>(operation: string): Operation<Input, Output> {
    return {
      access: onTable(context, operation),
      run: (input) => {
        const { ReturnValuesOnConditionCheckFailure: wanted, ...rest } = input;
        const TableName = tableNameOf(context, input.TableName);
        const data = engine.prepare(operation, { ...rest, TableName });
        if (!inProgress.idle && inProgress.holds(TableName, plain(input.Key ?? input.Item) as Item))
          throw new AwsError('TransactionConflictException', 'Transaction is ongoing for the item');
        return lock.run(async () => {
          try {
            return await changes.around(
              async () => [await targetOf(TableName, input)],
              async () => (await engine.perform(operation, data)) as Output,
            );
          } catch (error) {
            if (
              !(error instanceof AwsError) ||
              error.code !== 'ConditionalCheckFailedException' ||
              wanted !== 'ALL_OLD'
            )
              throw error;
            const key = keyOf(input, await engine.table(TableName));
            const { Item: item } = await engine.run('GetItem', { TableName, Key: key, ConsistentRead: true });
            throw new AwsError(
              error.code,
              error.message,
              error.status,
              item === undefined ? {} : { Item: item },
            );
          }
        });
      },
    };
  }

  /** A batch names tables as keys, by name or ARN, each table once. */
  function renamed<T>(items: Readonly<Record<string, T>> | undefined): Record<string, T> {
    const byName: Record<string, T> = {};
    for (const [given, value] of Object.entries(items ?? {})) {
      const name = tableNameOf(context, given);
      if (Object.hasOwn(byName, name))
        throw new AwsError('ValidationException', `The request names table ${name} more than once.`);
      byName[name] = value;
    }
    return byName;
  }

  /**
   * The parts of an answer under the names that the request gave its tables.
   * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html#API_BatchGetItem_ResponseElements
   */
  function asAsked<T>(parts: Readonly<Record<string, T>> | undefined, asked: object | undefined) {
    const given = new Map(Object.keys(asked ?? {}).map((name) => [tableNameOf(context, name), name]));
    return Object.fromEntries(
      Object.entries(parts ?? {}).map(([name, part]) => [given.get(name) ?? name, part]),
    );
  }

  const batchGet: Operation<BatchGetItemInput, BatchGetItemOutput> = {
    access: onTables(context, 'BatchGetItem'),
    run: async (input) => {
      const RequestItems = renamed(input.RequestItems);
      const answer: BatchGetItemOutput = await engine.run('BatchGetItem', { ...input, RequestItems });
      return {
        ...answer,
        Responses: asAsked(answer.Responses, input.RequestItems),
        UnprocessedKeys: asAsked(answer.UnprocessedKeys, input.RequestItems),
      };
    },
  };

  const batchWrite: Operation<BatchWriteItemInput, BatchWriteItemOutput> = {
    access: onTables(context, 'BatchWriteItem'),
    run: (input) => {
      const RequestItems = renamed(input.RequestItems);
      const targets = async (): Promise<Target[]> => {
        const found: Target[] = [];
        for (const [TableName, requests] of Object.entries(RequestItems)) {
          for (const { PutRequest: put, DeleteRequest: gone } of requests)
            found.push(await targetOf(TableName, { TableName, Item: put?.Item, Key: gone?.Key }));
        }
        return found;
      };
      return lock.run(() =>
        changes.around(
          targets,
          async () =>
            (await engine.run('BatchWriteItem', { ...input, RequestItems })) as BatchWriteItemOutput,
        ),
      );
    },
  };

  const query: Operation<QueryInput, QueryOutput> = read('Query');
  const scan: Operation<ScanInput, ScanOutput> = read('Scan');
  const get: Operation<GetItemInput, GetItemOutput> = read('GetItem');
  const put: Operation<PutItemInput, PutItemOutput> = write('PutItem');
  const update: Operation<UpdateItemInput, UpdateItemOutput> = write('UpdateItem');
  const remove: Operation<DeleteItemInput, DeleteItemOutput> = write('DeleteItem');

  return {
    Query: query,
    Scan: scan,
    GetItem: get,
    PutItem: put,
    UpdateItem: update,
    DeleteItem: remove,
    BatchGetItem: batchGet,
    BatchWriteItem: batchWrite,
  };
}
