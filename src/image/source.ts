/**
 * Where the bytes of an artifact come from: an object in S3 read by ranges, a file, a snapshot, or memory.
 * Everything that looks into an artifact asks for ranges, so that nothing holds a disk in memory.
 */

/**
 * Random access to a fixed number of bytes.
 *
 * `read` gives `length` bytes from `offset`, and fewer only where the source ends. An offset outside
 * `0..sizeBytes`, or a negative length, is a mistake of the caller. Reading is repeatable: the bytes under a
 * source do not change.
 */
export interface ByteSource {
  readonly sizeBytes: number;
  /** @param signal ends a read that comes over the network; others need not heed it */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
}

/** How many bytes a read may give; throws a RangeError for what no caller may ask. */
export function readableLength(sizeBytes: number, offset: number, length: number): number {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset > sizeBytes || !(length >= 0)) {
    throw new RangeError(`read of ${length} bytes at ${offset} in a source of ${sizeBytes} bytes`);
  }
  return Math.min(length, sizeBytes - offset);
}

/** A source over bytes in memory. Reads are views, not copies. */
export function bytesSource(bytes: Uint8Array): ByteSource {
  return {
    sizeBytes: bytes.length,
    read: async (offset, length) =>
      bytes.subarray(offset, offset + readableLength(bytes.length, offset, length)),
  };
}

/** The part of `source` from `offset`, `length` bytes long; throws a RangeError where it is not inside. */
export function slice(source: ByteSource, offset: number, length: number): ByteSource {
  if (readableLength(source.sizeBytes, offset, length) < length) {
    throw new RangeError(`slice of ${length} bytes at ${offset} in a source of ${source.sizeBytes} bytes`);
  }
  return {
    sizeBytes: length,
    read: async (at, wanted) => source.read(offset + at, readableLength(length, at, wanted)),
  };
}

/** Reads a range whole, or gives `undefined` where the source ends before it or does not reach it. */
export async function readWhole(
  source: ByteSource,
  offset: number,
  length: number,
): Promise<Uint8Array | undefined> {
  if (!Number.isSafeInteger(offset) || offset < 0 || length < 0 || offset + length > source.sizeBytes) {
    return undefined;
  }
  return source.read(offset, length);
}

export interface CacheOptions {
  /** Bytes fetched at once. */
  readonly chunkBytes: number;
  /** Chunks kept; the memory bound is `chunkBytes * chunks`. */
  readonly chunks: number;
}

/**
 * Turns many small reads into few ranged ones: whole chunks are fetched and the most recently used ones kept.
 * A read of a chunk or more passes through and is not kept: who reads in bulk reads once. Reads of the same
 * chunk at the same time share one fetch; a fetch that failed is forgotten, so that the next read tries again.
 */
export function cached(source: ByteSource, { chunkBytes, chunks }: CacheOptions): ByteSource {
  const kept = new Map<number, Promise<Uint8Array>>();

  function chunk(index: number): Promise<Uint8Array> {
    const known = kept.get(index);
    kept.delete(index); // a Map lists keys by age: putting the key back makes it the youngest
    const bytes = known ?? source.read(index * chunkBytes, chunkBytes);
    kept.set(index, bytes);
    if (known === undefined) {
      bytes.catch(() => {
        if (kept.get(index) === bytes) kept.delete(index);
      });
      for (const oldest of kept.keys()) {
        if (kept.size <= chunks) break;
        kept.delete(oldest);
      }
    }
    return bytes;
  }

  async function read(offset: number, length: number): Promise<Uint8Array> {
    const size = readableLength(source.sizeBytes, offset, length);
    if (size >= chunkBytes) return source.read(offset, size);
    if (size === 0) return new Uint8Array(0);
    const first = Math.floor(offset / chunkBytes);
    const start = offset - first * chunkBytes;
    const head = (await chunk(first)).subarray(start, start + size);
    if (head.length === size) return head;
    const bytes = new Uint8Array(size); // shorter than a chunk: it spans two at most
    bytes.set(head);
    bytes.set((await chunk(first + 1)).subarray(0, size - head.length), head.length);
    return bytes;
  }

  return { sizeBytes: source.sizeBytes, read };
}

/** Passes the source through in order, in pieces of `pieceBytes` at most. */
export async function* pieces(source: ByteSource, pieceBytes = 1_048_576): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < source.sizeBytes; offset += pieceBytes) {
    yield await source.read(offset, pieceBytes);
  }
}
