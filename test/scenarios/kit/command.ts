/** The `flotilla` command at the doors of a stack in virtual time: its words, its exit code, what it says and sends. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { run } from '../../../cli/run.ts';
import type { Doors } from './doors.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What it asked of the API: `GET /fleets/web`. */
  readonly asked: readonly string[];
  /** What it said would go on if it were interrupted, from first to last. */
  readonly goesOn: readonly string[];
}

/** Something happens to a request, before it is answered: a failure of the line, or an answer in place of the API's. */
export type Meddle = (request: string, nth: number) => Response | undefined;

/**
 * Runs the command to its end. Time passes while the API makes it wait, and not otherwise.
 * @param line without quotes: words are separated by spaces
 */
export async function command(doors: Doors, line: string, meddle: Meddle = () => undefined): Promise<Ran> {
  const asked: string[] = [];
  const goesOn: string[] = [];
  const said = { stdout: '', stderr: '' };
  const bucket = await uploadDoor(doors);
  const ask: typeof fetch = async (url, { method = 'GET', body } = {}) => {
    const { pathname, search } = new URL(String(url));
    const request = `${method} ${pathname}`;
    asked.push(request);
    const instead = meddle(request, asked.filter((one) => one === request).length);
    if (instead !== undefined) return instead;
    const given = typeof body === 'string' ? (JSON.parse(body) as object) : undefined;
    const answer = await doors.api(`${request}${search}`, given);
    if (typeof answer.body.url === 'string') answer.body.url = bucket.instead(answer.body.url);
    return Response.json(answer.body, { status: answer.status });
  };
  try {
    const code = await run(line.split(' '), {
      env: {
        FLOTILLA_API_URL: 'https://api.execute-api.us-east-1.amazonaws.com',
      },
      uid: 0,
      stdout: { write: (text) => (said.stdout += text) },
      stderr: { write: (text) => (said.stderr += text) },
      fetch: ask,
      now: () => new Date(doors.world.clock.now()),
      sleep: (milliseconds) => doors.world.clock.advance(milliseconds),
      goesOn: (words) => goesOn.push(words),
    });
    return { code, ...said, asked, goesOn };
  } finally {
    await bucket.close();
  }
}

/** A socket for presigned URLs, which lead nowhere in virtual time: hands requests on to the region as they were meant. */
async function uploadDoor({ world }: Doors) {
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    const { status, headers: answered } = await world.region.handle({
      method,
      url,
      headers: { ...(headers as Record<string, string>), host: signedHost },
      body: await buffer(request),
    });
    response.writeHead(status, answered).end();
  });
  let signedHost = '';
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    instead(url: string): string {
      signedHost = new URL(url).host;
      return Object.assign(new URL(url), { host: `127.0.0.1:${port}` }).href;
    },
    async close(): Promise<void> {
      server.close();
      await once(server, 'close');
    },
  };
}
