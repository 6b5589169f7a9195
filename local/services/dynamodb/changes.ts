/**
 * Every change of a table, for those who look at each state that a table was in: one commit at a time, in order,
 * and the table as it was at a moment. This is the region's own; AWS has point-in-time exports to S3 instead
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.HowItWorks.html).
 */
import type { Context } from '../../context.ts';
import type { Engine, Item } from './engine.ts';
import type { Lock } from './lock.ts';
import { plain } from './values.ts';

/** An item that a write means; `key` in DynamoDB's JSON. */
export interface Target {
  readonly tableName: string;
  readonly key: Item;
}

/** What a commit did to one item. Items are in DynamoDB's JSON, bytes in base64. */
export interface ItemChange extends Target {
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

/** The changes that became visible together: those of one write, or of one whole transaction. */
export interface Commit {
  /** Counts commits from 1, across all tables. */
  readonly sequence: number;
  /** Milliseconds since the epoch, by the region's clock. */
  readonly at: number;
  readonly changes: readonly ItemChange[];
}

/** A moment: after the last commit at or before a time, or after the commit of a number. */
export type Moment = { readonly at: number } | { readonly sequence: number };

export class Changes {
  readonly #context: Context;
  readonly #engine: Engine;
  readonly #lock: Lock;
  readonly #listeners = new Set<(commit: Commit) => void>();
  #sequence = 0;
  #kept:
    | { readonly since: number; readonly start: readonly ItemChange[]; readonly commits: Commit[] }
    | undefined;

  constructor(context: Context, engine: Engine, lock: Lock) {
    this.#context = context;
    this.#engine = engine;
    this.#lock = lock;
  }

  /** Calls the listener at each commit, before its writer has its answer. @returns ends it. */
  onChange(listener: (commit: Commit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Keeps every commit from now on, for {@link asOf}. Memory grows with each: meant for tests. */
  async keep(tableNames: readonly string[]): Promise<void> {
    await this.#lock.run(async () => {
      const start: ItemChange[] = [];
      for (const tableName of tableNames) {
        for (const item of await this.#scan(tableName))
          start.push({ tableName, key: item, before: undefined, after: item });
      }
      this.#kept = { since: this.#sequence, start, commits: [] };
    });
  }

  /**
   * The items of a table as they were, in the order of their keys' texts.
   * @throws Error where nothing was kept that far back.
   */
  async asOf(tableName: string, moment: Moment): Promise<readonly Item[]> {
    const kept = this.#kept;
    if (kept === undefined || ('sequence' in moment && moment.sequence < kept.since))
      throw new Error(`Nothing is kept of ${tableName} for that moment.`);
    const { KeySchema: schema } = await this.#engine.table(tableName);
    const keyText = (item: Item): string =>
      JSON.stringify(schema.map(({ AttributeName: name }) => item[name]));
    const items = new Map<string, Item>();
    const apply = (changes: readonly ItemChange[]): void => {
      for (const { tableName: changed, key, after } of changes) {
        if (changed !== tableName) continue;
        if (after === undefined) items.delete(keyText(key));
        else items.set(keyText(key), after);
      }
    };
    apply(kept.start);
    for (const { sequence, at, changes } of kept.commits) {
      if ('sequence' in moment ? sequence > moment.sequence : at > moment.at) break;
      apply(changes);
    }
    return [...items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item);
  }

  /** Runs a write under the lock that the caller holds, and tells of what it changed. */
  async around<T>(targets: () => Promise<readonly Target[]>, write: () => Promise<T>): Promise<T> {
    // Reading twice around each write has its price: only where somebody looks.
    if (this.#listeners.size === 0 && this.#kept === undefined) return write();
    const meant = await targets();
    const before = await this.#read(meant);
    const answer = await write();
    const after = await this.#read(meant);
    const changes = meant
      .map((target, index) => ({ ...target, before: before[index], after: after[index] }))
      .filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after));
    if (changes.length > 0) {
      this.#sequence += 1;
      const commit: Commit = { sequence: this.#sequence, at: this.#context.clock.now(), changes };
      this.#kept?.commits.push(commit);
      for (const listener of [...this.#listeners]) listener(commit);
    }
    return answer;
  }

  async #read(targets: readonly Target[]): Promise<(Item | undefined)[]> {
    const items: (Item | undefined)[] = [];
    for (const { tableName, key } of targets) {
      const { Item: item } = await this.#engine.run('GetItem', {
        TableName: tableName,
        Key: key,
        ConsistentRead: true,
      });
      items.push(item === undefined ? undefined : (plain(item) as Item));
    }
    return items;
  }

  async #scan(tableName: string): Promise<Item[]> {
    const items: Item[] = [];
    let from: unknown;
    do {
      const page = await this.#engine.run('Scan', {
        TableName: tableName,
        ConsistentRead: true,
        ...(from !== undefined && { ExclusiveStartKey: from }),
      });
      items.push(...((plain(page.Items) as Item[]) ?? []));
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
    return items;
  }
}
