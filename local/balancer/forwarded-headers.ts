/** Headers on their way to a target and back. */
import type { IncomingMessage } from 'node:http';
import type { Random } from '../random.ts';

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'proxy-connection',
]);

/** What the load balancer writes itself, whatever the client sent. */
const replaced = new Set(['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-port', 'x-amzn-trace-id']);

/**
 * The request's headers as the target gets them, name after value.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
 */
export function headersToTarget(
  incoming: IncomingMessage,
  listenerPort: number,
  now: number,
  random: Random,
): string[] {
  const headers: string[] = [];
  const named = new Set<string>();
  // What a Connection header names is for this hop alone.
  for (const name of (incoming.headers.connection ?? '').split(',')) named.add(name.trim().toLowerCase());
  for (let index = 0; index + 1 < incoming.rawHeaders.length; index += 2) {
    const name = incoming.rawHeaders[index] ?? '';
    const lower = name.toLowerCase();
    if (hopByHop.has(lower) || named.has(lower) || replaced.has(lower)) continue;
    headers.push(name, incoming.rawHeaders[index + 1] ?? '');
  }
  const peer = (incoming.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
  const before = incoming.headers['x-forwarded-for'];
  headers.push('X-Forwarded-For', before === undefined ? peer : `${before}, ${peer}`);
  headers.push('X-Forwarded-Proto', 'http', 'X-Forwarded-Port', `${listenerPort}`);
  headers.push('X-Amzn-Trace-Id', traceId(incoming.headers['x-amzn-trace-id'], now, random));
  if (incoming.headers['transfer-encoding'] !== undefined) headers.push('Transfer-Encoding', 'chunked');
  return headers;
}

/**
 * "If the X-Amzn-Trace-Id header is present and has a Root field, the load balancer inserts a Self field … If [it] is
 * present but does not have a Root field, the load balancer adds a Root field."
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html
 */
export function traceId(given: string | readonly string[] | undefined, now: number, random: Random): string {
  const made = `1-${Math.floor(now / 1_000).toString(16)}-${random.hex(24)}`;
  const fields = (typeof given === 'string' ? given : (given ?? []).join(';'))
    .split(';')
    .map((field) => field.trim())
    .filter((field) => field !== '' && !field.startsWith('Self='));
  const rooted = fields.some((field) => field.startsWith('Root='));
  return [`${rooted ? 'Self' : 'Root'}=${made}`, ...fields].join(';');
}

/** The answer's headers as the client gets them, with the load balancer's own cookies. */
export function headersToClient(answer: IncomingMessage, cookies: readonly string[]): string[] {
  const headers: string[] = [];
  for (let index = 0; index + 1 < answer.rawHeaders.length; index += 2) {
    const name = answer.rawHeaders[index] ?? '';
    if (!hopByHop.has(name.toLowerCase())) headers.push(name, answer.rawHeaders[index + 1] ?? '');
  }
  for (const cookie of cookies) headers.push('Set-Cookie', cookie);
  return headers;
}
