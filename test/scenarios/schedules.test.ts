/** Schedules at random: a sample of what `npm run campaign` plays by the thousand. */
import { describe, expect, it } from 'vitest';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { playSchedules } from './kit/schedules/run.ts';

// A schedule takes more than a second of a core.
const schedulesEach = 18;

describe.skipIf(notPackaged !== undefined)(
  'two fleets to which anything happens',
  { timeout: 300_000 },
  () => {
    it.each([1, 2])('keep every invariant, and rest in the end (seed %i)', async (seed) => {
      expect(await playSchedules(seed, schedulesEach)).toEqual({
        schedules: schedulesEach,
        broken: undefined,
      });
    });
  },
);
