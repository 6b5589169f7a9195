import { describe, expect, it } from 'vitest';
import type { Quotas } from '../../../src/aws/quotas.ts';
import { type QuotaRef, templateVersionQuota } from '../../../src/fleet/quotas.ts';
import { rememberedQuotas } from '../../../src/runtime/rollout/remembered-quotas.ts';

const hour = 3_600_000;
const began = new Date('2026-11-26T12:00:00Z');
const quota: QuotaRef = { service: 'ec2', code: 'L-1216C47A', name: 'Running On-Demand Standard instances' };

/** An account that says what it was asked. */
function account(usedGroups = 3) {
  const asked: string[] = [];
  const quotas: Quotas = {
    value: async ({ code }) => {
      asked.push(code);
      return 64;
    },
    running: async () => {
      asked.push('running');
      return [];
    },
    vcpus: async (types) => {
      asked.push(...types);
      return new Map(types.map((type) => [type, 2]));
    },
    groups: async () => {
      asked.push('groups');
      return { used: usedGroups, quota: 500 };
    },
    templateVersions: async () => 1,
  };
  return { asked, quotas };
}

/** Asks all that a plan asks. @returns what AWS was asked for it, and what is remembered then */
async function plan(
  before: Parameters<typeof rememberedQuotas>[1],
  afterMilliseconds: number,
  usedGroups?: number,
) {
  const { asked, quotas } = account(usedGroups);
  const memory = rememberedQuotas(quotas, before, new Date(began.getTime() + afterMilliseconds));
  expect(await memory.quotas.value(quota)).toBe(64);
  expect(await memory.quotas.vcpus(['t3.nano'])).toEqual(new Map([['t3.nano', 2]]));
  await memory.quotas.groups();
  await memory.quotas.running();
  return { asked, known: memory.known(), remembered: memory.remembered() };
}

describe('what a fleet remembers of the quotas', () => {
  it('is asked for once a day; what runs is asked each time', async () => {
    const first = await plan(undefined, 0);
    expect(first).toMatchObject({
      asked: ['L-1216C47A', 't3.nano', 'groups', 'running'],
      remembered: false,
    });
    const second = await plan(first.known, 23 * hour);
    expect(second).toMatchObject({ asked: ['running'], remembered: true });
    // What was remembered does not become younger by being used.
    expect((await plan(second.known, 25 * hour)).asked).toEqual(['L-1216C47A', 'groups', 'running']);
  });

  it('leaves out how many groups there are where they are near their quota', async () => {
    const first = await plan(undefined, 0, 401);
    expect((await plan(first.known, hour)).asked).toEqual(['groups', 'running']);
  });

  it('does not mix up quotas', async () => {
    const { known } = await plan(undefined, 0);
    const { asked, quotas } = account();
    await rememberedQuotas(quotas, known, began).quotas.value(templateVersionQuota);
    expect(asked).toEqual([templateVersionQuota.code]);
  });
});
