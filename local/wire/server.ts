/** The front door over HTTP, on loopback alone. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { WireRequest, WireResponse } from './http.ts';

export interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on 127.0.0.1; port 0 takes a free one. @throws Error that says which port is in use */
export async function listen(
  handle: (request: WireRequest) => Promise<WireResponse>,
  port: number,
): Promise<Listening> {
  // Large uploads may take longer than Node's five minutes for a request.
  const server = createServer({ requestTimeout: 0 }, (message, response) => {
    answer(handle, message, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(`Port ${port} is in use: choose another, or none, and a free one is taken.`, {
              cause: error,
            })
          : error,
      ),
    );
    server.listen(port, '127.0.0.1', () => resolve());
  });
  return { port: (server.address() as AddressInfo).port, close: () => close(server) };
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(
  handle: (request: WireRequest) => Promise<WireResponse>,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(',') : value;
  const {
    status,
    headers: answered,
    body,
    lost,
  } = await handle({
    method: message.method ?? 'GET',
    url: message.url ?? '/',
    headers,
    body: message,
    sourceIp: message.socket.remoteAddress ?? '127.0.0.1',
  });
  if (lost === true) {
    message.socket.destroy();
    return;
  }
  // What was not read (a refused upload) is taken in and dropped, so that the client can read the answer.
  message.resume();
  const bytes = body instanceof Readable ? undefined : Buffer.from(body as string);
  if (bytes !== undefined && status !== 204 && status !== 304 && message.method !== 'HEAD')
    response.setHeader('content-length', bytes.length);
  response.writeHead(status, answered);
  if (bytes === undefined) await pipeline(body as Readable, response);
  else response.end(message.method === 'HEAD' ? undefined : bytes);
}
