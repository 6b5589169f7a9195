/** Where objects' bytes lie: small ones in memory, others in files that no key has named. */
import { createHash } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import type { Clock } from '../../clock.ts';
import type { Context } from '../../context.ts';
import type { Collection } from '../../state/persistent.ts';

/** Bytes that do not change; shared by the copies of an object. */
export interface Piece {
  /** Its own in the region, over restarts too. */
  readonly id: number;
  readonly sizeBytes: number;
  /** Exactly one of the two. */
  readonly memory: Uint8Array | undefined;
  readonly file: string | undefined;
  references: number;
}

export interface Received {
  readonly piece: Piece;
  /** MD5 in hexadecimal digits: the ETag of a plain upload. */
  readonly md5: string;
}

/** Up to here an object stays in memory. */
const memoryLimitBytes = 128 * 1024;
/** How much is read from a file at once. */
const readBytes = 256 * 1024;

export class ByteStore {
  readonly #context: Context;
  #folder: Promise<string> | undefined;
  readonly #pieces = new Map<number, Piece>();
  #next = 1;

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Takes a body in without holding more than a chunk of a large one. `sums` see each chunk. A body that fails
   * leaves nothing behind.
   */
  receive(body: unknown, sums: readonly { update(chunk: Uint8Array): void }[]): Promise<Received> {
    return this.#context.clock.hold(this.#receive(body, sums));
  }

  async #receive(body: unknown, sums: readonly { update(chunk: Uint8Array): void }[]): Promise<Received> {
    const md5 = createHash('md5');
    const early: Uint8Array[] = [];
    let sizeBytes = 0;
    let file: string | undefined;
    let handle: FileHandle | undefined;
    try {
      for await (const chunk of chunksOf(body)) {
        md5.update(chunk);
        for (const sum of sums) sum.update(chunk);
        sizeBytes += chunk.length;
        if (handle !== undefined) await writeAll(handle, chunk);
        else {
          early.push(chunk);
          if (sizeBytes <= memoryLimitBytes) continue;
          file = join(await this.#folderPath(), this.#context.random.hex(32));
          handle = await open(file, 'wx');
          for (const held of early.splice(0)) await writeAll(handle, held);
        }
      }
      await handle?.close();
    } catch (error) {
      await handle?.close().catch(() => {});
      if (file !== undefined) await unlink(file).catch(() => {});
      throw error;
    }
    const memory = file === undefined ? Uint8Array.from(Buffer.concat(early)) : undefined;
    const piece: Piece = { id: this.#next++, sizeBytes, memory, file, references: 1 };
    this.#pieces.set(piece.id, piece);
    return { piece, md5: md5.digest('hex') };
  }

  #folderPath(): Promise<string> {
    this.#folder ??= (async () => {
      const path = join(this.#context.dataDir, 's3');
      await mkdir(path, { recursive: true });
      return path;
    })();
    return this.#folder;
  }

  /** Bytes `start` to `end` (exclusive) of pieces in a row. A file that is removed meanwhile is read to its end. */
  async read(pieces: readonly Piece[], start: number, end: number): Promise<Readable | Uint8Array> {
    const wanted = slices(pieces, start, end);
    const [only] = wanted;
    if (only === undefined) return new Uint8Array();
    if (wanted.length === 1 && only.piece.memory !== undefined)
      return only.piece.memory.subarray(only.from, only.to);
    const handles: FileHandle[] = [];
    try {
      for (const { piece } of wanted)
        if (piece.file !== undefined) handles.push(await this.#context.clock.hold(open(piece.file, 'r')));
    } catch (error) {
      for (const handle of handles) await handle.close();
      throw error;
    }
    const body = Readable.from(readSlices(this.#context.clock, wanted, [...handles]), { objectMode: false });
    // Also where nobody ever read from it, as when the client has gone: the generator then never began.
    body.once('close', () => {
      for (const handle of handles) handle.close().catch(() => {});
    });
    return body;
  }

  /** Reads pieces in a row from end to end, and shows each chunk to `sums`. */
  sum(pieces: readonly Piece[], sums: readonly { update(chunk: Uint8Array): void }[]): Promise<void> {
    return this.#context.clock.hold(this.#sum(pieces, sums));
  }

  async #sum(pieces: readonly Piece[], sums: readonly { update(chunk: Uint8Array): void }[]): Promise<void> {
    for await (const chunk of chunksOf(await this.read(pieces, 0, sizeOf(pieces))))
      for (const sum of sums) sum.update(chunk);
  }

  /** One holder less; the last one takes the file with it. */
  release(pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      piece.references -= 1;
      if (piece.references > 0) continue;
      this.#pieces.delete(piece.id);
      const { file } = piece;
      if (file === undefined) continue;
      const drop = (): void => void this.#context.clock.hold(unlink(file).catch(() => {}));
      if (this.#context.keeping === undefined) drop();
      else this.#context.keeping.afterwards(drop);
    }
  }

  /** @throws Error for one that is not there */
  piece(id: number): Piece {
    const found = this.#pieces.get(id);
    if (found === undefined) throw new Error(`There is no piece ${id}`);
    return found;
  }

  collection(): Collection {
    const pieces = this.#pieces;
    const folder = join(this.#context.dataDir, 's3');
    return {
      name: 'pieces',
      *save() {
        for (const piece of pieces.values()) {
          const file = piece.file === undefined ? undefined : basename(piece.file);
          yield { id: String(piece.id), stamp: piece.references, value: () => ({ ...piece, file }) };
        }
      },
      load: (_id, value) => {
        const piece = value as Piece;
        const file = piece.file === undefined ? undefined : join(folder, piece.file);
        pieces.set(piece.id, { ...piece, file });
        this.#next = Math.max(this.#next, piece.id + 1);
      },
    };
  }

  /** Removes what a region left that died in the middle of an upload: files and pieces that `used` does not have. */
  async sweep(used: ReadonlySet<Piece>): Promise<void> {
    for (const piece of [...this.#pieces.values()]) if (!used.has(piece)) this.#pieces.delete(piece.id);
    const named = new Set(
      [...this.#pieces.values()].flatMap(({ file }) => (file === undefined ? [] : basename(file))),
    );
    const folder = await this.#folderPath();
    for (const name of await readdir(folder))
      if (!named.has(name)) await unlink(join(folder, name)).catch(() => {});
  }
}

export function sizeOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, piece) => sum + piece.sizeBytes, 0);
}

interface Slice {
  readonly piece: Piece;
  readonly from: number;
  readonly to: number;
}

function slices(pieces: readonly Piece[], start: number, end: number): Slice[] {
  const result: Slice[] = [];
  let offset = 0;
  for (const piece of pieces) {
    const from = Math.max(0, start - offset);
    const to = Math.min(piece.sizeBytes, end - offset);
    if (from < to) result.push({ piece, from, to });
    offset += piece.sizeBytes;
  }
  return result;
}

/** Reads slice after slice; each read is real work, for which virtual time waits. */
async function* readSlices(
  clock: Clock,
  wanted: readonly Slice[],
  handles: FileHandle[],
): AsyncGenerator<Uint8Array> {
  for (const { piece, from, to } of wanted) {
    if (piece.memory !== undefined) {
      yield piece.memory.subarray(from, to);
      continue;
    }
    const handle = handles.shift() as FileHandle; // one was opened for each file
    for (let position = from; position < to; ) {
      const chunk = Buffer.allocUnsafe(Math.min(readBytes, to - position));
      const { bytesRead } = await clock.hold(handle.read(chunk, 0, chunk.length, position));
      if (bytesRead === 0) throw new Error(`${piece.file} is shorter than it was`);
      position += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done);
    done += bytesWritten;
  }
}

async function* chunksOf(body: unknown): AsyncGenerator<Uint8Array> {
  if (body === undefined || body === null) return;
  if (typeof body === 'string') yield Buffer.from(body);
  else if (body instanceof Uint8Array) yield body;
  else
    for await (const chunk of body as AsyncIterable<Uint8Array | string>)
      yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}
