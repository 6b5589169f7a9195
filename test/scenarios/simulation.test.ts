/** In short what `npm run simulate` does at length. */
import { expect, it } from 'vitest';
import { unrest } from './kit/at-rest.ts';
import { Fleet } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { manyRollouts, monthOfFleets } from './kit/simulation.ts';
import { Watch } from './kit/watch.ts';

it.skipIf(notPackaged !== undefined)(
  'many rollouts leave nothing behind',
  async () => {
    const { ends, rollouts, unrest: found } = await manyRollouts(8, 6);
    expect(found).toEqual([]);
    expect(rollouts).toBe(8);
    expect(ends).toEqual({ SUCCEEDED: 5, CandidateUnhealthy: 3 });
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

it.skipIf(notPackaged !== undefined)('the watch sees traffic that nobody answers, and its end', async () => {
  const fleet = await Fleet.create();
  await fleet.deploy(await fleet.image('one'));
  const watch = await Watch.over([fleet], 10);
  await fleet.world.seconds(60);
  expect([...watch.found]).toEqual([]);
  await fleet.setWeights({ blue: 50, green: 50 });
  await fleet.world.seconds(11);
  expect([...watch.found]).toEqual([expect.stringContaining('web has traffic and no healthy target')]);
  watch.found.clear();
  await fleet.setWeights({ blue: 0, green: 0 });
  await fleet.world.seconds(10);
  expect([...watch.found]).toEqual([expect.stringContaining('web has no weights')]);
  await fleet.world.close();
});

it.skipIf(notPackaged !== undefined)(
  'eight days of ten fleets leave each young and at rest',
  async () => {
    const { ends, virtualSeconds, unrest: found } = await monthOfFleets(1, 240, 8);
    expect(found).toEqual([]);
    expect(Math.floor(virtualSeconds / 86_400)).toBe(8);
    expect(ends.SUCCEEDED).toBeGreaterThan(10);
  },
  180_000,
);
