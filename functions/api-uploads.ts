/** POST /fleets/{fleet}/uploads: a URL that takes the bytes of an artifact. */
import { openTable, type Table } from '../src/aws/table.ts';
import { openUploadUrls, type UploadUrls } from '../src/aws/upload-url.ts';
import type { UploadTicket } from '../src/contracts/api.ts';
import { onBehalfOf } from '../src/lineage/upload.ts';
import { apiFunction, type Route, route } from '../src/runtime/http.ts';
import { requireFleet } from '../src/runtime/read-fleet.ts';

interface Deps {
  readonly table: Table;
  readonly urls: UploadUrls;
}

/** Enough for a slow line, and less than the life of the function's own credentials, with which the URL dies. */
const expiresInSeconds = 900;

export const routes: readonly Route<Deps>[] = [
  route('startUpload', async ({ params, body, actor }, { table, urls }: Deps, { clock, config }) => {
    const { fleet } = await requireFleet(table, params.fleet);
    const key = `${fleet}/${body.name}`;
    const expiresAt = new Date(clock.now().getTime() + expiresInSeconds * 1000).toISOString();
    const { sizeBytes, sha256 } = body;
    const { url, headers } = await urls.put({
      bucket: config.uploadBucket,
      key,
      expiresInSeconds,
      sizeBytes,
      sha256,
      // Lineage shall name the person, not this function.
      metadata: { [onBehalfOf]: actor.principal },
    });
    const outcome = `/uploads?${new URLSearchParams({ fleet, key })}`;
    const ticket: UploadTicket = {
      url,
      method: 'PUT',
      headers: { ...headers },
      bucket: config.uploadBucket,
      key,
      expiresAt,
      outcome,
    };
    return { status: 201, body: ticket, location: outcome };
  }),
];

export const handler = apiFunction<Deps>({
  name: 'api-uploads',
  deps: (config) => ({ table: openTable(config.table), urls: openUploadUrls() }),
  routes,
});
