/**
 * What the tables are made of, as it was when the last request ended: half a transaction is never in it. It is kept
 * only where the region's state is.
 */
import type { Collection, Saved } from '../../state/persistent.ts';
import type { Engine } from './engine.ts';
import type { Lock } from './lock.ts';

export function createCopy(engine: Engine, lock: Lock): Collection {
  const rows = new Map<string, { readonly revision: number; readonly value: string }>();
  let revision = 0;
  let waiting: { readonly key: string; readonly value: string | undefined }[] = [];

  function take(): void {
    for (const { key, value } of waiting.splice(0))
      if (value === undefined) rows.delete(key);
      else rows.set(key, { revision: ++revision, value });
  }

  engine.onWrite((operations) => {
    // As text: dynalite may change the value that it wrote.
    for (const { type, key, value } of operations)
      waiting.push({ key, value: type === 'del' ? undefined : JSON.stringify(value) });
    if (!lock.held) take();
  });
  lock.onRelease(take);

  return {
    name: 'rows',
    *save(): Iterable<Saved> {
      for (const [id, { revision: stamp, value }] of rows) yield { id, stamp, value: () => value };
    },
    load: (id, value) => engine.putRaw(id, JSON.parse(value as string)),
    clear() {
      rows.clear();
      waiting = [];
    },
  };
}
