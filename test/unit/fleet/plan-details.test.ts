/** What a plan takes from the world, where that is not what the spec says. */
import { describe, expect, it } from 'vitest';
import { alarmWatch, fleetSpec } from '../../../src/contracts/fleet-spec.ts';
import type { FleetItem } from '../../../src/contracts/items.ts';
import { planRollout, type RolloutWorld } from '../../../src/fleet/plan.ts';
import type { QuotaWorld } from '../../../src/fleet/quotas.ts';
import type { GroupView } from '../../../src/fleet/world.ts';
import { fleet, inNoWay, live, release, roomFor, warm } from './views.ts';

const group = (name: string, desired: number, more: Partial<GroupView> = {}): GroupView => ({
  name,
  release: 1,
  rollout: 1,
  minimum: desired,
  desired,
  maximum: 9,
  targetGroupArns: [],
  members: Array.from({ length: desired }, (_, n) => ({
    id: `${name}/${n}`,
    lifecycleState: 'InService',
    healthStatus: 'Healthy',
  })),
  deleting: false,
  ...more,
});
const healthy = (one: GroupView) => ({ targets: one.members.map(({ id }) => ({ id, state: 'healthy' })) });
const empty = { targets: [] };
const liveGroup = group(live.groupName, 4);
const warmGroup = group(warm.groupName, 2);

const quotas = (vcpus: number, more: Partial<QuotaWorld> = {}): QuotaWorld => ({
  ...roomFor(vcpus),
  ...more,
});

function plan(more: Partial<RolloutWorld> = {}) {
  const verdict = planRollout({
    ...inNoWay,
    slots: { blue: healthy(liveGroup), green: empty },
    groups: [liveGroup],
    ...more,
  });
  return verdict.verdict === 'go'
    ? { plan: verdict.plan, reasons: [] }
    : { plan: undefined, reasons: verdict.reasons };
}

function withSpec(rollout: Partial<FleetItem['spec']['rollout']>, more: Partial<FleetItem> = {}): FleetItem {
  return { ...fleet, ...more, spec: { ...fleet.spec, rollout: { ...fleet.spec.rollout, ...rollout } } };
}

const steps = [10, 100].map((weight) => ({ weight, bakeSeconds: 60, approval: false, approvalSeconds: 60 }));

describe('the plan', () => {
  it('says all that the rollout will do', () => {
    expect(plan({ fleet: withSpec({ steps }) })).toStrictEqual({
      reasons: [],
      plan: {
        kind: 'deploy',
        way: 'launch',
        release: 3,
        imageId: 'ami-3',
        slot: 'green',
        groupName: 'flt-web-v3-r3',
        mode: 'full',
        wholeSize: 4,
        capacity: { minimum: 4, desired: 4, maximum: 4 },
        pin: null,
        steps,
        evict: null,
        smokeTest: false,
        testTraffic: false,
        notes: [],
      },
    });
  });

  it('launches the share of the first step where capacity follows the weights, and all of it for one step', () => {
    const follow = withSpec({ steps, capacity: 'follow' });
    expect(plan({ fleet: follow }).plan).toMatchObject({
      mode: 'follow',
      wholeSize: 4,
      capacity: { minimum: 1, desired: 1, maximum: 4 },
    });
    expect(plan({ fleet: withSpec({ steps: [], capacity: 'follow' }) }).plan).toMatchObject({
      capacity: { minimum: 4, desired: 4 },
    });
  });

  it('asks a smoke test and hooks where the spec has them; on the way back to a warm release no hook', () => {
    const parsed = fleetSpec.parse({
      rule: { hosts: ['web.example.com'] },
      healthCheck: { path: '/' },
      instances: { minimum: 1, desired: 1, maximum: 4 },
      rollout: {
        smokeTest: { path: '/smoke' },
        hooks: { beforeTraffic: 'arn:aws:lambda:eu-west-1:000000000000:function:ask' },
      },
    }).rollout;
    const asking = withSpec(parsed, { warm });
    const seen = { moment: 'before traffic', arn: 'arn:x', tags: { known: true, value: null } } as const;
    const world = { fleet: asking, groups: [liveGroup, warmGroup] };
    expect(plan(world).plan).toMatchObject({ smokeTest: true, hooks: parsed.hooks });
    expect(plan({ ...world, hooks: [seen] }).reasons).toEqual([
      'the hook before traffic, arn:x, does not exist; make it, or apply the fleet without it',
    ]);
    const back = plan({ ...world, hooks: [seen], release: release(2), kind: 'rollback' });
    expect(back.plan).toMatchObject({ way: 'warm', kind: 'rollback' });
    expect(back.plan).not.toHaveProperty('hooks');
    // One that is deployed again goes forward, and one that has to be launched is as new as any.
    const forward = plan({ ...world, release: release(2) });
    expect(forward.plan).toMatchObject({ way: 'warm', kind: 'deploy', hooks: parsed.hooks });
    expect(plan({ ...world, hooks: [seen], release: release(2) }).reasons).toHaveLength(1);
    expect(plan({ ...world, kind: 'rollback' }).plan).toMatchObject({ way: 'launch', hooks: parsed.hooks });
  });

  it('finds the group of a first release that a call before it made', () => {
    const weights = { blue: 0, green: 0 };
    const first = { ...fleet, live: null, served: false, weights };
    const own = group('flt-web-v3-r3', 1);
    expect(
      plan({
        fleet: first,
        rule: { weights, foreign: [], sticky: false },
        slots: { blue: healthy(own), green: empty },
        groups: [own],
      }).plan,
    ).toMatchObject({ slot: 'blue', wholeSize: 1, pin: null, steps: [{ weight: 100, approval: false }] });
  });

  it('notes which hooks could not be looked at', () => {
    const unseen = {
      moment: 'after traffic',
      arn: 'arn:x',
      tags: { known: false, why: 'no right' },
    } as const;
    expect(plan({ hooks: [unseen] }).plan?.notes).toEqual([
      'the hook after traffic, arn:x, was not looked at: no right',
    ]);
  });
});

describe('the room that a plan needs', () => {
  it('is for all of its instances, and for a group of its own', () => {
    expect(plan({ quotas: quotas(8) }).reasons).toEqual([]);
    expect(plan({ quotas: quotas(7) }).reasons).toEqual([expect.stringContaining('8 needed, 0 of 7 used')]);
    const noGroup = { groups: { known: true, value: { used: 2, quota: 2 } } } as const;
    expect(plan({ quotas: quotas(8, noGroup) }).reasons).toEqual([
      expect.stringContaining('Auto Scaling groups: 1 needed'),
    ]);
  });
  it('is for what a group has not yet, where a repeated call finds its own', () => {
    const own = group('flt-web-v3-r3', 3);
    const noGroup = { groups: { known: true, value: { used: 2, quota: 2 } } } as const;
    expect(plan({ groups: [liveGroup, own], quotas: quotas(2, noGroup) }).reasons).toEqual([]);
    expect(plan({ groups: [own, liveGroup], quotas: quotas(1, noGroup) }).reasons).toEqual([
      expect.stringContaining('2 needed'),
    ]);
  });
  it('is not made by a warm group that is gone already', () => {
    const full = { groups: { known: true, value: { used: 2, quota: 2 } } } as const;
    expect(plan({ fleet: { ...fleet, warm }, quotas: quotas(8, full) }).reasons).toHaveLength(1);
  });
  it('is for the targets of live besides', () => {
    const large = group(live.groupName, 600);
    const world = { groups: [large], slots: { blue: healthy(large), green: empty } };
    const limits = quotas(9_999);
    const allowed = (perBalancer: number) => ({
      ...world,
      quotas: {
        ...limits,
        quotas: new Map([...limits.quotas, ['L-7E6692B2', { known: true, value: perBalancer }] as const]),
      },
    });
    expect(plan(allowed(1_199)).reasons).toEqual([expect.stringContaining('600 needed, 600 of 1199 used')]);
    expect(plan(allowed(1_200)).reasons).toEqual([]);
  });
});

describe('what is looked at before a plan', () => {
  const ringing = [{ name: 'errors', state: 'ALARM' as const, reason: 'too many' }];
  const watched = (fromStep: number) =>
    withSpec({ steps, alarms: [alarmWatch.parse({ name: 'errors', fromStep })] });

  it('are the alarms that count from the first step on, unless it goes back', () => {
    expect(plan({ fleet: watched(1), alarms: ringing }).reasons).toEqual([
      'alarm errors rings: too many; wait until it is quiet',
    ]);
    expect(plan({ fleet: watched(2), alarms: ringing }).reasons).toEqual([]);
    expect(plan({ fleet: watched(1), alarms: ringing, kind: 'rollback' }).reasons).toEqual([]);
    const silent = [{ name: 'errors', state: 'INSUFFICIENT_DATA' as const, reason: '' }];
    expect(plan({ fleet: watched(1), alarms: silent }).reasons).toEqual([]);
    expect(plan({ fleet: watched(1), alarms: [] }).reasons).toEqual([
      'alarm errors does not exist: make it again, or take it out of the spec (flotilla fleet apply)',
    ]);
  });

  it('are the targets of both slots: each is of a group with a role, or drains', () => {
    const state = 'healthy';
    const slots = {
      blue: { targets: [...healthy(liveGroup).targets, { id: 'i-x', state }] },
      green: {
        targets: [
          { id: `${warm.groupName}/0`, state },
          { id: 'i-y', state: 'draining' },
        ],
      },
    };
    expect(plan({ slots, fleet: { ...fleet, warm }, groups: [liveGroup, warmGroup] }).reasons).toEqual([
      'blue holds i-x, which is in no group of the fleet; deregister it',
    ]);
    const left = group('flt-web-v9-r9', 1, { rollout: 9 });
    expect(
      plan({ slots: { blue: healthy(liveGroup), green: healthy(left) }, groups: [left, liveGroup] }).reasons,
    ).toEqual([
      'group flt-web-v9-r9 is left over from rollout 9; the sweeper removes it, or delete it',
      'green holds flt-web-v9-r9/0, which is in no group of the fleet; deregister it',
    ]);
    const own = group('flt-web-v3-r3', 1);
    const mine = { blue: healthy(liveGroup), green: healthy(own) };
    expect(plan({ slots: mine, groups: [liveGroup, own] }).reasons).toEqual([]);
  });

  it('is who is in the way as the candidate: nobody, or this rollout itself', () => {
    const candidate = { release: 2, slot: 'green' as const, groupName: 'flt-web-v2-r9' };
    expect(plan({ fleet: { ...fleet, candidate } }).reasons).toEqual([
      'flt-web-v2-r9 is still the candidate; recovery has not ended',
    ]);
  });

  it('is whether live is well, in its own slot', () => {
    const onGreen = { ...live, slot: 'green' as const };
    const weights = { blue: 0, green: 100 };
    const swapped = {
      fleet: { ...fleet, live: onGreen, weights },
      rule: { weights, foreign: [], sticky: false },
      slots: { blue: empty, green: healthy(liveGroup) },
    };
    expect(plan(swapped).plan).toMatchObject({ slot: 'blue' });
    const ill = {
      targets: liveGroup.members.map(({ id }, n) => ({ id, state: n === 0 ? 'healthy' : 'unhealthy' })),
    };
    expect(plan({ ...swapped, slots: { blue: empty, green: ill } }).reasons).toEqual([
      'live is not well (1 of 4 targets are healthy); wait until it is, or force it',
    ]);
  });
});
