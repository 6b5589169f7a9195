/** What a gate counts against a candidate: who failed lately, and not who has aged meanwhile. */
import { describe, expect, it } from 'vitest';
import { tookOut } from '../../../local/services/autoscaling/causes.ts';
import type { FleetItem } from '../../../src/contracts/items.ts';
import { watchGate } from '../../../src/runtime/rollout/watch-gate.ts';
import { activity, group, fleet as live, target } from '../fleet/views.ts';

const day = 86_400_000;
const now = new Date('2026-11-23T12:00:00.000Z');
const since = new Date(now.getTime() - 30 * day).toISOString();
const waiting: FleetItem = {
  ...live,
  candidate: { release: 2, slot: 'green', groupName: 'flt-web-v2-r2' },
  gate: { token: 'token', rollout: 2, step: 1, waitsFor: 'time', since, until: since, alarms: [] },
};

/** What the sweeper does where two instances ended for this cause, so many seconds ago. */
async function watched(cause: string, ...agoSeconds: readonly number[]): Promise<string[]> {
  const activities = agoSeconds.map((seconds) =>
    activity('Terminating EC2 instance: i-9', { cause, startedAt: now.getTime() - seconds * 1000 }),
  );
  const deps = {
    groups: { describe: async () => group(['i-1']), activities: async () => activities },
    balancer: { targets: async () => [target('i-1', 'healthy')] },
    instances: { consoleTail: async () => [] },
    alarms: { describe: async () => [] },
    executions: { fail: async () => 'delivered' },
  };
  return watchGate(waiting, deps as never, { now: () => now });
}

describe('a candidate at a gate of a month', () => {
  it('fails by instances that were replaced for failing health in quick succession', async () => {
    expect(await watched(tookOut.targets, 100, 800)).toEqual([
      expect.stringContaining('stopped rollout 2: It was healthy and then failed'),
    ]);
  });
  it('goes on where hosts failed now and then', async () => {
    expect(await watched(tookOut.stopped, 100, 901)).toEqual([]);
  });
  it('goes on where its instances were replaced for their age', async () => {
    expect(await watched(tookOut.lifetime, 100, 200, 300)).toEqual([]);
  });
});
