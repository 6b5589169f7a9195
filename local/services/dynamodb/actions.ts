/**
 * dynalite's actions, with conditions, filters and update expressions evaluated here instead. A write reads first and
 * writes afterwards: its caller holds the lock.
 */
import { AwsError } from '../../service.ts';
import { conditionOf, type Expression, holds } from './conditions.ts';
import type { Path, Value } from './documents.ts';
import type { Dynalite, Item, Json, Table } from './engine.ts';
import { checkItem, checkUpdatedIndexKeys, misfit } from './limits.ts';
import { type Section, updated } from './updates.ts';

type Data = Readonly<Record<string, unknown>>;
type Act = (operation: string, data: Data) => Promise<Json>;

/** Holds for every item. */
const always: Expression = { type: '=', args: [{ NULL: true }, { NULL: true }] };

export function createActions(
  database: Dynalite,
  act: Act,
  table: (name: string) => Promise<Table>,
  wrong: (value: Value) => string | undefined,
) {
  /** An action on a request that was prepared; the answer in DynamoDB's JSON. */
  function perform(operation: string, data: Data): Promise<Json> {
    const conditional = conditionOf(data) !== undefined;
    switch (operation) {
      case 'PutItem':
      case 'DeleteItem':
      case 'UpdateItem':
        return write(operation, data);
      case 'BatchWriteItem':
        return writeAll(data);
      case 'Query':
      case 'Scan':
        return conditional ? filtered(operation, data) : act(operation, data);
      default:
        return act(operation, data);
    }
  }

  async function write(operation: 'PutItem' | 'DeleteItem' | 'UpdateItem', data: Data): Promise<Json> {
    const { _condition, Expected: _expected, _updates, ...rest } = data;
    const of = await table(String(data.TableName));
    const given = (data.Item ?? data.Key) as Item;
    // What is invalid is told before a condition is looked at.
    const error =
      misfit(operation === 'PutItem' ? 'item' : 'key', given, of, database) ??
      database.validateUpdates(data.AttributeUpdates, _updates, of);
    if (error != null) throw error;
    const condition = conditionOf(data);
    if (condition === undefined && _updates === undefined) return act(operation, rest);
    const key = Object.fromEntries(of.KeySchema.map(({ AttributeName: name }) => [name, given[name]]));
    const answer = await act('GetItem', { TableName: data.TableName, Key: key });
    const before = answer.Item as Item | undefined;
    if (condition !== undefined && !holds(condition, before ?? {}, database.compare))
      throw new AwsError('ConditionalCheckFailedException', 'The conditional request failed');
    if (_updates === undefined) return act(operation, rest);
    return update(data, _updates as Updates, of, key, before);
  }

  /** Puts and deletions, whose items are looked at for what dynalite lets pass. */
  async function writeAll(data: Data): Promise<Json> {
    for (const [name, requests] of Object.entries(data.RequestItems as BatchRequests)) {
      const of = await table(name);
      for (const { PutRequest: put } of requests) {
        if (put === undefined || database.validateItem(put.Item, of) != null) continue;
        const error = misfit('item', put.Item, of, database);
        if (error !== undefined) throw error;
      }
    }
    return act('BatchWriteItem', data);
  }

  /** Makes the item anew by the update expression, and puts it in the place of the old one. */
  async function update(
    data: Data,
    { sections, paths }: Updates,
    of: Table,
    key: Item,
    before: Item | undefined,
  ): Promise<Json> {
    const item = updated(sections, before ?? key);
    for (const value of Object.values(item)) {
      const message = wrong(value as Value);
      if (message !== undefined) throw invalid(message);
    }
    if (database.validateItem(item, of) != null)
      throw invalid('The update expression attempted to update the secondary index key to unsupported type');
    checkUpdatedIndexKeys(item, of, database);
    checkItem(item, database, 'Item size to update has exceeded the maximum allowed size');
    const { ReturnConsumedCapacity, ReturnValues, TableName } = data;
    const answer = await act('PutItem', { TableName, Item: item, ReturnConsumedCapacity });
    switch (ReturnValues) {
      case 'ALL_OLD':
        return before === undefined ? answer : { ...answer, Attributes: before };
      case 'UPDATED_OLD':
        return before === undefined ? answer : { ...answer, Attributes: database.mapPaths(paths, before) };
      case 'ALL_NEW':
        return { ...answer, Attributes: item };
      case 'UPDATED_NEW':
        return { ...answer, Attributes: database.mapPaths(paths, item) };
      default:
        return answer;
    }
  }

  /**
   * Reads whole items, then filters and projects. The request keeps its filter, which holds for all: dynalite checks
   * what it names.
   */
  async function filtered(operation: 'Query' | 'Scan', data: Data): Promise<Json> {
    const filter = conditionOf(data) as Expression;
    const { Select, AttributesToGet, ...rest } = data;
    const projection = data._projection as { paths: readonly Path[] } | undefined;
    const answer = await act(operation, {
      ...rest,
      ...(Select !== 'COUNT' && { Select }),
      _filter: { ...(data._filter as object), expression: always },
      ...(projection !== undefined && { _projection: { ...projection, paths: undefined } }),
    });
    const found = (answer.Items as readonly Item[]).filter((item) => holds(filter, item, database.compare));
    const { Items: _, ...told } = answer;
    if (Select === 'COUNT') return { ...told, Count: found.length };
    const paths = projection?.paths ?? (AttributesToGet as readonly string[] | undefined);
    const Items = paths === undefined ? found : found.map((item) => database.mapPaths(paths, item));
    return { ...told, Count: found.length, Items };
  }

  return { perform };
}

/** What dynalite's parser makes of an update expression. */
interface Updates {
  readonly sections: readonly Section[];
  readonly paths: readonly Path[];
}

type BatchRequests = Readonly<Record<string, readonly { readonly PutRequest?: { readonly Item: Item } }[]>>;

/** The items that a request puts. */
export function itemsIn(data: Data): readonly Item[] {
  if (data.Item !== undefined) return [data.Item as Item];
  return Object.values((data.RequestItems ?? {}) as BatchRequests).flatMap((requests) =>
    // What a batch reads is no list.
    Array.isArray(requests) ? requests.flatMap(({ PutRequest: put }) => put?.Item ?? []) : [],
  );
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
