/**
 * What a part of the region keeps over restarts. A part registers collections of plain data; the keeper
 * (local/state/keeper.ts) finds out by itself what has changed in them and writes it down, so that a service never
 * has to remember to save.
 */

/** One thing that is kept. */
export interface Saved {
  /** Unique in its collection. */
  readonly id: string;
  /**
   * The same stamp as last time says that the thing is unchanged and need not be looked at. Without one it is compared
   * each time, which is right for what is small and changed in place.
   */
  readonly stamp?: string | number;
  /** Plain data as structured cloning takes it: maps, sets, dates and bytes too, but no functions and no classes. */
  readonly value: () => unknown;
}

/** Things of one kind, such as the groups of Auto Scaling. */
export interface Collection {
  readonly name: string;
  /** All of them, in their order. */
  save(): Iterable<Saved>;
  /** Takes one back; they come in the order in which they were saved. */
  load(id: string, value: unknown): void | Promise<void>;
  /** Told before the first is taken back, for what a new region makes by itself. */
  clear?(): void;
}

/** A part of the region with state. */
export interface Persistent {
  readonly name: string;
  /** Raised when the shape of what is kept changes: a folder with another version is refused by name. */
  readonly version: number;
  /** Taken back in this order, after those of the parts before it. */
  readonly collections: readonly Collection[];
  /** Goes on with what was under way, once everything is back and the front door is open. */
  resume?(): void;
}

/** How the values of a map are kept, where that is not as they are. */
export interface Codec<V> {
  /** Plain data of a value. */
  readonly save?: (value: V, id: string) => unknown;
  readonly load?: (plain: never, id: string) => V;
  readonly stamp?: (value: V) => string | number | undefined;
}

/** A map of records, each under its key. */
export function mapOf<V>(name: string, map: Map<string, V>, codec: Codec<V> = {}): Collection {
  return {
    name,
    *save() {
      for (const [id, value] of map) {
        const stamp = codec.stamp?.(value);
        yield {
          id,
          ...(stamp !== undefined && { stamp }),
          value: () => (codec.save === undefined ? value : codec.save(value, id)),
        };
      }
    },
    load(id, plain) {
      // The part's version says that it is what `save` gave.
      map.set(id, codec.load === undefined ? (plain as V) : codec.load(plain as never, id));
    },
    clear: () => map.clear(),
  };
}

/** One value, such as the state of the generator of chance. */
export function single<V>(name: string, read: () => V, write: (value: V) => void): Collection {
  return {
    name,
    save: () => [{ id: '', value: read }],
    load: (_id, value) => write(value as V),
  };
}
