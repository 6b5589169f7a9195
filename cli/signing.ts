/** Signatures of requests, as AWS takes them (version 4). */
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import type { Connection } from './connection.ts';

export interface Signable {
  readonly method: string;
  readonly url: URL;
  /** Besides `host`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/** Signs requests of one service. @returns the headers to send; fetch sets `host` from the URL by itself */
export function openSigner(
  service: string,
  { region, credentials }: Pick<Connection, 'region' | 'credentials'>,
): (request: Signable) => Promise<Record<string, string>> {
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
  return async ({ method, url, headers: given = {}, body }) => {
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { host: url.host, ...given },
      ...(body === undefined ? {} : { body }),
    });
    const { host: _host, ...headers } = signed.headers;
    return headers;
  };
}

/** SHA-256 in the shape that the signer asks for. */
class Sha256 {
  readonly #digest: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#digest = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#digest.update(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#digest.digest());
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8');
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Uint8Array(data);
}
