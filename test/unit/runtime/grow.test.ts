import { describe, expect, it } from 'vitest';
import type { Groups } from '../../../src/aws/groups.ts';
import type { JustSeen, RolloutPlan } from '../../../src/contracts/rollout.ts';
import { growForShare } from '../../../src/runtime/rollout/grow.ts';
import type { Hold } from '../../../src/runtime/rollout/hold.ts';

const now = new Date('2026-11-26T12:00:00Z');
const candidate = { release: 2, slot: 'green', groupName: 'flt-web-v2-r2' } as const;
const live = { release: 1, slot: 'blue', groupName: 'flt-web-v1-r1' } as const;
const seen: JustSeen = {
  candidate: 2,
  live: { minimum: 2, desired: 2 },
  targets: null,
  at: now.toISOString(),
};

/** Whether Auto Scaling is asked before the step, where the state before it saw this. */
async function asks(justSeen: Partial<JustSeen>, growing = false): Promise<boolean> {
  let asked = false;
  const view = {
    release: 1,
    rollout: 1,
    minimum: 2,
    desired: 2,
    maximum: 4,
    targetGroupArns: [],
    members: [],
  };
  const groups: Pick<Groups, 'describeAll'> = {
    describeAll: async (names) => {
      asked = true;
      return names.map((name) => ({ ...view, name, deleting: false }));
    },
  };
  const growth = { to: 2, since: now.toISOString(), proven: false };
  const fleet = {
    live,
    candidate: growing ? { ...candidate, growth } : candidate,
    pins: [{ kind: 'minimum-pinned', groupName: live.groupName, former: 1, pinned: 2, deadline: '' }],
  };
  const plan = { groupName: candidate.groupName, mode: 'full', wholeSize: 2, capacity: { desired: 2 } };
  const call = { fleet: 'web', rollout: 2, execution: 'arn:x', fence: 1, step: 1, share: 10 };
  await growForShare(
    { ...call, plan: plan as RolloutPlan, justSeen: { ...seen, ...justSeen } },
    { fleet, now: () => now } as unknown as Hold, // all that is read of it
    { groups: groups as Groups, instances: undefined as never }, // nobody is ill here
    { targets: [], activities: [] },
  ).catch((error: unknown) => {
    // What grows is not healthy here, and never ends.
    if (!growing) throw error;
  });
  return asked;
}

describe('the sizes that the state before has just seen', () => {
  it('spare the step a look', async () => {
    expect(await asks({})).toBe(false);
    expect(await asks({ at: new Date(now.getTime() - 1_000).toISOString() })).toBe(false);
  });

  it.each<[string, Partial<JustSeen>, boolean?]>([
    ['they are older than a look at the fence may be', { at: new Date(now.getTime() - 1_001).toISOString() }],
    ['live had lost its pin', { live: { minimum: 1, desired: 2 } }],
    ['live was not shown', { live: null }],
    ['live had grown beyond the candidate', { live: { minimum: 2, desired: 3 }, candidate: 2 }],
    ['the candidate was smaller than planned', { candidate: 1 }],
    ['the candidate is growing', {}, true],
  ])('count for nothing where %s', async (_why, justSeen, growing) => {
    const asked = await asks(justSeen, growing).catch(() => true);
    expect(asked).toBe(true);
  });
});
