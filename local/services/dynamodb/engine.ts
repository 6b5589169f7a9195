/**
 * dynalite, driven directly: its actions are called as functions, without its HTTP server, whose port and whose
 * absence of signatures the region does not want.
 */
import { createRequire } from 'node:module';
import type { Context } from '../../context.ts';
import { AwsError } from '../../service.ts';
import { createActions, itemsIn } from './actions.ts';
import { type Compare, conditionOf, holds } from './conditions.ts';
import type { Path, Value } from './documents.ts';
import { checkItem, misfit } from './limits.ts';
import { plain, revived } from './values.ts';

export type Json = Readonly<Record<string, unknown>>;
/** An item or a key in DynamoDB's JSON. */
export type Item = Readonly<Record<string, unknown>>;

type Callback = (error: unknown, data?: unknown) => void;

interface Store {
  readonly options: { maxItemSize: number };
  readonly tableDb: { awsAccountId: string; awsRegion: string };
  getTable(name: string, checkStatus: boolean, callback: Callback): void;
  readonly db: Database;
}

/** What of an abstract-level database is used here. */
interface Database {
  on(event: 'write', heard: (operations: readonly Written[]) => void): void;
  put(key: string, value: unknown): Promise<void>;
}

/** What dynalite's database tells of a write: tables, items, index entries and tags alike. */
export interface Written {
  readonly type: 'put' | 'del';
  readonly key: string;
  readonly value?: unknown;
}

interface Validations {
  checkTypes(data: unknown, types: unknown): Record<string, unknown>;
  checkValidations(data: unknown, types: unknown, custom: unknown, store: Store): void;
  /** What is wrong with a value, such as a number out of range. Brings its numbers into their shortest form. */
  validateAttributeValue(value: Value): string | undefined;
}

export interface Dynalite {
  create(options: object): Store;
  compare: Compare;
  validateItem(item: Item, table: Json): unknown;
  validateKey(key: Item, table: Json): unknown;
  validateUpdates(updates: unknown, expression: unknown, table: Json): unknown;
  /** Bytes, a text's UTF-16 units counted as such. */
  itemSize(item: Item): number;
  /** What the visitor finds first among the keys of all indexes, named, with their types. */
  traverseIndexes<T>(
    table: Json,
    visit: (name: string, type: string, index: { readonly IndexName: string }) => T | undefined,
  ): T | undefined;
  /** What of the item is at the paths, in its place. */
  mapPaths(paths: readonly (string | Path)[], item: Item): Item;
}

export interface Table extends Json {
  readonly TableName: string;
  readonly TableStatus: string;
  readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: 'HASH' | 'RANGE' }[];
}

const require = createRequire(import.meta.url);
const loaded = new Map<string, unknown>();

/** A module of dynalite's. Node looks for the file anew at each require, which is a good part of a small request. */
function load(name: string): unknown {
  let module = loaded.get(name);
  if (module === undefined) {
    module = require(name);
    loaded.set(name, module);
  }
  return module;
}

export type Engine = ReturnType<typeof createEngine>;

export function createEngine(context: Context) {
  const database = load('dynalite/db') as Dynalite;
  const validations = load('dynalite/validations') as Validations;
  const store = database.create({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  store.tableDb.awsAccountId = context.accountId;
  store.tableDb.awsRegion = context.regionName;

  /** The request as dynalite has it once checked, with its expressions parsed. @throws AwsError */
  function prepare(operation: string, input: unknown): Record<string, unknown> {
    const file = operation.charAt(0).toLowerCase() + operation.slice(1);
    const rules = load(`dynalite/validations/${file}`) as { types: unknown; custom?: unknown };
    try {
      const data = validations.checkTypes(plain(input), rules.types);
      validations.checkValidations(data, rules.types, rules.custom, store);
      for (const item of itemsIn(data))
        checkItem(item, database, 'Item size has exceeded the maximum allowed size');
      return data;
    } catch (error) {
      throw toAwsError(error);
    }
  }

  /** dynalite's own action. @throws its error */
  function act(operation: string, data: Json): Promise<Json> {
    const file = operation.charAt(0).toLowerCase() + operation.slice(1);
    const action = load(`dynalite/actions/${file}`) as (s: Store, d: unknown, c: Callback) => void;
    return promised((callback) => action(store, data, callback));
  }

  /** A table by the name that a request gives. @throws dynalite's error */
  const found = (name: string): Promise<Table> =>
    promised((callback) => store.getTable(name, true, callback));

  const actions = createActions(database, act, found, validations.validateAttributeValue);

  /** Runs an action on a request that was prepared. Real work: virtual time waits for it. @throws AwsError */
  async function perform(operation: string, data: Record<string, unknown>): Promise<Json> {
    try {
      return revived(await context.clock.hold(actions.perform(operation, data))) as Json;
    } catch (error) {
      throw toAwsError(error);
    }
  }

  /** Prepares and performs. */
  async function run(operation: string, input: unknown): Promise<Json> {
    return perform(operation, prepare(operation, input));
  }

  /** @throws AwsError ResourceNotFoundException */
  async function table(name: string): Promise<Table> {
    try {
      return await context.clock.hold(promised((callback) => store.getTable(name, false, callback)));
    } catch (error) {
      throw toAwsError(error);
    }
  }

  /** What an item or key lacks to fit the table; `undefined` if it fits. */
  function misfitting(kind: 'item' | 'key', value: Item, of: Table): AwsError | undefined {
    const error = misfit(kind, value, of, database);
    return error === undefined ? undefined : toAwsError(error);
  }

  /** Whether the prepared request's condition holds for the item that exists, in DynamoDB's JSON. */
  function conditionHolds(data: Record<string, unknown>, existing: Item | undefined): boolean {
    const condition = conditionOf(data);
    return condition === undefined || holds(condition, existing ?? {}, database.compare);
  }

  return {
    prepare,
    perform,
    run,
    table,
    misfit: misfitting,
    conditionHolds,
    onWrite: (heard: (operations: readonly Written[]) => void) => store.db.on('write', heard),
    /** Puts back what `onWrite` told. */
    putRaw: (key: string, value: unknown) => context.clock.hold(store.db.put(key, value)),
  };
}

function promised<T>(work: (callback: Callback) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    work((error, result) => {
      if (error) reject(error);
      else resolve(result as T);
    });
  });
}

/** dynalite's errors carry the body of the answer. */
function toAwsError(error: unknown): AwsError {
  const { statusCode, body } = error as {
    statusCode?: number;
    body?: { __type: string; message?: string; Message?: string };
  };
  if (statusCode === undefined || body === undefined) {
    if (error instanceof AwsError) return error;
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return new AwsError('InternalServerError', `dynalite broke: ${detail}`, 500);
  }
  const code = body.__type.slice(body.__type.lastIndexOf('#') + 1);
  return new AwsError(code, body.message ?? body.Message ?? code, statusCode);
}
