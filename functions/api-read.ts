/** Every GET of the HTTP API. It may read, and nothing else. */
import { openRunning, type Running } from '../src/aws/running.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import type { UploadDetailView } from '../src/contracts/api-views.ts';
import { follow } from '../src/runtime/following.ts';
import { type ApiAnswer, apiFunction, type Route, route } from '../src/runtime/http.ts';
import { listFleets, listReleases, listRollouts, readFleet, readRollout } from '../src/runtime/read-fleet.ts';
import { readLineage } from '../src/runtime/read-lineage.ts';
import { listUploads, readUpload } from '../src/runtime/read-uploads.ts';
import { productVersion } from '../src/runtime/version.ts';

interface Deps {
  readonly table: Table;
  readonly running: Running;
}

const ok = (body: object): ApiAnswer => ({ status: 200, body });

export const routes: readonly Route<Deps>[] = [
  route('describeStack', async (_request, _deps, { config }) =>
    ok({
      stack: config.stack,
      version: productVersion,
      region: process.env.AWS_REGION ?? '',
      uploadBucket: config.uploadBucket,
      storeBucket: config.storeBucket,
    }),
  ),
  route('listFleets', async ({ query }, { table }: Deps) => ok(await listFleets(table, query))),
  route('getFleet', async ({ params }, { table }: Deps) => ok(await readFleet(table, params.fleet))),
  route('listReleases', async ({ params, query }, { table }: Deps) =>
    ok(await listReleases(table, params.fleet, query)),
  ),
  route('listRollouts', async ({ params, query }, { table }: Deps) =>
    ok(await listRollouts(table, params.fleet, query)),
  ),
  route('getRollout', async ({ params, query }, { table }: Deps, invocation) =>
    ok(
      await follow(
        () => readRollout(table, params.id),
        (seen) => seen.ended || seen.version !== query.since,
        query.waitSeconds,
        invocation,
      ),
    ),
  ),
  route('getLineage', async ({ params, query }, deps: Deps, { config }) =>
    ok(await readLineage(params.id, deps, config.stack, query)),
  ),
  route('listUploads', async ({ query }, { table }: Deps, invocation) =>
    ok(
      await follow(
        () => listUploads(table, query),
        (page) => page.items.length > 0,
        query.waitSeconds,
        invocation,
      ),
    ),
  ),
  route('getUpload', async ({ params, query }, { table }: Deps, invocation) =>
    ok(
      await follow(
        () => readUpload(table, params.id),
        (seen: UploadDetailView) => seen.ended || seen.version !== query.since,
        query.waitSeconds,
        invocation,
      ),
    ),
  ),
];

export const handler = apiFunction<Deps>({
  name: 'api-read',
  deps: (config) => ({ table: openTable(config.table), running: openRunning() }),
  routes,
});
