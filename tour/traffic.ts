/**
 * A client of its own: sends requests through the load balancer at a steady pace, each on its own, retries
 * nothing, and counts what came back. It runs as a child process and talks over its IPC channel, so that
 * neither the region's event loop nor its clock can flatter the figures.
 *
 *   node tour/traffic.ts http://127.0.0.1:8080/ 200
 */
import { Agent, get } from 'node:http';

/** What the client has seen so far. */
export interface Traffic {
  readonly sent: number;
  readonly ok: number;
  readonly failed: number;
  /** Answers per release, as the service names it. */
  readonly byRelease: Readonly<Record<string, number>>;
  /** The first failures, in words. */
  readonly failures: readonly string[];
}

const [url, perSecondText] = process.argv.slice(2);
if (url === undefined || perSecondText === undefined)
  throw new Error('usage: traffic.ts URL REQUESTS-PER-SECOND');
const perSecond = Number(perSecondText);

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const byRelease: Record<string, number> = {};
const failures: string[] = [];
/** Each has a time and a reason, for whoever has to say which event cost it; a run that fails more has failed. */
const failuresKept = 500;
let sent = 0;
let ok = 0;
let failed = 0;
let stopping = false;

function fail(reason: string): void {
  failed += 1;
  if (failures.length < failuresKept) failures.push(`${new Date().toISOString()} ${reason}`);
}

function request(target: string): Promise<void> {
  sent += 1;
  return new Promise((resolve) => {
    const started = Date.now();
    get(target, { agent, timeout: 15_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('error', (error) => {
        fail(`broken answer: ${error.message}`);
        resolve();
      });
      response.on('end', () => {
        if (response.statusCode === 200) {
          ok += 1;
          const release = releaseOf(body);
          byRelease[release] = (byRelease[release] ?? 0) + 1;
        } else fail(`status ${response.statusCode}: ${body.slice(0, 120)}`);
        resolve();
      });
    })
      .on('timeout', function (this: { destroy(error: Error): void }) {
        this.destroy(new Error(`no answer in ${Date.now() - started} ms`));
      })
      .on('error', (error) => {
        fail(error.message);
        resolve();
      });
  });
}

function releaseOf(body: string): string {
  try {
    const parsed = JSON.parse(body) as { release?: string; version?: string };
    return parsed.release ?? parsed.version ?? '?';
  } catch {
    return '?';
  }
}

const pending = new Set<Promise<void>>();
const everyMs = 20;
let owed = 0;
const ticker = setInterval(() => {
  owed += (perSecond * everyMs) / 1000;
  // A slow machine may fall behind; what cannot be sent in time is not sent in a burst later.
  owed = Math.min(owed, perSecond / 4);
  while (owed >= 1 && pending.size < 256) {
    owed -= 1;
    const one = request(url).finally(() => pending.delete(one));
    pending.add(one);
  }
}, everyMs);

const report = (): Traffic => ({ sent, ok, failed, byRelease, failures });
const reporter = setInterval(() => process.send?.({ kind: 'progress', traffic: report() }), 250);

process.on('message', async (message) => {
  if (message !== 'stop' || stopping) return;
  stopping = true;
  clearInterval(ticker);
  await Promise.all(pending);
  clearInterval(reporter);
  agent.destroy();
  process.send?.({ kind: 'end', traffic: report() }, () => process.disconnect());
});
// Alone in the world, there is nobody to report to.
process.on('disconnect', () => process.exit(0));
