/** DynamoDB: dynalite's tables and items behind the region's signatures and rights, with transactions in front. */
import type { Context } from '../../context.ts';
import type { Service } from '../../service.ts';
import type { Persistent } from '../../state/persistent.ts';
import { Changes, type Commit, type Moment } from './changes.ts';
import { createCopy } from './copy.ts';
import { createEngine, type Item } from './engine.ts';
import { InProgress } from './in-progress.ts';
import { createItems } from './items.ts';
import { LateCopies } from './late-copies.ts';
import { Lock } from './lock.ts';
import { createTables } from './tables.ts';
import { createTransactions } from './transactions.ts';

/** What other parts of the region, and tests, use of DynamoDB. */
export interface DynamoDb {
  readonly service: Service;
  readonly persistent: Persistent;
  /** Calls the listener at each commit, before its writer has its answer. @returns ends it. */
  onChange(listener: (commit: Commit) => void): () => void;
  /** Keeps every commit of the tables that there are, from now on. */
  keepChanges(): Promise<void>;
  /** The items of a table as they were, sorted by key. @throws Error where nothing was kept that far back. */
  asOf(tableName: string, moment: Moment): Promise<readonly Item[]>;
}

export function createDynamoDb(context: Context): DynamoDb {
  const engine = createEngine(context);
  const lock = new Lock();
  const changes = new Changes(context, engine, lock);
  const inProgress = new InProgress();
  const late = new LateCopies(context, engine, changes);
  const tables = createTables(context, engine);
  const transactions = createTransactions(context, engine, lock, changes, inProgress);
  const copy = context.keeping === undefined ? [] : [createCopy(engine, lock)];
  return {
    persistent: {
      name: 'dynamodb',
      version: 1,
      collections: [...copy, tables.collection, transactions.collection],
    },
    service: {
      id: 'dynamodb',
      operations: {
        ...tables.operations,
        ...createItems(context, engine, lock, changes, inProgress, late),
        ...transactions.operations,
      },
      look: () => ({ tables: tables.names() }),
    },
    onChange: (listener) => changes.onChange(listener),
    keepChanges: () => changes.keep(tables.names()),
    asOf: (tableName, moment) => changes.asOf(tableName, moment),
  };
}
