/** In short what `npm run simulate` does at length. */
import { expect, it } from 'vitest';
import { unrest } from './kit/at-rest.ts';
import { Fleet } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { manyRollouts, monthOfFleets } from './kit/simulation.ts';

it.skipIf(notPackaged !== undefined)(
  'many rollouts leave nothing behind',
  async () => {
    const { ends, rollouts, unrest: found } = await manyRollouts(8, 1);
    expect(found).toEqual([]);
    expect(rollouts).toBe(8);
    expect(ends).toEqual({ SUCCEEDED: expect.any(Number), CandidateUnhealthy: expect.any(Number) });
  },
  180_000,
);

it.skipIf(notPackaged !== undefined)('what is going on, or was left by hand, counts as unrest', async () => {
  const fleet = await Fleet.create();
  await fleet.deploy(await fleet.image('one'));
  expect(await unrest([fleet])).toEqual([]);
  await fleet.ask(await fleet.image('two'));
  await fleet.world.seconds(40);
  const found = (await unrest([fleet])).join('\n');
  for (const words of [
    'a lease is held',
    'there is a candidate',
    'a gate is open',
    'pinned',
    'weights',
    'still run',
  ])
    expect(found).toContain(words);
  await fleet.world.close();
});

it.skipIf(notPackaged !== undefined)(
  'eight days of ten fleets leave each young and at rest',
  async () => {
    const { ends, virtualSeconds, unrest: found } = await monthOfFleets(1, 240, 8);
    expect(found).toEqual([]);
    expect(virtualSeconds).toBe(8 * 86_400);
    expect(ends.SUCCEEDED).toBeGreaterThan(10);
  },
  180_000,
);
