import { describe, expect, it } from 'vitest';
import { alarmWatch } from '../../../src/contracts/fleet-spec.ts';
import { planRollout, type RolloutWorld } from '../../../src/fleet/plan.ts';
import type { QuotaWorld } from '../../../src/fleet/quotas.ts';
import type { GroupView } from '../../../src/fleet/world.ts';
import { fleet, inNoWay, live, release, roomFor, warm } from './views.ts';

const group = (name: string, desired: number, slot: string): GroupView => ({
  name,
  release: 1,
  rollout: 1,
  minimum: 1,
  desired,
  maximum: 4,
  targetGroupArns: [slot],
  members: Array.from({ length: desired }, (_, i) => ({
    id: `i-${slot}${i}`,
    lifecycleState: 'InService',
    healthStatus: 'Healthy',
  })),
  deleting: false,
});

function plan(more: Partial<RolloutWorld> = {}) {
  return planRollout({
    ...inNoWay,
    slots: {
      blue: { targets: [0, 1].map((i) => ({ id: `i-b${i}`, state: 'healthy' })) },
      green: { targets: [] },
    },
    groups: [group(live.groupName, 2, 'b')],
    ...more,
  });
}

const atOnce = { weight: 100, bakeSeconds: 5, approval: false, approvalSeconds: 60 };
const steps = [{ ...atOnce, weight: 50 }, atOnce];
const stepped = { ...fleet, spec: { ...fleet.spec, rollout: { ...fleet.spec.rollout, steps } } };
const oneStep = { ...fleet, spec: { ...fleet.spec, rollout: { ...fleet.spec.rollout, steps: [atOnce] } } };

describe('a plan', () => {
  it('is refused for a quota beside every other reason', () => {
    const verdict = plan({
      rule: { weights: { blue: 50, green: 50 }, foreign: [], sticky: false },
      quotas: { ...roomFor(640), quotas: new Map([['L-1216C47A', { known: true, value: 3 }]]) },
    });
    expect(verdict).toMatchObject({
      verdict: 'refused',
      reasons: [
        expect.stringContaining('lineage expects blue 100 %'),
        expect.stringContaining('4 needed, 0 of 3 used (quota L-1216C47A'),
      ],
    });
  });

  it('counts neither the instances nor the group of the release that it evicts', () => {
    const leaving = [0, 1].map((i) => ({ id: `i-g${i}`, type: 't3.nano', market: 'on-demand' as const }));
    const tight: QuotaWorld = {
      ...roomFor(640),
      running: { known: true, value: leaving },
      quotas: new Map([['L-1216C47A', { known: true, value: 4 }]]),
      groups: { known: true, value: { used: 2, quota: 2 } },
    };
    const groups = [group(live.groupName, 2, 'b'), group(warm.groupName, 2, 'g')];
    expect(plan({ fleet: { ...fleet, warm }, groups, quotas: tight })).toMatchObject({ verdict: 'go' });
    expect(plan({ quotas: tight })).toMatchObject({ verdict: 'refused' });
  });

  it('says what it could not check', () => {
    const groups = { known: false, why: 'AccessDenied: no' } as const;
    expect(plan({ quotas: { ...roomFor(640), groups } })).toMatchObject({
      verdict: 'go',
      plan: { notes: [expect.stringContaining('Auto Scaling groups were not checked')] },
    });
    expect(plan()).toMatchObject({ plan: { notes: [] } });
  });

  it('launches beside live, as large as live is, with its minimum pinned', () => {
    expect(plan()).toMatchObject({
      verdict: 'go',
      plan: {
        way: 'launch',
        slot: 'green',
        groupName: 'flt-web-v3-r3',
        capacity: { minimum: 2, desired: 2 },
        pin: { groupName: live.groupName, former: 1, pinned: 2 },
        steps: fleet.spec.rollout.steps,
        evict: null,
      },
    });
  });
  it('takes one step where nothing is live', () => {
    const first = { ...fleet, live: null, served: false, weights: { blue: 0, green: 0 } };
    const rule = { weights: first.weights, foreign: [], sticky: false };
    const slots = { blue: { targets: [] }, green: { targets: [] } };
    const verdict = plan({ fleet: first, rule, slots, groups: [] });
    expect(verdict).toMatchObject({
      plan: { slot: 'blue', pin: null, steps: [{ weight: 100, bakeSeconds: 0 }] },
    });
  });
  it('adopts the warm release, going back to it in one step, and sends another warm one away', () => {
    const groups = [group(live.groupName, 2, 'b'), group(warm.groupName, 2, 'g')];
    const before = { ...stepped, warm };
    const returning = { fleet: before, groups, release: release(2, { state: 'warm' }) };
    const adopted = { way: 'warm', groupName: warm.groupName, evict: null };
    expect(plan({ ...returning, kind: 'rollback' })).toMatchObject({
      plan: { ...adopted, steps: [{ weight: 100, bakeSeconds: 0 }], capacity: { desired: 2 } },
    });
    expect(plan(returning)).toMatchObject({ plan: { ...adopted, steps, capacity: { desired: 2 } } });
    expect(plan({ fleet: before, groups })).toMatchObject({
      plan: { way: 'launch', evict: { release: 2, groupName: warm.groupName } },
    });
  });
  it('completes by the warm release what somebody began by hand, and nothing else', () => {
    const groups = [group(live.groupName, 2, 'b'), group(warm.groupName, 2, 'g')];
    const ask = (green: number, more: Partial<RolloutWorld> = {}) =>
      plan({
        fleet: { ...stepped, warm },
        groups,
        release: release(2, { state: 'warm' }),
        kind: 'rollback',
        rule: { weights: { blue: 100 - green, green }, foreign: [], sticky: false },
        ...more,
      });
    expect(ask(100)).toMatchObject({
      verdict: 'go',
      plan: { way: 'warm', notes: ['the rule gives v2 all traffic already, which was set by hand'] },
    });
    expect(ask(0)).toMatchObject({ verdict: 'go', plan: { notes: [] } });
    const expects = (has: string) => ({
      verdict: 'refused',
      reasons: [
        `the rule has ${has} and lineage expects blue 100 %, green 0 %; set it back, or apply the fleet again`,
      ],
      notes: [],
    });
    expect(ask(50)).toMatchObject(expects('blue 50 %, green 50 %'));
    expect(ask(100, { release: release(3) })).toMatchObject(expects('blue 0 %, green 100 %'));
    const one = { ...oneStep, warm };
    expect(ask(100, { release: release(3), fleet: one })).toMatchObject(expects('blue 0 %, green 100 %'));
    const ruleless = ask(100, { rule: undefined });
    expect(ruleless).toMatchObject({ verdict: 'refused', reasons: [expect.stringContaining('rule')] });
    // Its first step would take half of the traffic back.
    expect(ask(100, { kind: 'deploy' })).toMatchObject(expects('blue 0 %, green 100 %'));
    expect(ask(100, { kind: 'deploy', fleet: one })).toMatchObject({
      plan: { way: 'warm', steps: [atOnce], notes: [expect.stringContaining('set by hand')] },
    });
  });
  it('is refused with all reasons at once', () => {
    const verdict = plan({
      image: { state: 'vetoed' },
      rule: { weights: { blue: 60, green: 40 }, foreign: ['arn:x'], sticky: true },
      settings: {
        blue: { exists: false, sticky: false },
        green: { exists: true, sticky: true },
      },
      slots: { blue: { targets: [] }, green: { targets: [{ id: 'i-foreign', state: 'healthy' }] } },
      groups: [group(live.groupName, 2, 'b'), group('flt-web-v9-r9', 1, 'g')],
    });
    expect(verdict.verdict).toBe('refused');
    const text = verdict.verdict === 'refused' ? verdict.reasons.join('\n') : '';
    for (const part of [
      'vetoed',
      'arn:x',
      'sticky',
      'lineage expects',
      'is gone',
      'one target',
      'left over',
      'i-foreign',
    ]) {
      expect(text).toContain(part);
    }
  });
  it('notes an alarm without data, unless the spec calls that quiet, and refuses nothing for it', () => {
    const ask = (missingData: 'ignore' | 'quiet', state: 'OK' | 'INSUFFICIENT_DATA') => {
      const alarms = [alarmWatch.parse({ name: 'errors', missingData })];
      const watched = { ...fleet, spec: { ...fleet.spec, rollout: { ...fleet.spec.rollout, alarms } } };
      return plan({ fleet: watched, alarms: [{ name: 'errors', state, reason: '' }] });
    };
    const note = 'alarm errors has no data: not known to be quiet';
    expect(ask('ignore', 'INSUFFICIENT_DATA')).toMatchObject({ verdict: 'go', plan: { notes: [note] } });
    expect(ask('quiet', 'INSUFFICIENT_DATA')).toMatchObject({ verdict: 'go', plan: { notes: [] } });
    expect(ask('ignore', 'OK')).toMatchObject({ verdict: 'go', plan: { notes: [] } });
  });
  it('says of each thing in its way what would cure it', () => {
    const alarms = [alarmWatch.parse({ name: 'errors' })];
    const watched = { ...fleet, spec: { ...fleet.spec, rollout: { ...fleet.spec.rollout, alarms } } };
    const verdict = plan({
      fleet: { ...watched, candidate: { release: 2, slot: 'green', groupName: 'flt-web-v2-r2' } },
      image: { state: 'vetoed' },
      release: release(3, { state: 'failed', reason: 'never healthy' }),
      rule: { weights: { blue: 60, green: 40 }, foreign: ['arn:x', 'arn:y'], sticky: true },
      settings: {
        blue: { exists: false, sticky: false },
        green: { exists: true, sticky: true },
      },
      slots: {
        blue: { targets: [{ id: 'i-b0', state: 'healthy' }] },
        green: {
          targets: [
            { id: 'i-foreign', state: 'healthy' },
            { id: 'i-old', state: 'unhealthy.draining' },
          ],
        },
      },
      groups: [group('flt-web-v9-r9', 1, 'g'), group(live.groupName, 3, 'b')],
      alarms: [{ name: 'errors', state: 'ALARM', reason: 'too many' }],
    });
    expect(verdict.verdict === 'refused' && verdict.reasons).toEqual([
      'flt-web-v2-r2 is still the candidate; recovery has not ended',
      'the image has been vetoed; deploy another, or force it',
      'v3 failed before (never healthy); force it to try again',
      'the rule also forwards to arn:x, arn:y; take it out, or apply the fleet again',
      "the rule's action is sticky, which defeats weights; turn it off",
      'the rule has blue 60 %, green 40 % and lineage expects blue 100 %, green 0 %; set it back, or apply the fleet again',
      'the target group of blue is gone (b); apply the fleet again',
      'green keeps clients on one target, which defeats weights; turn stickiness off',
      expect.stringMatching(/^alarm errors rings.*too many; wait until it is quiet$/),
      'group flt-web-v9-r9 is left over from rollout 1; the sweeper removes it, or delete it',
      'green holds i-foreign, which is in no group of the fleet; deregister it',
      'live is not well (1 of 3 targets are healthy); wait until it is, or force it',
    ]);
  });
  it('does not blame what is as it should be', () => {
    const mine = { release: 3, slot: 'green' as const, groupName: 'flt-web-v3-r3' };
    expect(plan({ fleet: { ...fleet, candidate: mine } }).verdict).toBe('go');
    expect(plan({ image: undefined }).verdict).toBe('go');
    const forced = {
      force: true,
      image: { state: 'vetoed' },
      release: release(3, { state: 'failed' }),
    } as const;
    expect(plan(forced).verdict).toBe('go');
    expect(plan({ release: release(3, { state: 'failed' }) })).toMatchObject({
      reasons: ['v3 failed before (no reason kept); force it to try again'],
    });
  });
  it('is refused for the release that is live, forced or not', () => {
    const reasons = ['v1 is live already; to launch it anew, force a deploy of its image, ami-1'];
    for (const force of [false, true]) {
      const verdict = plan({ release: release(1, { state: 'live' }), force });
      expect(verdict).toMatchObject({ verdict: 'refused', reasons });
    }
  });
  it('wants the rule', () => {
    expect(plan({ rule: undefined })).toMatchObject({
      reasons: ['the listener rule is gone; apply the fleet again'],
    });
  });
  it('takes live whose group is gone for down, and believes it only where nothing answers either', () => {
    const empty = { blue: { targets: [] }, green: { targets: [] } };
    const note = 'the group of live, flt-web-v1-r1, is gone: the spec says how many instances are launched';
    expect(plan({ groups: [], slots: empty, fleet: oneStep })).toMatchObject({
      verdict: 'go',
      plan: {
        way: 'launch',
        pin: null,
        capacity: { desired: 1 },
        steps: [{ bakeSeconds: 0 }],
        notes: [note],
      },
    });
    expect(plan({ groups: [], slots: empty, fleet: stepped })).toMatchObject({
      verdict: 'refused',
      reasons: [expect.stringContaining('force it to give v3 all of it in one step')],
    });
    expect(plan({ groups: [], slots: empty, fleet: stepped, force: true })).toMatchObject({
      plan: { notes: ['live has no healthy target: all traffic goes over in one step', note] },
    });
    const answers = { ...empty, blue: { targets: [{ id: 'i-b0', state: 'healthy' }] } };
    expect(plan({ groups: [], slots: answers, force: true })).toMatchObject({
      verdict: 'refused',
      reasons: [
        'blue holds i-b0, which is in no group of the fleet; deregister it',
        'the group of live, flt-web-v1-r1, is gone, though live still answers; look at its history in EC2',
      ],
      notes: [],
    });
    const green = { targets: [0, 1].map((i) => ({ id: `i-g${i}`, state: 'healthy' })) };
    const groups = [group(warm.groupName, 2, 'g')];
    const back = {
      ...{ groups, fleet: { ...stepped, warm }, release: release(2) },
      slots: { ...empty, green },
    };
    expect(plan({ ...back, kind: 'rollback' })).toMatchObject({
      verdict: 'go',
      plan: { way: 'warm', groupName: warm.groupName },
    });
    expect(plan(back)).toMatchObject({
      reasons: [expect.stringContaining('force it to give v2 all of it in one step')],
    });
  });
  it.each([
    ['is gone', []],
    ['is being deleted', [{ ...group(warm.groupName, 2, 'g'), deleting: true }]],
  ])('launches anew a warm release whose group %s', (_, gone) => {
    const groups = [group(live.groupName, 2, 'b'), ...gone];
    expect(plan({ fleet: { ...fleet, warm }, groups, release: release(2), kind: 'rollback' })).toMatchObject({
      verdict: 'go',
      plan: { way: 'launch', groupName: 'flt-web-v2-r3', evict: { release: 2, groupName: warm.groupName } },
    });
  });
  it('launches anew where the warm release is in the wrong slot, or is another', () => {
    const groups = [group(live.groupName, 2, 'b'), group(warm.groupName, 2, 'g')];
    const inWay = { ...fleet, warm: { ...warm, slot: 'blue' as const } };
    expect(plan({ fleet: inWay, groups, release: release(2) })).toMatchObject({
      plan: { way: 'launch', groupName: 'flt-web-v2-r3' },
    });
  });
  it('is refused when live is not well, unless live is down altogether or it is forced', () => {
    const ill = (healthy: number) => ({
      blue: {
        targets: [0, 1, 2].map((i) => ({ id: `i-b${i}`, state: i < healthy ? 'healthy' : 'unhealthy' })),
      },
      green: { targets: [] },
    });
    const groups = [group(live.groupName, 3, 'b')];
    expect(plan({ groups, slots: ill(1) }).verdict).toBe('refused');
    expect(plan({ groups, slots: ill(1), force: true }).verdict).toBe('go');
    expect(plan({ groups, slots: ill(1), kind: 'rollback' }).verdict).toBe('go');
    expect(plan({ groups, slots: ill(0), fleet: oneStep })).toMatchObject({
      verdict: 'go',
      plan: { notes: [] },
    });
  });
  it('goes past the steps where live is down, at a word', () => {
    const two = [
      { weight: 25, bakeSeconds: 60, approval: true, approvalSeconds: 60 },
      { weight: 100, bakeSeconds: 60, approval: false, approvalSeconds: 60 },
    ];
    const stages = { ...fleet, spec: { ...fleet.spec, rollout: { ...fleet.spec.rollout, steps: two } } };
    const ask = (state: string, more: Partial<RolloutWorld> = {}) =>
      plan({
        fleet: stages,
        groups: [group(live.groupName, 1, 'b')],
        slots: { blue: { targets: [{ id: 'i-b0', state }] }, green: { targets: [] } },
        ...more,
      });
    expect(ask('unhealthy')).toMatchObject({
      verdict: 'refused',
      reasons: [
        'live has no healthy target, with which a share of the traffic could stay; force it to give v3 all of it in one step',
      ],
    });
    expect(ask('unhealthy', { force: true })).toMatchObject({
      verdict: 'go',
      plan: {
        steps: [{ weight: 100, bakeSeconds: 0, approval: false }],
        notes: ['live has no healthy target: all traffic goes over in one step'],
      },
    });
    expect(ask('unhealthy', { kind: 'rollback' })).toMatchObject({
      verdict: 'go',
      plan: { kind: 'rollback', way: 'launch', steps: [{ weight: 100, bakeSeconds: 0, approval: false }] },
    });
    expect(ask('healthy', { force: true })).toMatchObject({ plan: { steps: two, notes: [] } });
    const groups = [group(live.groupName, 1, 'b'), group(warm.groupName, 1, 'g')];
    const back = { groups, fleet: { ...stages, warm }, release: release(2) };
    const goes = { verdict: 'go', plan: { way: 'warm', steps: [{ weight: 100, approval: false }] } };
    expect(ask('unhealthy', { ...back, kind: 'rollback' })).toMatchObject(goes);
    expect(ask('unhealthy', { ...back, force: true })).toMatchObject(goes);
    expect(ask('unhealthy', back).verdict).toBe('refused');
  });
  it('keeps a healthy warm release while live is down, forced or not, and names the way back', () => {
    const targets = (slot: string, healthy: boolean) => ({
      targets: [0, 1].map((i) => ({ id: `i-${slot}${i}`, state: healthy ? 'healthy' : 'unhealthy' })),
    });
    const ask = (alive: { live: boolean; warm: boolean }, more: Partial<RolloutWorld> = {}) =>
      plan({
        fleet: { ...oneStep, warm },
        groups: [group(live.groupName, 2, 'b'), group(warm.groupName, 2, 'g')],
        slots: { blue: targets('b', alive.live), green: targets('g', alive.warm) },
        ...more,
      });
    const refused = {
      verdict: 'refused',
      reasons: [
        'live has no healthy target, and v2, which is warm and healthy, would have to leave; make v2 live first (flotilla deploy --fleet web --release 2 --force)',
      ],
    };
    expect(ask({ live: false, warm: true })).toMatchObject(refused);
    expect(ask({ live: false, warm: true }, { force: true })).toMatchObject(refused);
    expect(ask({ live: false, warm: true }, { release: release(2) }).verdict).toBe('go');
    expect(ask({ live: false, warm: false }).verdict).toBe('go');
    expect(ask({ live: true, warm: true }).verdict).toBe('go');
    const nothing = { ...fleet, live: null, warm, served: false, weights: { blue: 0, green: 0 } };
    expect(
      plan({
        fleet: nothing,
        rule: { weights: nothing.weights, foreign: [], sticky: false },
        groups: [group(warm.groupName, 2, 'g')],
        slots: { blue: targets('b', false), green: targets('g', true) },
      }),
    ).toMatchObject({ reasons: [expect.stringContaining('blue holds i-b0'), expect.anything()] });
  });
});
