import { EventEmitter } from 'node:events';
import { Agent } from 'node:http';
import { Readable, Writable } from 'node:stream';
import type { WireResponse } from '../../wire/http.ts';
import type { Pulse } from './pulse.ts';
import type { Transport } from './sandbox.ts';

interface RequestOptions {
  readonly method?: string;
  readonly host?: string;
  readonly hostname?: string;
  readonly port?: number | string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string | number | readonly string[]>>;
}

/** `node:http` and `node:https` as an SDK client uses them, with the region's front door at the other end. */
export function httpModule(protocol: 'http:' | 'https:', transport: Transport, pulse: Pulse): unknown {
  const request = (target: RequestOptions | string | URL, ...rest: unknown[]): MemoryRequest => {
    const url = typeof target === 'string' || target instanceof URL ? new URL(target) : undefined;
    const given = rest.find((one): one is RequestOptions => typeof one === 'object' && one !== null) ?? {};
    const options: RequestOptions =
      url === undefined
        ? (target as RequestOptions)
        : { hostname: url.hostname, port: url.port, path: url.pathname + url.search, ...given };
    const made = new MemoryRequest(options, transport, pulse);
    const callback = rest.find((one) => typeof one === 'function');
    if (callback !== undefined) made.once('response', callback as (response: unknown) => void);
    return made;
  };
  const get = (...args: Parameters<typeof request>): MemoryRequest => request(...args).end() as MemoryRequest;
  return { request, get, Agent: MemoryAgent, globalAgent: new MemoryAgent(), protocol };
}

/** Keeps no sockets; clients look at its lists. */
class MemoryAgent extends Agent {
  override destroy(): void {}
}

class MemoryRequest extends Writable {
  readonly #options: RequestOptions;
  readonly #transport: Transport;
  readonly #pulse: Pulse;
  readonly #headers = new Map<string, string>();
  readonly #chunks: Buffer[] = [];
  readonly socket = Object.assign(new EventEmitter(), {
    connecting: false,
    setKeepAlive: () => undefined,
    setNoDelay: () => undefined,
    setTimeout: () => undefined,
  });
  reusedSocket = true;
  #giveUp: () => void = () => {};

  constructor(options: RequestOptions, transport: Transport, pulse: Pulse) {
    // Sent is not over: the answer is still to come.
    super({ autoDestroy: false });
    this.#options = options;
    this.#transport = transport;
    this.#pulse = pulse;
    for (const [name, value] of Object.entries(options.headers ?? {})) this.setHeader(name, value);
    process.nextTick(() => this.emit('socket', this.socket));
  }

  setHeader(name: string, value: string | number | readonly string[]): this {
    this.#headers.set(name.toLowerCase(), Array.isArray(value) ? value.join(', ') : String(value));
    return this;
  }

  getHeader(name: string): string | undefined {
    return this.#headers.get(name.toLowerCase());
  }

  setTimeout(): this {
    return this;
  }

  abort(): void {
    this.destroy();
  }

  override _write(chunk: Buffer | string, _encoding: BufferEncoding, done: () => void): void {
    this.#chunks.push(Buffer.from(chunk as Buffer));
    done();
  }

  override _final(done: () => void): void {
    done();
    const { method = 'GET', path = '/', hostname, host, port } = this.#options;
    const headers = Object.fromEntries(this.#headers);
    const to = { host: hostname ?? host ?? 'localhost', port: Number(port || 80) };
    headers.host ??= `${to.host}${port ? `:${port}` : ''}`;
    const body = Buffer.concat(this.#chunks);
    this.#giveUp = this.#pulse.call(
      () => this.#transport({ method, url: path, headers, body, to }),
      (response) => this.#answer(response),
      (error) => this.destroy(error as Error),
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#giveUp();
    done(error);
  }

  /** The dead hear nothing, not even what was about to be told as they died. */
  override emit(name: string | symbol, ...args: unknown[]): boolean {
    return this.#pulse.dead ? false : super.emit(name, ...args);
  }

  #answer(response: WireResponse): void {
    if (this.destroyed) return;
    if (response.lost === true) {
      this.destroy(Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
      return;
    }
    this.emit('response', new MemoryResponse(response, this.#pulse));
  }
}

class MemoryResponse extends Readable {
  readonly #pulse: Pulse;
  readonly statusCode: number;
  readonly statusMessage = '';
  readonly headers: WireResponse['headers'];

  constructor(response: WireResponse, pulse: Pulse) {
    super({ read: () => {} });
    this.#pulse = pulse;
    this.statusCode = response.status;
    this.headers = Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const { body } = response;
    if (body instanceof Readable) {
      body.on('data', (chunk: Buffer) => pulse.run(() => this.push(chunk)));
      body.on('end', () => pulse.run(() => this.push(null)));
      body.on('error', (error) => pulse.run(() => this.destroy(error)));
    } else {
      if (body.length > 0) this.push(Buffer.from(body as string));
      this.push(null);
    }
  }

  /** As with the request: a stream that dies in the midst never ends, and never fails. */
  override emit(name: string | symbol, ...args: unknown[]): boolean {
    return this.#pulse.dead ? false : super.emit(name, ...args);
  }
}
