/** Records in a file, one after the other, each with its length and its check sum. */
import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import { RegionStateError } from './errors.ts';

const headBytes = 8;

/** One record: a length and a CRC-32, four bytes each, and the value as structured cloning writes it. */
export function frame(value: unknown): Buffer {
  const body = serialize(value);
  const head = Buffer.allocUnsafe(headBytes);
  head.writeUInt32LE(body.length, 0);
  head.writeUInt32LE(crc32(body), 4);
  return Buffer.concat([head, body]);
}

/**
 * The records of a file. The last one may be torn: its writer was killed before anybody was told of it.
 * @returns the records, and how many bytes of the file they fill.
 * @throws RegionStateError for a record that is whole and wrong.
 */
export function readFrames(file: string, bytes: Buffer): { values: unknown[]; length: number } {
  const values: unknown[] = [];
  let at = 0;
  while (at + headBytes <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    const end = at + headBytes + length;
    if (end > bytes.length) break;
    const body = bytes.subarray(at + headBytes, end);
    if (crc32(body) !== bytes.readUInt32LE(at + 4))
      throw new RegionStateError('damaged', `${file} is damaged at byte ${at}: its check sum does not fit.`);
    values.push(deserialize(body));
    at = end;
  }
  return { values, length: at };
}
