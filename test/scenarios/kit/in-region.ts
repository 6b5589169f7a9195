/** Settings for an SDK client that calls a region in this process, on the region's clock: no socket is opened. */
import { Readable } from 'node:stream';
import type { Region } from '../../../local/region.ts';

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array;
}

/** For clients of services that speak JSON, as an operator who may do everything. */
export function inRegionSettings(region: Pick<Region, 'context' | 'createOperator' | 'handle'>) {
  const { accessKeyId, secretAccessKey } = region.createOperator();
  return {
    region: region.context.regionName,
    endpoint: 'http://127.0.0.1:4566',
    credentials: { accessKeyId, secretAccessKey },
    // Another try would wait on the machine's clock.
    maxAttempts: 1,
    requestHandler: {
      async handle({ method, path, headers, body }: Request) {
        const answer = await region.handle({
          method,
          url: path,
          headers,
          body: typeof body === 'string' ? Buffer.from(body) : body,
        });
        const bytes =
          answer.body instanceof Readable ? answer.body : Readable.from([Buffer.from(answer.body)]);
        return { response: { statusCode: answer.status, headers: answer.headers, body: bytes } };
      },
    },
  } as const;
}

/** Has a client sign with the region's time. */
export function onClockOf<Client extends { readonly config: object }>(
  region: Pick<Region, 'context'>,
  client: Client,
): Client {
  Object.defineProperty(client.config, 'systemClockOffset', {
    get: () => region.context.clock.now() - Date.now(),
    // The client corrects itself by the dates of answers; here there is nothing to correct.
    set: () => {},
  });
  return client;
}
