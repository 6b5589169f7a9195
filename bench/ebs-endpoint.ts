/**
 * The write side of the EBS direct APIs at a distance, for the bench, as a process of its own: a put is answered 40 ms
 * after it began, and 1,000 are taken a second. The quota is AWS's; how far it lets a burst go is not published,
 * so it is a tenth of a second here. Bodies are counted and dropped, and requests read from the bare socket, so that
 * this end, which shares the machine with what is measured, takes as little of it as it can: `node:http` took twice
 * the processor time for the same.
 */
import { createServer, type Socket } from 'node:net';
import { WallClock } from '../local/clock.ts';
import { TokenBucket } from '../local/throttling/token-bucket.ts';

const latencyMs = 40;
const blockBytes = 524_288;
const headEnd = Buffer.from('\r\n\r\n');
const puts = new TokenBucket(new WallClock(), 100, 1_000);
let snapshots = 0;

/** A request whose head has been read. */
interface Request {
  readonly method: string;
  readonly path: string;
  readonly began: number;
  readonly bodyBytes: number;
}

const server = createServer((socket) => {
  /** What has come of a head; of a body, how much is still to come. */
  let head: Buffer = Buffer.alloc(0);
  let request: Request | undefined;
  let missing = 0;
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    let rest = chunk;
    while (rest.length > 0 || (request !== undefined && missing === 0)) {
      if (request === undefined) {
        head = head.length === 0 ? rest : Buffer.concat([head, rest]);
        const end = head.indexOf(headEnd);
        if (end < 0) return;
        request = readHead(head.toString('latin1', 0, end));
        missing = request.bodyBytes;
        rest = head.subarray(end + headEnd.length);
        head = Buffer.alloc(0);
      }
      const taken = Math.min(missing, rest.length);
      missing -= taken;
      rest = rest.subarray(taken);
      if (missing > 0) return;
      const ended = request;
      request = undefined;
      const wait = Math.max(0, ended.began + latencyMs - performance.now());
      setTimeout(() => answer(ended, socket), wait);
    }
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
/** Asked for what it has spent so far, it tells. */
process.on('message', () => process.send?.(process.cpuUsage()));
process.on('disconnect', () => process.exit());

/** @throws Error where the body's length is not told: a client that sends pieces is none of the bench's */
function readHead(head: string): Request {
  const [method = '', path = ''] = head.slice(0, head.indexOf('\r\n')).split(' ');
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined && /\r\n(transfer-encoding|expect):/i.test(head)) {
    throw new Error(`${method} ${path} has a body of unknown length`);
  }
  return { method, path, began: performance.now(), bodyBytes: Number(length ?? 0) };
}

function answer({ method, path, bodyBytes }: Request, socket: Socket): void {
  if (method === 'PUT' && bodyBytes < blockBytes) {
    json(socket, 400, { Message: 'The block is short', Reason: 'INVALID_BLOCK' }, 'ValidationException');
  } else if (method === 'PUT' && !puts.take()) {
    json(socket, 400, { Message: 'Slow down', Reason: 'ACCOUNT_THROTTLED' }, 'RequestThrottledException');
  } else if (method === 'PUT') {
    json(socket, 201, {});
  } else if (path.startsWith('/snapshots/completion/')) {
    json(socket, 202, { Status: 'completed' });
  } else {
    snapshots += 1;
    const SnapshotId = `snap-${snapshots.toString(16).padStart(17, '0')}`;
    json(socket, 201, { SnapshotId, BlockSize: blockBytes, Status: 'pending', SseType: 'none' });
  }
}

const reasons: Readonly<Record<number, string>> = { 201: 'Created', 202: 'Accepted', 400: 'Bad Request' };

function json(socket: Socket, status: number, body: object, error?: string): void {
  const text = JSON.stringify(body);
  const type = error === undefined ? '' : `x-amzn-errortype: ${error}\r\n`;
  socket.write(
    `HTTP/1.1 ${status} ${reasons[status]}\r\ncontent-type: application/json\r\n${type}content-length: ${text.length}\r\n\r\n${text}`,
  );
}
