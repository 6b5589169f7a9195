/** DynamoDB: dynalite's tables and items behind the region's signatures and rights, with transactions in front. */
import type { Context } from '../../context.ts';
import type { Service } from '../../service.ts';
import type { Persistent } from '../../state/persistent.ts';
import { createCopy } from './copy.ts';
import { createEngine } from './engine.ts';
import { createItems } from './items.ts';
import { Lock } from './lock.ts';
import { createTables } from './tables.ts';
import { createTransactions } from './transactions.ts';

export function createDynamoDb(context: Context): { service: Service; persistent: Persistent } {
  const engine = createEngine(context);
  const lock = new Lock();
  const tables = createTables(context, engine);
  const transactions = createTransactions(context, engine, lock);
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
        ...createItems(context, engine, lock),
        ...transactions.operations,
      },
      look: () => ({ tables: tables.names() }),
    },
  };
}
