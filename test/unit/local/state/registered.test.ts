/** Every service that holds state keeps it, and what it keeps is plain data. */
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
