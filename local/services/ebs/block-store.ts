import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Blocks on disk, one file per content digest, so that equal blocks of any snapshots are kept once. Files are
 * counted by their users and removed with the last.
 */
export class BlockStore {
  readonly #folder: string;
  /** Runs once no kept state names what was released. */
  readonly #afterwards: (run: () => void) => void;
  readonly #uses = new Map<string, number>();
  readonly #writing = new Map<string, Promise<void>>();

  constructor(folder: string, afterwards: (run: () => void) => void = (run) => run()) {
    this.#folder = folder;
    this.#afterwards = afterwards;
  }

  /** @param digest hexadecimal SHA-256 of `bytes`, computed by the caller; never a name from outside. */
  async put(digest: string, bytes: Uint8Array): Promise<void> {
    const uses = this.#uses.get(digest) ?? 0;
    this.#uses.set(digest, uses + 1);
    if (uses > 0) {
      await this.#writing.get(digest);
      return;
    }
    const writing = this.#write(digest, bytes);
    this.#writing.set(digest, writing);
    try {
      await writing;
    } finally {
      this.#writing.delete(digest);
    }
  }

  async get(digest: string): Promise<Uint8Array> {
    return await readFile(this.#path(digest));
  }

  /** One more user of a block that is there already. */
  keep(digest: string): void {
    this.#uses.set(digest, (this.#uses.get(digest) ?? 0) + 1);
  }

  async release(digest: string): Promise<void> {
    const uses = (this.#uses.get(digest) ?? 0) - 1;
    if (uses > 0) {
      this.#uses.set(digest, uses);
      return;
    }
    this.#uses.delete(digest);
    await new Promise<void>((resolve, reject) => {
      this.#afterwards(() => {
        // It may have been written anew meanwhile.
        if (this.#uses.has(digest)) resolve();
        else rm(this.#path(digest), { force: true }).then(resolve, reject);
      });
    });
  }

  /** Removes blocks that nobody uses: what a region left that died in between. */
  async sweep(): Promise<void> {
    for (const entry of await readdir(this.#folder, { recursive: true, withFileTypes: true }).catch(() => []))
      if (entry.isFile() && !this.#uses.has(entry.name))
        await rm(join(entry.parentPath, entry.name), { force: true });
  }

  async #write(digest: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(digest);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.part`, bytes);
    await rename(`${path}.part`, path);
  }

  #path(digest: string): string {
    return join(this.#folder, digest.slice(0, 2), digest.slice(2, 4), digest);
  }
}
