/** DynamoDB: dynalite's tables and items behind the region's signatures and rights, with transactions in front. */
import type { Context } from '../../context.ts';
import type { Service } from '../../service.ts';
import { createEngine } from './engine.ts';
import { createItems } from './items.ts';
import { Lock } from './lock.ts';
import { createTables } from './tables.ts';
import { createTransactions } from './transactions.ts';

export function createDynamoDb(context: Context): { service: Service } {
  const engine = createEngine(context);
  const lock = new Lock();
  const tables = createTables(context, engine);
  return {
    service: {
      id: 'dynamodb',
      operations: {
        ...tables.operations,
        ...createItems(context, engine, lock),
        ...createTransactions(context, engine, lock),
      },
      look: () => ({ tables: tables.names() }),
    },
  };
}
