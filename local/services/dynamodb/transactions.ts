/**
 * Transactions, which dynalite lacks: all conditions are judged, then all writes made, under the lock that every
 * write takes.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
 */
import { createHash } from 'node:crypto';
import type {
  CancellationReason,
  TransactGetItemsInput,
  TransactGetItemsOutput,
  TransactWriteItem,
  TransactWriteItemsInput,
  TransactWriteItemsOutput,
} from '@aws-sdk/client-dynamodb';
import type { Context } from '../../context.ts';
import { AwsError, type Operation } from '../../service.ts';
import { mapOf } from '../../state/persistent.ts';
import type { Changes, Target } from './changes.ts';
import type { Engine, Item, Table } from './engine.ts';
import type { InProgress } from './in-progress.ts';
import { keyOf, type Write } from './items.ts';
import type { Lock } from './lock.ts';
import { onTable, tableNameOf } from './rights.ts';
import { plain } from './values.ts';

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html */
const mostActions = 100;
const mostBytes = 4 * 1024 * 1024;
/** How long a client token makes a repetition the same request. */
const tokenMs = 10 * 60_000;

/** The member of an action, dynalite's operation that does (or judges) it, and the right that it needs. */
const kinds = {
  Put: { operation: 'PutItem', right: 'PutItem' },
  Update: { operation: 'UpdateItem', right: 'UpdateItem' },
  Delete: { operation: 'DeleteItem', right: 'DeleteItem' },
  ConditionCheck: { operation: 'DeleteItem', right: 'ConditionCheckItem' },
} as const;
type Kind = keyof typeof kinds;

interface Action {
  readonly kind: Kind;
  readonly write: Write;
  readonly tableName: string;
  readonly table: Table;
  readonly key: Item;
  /** What dynalite made of it, condition parsed. */
  readonly data: Record<string, unknown>;
}

export function createTransactions(
  context: Context,
  engine: Engine,
  lock: Lock,
  changes: Changes,
  inProgress: InProgress,
) {
  const tokens = new Map<string, { readonly digest: string; readonly until: number }>();
  /** Digests of the transactions under way, by client token. */
  const running = new Map<string, string>();

  function partsOf(item: TransactWriteItem): { kind: Kind; write: Write } {
    const found = (Object.keys(kinds) as Kind[]).filter((kind) => item[kind] !== undefined);
    const [kind] = found;
    if (kind === undefined || found.length > 1)
      throw invalid('TransactItems can only contain one of Check, Put, Update or Delete');
    const write = item[kind] as Write & { ConditionExpression?: string };
    if (kind === 'ConditionCheck' && write.ConditionExpression === undefined)
      throw invalid('A ConditionCheck needs a ConditionExpression');
    return { kind, write };
  }

  const transactWrite: Operation<TransactWriteItemsInput, TransactWriteItemsOutput> = {
    access: (input) =>
      (input.TransactItems ?? []).flatMap((item) => {
        const { kind, write } = partsOf(item);
        return onTable(context, kinds[kind].right)({ TableName: write.TableName });
      }),
    run: (input) => {
      const items = input.TransactItems ?? [];
      if (items.length === 0 || items.length > mostActions)
        throw invalid(
          `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length from 1 to ${mostActions}`,
        );
      const text = JSON.stringify(plain(items));
      if (text.length > mostBytes) throw invalid('Transaction request size exceeds 4 MB');
      return once(input.ClientRequestToken, text, () => write(items));
    },
  };

  /** A repetition under the same token succeeds without writing again; another request under it is refused. */
  async function once(
    token: string | undefined,
    text: string,
    run: () => Promise<void>,
  ): Promise<TransactWriteItemsOutput> {
    if (token === undefined) {
      await run();
      return {};
    }
    const now = context.clock.now();
    for (const [other, { until }] of tokens) if (until <= now) tokens.delete(other);
    const digest = createHash('sha256').update(text).digest('hex');
    const known = running.get(token) ?? tokens.get(token)?.digest;
    if (known !== undefined && known !== digest)
      throw new AwsError(
        'IdempotentParameterMismatchException',
        'The request uses the same client token as a previous, but non-identical request. Do not reuse a client token with different requests, unless the requests are identical.',
      );
    if (running.has(token))
      throw new AwsError(
        'TransactionInProgressException',
        'The transaction with the given request token is already in progress.',
      );
    if (known !== undefined) return {};
    running.set(token, digest);
    try {
      await run();
      tokens.set(token, { digest, until: context.clock.now() + tokenMs });
    } finally {
      // One that was cancelled may be tried again under its token.
      running.delete(token);
    }
    return {};
  }

  async function write(items: readonly TransactWriteItem[]): Promise<void> {
    const actions: Action[] = [];
    for (const item of items) actions.push(await understand(item));
    const seen = new Set(actions.map((action) => `${action.tableName} ${JSON.stringify(action.key)}`));
    if (seen.size < actions.length)
      throw invalid('Transaction request cannot include multiple operations on one item');
    refuseConflicts(actions);
    await inProgress.during(actions, () =>
      lock.run(() =>
        changes.around(
          async () => actions,
          () => judgeAndPerform(actions),
        ),
      ),
    );
  }

  /** @throws AwsError TransactionCanceledException where another transaction has one of the items. */
  function refuseConflicts(targets: readonly Target[]): void {
    refuseIfAny(
      targets.map(({ tableName, key }) =>
        inProgress.holds(tableName, key)
          ? { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' }
          : { Code: 'None' },
      ),
    );
  }

  async function judgeAndPerform(actions: readonly Action[]): Promise<void> {
    const before: (Item | undefined)[] = [];
    const reasons: CancellationReason[] = [];
    for (const action of actions) {
      const existing = await existingItem(action);
      before.push(existing);
      reasons.push(judge(action, existing));
    }
    refuseIfAny(reasons);

    const done: number[] = [];
    for (const [index, action] of actions.entries()) {
      if (action.kind === 'ConditionCheck') continue;
      try {
        await engine.perform(kinds[action.kind].operation, action.data);
        done.push(index);
      } catch (error) {
        // Found only in the doing, such as an item that grows too large: nothing of it may stay.
        for (const earlier of done.reverse()) await restore(actions[earlier] as Action, before[earlier]);
        reasons[index] = { Code: 'ValidationError', Message: (error as Error).message };
        refuseIfAny(reasons);
      }
    }
  }

  async function understand(item: TransactWriteItem): Promise<Action> {
    const { kind, write: given } = partsOf(item);
    const tableName = tableNameOf(context, given.TableName);
    const { ReturnValuesOnConditionCheckFailure: _, ...rest } = given;
    const data = engine.prepare(kinds[kind].operation, { ...rest, TableName: tableName });
    const table = await engine.table(tableName);
    const misfit =
      given.Item !== undefined
        ? engine.misfit('item', plain(given.Item) as Item, table)
        : engine.misfit('key', plain(given.Key) as Item, table);
    if (misfit !== undefined) throw misfit;
    return { kind, write: given, tableName, table, data, key: plain(keyOf(given, table)) as Item };
  }

  async function existingItem(action: Action): Promise<Item | undefined> {
    const input = { TableName: action.tableName, Key: action.key, ConsistentRead: true };
    const { Item: item } = await engine.run('GetItem', input);
    return item as Item | undefined;
  }

  function judge(action: Action, existing: Item | undefined): CancellationReason {
    const json = existing === undefined ? undefined : (plain(existing) as Item);
    if (engine.conditionHolds(action.data, json)) return { Code: 'None' };
    const reason = { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed' };
    const wanted = action.write.ReturnValuesOnConditionCheckFailure === 'ALL_OLD' && existing !== undefined;
    return wanted ? { ...reason, Item: existing as NonNullable<CancellationReason['Item']> } : reason;
  }

  async function restore(action: Action, before: Item | undefined): Promise<void> {
    const TableName = action.tableName;
    if (before === undefined) await engine.run('DeleteItem', { TableName, Key: action.key });
    else await engine.run('PutItem', { TableName, Item: before });
  }

  const transactGet: Operation<TransactGetItemsInput, TransactGetItemsOutput> = {
    access: (input) =>
      (input.TransactItems ?? []).flatMap((item) =>
        onTable(context, 'GetItem')({ TableName: item.Get?.TableName }),
      ),
    run: (input) => {
      const items = input.TransactItems ?? [];
      if (items.length === 0 || items.length > mostActions)
        throw invalid(`A transaction has 1 to ${mostActions} items`);
      refuseConflicts(
        items.map(({ Get: get }) => ({
          tableName: tableNameOf(context, get?.TableName),
          key: plain(get?.Key) as Item,
        })),
      );
      return lock.run(async () => {
        const responses = [];
        let bytes = 0;
        for (const { Get: get } of items) {
          const TableName = tableNameOf(context, get?.TableName);
          const { Item: item } = await engine.run('GetItem', { ...get, TableName, ConsistentRead: true });
          bytes += item === undefined ? 0 : JSON.stringify(plain(item)).length;
          responses.push(item === undefined ? {} : { Item: item as NonNullable<CancellationReason['Item']> });
        }
        if (bytes > mostBytes) throw invalid('Transaction request size exceeds 4 MB');
        return { Responses: responses };
      });
    },
  };

  return {
    operations: { TransactWriteItems: transactWrite, TransactGetItems: transactGet },
    collection: mapOf('tokens', tokens),
  };
}

function refuseIfAny(reasons: readonly CancellationReason[]): void {
  if (reasons.every((reason) => reason.Code === 'None')) return;
  const codes = reasons.map((reason) => reason.Code).join(', ');
  throw new AwsError(
    'TransactionCanceledException',
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
    400,
    { CancellationReasons: reasons },
  );
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
