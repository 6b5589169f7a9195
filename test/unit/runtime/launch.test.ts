import { describe, expect, it } from 'vitest';
import type { Groups } from '../../../src/aws/groups.ts';
import type { LaunchTemplates } from '../../../src/aws/launch-template.ts';
import type { FleetItem } from '../../../src/contracts/items.ts';
import type { GroupView } from '../../../src/fleet/world.ts';
import type { Hold } from '../../../src/runtime/rollout/hold.ts';
import { launchGroup } from '../../../src/runtime/rollout/launch.ts';

const fleet = {
  fleet: 'web',
  createdAt: '2026-11-27T12:00:00.000Z',
  specVersion: 1,
  fixed: { launchTemplateId: 'lt-1', blueArn: 'arn:blue', greenArn: 'arn:green' },
  spec: { instances: { types: ['t3.nano'] }, healthCheck: { gracePeriodSeconds: 60 } },
} as unknown as FleetItem; // all that is read of it

const standing: GroupView = {
  ...{ name: 'flt-web-v7-r12', release: 7, rollout: 12 },
  ...{ minimum: 1, desired: 2, maximum: 4, targetGroupArns: ['arn:blue'], members: [], deleting: false },
};

/** A group of this name stands already: what a rollout of this number makes of it. */
async function launch(rollout: number, group: Partial<GroupView>): Promise<number> {
  const groups: Pick<Groups, 'create' | 'describe'> = {
    create: async () => 'exists',
    describe: async () => ({ ...standing, ...group }),
  };
  const templates: Pick<LaunchTemplates, 'createVersion'> = { createVersion: async () => 3 };
  return launchGroup(
    {
      ...{ release: 7, groupName: standing.name, slot: 'blue', imageId: 'ami-1', rollout },
      capacity: { minimum: 1, desired: 2, maximum: 4 },
    },
    { fleet, before: async () => {} } as unknown as Hold,
    { groups: groups as Groups, templates: templates as LaunchTemplates },
    { stack: 'flotilla', defaults: { subnetIds: ['subnet-1'], securityGroupIds: ['sg-1'] } as never },
  );
}

describe('a group that exists already', () => {
  it('is the candidate of the rollout that its name and its tag tell, and of no other', async () => {
    expect(await launch(12, {})).toBe(3);
    await expect(launch(12, { rollout: 11 })).rejects.toThrow("is not this rollout's");
    await expect(launch(12, { release: 6 })).rejects.toThrow("is not this rollout's");
    await expect(launch(12, { deleting: true })).rejects.toThrow("is not this rollout's");
  });

  it.each([12, 15, 18])('is the group of live that shall be made anew, made by rollout %i', async (maker) => {
    expect(await launch(18, { rollout: maker })).toBe(3);
    await expect(launch(18, { rollout: maker, release: 6 })).rejects.toThrow("is not this rollout's");
    await expect(launch(18, { rollout: maker, deleting: true })).rejects.toThrow("is not this rollout's");
  });
});
