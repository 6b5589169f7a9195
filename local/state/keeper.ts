/**
 * Writes down what changes in the region's parts, and gives it back to the next region on the same folder.
 *
 * Each time, all that has changed anywhere goes into one record, so that what is on the disk is the whole region at
 * one moment, never a part of it ahead of another. An answer leaves the region only once such a record holds what it
 * tells. What changes without anybody asking (an instance that boots) is written soon after. A record survives the
 * death of the process; it is not forced onto the disk, so that a power failure may cost the last of them.
 */
import { createHash } from 'node:crypto';
import { deserialize, serialize } from 'node:v8';
import { type Change, type Contents, format, StateFiles } from './files.ts';
import { lockFolder, type Unlock } from './lock.ts';
import type { Collection, Persistent } from './persistent.ts';

/** How long a change that nobody asked for may be in memory alone. */
const restMs = 100;
/** From here on, reading the journal back would be slower than writing everything anew. */
const journalLimitBytes = 16 * 1024 * 1024;

/** What was last written of a thing. */
interface Written {
  readonly stamp: string | number | undefined;
  readonly digest: string;
}

export interface KeeperOptions {
  readonly folder: string;
  readonly accountId: string;
  readonly regionName: string;
}

export class Keeper {
  readonly #files: StateFiles;
  readonly #unlock: Unlock;
  readonly #parts: readonly Persistent[];
  readonly #written = new Map<string, Map<string, Written>>();
  /** Waiting for the next record, which one flush writes for all of them. */
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  #afterwards: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The journal may not say what was written last: the next record is a checkpoint. */
  #doubtful = false;
  #closed = false;

  private constructor(files: StateFiles, unlock: Unlock, parts: readonly Persistent[]) {
    this.#files = files;
    this.#unlock = unlock;
    this.#parts = parts;
  }

  /**
   * Takes the folder, and loads the parts with what it holds.
   * @returns the keeper, and whether there was a state to load.
   * @throws RegionStateError
   */
  static async open(
    options: KeeperOptions,
    parts: readonly Persistent[],
  ): Promise<{ keeper: Keeper; restored: boolean }> {
    const files = new StateFiles(options.folder, {
      magic: 'flotilla-region-state',
      format,
      accountId: options.accountId,
      regionName: options.regionName,
      parts: Object.fromEntries(parts.map(({ name, version }) => [name, version])),
    });
    const unlock = await lockFolder(options.folder);
    try {
      const contents = files.read();
      for (const part of parts) await load(part, contents);
      const keeper = new Keeper(files, unlock, parts);
      keeper.#checkpoint();
      return { keeper, restored: contents.size > 0 };
    } catch (error) {
      await unlock();
      throw error;
    }
  }

  /** Something may have changed: it is written within a tenth of a second. */
  touched(): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = setTimeout(() => this.#flush(), restMs);
    this.#timer.unref();
  }

  /** Whether something may have changed that is not written yet. */
  get pending(): boolean {
    return this.#timer !== undefined;
  }

  /** Resolves once all that is true now is written. */
  committed(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      // After the promises that are under way: a step is either written whole or not at all.
      if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  /** Runs once all that is true now is written: for what may go only then, such as a file that nothing names now. */
  afterwards(run: () => void): void {
    this.#afterwards.push(run);
    this.touched();
  }

  /** Writes everything anew, and lets the folder go. */
  async close(): Promise<void> {
    if (this.#closed) return;
    await this.committed();
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#checkpoint();
    this.#files.close();
    await this.#unlock();
  }

  /** As if the process were killed now: nothing more is written. For tests. */
  async abandon(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#files.close();
    await this.#unlock();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting.splice(0);
    if (this.#closed) return;
    const afterwards = this.#afterwards.splice(0);
    try {
      const changes = this.#doubtful ? [] : [...this.#changes()];
      if (changes.length > 0) this.#files.append(changes);
      if (this.#doubtful || this.#files.journalBytes > journalLimitBytes) this.#checkpoint();
    } catch (error) {
      // Nobody is told of what is not kept; the next flush tries again.
      this.#doubtful = true;
      this.#afterwards.unshift(...afterwards);
      if (waiting.length === 0) process.stderr.write(`local region: the state cannot be written: ${error}\n`);
      for (const { reject } of waiting) reject(error);
      return;
    }
    for (const run of afterwards) run();
    for (const { resolve } of waiting) resolve();
  }

  #checkpoint(): void {
    this.#written.clear();
    this.#files.checkpoint(this.#changes());
    this.#doubtful = false;
  }

  *#changes(): Iterable<Change> {
    for (const part of this.#parts)
      for (const collection of part.collections)
        yield* this.#changesIn(`${part.name}/${collection.name}`, collection);
  }

  *#changesIn(name: string, collection: Collection): Iterable<Change> {
    const before = this.#written.get(name);
    const now = new Map<string, Written>();
    for (const { id, stamp, value } of collection.save()) {
      const known = before?.get(id);
      if (known !== undefined && stamp !== undefined && known.stamp === stamp) {
        now.set(id, known);
        continue;
      }
      const bytes = serialize(value());
      const digest = createHash('sha1').update(bytes).digest('base64');
      now.set(id, { stamp, digest });
      if (known?.digest !== digest) yield [name, id, bytes];
    }
    for (const id of before?.keys() ?? []) if (!now.has(id)) yield [name, id, undefined];
    this.#written.set(name, now);
  }
}

async function load(part: Persistent, contents: Contents): Promise<void> {
  for (const collection of part.collections) {
    const things = contents.get(`${part.name}/${collection.name}`);
    if (contents.size > 0) collection.clear?.();
    for (const [id, bytes] of things ?? []) await collection.load(id, deserialize(bytes));
  }
}
