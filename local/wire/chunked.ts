/**
 * Bodies in `aws-chunked`, with checksums or signatures behind them, taken apart while they stream.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
import { createHash, createHmac, type KeyObject } from 'node:crypto';
import { Readable } from 'node:stream';
import { AwsError } from '../service.ts';
import { sameText, sha256 } from './sigv4.ts';

/** What signed chunks are checked with. */
export interface ChunkKey {
  readonly signingKey: KeyObject;
  readonly scope: string;
  readonly timestamp: string;
  /** The signature of the request's head, the first in the chain. */
  readonly seed: string;
}

const trailersByBody = new WeakMap<object, Record<string, string>>();
const announcedByBody = new WeakMap<object, readonly string[]>();

/** The names of the trailers that the request announced (`x-amz-trailer`), known before the body streams. */
export function announcedTrailers(body: unknown): readonly string[] {
  return (typeof body === 'object' && body !== null && announcedByBody.get(body)) || [];
}

/** What stood behind the last chunk, for example `x-amz-checksum-crc32`; complete once the body has ended. */
export function trailersOf(body: unknown): Readonly<Record<string, string>> {
  return (typeof body === 'object' && body !== null && trailersByBody.get(body)) || {};
}

/** The largest head of a chunk, and the largest signed chunk: those must be held to be checked. */
const largestLine = 16 * 1024;
const largestSignedChunk = 64 * 1024 * 1024;

/** The decoded stream. It fails with an AwsError where length, form or signature are wrong. */
export function decodeChunked(
  source: Readable,
  decodedLength: number | undefined,
  announced: readonly string[],
  key?: ChunkKey,
): Readable {
  const trailers: Record<string, string> = {};
  const body = Readable.from(decode(source, decodedLength, key, trailers), { objectMode: false });
  trailersByBody.set(body, trailers);
  announcedByBody.set(body, announced);
  return body;
}

async function* decode(
  source: Readable,
  decodedLength: number | undefined,
  key: ChunkKey | undefined,
  trailers: Record<string, string>,
): AsyncGenerator<Uint8Array> {
  const reader = new Reader(source);
  let previous = key?.seed ?? '';
  let total = 0;
  for (;;) {
    const head = await reader.line();
    const [hex, ...extensions] = head.split(';');
    const size = /^[0-9a-fA-F]{1,10}$/.test(hex ?? '') ? Number.parseInt(hex as string, 16) : Number.NaN;
    if (Number.isNaN(size)) throw malformed(`A chunk starts with ${JSON.stringify(head.slice(0, 40))}`);
    if (key === undefined) {
      if (size === 0) break;
      for await (const part of reader.take(size)) yield part;
    } else {
      const data = await reader.whole(size);
      const text = ['AWS4-HMAC-SHA256-PAYLOAD', key.timestamp, key.scope, previous, sha256(''), sha256(data)];
      previous = checked(key, text, extensions.find((one) => one.startsWith('chunk-signature='))?.slice(16));
      if (size === 0) break;
      yield data;
    }
    total += size;
    await reader.newline();
  }
  await readTrailers(reader, trailers, key, previous);
  if (decodedLength !== undefined && total !== decodedLength)
    throw new AwsError(
      'IncompleteBody',
      `The body has ${total} bytes, not ${decodedLength} as x-amz-decoded-content-length says.`,
    );
}

async function readTrailers(
  reader: Reader,
  trailers: Record<string, string>,
  key: ChunkKey | undefined,
  previous: string,
): Promise<void> {
  let canonical = '';
  for (let line = await reader.line(true); line !== ''; line = await reader.line(true)) {
    const colon = line.indexOf(':');
    if (colon < 0) throw malformed('A trailer without a colon');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name !== 'x-amz-trailer-signature') {
      trailers[name] = value;
      canonical += `${name}:${value}\n`;
    } else if (key !== undefined) {
      checked(
        key,
        ['AWS4-HMAC-SHA256-TRAILER', key.timestamp, key.scope, previous, sha256(canonical)],
        value,
      );
      canonical = '';
    }
  }
  if (key !== undefined && canonical !== '') throw malformed('The trailers are not signed');
}

function checked(key: ChunkKey, text: readonly string[], given: string | undefined): string {
  const expected = createHmac('sha256', key.signingKey).update(text.join('\n')).digest('hex');
  if (given === undefined || !sameText(expected, given))
    throw new AwsError('SignatureDoesNotMatch', 'The signature of a chunk does not match.', 403);
  return expected;
}

function malformed(what: string): AwsError {
  return new AwsError('InvalidRequest', `The body is not valid aws-chunked: ${what}.`);
}

/** Lines and counted bytes from a stream. */
class Reader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array();

  constructor(source: Readable) {
    this.#chunks = (source as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  }

  async #more(): Promise<boolean> {
    const next = await this.#chunks.next();
    if (next.done) return false;
    this.#held = this.#held.length === 0 ? next.value : Buffer.concat([this.#held, next.value]);
    return true;
  }

  /** Up to the next CRLF. `orEnd`: the end of the body counts as an empty line. */
  async line(orEnd = false): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf(10);
      if (end >= 0) {
        const text = Buffer.from(this.#held.subarray(0, end)).toString('latin1');
        this.#held = this.#held.subarray(end + 1);
        return text.endsWith('\r') ? text.slice(0, -1) : text;
      }
      if (this.#held.length > largestLine) throw malformed('A line is too long');
      if (await this.#more()) continue;
      if (orEnd && this.#held.length === 0) return '';
      throw new AwsError('IncompleteBody', 'The request body terminated unexpectedly.');
    }
  }

  async *take(size: number): AsyncGenerator<Uint8Array> {
    let left = size;
    while (left > 0) {
      if (this.#held.length === 0 && !(await this.#more()))
        throw new AwsError('IncompleteBody', 'The request body terminated unexpectedly.');
      const part = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(part.length);
      left -= part.length;
      if (part.length > 0) yield part;
    }
  }

  async whole(size: number): Promise<Uint8Array> {
    if (size > largestSignedChunk) throw malformed('A signed chunk is too large');
    const parts: Uint8Array[] = [];
    for await (const part of this.take(size)) parts.push(part);
    return Buffer.concat(parts);
  }

  async newline(): Promise<void> {
    if ((await this.line()) !== '') throw malformed('A chunk is longer than it says');
  }
}

/** Passes a body on and fails at its end when its SHA-256 is not the one that was signed. */
export function checkedBody(source: Readable, expectedSha256: string): Readable {
  return Readable.from(
    (async function* () {
      const hash = createHash('sha256');
      for await (const chunk of source as AsyncIterable<Uint8Array>) {
        hash.update(chunk);
        yield chunk;
      }
      if (hash.digest('hex') !== expectedSha256)
        throw new AwsError(
          'XAmzContentSHA256Mismatch',
          "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
    })(),
    { objectMode: false },
  );
}
