/** The filters of lists, as a table answers them. */
import { beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import type { ListFilter } from '../../../src/aws/list-filter.ts';
import { tableInRegion } from '../../support/table-in-region.ts';

const time = (minute: number): string => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString();
const idle = { lease: null, queue: [], pins: [], warm: null, updatedAt: time(0) };
const fleets = {
  idle,
  leased: { ...idle, lease: { holder: 'x' } },
  queued: { ...idle, queue: [7] },
  pinned: { ...idle, pins: [{ groupName: 'g' }] },
  warm: { ...idle, warm: { keepUntil: time(9) } },
  'updated-at-5': { ...idle, updatedAt: time(5) },
};

const world = tableInRegion();

beforeAll(async () => {
  for (const [name, item] of Object.entries(fleets)) {
    const key = { pk: name, sk: 'FLEET' };
    const list = { listPk: 'FLEETS', listSk: name };
    await world.table.commit({ writes: [{ kind: 'put', key, item: { name, ...item }, list }] });
  }
  // The index lags.
  await world.clock.advance(60_000);
});

const all = Object.keys(fleets).sort();

test.each<[string, ListFilter | undefined, string[]]>([
  ['all', undefined, all],
  ['what has work', { kind: 'with-work' }, ['leased', 'pinned', 'queued', 'warm']],
  ['what was updated since', { kind: 'updated-since', since: time(5) }, ['updated-at-5']],
  ['what was updated since before all', { kind: 'updated-since', since: time(0) }, all],
  [
    'what is listed from a place on',
    { kind: 'from-place', listSk: 'queued' },
    all.filter((name) => name >= 'queued'),
  ],
])('gives %s', async (_, only, expected) => {
  const schema = z.object({ name: z.string() });
  const page = await world.table.list('FLEETS', schema, only === undefined ? {} : { only });
  expect(page.items.map(({ name }) => name)).toEqual(expected);
});
