/** Taking up a warm group that somebody deleted between plan and launch. */
import { expect, it } from 'vitest';
import type { Groups } from '../../../src/aws/groups.ts';
import type { RolloutPlan } from '../../../src/contracts/rollout.ts';
import type { Hold } from '../../../src/runtime/rollout/hold.ts';
import { launchCandidate } from '../../../src/runtime/rollout/launch.ts';
import { fleet, warm } from '../fleet/views.ts';

const view = {
  name: warm.groupName,
  ...{ release: 2, rollout: 2, minimum: 1, desired: 2, maximum: 4 },
  ...{ targetGroupArns: [], members: [], deleting: false },
};

/** What comes of a group of two instances, where so many are wanted. */
function adopt(shown: Awaited<ReturnType<Groups['describe']>>, resized: 'resized' | 'gone', desired: number) {
  const groups: Pick<Groups, 'describe' | 'resize'> = {
    describe: async () => shown,
    resize: async () => resized,
  };
  const capacity = { minimum: desired, desired, maximum: 4 };
  const plan = { way: 'warm', release: 2, slot: 'green', groupName: warm.groupName, pin: null, capacity };
  return launchCandidate(
    { fleet: 'web', rollout: 3, execution: 'arn:x', fence: 1, plan: plan as unknown as RolloutPlan },
    {
      ...{ fleet, before: async () => {}, now: () => new Date(0) },
      change: async () => fleet,
    } as unknown as Hold, // all that is asked of it
    { groups: groups as Groups, templates: undefined as never }, // no group is made
    undefined as never, // nor is what a group is made with
  );
}

it.each([
  ['is not shown', undefined, 'resized', 2],
  ['is shown as being deleted', { ...view, minimum: 2, deleting: true }, 'resized', 2],
  ['turns out to be gone when it is to grow', view, 'gone', 4],
] as const)('a warm group that %s fails the launch by name', async (_, shown, resized, desired) => {
  await expect(adopt(shown, resized, desired)).rejects.toMatchObject({
    name: 'CandidateLaunchFailed',
    message: expect.stringContaining(`The warm group ${warm.groupName} is gone`),
  });
});

it.each([2, 4])('a warm group that stands is taken up with %i instances', async (desired) => {
  expect(await adopt(view, 'resized', desired)).toMatchObject({ templateVersion: null });
});
