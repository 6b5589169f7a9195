/** Requests and answers without a socket: what the front door takes and gives, over HTTP or in memory. */
import { Readable } from 'node:stream';
import { AwsError } from '../service.ts';

export interface WireRequest {
  readonly method: string;
  /** Path and query as sent, for example `/bucket/a%20key?versionId=3`. */
  readonly url: string;
  /** Names in lower case; repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable | Uint8Array;
  /** Where the request came from; `127.0.0.1` unless told otherwise. */
  readonly sourceIp?: string;
  /** Whom a function connected to, whatever its Host header says. */
  readonly to?: { readonly host: string; readonly port: number };
}

export interface WireResponse {
  readonly status: number;
  /** By name; each text of a list is a header of its own. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly body: Readable | Uint8Array | string;
  /** The connection breaks instead: the answer is never heard. */
  readonly lost?: boolean;
}

/**
 * The most that is taken into memory for one request; streams (objects, blocks) have no such bound here.
 * Above Lambda's 50 MB of zipped code in base64, the largest document that any of the services takes.
 */
const largestDocumentBytes = 72 * 1024 * 1024;

/** The whole body. @throws AwsError RequestEntityTooLarge (413). */
export async function readAll(
  body: Readable | Uint8Array,
  limit = largestDocumentBytes,
): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > limit) throw new AwsError('RequestEntityTooLarge', `The body exceeds ${limit} bytes`, 413);
    chunks.push(chunk);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks, size);
}

/** The body as a stream. */
export function asStream(body: Readable | Uint8Array | string): Readable {
  return body instanceof Readable ? body : Readable.from([Buffer.from(body)]);
}

/** Path and query of a request's url, both still encoded. */
export function splitUrl(url: string): { path: string; query: string } {
  const mark = url.indexOf('?');
  return mark < 0 ? { path: url, query: '' } : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}

/** Whether the host is the region itself: under any other, `bucket.localhost`, every path is an object's key. */
export function namesNoBucket(request: WireRequest): boolean {
  return /^(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d+)?$/i.test(request.headers.host ?? '');
}

/** Decodes `%xx`; what is no valid encoding stays as it is. */
export function decodeComponent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The pairs of a query string in their order. A plus sign is a plus in S3's keys, and a space in forms. */
export function queryPairs(query: string, plusIsSpace = false): [string, string][] {
  return query
    .split('&')
    .filter((part) => part !== '')
    .map((part) => {
      const text = plusIsSpace ? part.replaceAll('+', ' ') : part;
      const mark = text.indexOf('=');
      return mark < 0
        ? [decodeComponent(text), '']
        : [decodeComponent(text.slice(0, mark)), decodeComponent(text.slice(mark + 1))];
    });
}
