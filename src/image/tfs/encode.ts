/** Values to bytes, version 5 of the encoding. */
import { ByteWriter } from './bytes.ts';
import { isTuple, type TfsTuple, type TfsValue } from './value.ts';

export const valueType = { buffer: 0, tuple: 1, vector: 2, integer: 3, string: 4 } as const;

/**
 * Encodes a tuple as the first of a log: names are numbered from 1 in order of appearance together with tuples
 * and vectors, and a name that was seen before is written as its number.
 *
 * Equal tuples with equal order of attributes give equal bytes. A tuple that stands in two places is written
 * twice.
 *
 * @throws RangeError for a string that is not well-formed UTF-16, or an integer that needs more than 64 bits
 */
export function encodeTuple(root: TfsTuple): Uint8Array {
  const out = new ByteWriter();
  const names = new Map<string, number>();
  let numbered = 0;

  function header(immediate: boolean, type: number, count: number): void {
    let groups = 0;
    while (count >= 8 * 128 ** groups) groups += 1;
    const first = Math.floor(count / 128 ** groups);
    out.byte((immediate ? 0x80 : 0) | (type << 4) | (groups > 0 ? 8 : 0) | first);
    for (let group = groups - 1; group >= 0; group -= 1) {
      out.byte((Math.floor(count / 128 ** group) & 0x7f) | (group > 0 ? 0x80 : 0));
    }
  }

  function symbol(name: string): void {
    const known = names.get(name);
    if (known !== undefined) {
      header(false, valueType.buffer, known);
      return;
    }
    const bytes = utf8(name);
    header(true, valueType.buffer, bytes.length);
    out.append(bytes);
    numbered += 1;
    names.set(name, numbered);
  }

  function value(current: TfsValue): void {
    if (typeof current === 'string') {
      const bytes = utf8(current);
      header(true, valueType.string, bytes.length);
      out.append(bytes);
    } else if (typeof current === 'bigint') {
      const absolute = current < 0n ? -current : current;
      if (absolute >> 64n) throw new RangeError(`${current} needs more than 64 bits`);
      header(true, valueType.integer, current < 0n ? 1 : 0);
      out.varint(absolute);
    } else if (current instanceof Uint8Array) {
      if (current.length === 0) throw new RangeError('an empty buffer would delete the attribute');
      header(true, valueType.buffer, current.length);
      out.append(current);
    } else if (isTuple(current)) {
      tuple(current);
    } else {
      header(true, valueType.vector, current.length);
      numbered += 1;
      for (const element of current) value(element);
    }
  }

  function tuple(current: TfsTuple): void {
    header(true, valueType.tuple, current.size);
    numbered += 1;
    for (const [name, inner] of current) {
      symbol(name);
      value(inner);
    }
  }

  tuple(root);
  return out.finish();
}

function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new RangeError('a text with half a character cannot be written');
  return Buffer.from(text, 'utf8');
}
