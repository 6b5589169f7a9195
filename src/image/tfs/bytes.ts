/** Reading and writing the byte streams of a TFS log. */
import { FlotillaError } from '../../errors.ts';

/** The file system on the disk is not what it claims to be. */
export function malformedDisk(why: string, details = {}): FlotillaError {
  return new FlotillaError('DiskMalformed', `The file system contradicts itself: ${why}.`, details);
}

/** Reads forward through bytes that may lie; every step past the end is the error DiskMalformed. */
export class ByteReader {
  readonly bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw malformedDisk('the log ends in the middle of a record');
    this.at += 1;
    return byte;
  }

  take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) throw malformedDisk('the log ends in the middle of a value');
    const taken = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    return taken;
  }

  /** Groups of seven bits, the most significant first. */
  varint(): bigint {
    let value = 0n;
    for (let count = 0; count < 10; count += 1) {
      const byte = this.byte();
      value = (value << 7n) | BigInt(byte & 0x7f);
      if (byte < 0x80) return value;
    }
    throw malformedDisk('a number of more than ten bytes');
  }

  /** A varint that counts something: refused where it is too large to be exact. */
  count(): number {
    const value = this.varint();
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw malformedDisk(`a count of ${value}`);
    return Number(value);
  }
}

/** Bytes that grow at the end. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  append(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** @param value not negative, below 2^70 */
  varint(value: number | bigint): void {
    let rest = BigInt(value);
    const groups = [Number(rest & 0x7fn)];
    for (rest >>= 7n; rest > 0n; rest >>= 7n) groups.push(Number(rest & 0x7fn) | 0x80);
    for (const group of groups.reverse()) this.byte(group);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #room(wanted: number): void {
    if (this.#length + wanted <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + wanted));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
