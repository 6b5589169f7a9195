/**
 * Reads that may be stale. A global secondary index hears of each write a little later than its table, and a read that
 * does not ask for consistency may reach a copy that does, too.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.Writes
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
 *
 * A stale list lacks what is new and shows what changed as it was; it does not show what was deleted, nor what a
 * change has moved to another key of the index.
 */
import type { Context } from '../../context.ts';
import type { Principal } from '../../service.ts';
import type { Changes, ItemChange } from './changes.ts';
import type { Engine, Item, Json, Table } from './engine.ts';
import { plain, revived } from './values.ts';

interface Change {
  /** What the item was before; undefined: it was not there. */
  readonly before: Item | undefined;
  /** When copies and indexes know of it. */
  readonly copiesAt: number;
  readonly indexesAt: number;
}

interface Read {
  readonly TableName?: unknown;
  readonly IndexName?: unknown;
  readonly ConsistentRead?: unknown;
}

export class LateCopies {
  readonly #context: Context;
  readonly #engine: Engine;
  /** By table and key; only changes that somebody has not heard of yet. */
  readonly #changes = new Map<string, Map<string, Change>>();

  constructor(context: Context, engine: Engine, changes: Changes) {
    this.#context = context;
    this.#engine = engine;
    const { bounds } = context.lag;
    // Looking at each write costs two reads: only where something lags from the start.
    if (bounds.copiesMs === 0 && bounds.indexesMs === 0) return;
    changes.onChange((commit) => {
      for (const change of commit.changes) this.#wrote(change);
    });
  }

  #wrote({ tableName, key, before }: ItemChange): void {
    const { clock, lag } = this.#context;
    const now = clock.now();
    const changes = this.#changes.get(tableName) ?? new Map<string, Change>();
    this.#changes.set(tableName, changes);
    for (const [text, change] of changes) if (heard(change, now)) changes.delete(text);
    const text = keyText(key);
    // Who has not heard of the one before has not heard of this one either.
    const former = changes.get(text);
    changes.set(text, {
      before: former === undefined ? (revived(before) as Item | undefined) : former.before,
      copiesAt: Math.max(former?.copiesAt ?? 0, now + lag.draw('copiesMs')),
      indexesAt: Math.max(former?.indexesAt ?? 0, now + lag.draw('indexesMs')),
    });
  }

  /** What the read shows of an answer that is fresh. */
  async shown(read: Read, fresh: Json, principal: Principal): Promise<Json> {
    const tableName = String(read.TableName);
    const changes = this.#changes.get(tableName);
    const stranger = principal.kind === 'user' || principal.kind === 'role';
    if (!stranger || changes === undefined || read.ConsistentRead === true) return fresh;
    // One of three copies is late; an index always is.
    const indexed = read.IndexName !== undefined;
    if (!indexed && this.#context.lag.pick(3) > 0) return fresh;
    const now = this.#context.clock.now();
    const table = await this.#engine.table(tableName);
    const stale = (key: Item): Change | undefined => {
      const change = changes.get(keyText(key));
      if (change === undefined) return undefined;
      return (indexed ? change.indexesAt : change.copiesAt) > now ? change : undefined;
    };
    const { Items: items, Item: item } = fresh as { Items?: readonly Item[]; Item?: Item };
    if (items === undefined) {
      const key = item ?? ((read as { Key?: Item }).Key as Item);
      const change = stale(keysOf(key, table));
      if (change === undefined) return fresh;
      const { Item: _, ...rest } = fresh;
      return change.before === undefined ? rest : { ...rest, Item: like(change.before, item) };
    }
    const shown = items.flatMap((one) => {
      const change = stale(keysOf(one, table));
      if (change === undefined) return [one];
      return change.before === undefined ? [] : [like(change.before, one)];
    });
    return { ...fresh, Items: shown, Count: shown.length };
  }
}

function heard(change: Change, now: number): boolean {
  return change.copiesAt <= now && change.indexesAt <= now;
}

function keysOf(item: Item, table: Table): Item {
  return Object.fromEntries(table.KeySchema.map(({ AttributeName: name }) => [name, item[name]]));
}

function keyText(key: Item): string {
  return JSON.stringify(plain(Object.fromEntries(Object.entries(key).sort(([a], [b]) => (a < b ? -1 : 1)))));
}

/** The past of an item with the attributes that the fresh answer shows of it: it may be a projection. */
function like(before: Item, fresh: Item | undefined): Item {
  if (fresh === undefined) return before;
  return Object.fromEntries(Object.entries(before).filter(([name]) => name in fresh));
}
