/**
 * The one table. Items are parsed when they are read and written whole; a change of state and the events that
 * tell of it are one transaction, so that neither exists without the other.
 */
import { createHash } from 'node:crypto';
import {
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactGetCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import type * as z from 'zod';
import type { EventItem } from '../contracts/items.ts';
import { type Key, keys } from '../lineage/keys.ts';
import { documentClient } from './clients/dynamodb.ts';
import { errorCode } from './errors.ts';
import { type ListFilter, listQuery } from './list-filter.ts';

type Scalar = string | number | boolean | null;

/**
 * What must hold for a write to happen. A path may go into maps with dots, and into lists: `lease.fence`,
 * `boots[3].at`. `undefined` as a value means that the attribute must be absent.
 */
export type Condition =
  | { readonly kind: 'absent' }
  | { readonly kind: 'present' }
  | { readonly kind: 'equals'; readonly values: Readonly<Record<string, Scalar | undefined>> };

/** Place in the index `byList`. */
export interface ListPlace {
  readonly listPk: string;
  readonly listSk: string;
}

export type Write =
  | {
      readonly kind: 'put';
      readonly key: Key;
      readonly item: Readonly<Record<string, unknown>>;
      readonly list?: ListPlace;
      readonly condition?: Condition;
    }
  /** Sets some attributes of an item that exists, and leaves the others, and its place in lists, as they are. */
  | {
      readonly kind: 'update';
      readonly key: Key;
      readonly set: Readonly<Record<string, unknown>>;
      readonly condition?: Extract<Condition, { readonly kind: 'equals' }>;
    }
  | { readonly kind: 'delete'; readonly key: Key; readonly condition?: Condition }
  | { readonly kind: 'check'; readonly key: Key; readonly condition: Condition };

/**
 * - `committed`: everything was written.
 * - `repeated`: the events are there already, so this change was made before; nothing was written now.
 * - `refused`: a condition does not hold; `failed` names the keys.
 */
export type CommitOutcome =
  | { readonly outcome: 'committed' }
  | { readonly outcome: 'repeated' }
  | { readonly outcome: 'refused'; readonly failed: readonly Key[] };

export interface Page<T> {
  readonly items: readonly T[];
  /** Give it to the next call to go on; absent at the end. */
  readonly next?: string;
}

export interface QueryOptions {
  readonly limit?: number;
  readonly newestFirst?: boolean;
  readonly from?: string;
}

export interface ListOptions extends QueryOptions {
  /** All of the list where it is not given. A page may be empty with more to come. */
  readonly only?: ListFilter;
}

/** An item to be read, and what it must be. */
export type Wanted = readonly [key: Key, schema: z.ZodType];
export type Found<Asked extends readonly Wanted[]> = {
  readonly [Index in keyof Asked]: z.output<Asked[Index][1]> | undefined;
};

export interface Table {
  /** Reads one item, strongly consistent. @throws ZodError when it is not what the schema says. */
  get<Schema extends z.ZodType>(key: Key, schema: Schema): Promise<z.output<Schema> | undefined>;
  /** Reads items as they are at one moment, in the order asked for, with one request. @throws as `get`. */
  getTogether<const Asked extends readonly Wanted[]>(asked: Asked): Promise<Found<Asked>>;
  /** One page of a partition, strongly consistent; `prefix` narrows the sort key. */
  query<Schema extends z.ZodType>(
    pk: string,
    prefix: string,
    schema: Schema,
    options?: QueryOptions,
  ): Promise<Page<z.output<Schema>>>;
  /** All pages of a partition. */
  queryAll<Schema extends z.ZodType>(pk: string, prefix: string, schema: Schema): Promise<z.output<Schema>[]>;
  /** One page of a list (`lists.fleets`, `lists.uploads`). It may lag behind: nothing is deleted on its word. */
  list<Schema extends z.ZodType>(
    listPk: string,
    schema: Schema,
    options?: ListOptions,
  ): Promise<Page<z.output<Schema>>>;
  /** All pages of a list, which may lag behind likewise. */
  listAll<Schema extends z.ZodType>(listPk: string, schema: Schema): Promise<z.output<Schema>[]>;
  /** Writes all or nothing: at most 100 writes and events together. Safe to repeat. */
  commit(change: {
    readonly writes: readonly Write[];
    readonly events?: readonly EventItem[];
  }): Promise<CommitOutcome>;
}

async function everyPage<Item>(read: (options: { from?: string }) => Promise<Page<Item>>): Promise<Item[]> {
  const all: Item[] = [];
  for (let from: string | undefined; ; ) {
    const page = await read(from === undefined ? {} : { from });
    all.push(...page.items);
    if (page.next === undefined) return all;
    from = page.next;
  }
}

/** What DynamoDB stores beside the item itself. */
function unwrap(stored: Record<string, unknown>): Record<string, unknown> {
  const { pk: _pk, sk: _sk, listPk: _listPk, listSk: _listSk, ...item } = stored;
  return item;
}

interface Expression {
  ConditionExpression: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
}

/** A condition in DynamoDB's expression language. */
export function conditionExpression(condition: Condition): Expression {
  if (condition.kind === 'absent') return { ConditionExpression: 'attribute_not_exists(pk)' };
  if (condition.kind === 'present') return { ConditionExpression: 'attribute_exists(pk)' };
  const names: Record<string, string> = {};
  const values: Record<string, unknown> = {};
  const terms = Object.entries(condition.values).map(([path, value], index) => {
    const place = path.split('.').map((part, depth) => {
      const [attribute = '', ...inList] = part.split(/(?=\[)/);
      const name = `#n${index}_${depth}`;
      names[name] = attribute;
      return name + inList.join('');
    });
    if (value === undefined) return `attribute_not_exists(${place.join('.')})`;
    values[`:v${index}`] = value;
    return `${place.join('.')} = :v${index}`;
  });
  return {
    ConditionExpression: terms.join(' AND '),
    ExpressionAttributeNames: names,
    ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: values } : {}),
  };
}

type TransactItem = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

function updateItem(
  table: string,
  { key, set, condition }: Extract<Write, { readonly kind: 'update' }>,
): TransactItem {
  const only = condition === undefined ? undefined : conditionExpression(condition);
  const given = Object.entries(set).filter(([, value]) => value !== undefined);
  return {
    Update: {
      TableName: table,
      Key: { ...key },
      ConditionExpression: only?.ConditionExpression ?? 'attribute_exists(pk)',
      UpdateExpression: `SET ${given.map((_, index) => `#s${index} = :s${index}`).join(', ')}`,
      ExpressionAttributeNames: {
        ...only?.ExpressionAttributeNames,
        ...Object.fromEntries(given.map(([name], index) => [`#s${index}`, name])),
      },
      ExpressionAttributeValues: {
        ...only?.ExpressionAttributeValues,
        ...Object.fromEntries(given.map(([, value], index) => [`:s${index}`, value])),
      },
    },
  };
}

function transactItem(table: string, write: Write): TransactItem {
  if (write.kind === 'update') return updateItem(table, write);
  const condition = write.condition === undefined ? {} : conditionExpression(write.condition);
  switch (write.kind) {
    case 'put':
      return {
        Put: { TableName: table, Item: { ...write.item, ...write.key, ...write.list }, ...condition },
      };
    case 'delete':
      return { Delete: { TableName: table, Key: { ...write.key }, ...condition } };
    case 'check':
      return {
        ConditionCheck: {
          TableName: table,
          Key: { ...write.key },
          ...conditionExpression(write.condition),
        },
      };
  }
}

/** Tries after a collision with another transaction; they are short, so a handful is plenty. */
const conflictTries = 6;

/** Opens the table. `random` spreads the tries of writers that collided. */
export function openTable(
  name: string,
  client: DynamoDBDocumentClient = documentClient(),
  random: () => number = Math.random,
): Table {
  async function page<Schema extends z.ZodType>(
    input: ConstructorParameters<typeof QueryCommand>[0],
    schema: Schema,
    options: QueryOptions,
  ): Promise<Page<z.output<Schema>>> {
    const answer = await client.send(
      new QueryCommand({
        ...input,
        ScanIndexForward: options.newestFirst !== true,
        ...(options.limit === undefined ? {} : { Limit: options.limit }),
        ...(options.from === undefined
          ? {}
          : { ExclusiveStartKey: JSON.parse(Buffer.from(options.from, 'base64url').toString('utf8')) }),
      }),
    );
    const items = (answer.Items ?? []).map((item) => schema.parse(unwrap(item)));
    return answer.LastEvaluatedKey === undefined
      ? { items }
      : { items, next: Buffer.from(JSON.stringify(answer.LastEvaluatedKey)).toString('base64url') };
  }

  /** Once more where the transaction collided with another; every other failure is the caller's. */
  async function tried<T>(send: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await send();
      } catch (error) {
        const codes = cancellationCodes(error) ?? [];
        const settled = codes.includes('ConditionalCheckFailed');
        const worthAnother =
          !settled && codes.some((code) => code === 'TransactionConflict' || /Throttl/.test(code));
        if (!worthAnother || attempt >= conflictTries) throw error;
        await new Promise((resolve) => setTimeout(resolve, random() * 25 * 2 ** attempt));
      }
    }
  }

  const table: Table = {
    async get(key, schema) {
      const answer = await client.send(
        new GetCommand({ TableName: name, Key: { ...key }, ConsistentRead: true }),
      );
      return answer.Item === undefined ? undefined : schema.parse(unwrap(answer.Item));
    },

    async getTogether(asked) {
      const { Responses = [] } = await tried(() =>
        client.send(
          new TransactGetCommand({
            TransactItems: asked.map(([key]) => ({ Get: { TableName: name, Key: { ...key } } })),
          }),
        ),
      );
      const found = asked.map(([, schema], index) => {
        const item = Responses[index]?.Item;
        return item === undefined ? undefined : schema.parse(unwrap(item));
      });
      return found as Found<typeof asked>; // each by the schema at its place
    },

    query(pk, prefix, schema, options = {}) {
      return page(
        {
          TableName: name,
          ConsistentRead: true,
          KeyConditionExpression: prefix === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: { ':pk': pk, ...(prefix === '' ? {} : { ':prefix': prefix }) },
        },
        schema,
        options,
      );
    },

    queryAll(pk, prefix, schema) {
      return everyPage((options) => table.query(pk, prefix, schema, options));
    },

    list(listPk, schema, options = {}) {
      return page(
        {
          TableName: name,
          IndexName: 'byList',
          ...listQuery(listPk, options.only),
        },
        schema,
        options,
      );
    },

    listAll(listPk, schema) {
      return everyPage((options) => table.list(listPk, schema, options));
    },

    async commit({ writes, events = [] }) {
      const all: Write[] = [
        ...writes,
        ...events.map(
          (event): Write => ({
            kind: 'put',
            key: keys.event(event.subject, event.key),
            item: event,
            condition: { kind: 'absent' },
          }),
        ),
      ];
      const items = all.map((write) => transactItem(name, write));
      // The same content is the same change: an answer that was lost is asked for again without harm.
      const token = createHash('sha256').update(JSON.stringify(items)).digest('hex').slice(0, 36);
      try {
        await tried(() =>
          client.send(new TransactWriteCommand({ TransactItems: items, ClientRequestToken: token })),
        );
        return { outcome: 'committed' };
      } catch (error) {
        const codes = cancellationCodes(error) ?? [];
        const failed = codes.flatMap((code, index) => (code === 'ConditionalCheckFailed' ? [index] : []));
        if (failed.length === 0) throw error;
        const repeated = events.length > 0 && events.every((_, i) => failed.includes(writes.length + i));
        return repeated
          ? { outcome: 'repeated' }
          : { outcome: 'refused', failed: failed.flatMap((index) => all[index]?.key ?? []) };
      }
    },
  };
  return table;
}

/** The reasons of a cancelled transaction, one for each item; undefined for any other error. */
function cancellationCodes(error: unknown): string[] | undefined {
  if (errorCode(error) !== 'TransactionCanceledException') return undefined;
  const { CancellationReasons } = error as { CancellationReasons?: { Code?: string }[] };
  return (CancellationReasons ?? []).map((reason) => reason.Code ?? 'None');
}
