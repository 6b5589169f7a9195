/**
 * Reads the metadata log of a Nanos file system (TFS), versions 4 and 5. Written for the region alone, apart
 * from the code that writes images: it is here to check that code.
 */
import type { ReadableDisk } from '../services/ebs/snapshots.ts';

export type TfsValue = string | number | Uint8Array | TfsTuple | TfsValue[];
export type TfsTuple = Map<string, TfsValue>;

const sectorBytes = 512;
/** What a log may cost to read; images that were seen stay below a hundredth of it. */
const limits = { logBytes: 32 * 1024 ** 2, extensions: 256, values: 2_000_000, depth: 1024 };

export class DiskUnreadable extends Error {
  override readonly name = 'DiskUnreadable';
}

/** @throws DiskUnreadable where the disk ends before: numbers on a disk may lead anywhere. */
export async function readWithin(disk: ReadableDisk, offset: number, length: number): Promise<Uint8Array> {
  if (offset < 0 || length < 0 || offset + length > disk.sizeBytes) {
    throw new DiskUnreadable(`The disk leads to ${length} bytes at ${offset}, and ends at ${disk.sizeBytes}`);
  }
  return disk.read(offset, length);
}

/** The root tuple of the file system that begins at `startOffset`. */
export async function readRootTuple(disk: ReadableDisk, startOffset: number): Promise<TfsTuple> {
  const first = await readWithin(disk, startOffset, sectorBytes);
  const head = extensionHeader(first);
  if (head === undefined) throw new DiskUnreadable('There is no TFS where the partition begins');
  // Extension 0 has a UUID of 16 bytes and a label that ends with a zero before its records.
  const labelEnd = first.indexOf(0, head.next + 16);
  if (labelEnd < 0) throw new DiskUnreadable('The label of the file system does not end');

  const decoder = new Decoder(head.version);
  const seen = new Set<number>([0]);
  let cursor = new Cursor(first, labelEnd + 1);
  let pending: { parts: Uint8Array[]; missing: number } | undefined;
  let logBytes = sectorBytes;

  for (;;) {
    const kind = cursor.byte();
    if (kind === 1) break;
    if (kind === 4) continue;
    if (kind === 2 || kind === 3) {
      if (kind === 2) pending = { parts: [], missing: cursor.varint() };
      if (pending === undefined) throw new DiskUnreadable('A tuple continues that never began');
      const segment = cursor.bytes(cursor.varint());
      pending.parts.push(segment);
      pending.missing -= segment.length;
      if (pending.missing < 0) throw new DiskUnreadable('A tuple is longer than it says');
      if (pending.missing === 0) {
        decoder.tuple(Buffer.concat(pending.parts));
        pending = undefined;
      }
      continue;
    }
    if (kind !== 5) throw new DiskUnreadable(`The log has a record of the unknown kind ${kind}`);
    const start = cursor.varint();
    const bytes = cursor.varint() * sectorBytes;
    logBytes += bytes;
    if (seen.has(start) || seen.size >= limits.extensions || logBytes > limits.logBytes) {
      throw new DiskUnreadable('The log runs in a circle, or is too long');
    }
    seen.add(start);
    const extension = await readWithin(disk, startOffset + start * sectorBytes, bytes);
    const next = extensionHeader(extension);
    if (next === undefined) throw new DiskUnreadable('A log extension has no header');
    cursor = new Cursor(extension, next.next);
  }
  return decoder.root();
}

function extensionHeader(bytes: Uint8Array): { version: number; next: number } | undefined {
  if (Buffer.from(bytes.subarray(0, 6)).toString('latin1') !== 'NVMTFS') return undefined;
  const cursor = new Cursor(bytes, 6);
  const version = cursor.varint();
  cursor.varint(); // its length in sectors, which the link gave already
  if (version !== 4 && version !== 5) throw new DiskUnreadable(`TFS version ${version} is not known`);
  return { version, next: cursor.position };
}

class Cursor {
  readonly #bytes: Uint8Array;
  position: number;

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes;
    this.position = position;
  }

  byte(): number {
    const value = this.#bytes[this.position];
    if (value === undefined) throw new DiskUnreadable('The log ends within a record');
    this.position += 1;
    return value;
  }

  bytes(length: number): Uint8Array {
    const end = this.position + length;
    if (end > this.#bytes.length) throw new DiskUnreadable('The log ends within a record');
    const part = this.#bytes.subarray(this.position, end);
    this.position = end;
    return part;
  }

  /** Seven bits a byte, most significant first. */
  varint(value = 0, more = true): number {
    let result = value;
    let on = more;
    while (on) {
      const byte = this.byte();
      result = result * 128 + (byte & 0x7f);
      if (result > Number.MAX_SAFE_INTEGER) throw new DiskUnreadable('A number in the log is too large');
      on = (byte & 0x80) !== 0;
    }
    return result;
  }
}

type Kind = 'buffer' | 'tuple' | 'vector' | 'integer' | 'string';
const kinds: readonly Kind[] = ['buffer', 'tuple', 'vector', 'integer', 'string'];

class Decoder {
  readonly #version: number;
  /** Tuples, vectors and symbols in order of appearance, counted from 1. */
  readonly #dictionary: (string | TfsTuple | TfsValue[])[] = [];
  #values = 0;

  constructor(version: number) {
    this.#version = version;
  }

  root(): TfsTuple {
    const root = this.#dictionary[0];
    if (!(root instanceof Map)) throw new DiskUnreadable('The log holds no root tuple');
    return root;
  }

  tuple(bytes: Uint8Array): void {
    const value = this.#value(new Cursor(bytes, 0), 0);
    if (!(value instanceof Map)) throw new DiskUnreadable('A record of the log is not a tuple');
  }

  #header(cursor: Cursor): { immediate: boolean; kind: Kind; n: number } {
    const byte = cursor.byte();
    const immediate = (byte & 0x80) !== 0;
    const old = this.#version === 4;
    const kind = old ? kinds[(byte >> 6) & 1] : kinds[(byte >> 4) & 7];
    if (kind === undefined) throw new DiskUnreadable('A value in the log has an unknown type');
    const continued = (byte & (old ? 0x20 : 0x08)) !== 0;
    const low = byte & (old ? 0x1f : 0x07);
    return { immediate, kind, n: cursor.varint(low, continued) };
  }

  #value(cursor: Cursor, depth: number): TfsValue | undefined {
    this.#values += 1;
    if (depth > limits.depth || this.#values > limits.values) {
      throw new DiskUnreadable('The log is nested too deeply, or too large');
    }
    const { immediate, kind, n } = this.#header(cursor);
    switch (kind) {
      case 'buffer': {
        if (!immediate) return this.#symbol(n);
        return n === 0 ? undefined : cursor.bytes(n).slice();
      }
      case 'string':
        return Buffer.from(cursor.bytes(n)).toString('utf8');
      case 'integer': {
        const magnitude = cursor.varint();
        return n === 1 ? -magnitude : magnitude;
      }
      case 'tuple': {
        const tuple: TfsTuple = immediate ? new Map() : this.#knownTuple(cursor.varint());
        if (immediate) this.#dictionary.push(tuple);
        for (let entry = 0; entry < n; entry += 1) {
          const key = this.#key(cursor);
          const value = this.#value(cursor, depth + 1);
          if (value === undefined) tuple.delete(key);
          else tuple.set(key, value);
        }
        return tuple;
      }
      case 'vector': {
        const vector: TfsValue[] = immediate ? [] : this.#knownVector(cursor.varint());
        if (immediate) this.#dictionary.push(vector);
        for (let element = 0; element < n; element += 1) vector.push(this.#value(cursor, depth + 1) ?? '');
        return vector;
      }
    }
  }

  #key(cursor: Cursor): string {
    const { immediate, kind, n } = this.#header(cursor);
    if (kind !== 'buffer') throw new DiskUnreadable('A key in the log is not a symbol');
    if (!immediate) return this.#symbol(n);
    const symbol = Buffer.from(cursor.bytes(n)).toString('utf8');
    this.#dictionary.push(symbol);
    return symbol;
  }

  #symbol(index: number): string {
    const symbol = this.#dictionary[index - 1];
    if (typeof symbol !== 'string')
      throw new DiskUnreadable(`The log refers to ${index}, which is no symbol`);
    return symbol;
  }

  #knownTuple(index: number): TfsTuple {
    const found = this.#dictionary[index - 1];
    if (!(found instanceof Map)) throw new DiskUnreadable(`The log refers to ${index}, which is no tuple`);
    return found;
  }

  #knownVector(index: number): TfsValue[] {
    const found = this.#dictionary[index - 1];
    if (!Array.isArray(found)) throw new DiskUnreadable(`The log refers to ${index}, which is no vector`);
    return found;
  }
}
