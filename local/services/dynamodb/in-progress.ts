/**
 * The transactions under way. One that wants an item of another is cancelled, and so is a single write.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html#transaction-conflict-handling
 */
import type { Target } from './changes.ts';
import type { Item } from './engine.ts';

export class InProgress {
  readonly #targets = new Set<Target>();

  get idle(): boolean {
    return this.#targets.size === 0;
  }

  /** Whether a transaction has the item of a table that these attributes, a key or a whole item, belong to. */
  holds(tableName: string, attributes: Item): boolean {
    return [...this.#targets].some(
      (target) =>
        target.tableName === tableName &&
        Object.entries(target.key).every(
          ([name, value]) => JSON.stringify(value) === JSON.stringify(attributes[name]),
        ),
    );
  }

  /** Holds the items until the work has settled. The caller has seen that they are free. */
  async during<T>(targets: readonly Target[], work: () => Promise<T>): Promise<T> {
    for (const target of targets) this.#targets.add(target);
    try {
      return await work();
    } finally {
      for (const target of targets) this.#targets.delete(target);
    }
  }
}
