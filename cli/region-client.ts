/** Signed calls to a local region's own API, below `/_region`. */
import type { Connection } from './connection.ts';
import { CommandError, exitCodes } from './exit-codes.ts';
import { openSigner } from './signing.ts';

/** Nothing there takes long. */
const timeoutMilliseconds = 10_000;

/**
 * @param path for example `/_region/faults`
 * @returns the answer's JSON
 * @throws CommandError where there is no local region, or it refuses
 */
export async function callRegion(
  connection: Connection,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<Readonly<Record<string, unknown>>> {
  if (connection.endpoint === undefined) {
    throw new CommandError(exitCodes.refused, 'Faults can be injected into a local region alone.', {
      advice: 'Start one with flotilla up, and leave FLOTILLA_API_URL out.',
    });
  }
  const url = new URL(path, connection.endpoint);
  const text = body === undefined ? undefined : JSON.stringify(body);
  const headers = await openSigner('region', connection)({ method, url, body: text });
  const answer = await fetch(url, {
    method,
    headers,
    ...(text === undefined ? {} : { body: text }),
    signal: AbortSignal.timeout(timeoutMilliseconds),
    redirect: 'error',
  }).catch((error: unknown) => {
    throw new CommandError(exitCodes.unreachable, `The region at ${url.origin} does not answer.`, {
      details: { reason: String(error) },
    });
  });
  const said = (await answer.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
  if (answer.ok) return said;
  const words = typeof said.message === 'string' ? said.message : `HTTP ${answer.status}`;
  throw new CommandError(
    answer.status === 401 || answer.status === 403 ? exitCodes.forbidden : exitCodes.refused,
    words,
  );
}
