/** The lineage of a fleet, which may have had thousands of releases: page by page. */
import { beforeAll, expect, test } from 'vitest';
import type { Table } from '../../../src/aws/table.ts';
import { keys, prefixes } from '../../../src/lineage/keys.ts';
import { readLineage } from '../../../src/runtime/read-lineage.ts';
import { tableInRegion } from '../../support/table-in-region.ts';
import { by, digest, release } from '../fleet/views.ts';

const world = tableInRegion();
const at = '2026-11-23T12:00:00.000Z';
const running = { instance: async () => undefined, ofImages: async () => [] };

const rollout = (number: number) => ({
  ...{ type: 'rollout', fleet: 'web', number, kind: 'deploy', release: number, from: 0, by },
  ...{ executionArn: `arn:aws:states:web-${number}`, status: 'succeeded', phase: 'ended', requestedAt: at },
});

beforeAll(async () => {
  for (const number of [1, 2, 3, 4, 5]) {
    await world.table.commit({
      writes: [
        {
          kind: 'put',
          key: keys.release('web', number),
          item: release(number, { fleet: 'web', createdAt: at }),
        },
        { kind: 'put', key: keys.rollout('web', number), item: rollout(number) },
        {
          kind: 'put',
          key: keys.ref(digest, 'release', `web/v${number}`),
          item: { type: 'ref', id: digest, toType: 'release', to: `web/v${number}`, at },
        },
      ],
    });
  }
});

const ask = async (
  id: string,
  paging: { limit: number; after?: string | undefined },
  table = world.table,
) => {
  const view = await readLineage(id, { table, running }, 'flotilla', paging);
  return {
    ...view,
    found: [view.releases.map(({ fleet, label }) => `${fleet}/${label}`), view.rollouts.map((one) => one.id)],
  };
};

test('is told of its newest releases, and leads on to the older ones', async () => {
  const pages: string[][][] = [];
  let after: string | undefined;
  do {
    const page = await ask('web', { limit: 2, after });
    pages.push(page.found.map((ids) => ids.toSorted().reverse()));
    after = page.next;
  } while (after !== undefined);
  const releases = pages.map(([first]) => first);
  expect(releases).toEqual([['web/v5', 'web/v4'], ['web/v3', 'web/v2'], ['web/v1']]);
  expect(pages.map(([, second]) => second)).toEqual([['web-5', 'web-4'], ['web-3', 'web-2'], ['web-1']]);
});

test('is nothing behind the last of them, and not found where there never was one', async () => {
  const { next } = await ask('web', { limit: 5 });
  if (next !== undefined) expect((await ask('web', { limit: 5, after: next })).releases).toEqual([]);
  await expect(ask('nobody', { limit: 5 })).rejects.toMatchObject({ name: 'LineageNotFound' });
  await expect(ask('web', { limit: 5, after: 'bent' })).rejects.toMatchObject({ name: 'RequestInvalid' });
});

test('reads the rollouts of a fleet once, however many of its releases are met', async () => {
  let reads = 0;
  const counted: Table = {
    ...world.table,
    queryAll: (pk, prefix, schema) => {
      if (prefix === prefixes.rollout) reads += 1;
      return world.table.queryAll(pk, prefix, schema);
    },
  };
  const { found } = await ask(digest, { limit: 20 }, counted);
  expect(found.map((ids) => ids.length)).toEqual([5, 5]);
  expect(reads).toBe(1);
});
