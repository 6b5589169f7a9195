/**
 * The load balancer's data path: a real HTTP proxy for each listener. It never retries: a request that was
 * given to a target and failed there has failed, and the caller is told.
 */
import type { IncomingMessage, RequestOptions, Server, ServerResponse } from 'node:http';
import { Agent, createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Address } from '../machines/machine.ts';
import type { Elbv2State, ListenerRecord, TargetGroupRecord, TargetRecord } from '../services/elbv2/state.ts';
import type { RoutedRequest } from './conditions.ts';
import type { Counters } from './counters.ts';
import { headersToClient, headersToTarget } from './forwarded-headers.ts';
import type { BalancerNode } from './node.ts';
import { chooseRoute } from './route.ts';

/** "The load balancer failed to establish a connection to the target before the connection timeout expired (10 seconds)" */
const connectTimeoutMs = 10_000;
/** The idle timeout of an Application Load Balancer unless changed. */
const idleTimeoutMs = 60_000;
/**
 * A pooled connection that was idle for longer is not used again: targets close idle connections too, and a
 * request must not fail because both did something at once.
 */
const poolIdleMs = 1_000;

export class ListenerProxy {
  readonly #state: Elbv2State;
  readonly #listener: ListenerRecord;
  readonly #counters: Counters;
  readonly #server: Server;
  readonly #agent = new Agent({ keepAlive: true, timeout: poolIdleMs, maxFreeSockets: 64 });
  readonly #upgraded = new Set<Duplex>();
  /** The node that each connection came to, for all of its requests. */
  readonly #nodes = new WeakMap<Duplex, BalancerNode>();

  constructor(state: Elbv2State, listener: ListenerRecord, counters: Counters) {
    this.#state = state;
    this.#listener = listener;
    this.#counters = counters;
    this.#server = createServer(
      { keepAliveTimeout: idleTimeoutMs, requestTimeout: 0 },
      (incoming, outgoing) => this.#serve(incoming, outgoing),
    );
    this.#server.on('upgrade', (incoming, socket, head) => this.#upgrade(incoming, socket, head));
    this.#server.unref();
  }

  /** @param port 0 takes a free one. @returns the port. */
  async listen(port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => resolve());
    });
    return (this.#server.address() as AddressInfo).port; // listening on TCP, so it is one
  }

  async close(): Promise<void> {
    for (const socket of this.#upgraded) socket.destroy();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await closed;
  }

  #serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const startedAt = this.#state.context.clock.now();
    const node = this.#nodeOf(incoming.socket);
    const route = chooseRoute(this.#state, this.#listener, node, routed(incoming));
    if (route.kind === 'fixed') {
      outgoing
        .writeHead(route.status, { 'content-type': route.contentType, server: 'awselb/2.0' })
        .end(route.body);
      return;
    }
    if (route.kind === 'redirect') {
      outgoing.writeHead(route.status, { location: route.location, server: 'awselb/2.0' }).end();
      return;
    }
    if (route.kind === 'none') {
      this.#fail(incoming, outgoing, 503);
      return;
    }
    const { group, target, cookies } = route;
    this.#counters.request(group, node);
    const address = this.#addressOf(group, target);
    if (address === undefined) {
      // A machine without power: nothing answers, not even a refusal.
      this.#fail(incoming, outgoing, 504);
      return;
    }
    let answered = false;
    const forwarded = httpRequest({
      ...this.#options(incoming, address),
      agent: this.#agent,
    });
    const abort = (): void => {
      forwarded.destroy(new Error('deregistered'));
    };
    target.inFlight.add(abort);
    const timers = this.#timeouts(forwarded, () => this.#fail(incoming, outgoing, 504));
    const done = (): void => {
      target.inFlight.delete(abort);
      timers.cancel();
    };

    forwarded.on('response', (answer) => {
      answered = true;
      timers.cancel();
      this.#counters.response(
        group,
        node,
        answer.statusCode ?? 502,
        this.#state.context.clock.now() - startedAt,
      );
      outgoing.writeHead(answer.statusCode ?? 502, answer.statusMessage, headersToClient(answer, cookies));
      answer.pipe(outgoing);
      answer.on('error', () => outgoing.destroy());
      answer.on('aborted', () => outgoing.destroy());
      answer.on('close', done);
    });
    forwarded.on('error', () => {
      done();
      // The caller sees a broken connection where an answer had begun: it cannot be taken back.
      if (answered) outgoing.destroy();
      else this.#fail(incoming, outgoing, 502);
    });
    outgoing.on('close', () => {
      if (!outgoing.writableFinished) {
        forwarded.destroy();
        done();
      }
    });
    incoming.on('error', () => forwarded.destroy());
    incoming.pipe(forwarded);
  }

  #upgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refuse = (status: number, words: string): void => {
      socket.end(
        `HTTP/1.1 ${status} ${words}\r\nServer: awselb/2.0\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
      );
    };
    socket.on('error', () => undefined);
    const node = this.#nodeOf(socket);
    const route = chooseRoute(this.#state, this.#listener, node, routed(incoming));
    if (route.kind !== 'forward') {
      refuse(503, 'Service Unavailable');
      return;
    }
    const { group, target } = route;
    this.#counters.request(group, node);
    const address = this.#addressOf(group, target);
    if (address === undefined) {
      refuse(504, 'Gateway Time-out');
      return;
    }
    const { headers, ...options } = this.#options(incoming, address);
    const upgrade = ['connection', 'upgrade', 'upgrade', incoming.headers.upgrade ?? ''];
    const forwarded = httpRequest({ ...options, headers: [...headers, ...upgrade], agent: false });
    const abort = (): void => {
      forwarded.destroy();
      socket.destroy();
    };
    target.inFlight.add(abort);
    this.#upgraded.add(socket);
    socket.on('close', () => {
      target.inFlight.delete(abort);
      this.#upgraded.delete(socket);
      forwarded.destroy();
    });
    const timers = this.#timeouts(forwarded, () => refuse(504, 'Gateway Time-out'));
    forwarded.on('upgrade', (answer, remote, first) => {
      timers.cancel();
      this.#counters.response(group, node, 101, 0);
      const lines = [`HTTP/1.1 101 ${answer.statusMessage ?? 'Switching Protocols'}`];
      for (let index = 0; index < answer.rawHeaders.length; index += 2) {
        lines.push(`${answer.rawHeaders[index]}: ${answer.rawHeaders[index + 1]}`);
      }
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
      if (first.length > 0) socket.write(first);
      if (head.length > 0) remote.write(head);
      remote.on('error', () => socket.destroy());
      remote.on('close', () => socket.destroy());
      socket.on('close', () => remote.destroy());
      remote.pipe(socket).pipe(remote);
    });
    forwarded.on('response', (answer) => {
      timers.cancel();
      this.#counters.response(group, node, answer.statusCode ?? 502, 0);
      refuse(answer.statusCode ?? 502, answer.statusMessage ?? '');
      answer.resume();
    });
    forwarded.on('error', () => {
      timers.cancel();
      if (!socket.destroyed) refuse(502, 'Bad Gateway');
    });
    forwarded.end();
  }

  /** The one port here stands for the DNS name, which leads each connection to some node. */
  #nodeOf(connection: Duplex): BalancerNode {
    let node = this.#nodes.get(connection);
    if (node === undefined) {
      node = this.#state.dealNode(this.#listener.loadBalancer);
      this.#nodes.set(connection, node);
    }
    return node;
  }

  #options(incoming: IncomingMessage, address: Address): RequestOptions & { headers: string[] } {
    const { clock, random } = this.#state.context;
    const headers = headersToTarget(incoming, this.#listener.port, clock.now(), random);
    return {
      host: address.host,
      port: address.port,
      method: incoming.method ?? 'GET',
      path: incoming.url ?? '/',
      headers,
      setHost: false,
    };
  }

  /** 504 when the connection takes too long, or the target keeps silent. */
  #timeouts(forwarded: ReturnType<typeof httpRequest>, expired: () => void): { cancel(): void } {
    const { clock } = this.#state.context;
    const give = (): void => {
      expired();
      forwarded.destroy();
    };
    let timer = clock.after(connectTimeoutMs, give);
    const connected = (): void => {
      timer.cancel();
      timer = clock.after(idleTimeoutMs, give);
    };
    forwarded.on('socket', (socket) => {
      if (socket.connecting) socket.once('connect', connected);
      else connected();
    });
    return { cancel: () => timer.cancel() };
  }

  #addressOf(group: TargetGroupRecord, target: TargetRecord): Address | undefined {
    const { instances } = this.#state.ec2;
    const instanceId =
      group.targetType === 'instance' ? target.id : instances.byPrivateIp(target.id)?.instanceId;
    return instances.addressOf(instanceId ?? '');
  }

  #fail(incoming: IncomingMessage, outgoing: ServerResponse, status: 502 | 503 | 504): void {
    incoming.unpipe();
    incoming.resume();
    if (outgoing.headersSent || outgoing.destroyed) return;
    this.#counters.failure(status);
    const title = {
      502: '502 Bad Gateway',
      503: '503 Service Temporarily Unavailable',
      504: '504 Gateway Time-out',
    }[status];
    const body = `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n</body>\r\n</html>\r\n`;
    outgoing.writeHead(status, {
      server: 'awselb/2.0',
      'content-type': 'text/html',
      'content-length': body.length,
    });
    outgoing.end(body);
  }
}

function routed(incoming: IncomingMessage): RoutedRequest {
  return {
    host: incoming.headers.host ?? '',
    target: incoming.url ?? '/',
    method: incoming.method ?? 'GET',
    headers: incoming.headersDistinct,
    sourceIp: incoming.socket.remoteAddress ?? '',
  };
}
