/** Schedules at random: a sample of what `npm run campaign` plays by the thousand. */
import { describe, expect, it } from 'vitest';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { playSchedules } from './kit/schedules/run.ts';

// A schedule takes some 0.7 s of a core, and a region 3 s to begin with.
const schedulesEach = 40;

describe.skipIf(notPackaged !== undefined)(
  'two fleets to which anything happens',
  { timeout: 300_000 },
  () => {
    it.each([1, 2, 3, 4, 5])('keep every invariant, and rest in the end (seed %i)', async (seed) => {
      expect(await playSchedules(seed, schedulesEach)).toEqual({
        schedules: schedulesEach,
        broken: undefined,
      });
    });
  },
);
