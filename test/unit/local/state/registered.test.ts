/** Every service that holds state keeps it, and what it keeps is plain data. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import { createRegion, type Region } from '../../../../local/region.ts';
import type { Persistent } from '../../../../local/state/persistent.ts';

/** Parts that know nothing of their own: what they answer follows from others. */
const stateless = ['sts', 'quotas'];

let region: Region;

beforeAll(async () => {
  region = await createRegion({ clock: new VirtualClock() });
});

afterAll(() => region.close());

test('every part of the region is registered, or known to hold no state', () => {
  const without = Object.entries(region.parts as Record<string, { persistent?: Persistent }>)
    .filter(([, part]) => part.persistent === undefined)
    .map(([name]) => name);
  expect(without.sort()).toEqual([...stateless].sort());
});

test('what a new region would keep can be written and read', () => {
  const parts = Object.values(region.parts as Record<string, { persistent?: Persistent }>);
  for (const { persistent } of parts)
    for (const collection of persistent?.collections ?? [])
      for (const { id, value } of collection.save())
        expect(deserialize(serialize(value())), `${persistent?.name}/${collection.name} ${id}`).toEqual(
          value(),
        );
});

test('every quota that Service Quotas tells is kept by the service that enforces it', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'quotas-'));
  try {
    const options = { clock: new VirtualClock(), dataDir, keepState: true };
    const before = await createRegion(options);
    for (const [index, one] of before.parts.quotas.all.entries()) one.value = 1_000 + index;
    const told = before.parts.quotas.all.map(({ code, value }) => [code, value]);
    await before.close();
    const after = await createRegion(options);
    expect(after.parts.quotas.all.map(({ code, value }) => [code, value])).toEqual(told);
    await after.close();
  } finally {
    await rm(dataDir, { recursive: true });
  }
});
