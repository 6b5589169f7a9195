/** Bytes to values, version 5 of the encoding and the older version 4. */
import { isUtf8 } from 'node:buffer';
import { ByteReader, malformedDisk } from './bytes.ts';
import { valueType } from './encode.ts';
import type { TfsTuple, TfsValue } from './value.ts';

/** What grows while a log is read: a tuple may be added to by every later record. */
type OpenTuple = Map<string, TfsValue>;

/**
 * What the values of one log may cost together, in units of some 80 bytes of memory: 160 MB, enough for a
 * hundred thousand files. Tuples, vectors and buffers are objects of some 300 bytes, the rest is small.
 */
const budget = 2_000_000;
const objectCost = 4;
const smallCost = 1;
/** A directory takes two levels. */
const deepest = 512;

interface Header {
  readonly immediate: boolean;
  readonly type: number;
  readonly count: number;
}

/**
 * Decodes the tuples of one log, in order. Tuples, vectors and names are numbered through the whole log, and a
 * later tuple may add to, change or delete attributes of an earlier one.
 *
 * Nothing that it is given makes it run or grow without bound.
 *
 * @throws FlotillaError DiskMalformed
 */
export class LogDecoder {
  readonly #numbered: (OpenTuple | TfsValue[] | string)[] = [];
  #spent = 0;

  /** The tuple that everything hangs from: the first of the log. */
  get root(): TfsTuple | undefined {
    const first = this.#numbered[0];
    return first instanceof Map ? first : undefined;
  }

  /** @param old true for version 4, which knows only buffers and tuples */
  decode(bytes: Uint8Array, old: boolean): void {
    const reader = new ByteReader(bytes);
    const value = this.#value(reader, old, 0);
    if (!(value instanceof Map)) throw malformedDisk('a record of the log holds no tuple');
  }

  #value(reader: ByteReader, old: boolean, depth: number): TfsValue | undefined {
    if (depth > deepest) throw malformedDisk(`values nested more than ${deepest} deep`);
    const head = old ? oldHeader(reader) : header(reader);
    this.#spend(head.type === valueType.integer || head.type === valueType.string ? smallCost : objectCost);
    switch (head.type) {
      case valueType.tuple:
        return this.#tuple(reader, head, old, depth);
      case valueType.vector:
        return this.#vector(reader, head, old, depth);
      case valueType.integer: {
        const absolute = reader.varint();
        return head.count > 0 ? -absolute : absolute;
      }
      case valueType.string:
        if (!head.immediate) throw malformedDisk('a string by reference');
        return text(reader.take(head.count));
      case valueType.buffer:
        return this.#buffer(reader, head, old);
      default:
        throw malformedDisk(`a value of type ${head.type}`);
    }
  }

  #tuple(reader: ByteReader, head: Header, old: boolean, depth: number): OpenTuple {
    const tuple = head.immediate ? new Map<string, TfsValue>() : this.#referred(reader);
    if (!(tuple instanceof Map)) throw malformedDisk('a reference to a tuple leads to something else');
    if (head.immediate) this.#numbered.push(tuple);
    for (let i = 0; i < head.count; i += 1) {
      const name = this.#name(reader, old);
      const value = this.#value(reader, old, depth + 1);
      if (value === undefined) tuple.delete(name);
      else tuple.set(name, value);
    }
    return tuple;
  }

  #vector(reader: ByteReader, head: Header, old: boolean, depth: number): TfsValue[] {
    const vector = head.immediate ? [] : this.#referred(reader);
    if (!Array.isArray(vector)) throw malformedDisk('a reference to a vector leads to something else');
    if (head.immediate) this.#numbered.push(vector);
    for (let i = 0; i < head.count; i += 1) {
      const value = this.#value(reader, old, depth + 1);
      if (value === undefined) throw malformedDisk('a vector with an element deleted');
      if (i < vector.length) vector[i] = value;
      else vector.push(value);
    }
    return vector;
  }

  #referred(reader: ByteReader): OpenTuple | TfsValue[] | string {
    return this.#look(reader.count());
  }

  #look(number: number): OpenTuple | TfsValue[] | string {
    const found = this.#numbered[number - 1];
    if (found === undefined) throw malformedDisk(`a reference to ${number}, which was not seen`);
    return found;
  }

  #name(reader: ByteReader, old: boolean): string {
    const head = old ? oldHeader(reader) : header(reader);
    if (head.type !== valueType.buffer) throw malformedDisk('a name of another type than names have');
    if (head.immediate) {
      const name = text(reader.take(head.count));
      this.#numbered.push(name);
      this.#spend(smallCost);
      return name;
    }
    const name = this.#look(head.count);
    if (typeof name !== 'string') throw malformedDisk('a reference to a name leads to something else');
    return name;
  }

  #spend(cost: number): void {
    this.#spent += cost;
    if (this.#spent > budget) throw malformedDisk('more values than any disk of use has');
  }

  /** No byte at all deletes the attribute; in version 4 every text was a buffer. */
  #buffer(reader: ByteReader, head: Header, old: boolean): TfsValue | undefined {
    if (!head.immediate) {
      const found = this.#look(head.count);
      if (typeof found !== 'string') throw malformedDisk('a reference to a text leads to something else');
      return found;
    }
    if (head.count === 0) return undefined;
    const bytes = reader.take(head.count);
    const isNull = bytes.length === 1 && bytes[0] === 0;
    return old && !isNull ? text(bytes) : bytes.slice();
  }
}

function header(reader: ByteReader): Header {
  const first = reader.byte();
  return {
    immediate: first >= 0x80,
    type: (first >> 4) & 7,
    count: continued(reader, first & 7, (first & 8) !== 0),
  };
}

function oldHeader(reader: ByteReader): Header {
  const first = reader.byte();
  return {
    immediate: first >= 0x80,
    type: (first >> 6) & 1,
    count: continued(reader, first & 0x1f, (first & 0x20) !== 0),
  };
}

function continued(reader: ByteReader, high: number, more: boolean): number {
  let count = high;
  for (let goesOn = more; goesOn; ) {
    const byte = reader.byte();
    count = count * 128 + (byte & 0x7f);
    if (count > Number.MAX_SAFE_INTEGER) throw malformedDisk('a count that no disk can hold');
    goesOn = byte >= 0x80;
  }
  return count;
}

/**
 * Linux lets names hold any byte but two. Where they are no UTF-8, those beyond ASCII are told as `\xff`, so that
 * two names which differ stay two.
 */
export function text(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  return buffer.toString('latin1').replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}
