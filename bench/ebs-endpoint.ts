/**
 * The write side of the EBS direct APIs at a distance, for the bench, as a process of its own: a put is answered 40 ms
 * after it began, and 1,000 are taken a second. The quota is AWS's; how far it lets a burst go is not published,
 * so it is a tenth of a second here. Bodies are counted and dropped, so that this end is not what is measured.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { WallClock } from '../local/clock.ts';
import { TokenBucket } from '../local/throttling/token-bucket.ts';

const latencyMs = 40;
const blockBytes = 524_288;
const puts = new TokenBucket(new WallClock(), 100, 1_000);
let snapshots = 0;

const server = createServer((request, response) => {
  const began = performance.now();
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on('end', () => {
    setTimeout(() => answer(request, response, bytes), Math.max(0, began + latencyMs - performance.now()));
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
});
/** Asked for what it has spent so far, it tells. */
process.on('message', () => process.send?.(process.cpuUsage()));
process.on('disconnect', () => process.exit());

function answer({ method, url = '' }: IncomingMessage, response: ServerResponse, bytes: number): void {
  if (method === 'PUT' && bytes < blockBytes) {
    json(response, 400, { Message: 'The block is short', Reason: 'INVALID_BLOCK' }, 'ValidationException');
  } else if (method === 'PUT' && !puts.take()) {
    json(response, 400, { Message: 'Slow down', Reason: 'ACCOUNT_THROTTLED' }, 'RequestThrottledException');
  } else if (method === 'PUT') {
    json(response, 201, {});
  } else if (url.startsWith('/snapshots/completion/')) {
    json(response, 202, { Status: 'completed' });
  } else {
    snapshots += 1;
    const SnapshotId = `snap-${snapshots.toString(16).padStart(17, '0')}`;
    json(response, 201, { SnapshotId, BlockSize: blockBytes, Status: 'pending', SseType: 'none' });
  }
}

function json(response: ServerResponse, status: number, body: object, error?: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(error === undefined ? {} : { 'x-amzn-errortype': error }),
  });
  response.end(JSON.stringify(body));
}
