/** A process may start and end any number of regions: the crash matrix and the campaign run hundreds in one. */
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { Region } from '../../local/region.ts';
import { Fleet } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is left of a region: with its functions' modules one takes from 15 to 75 MB. */
const leftMb = 3;
const warmUps = 2;
const regions = 6;

type Ending = (fleet: Fleet) => Promise<void>;

const endings: Record<string, Ending> = {
  'that rests': async (fleet) => {
    await fleet.deploy(await fleet.image('one'));
  },
  // Executions wait, calls are out, and a function that was killed is owed answers.
  'in the midst of a rollout': async (fleet) => {
    const { clock, region } = fleet.world;
    region.faults.inject({
      kind: 'crash',
      function: 'flotilla-check-health',
      when: 'after',
      action: 'elasticloadbalancing:DescribeTargetHealth',
      nth: 1,
    });
    await fleet.ask(await fleet.image('one'));
    await clock.runUntil(() => region.faults.list().length === 0, 600_000);
    expect(region.faults.list()).toEqual([]);
  },
};

/** In a function of its own, so that nothing of the region is left on the stack of who asks. */
async function startAndEnd(ending: Ending): Promise<WeakRef<Region>> {
  const fleet = await Fleet.create();
  await ending(fleet);
  await fleet.world.close();
  return new WeakRef(fleet.world.region);
}

async function heapMb(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    // What a turn has looked at through a WeakRef is kept until its end.
    await setImmediate();
    collect();
  }
  return process.memoryUsage().heapUsed / 1e6;
}

describe.skipIf(notPackaged !== undefined)('a process after regions that have ended', () => {
  it.each(Object.entries(endings))(
    'has nothing of one %s',
    async (_, ending) => {
      const ended: WeakRef<Region>[] = [];
      let before = 0;
      for (let index = 0; index < warmUps + regions; index += 1) {
        // The first ones load and compile what all of them share, and the SDK's clients here keep the first for ever: in
        // the stack of the error that there is no ~/.aws/config.
        if (index === warmUps) before = await heapMb();
        ended.push(await startAndEnd(ending));
      }
      const grown = (await heapMb()) - before;
      expect(ended.slice(warmUps).filter((region) => region.deref() !== undefined)).toHaveLength(0);
      expect(grown / regions).toBeLessThan(leftMb);
    },
    240_000,
  );
});
