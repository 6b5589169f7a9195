import { describe, expect, it } from 'vitest';
import { fleetSpec } from '../../../src/contracts/fleet-spec.ts';
import type { FleetItem, ReleaseItem } from '../../../src/contracts/items.ts';
import type { RolloutRequest } from '../../../src/contracts/request.ts';
import { planRollout, type RolloutWorld } from '../../../src/fleet/plan.ts';
import type { QuotaWorld } from '../../../src/fleet/quotas.ts';
import { decideRequest, type RequestWorld } from '../../../src/fleet/request.ts';
import type { GroupView } from '../../../src/fleet/world.ts';

const digest = 'a'.repeat(64);
const by = { principal: 'arn:aws:iam::000000000000:user/ada', through: 'api' };
const live = { release: 1, slot: 'blue' as const, groupName: 'flt-web-v1-r1' };
const warm = { release: 2, slot: 'green' as const, groupName: 'flt-web-v2-r2', keepUntil: '' };

const fleet: FleetItem = {
  type: 'fleet',
  fleet: 'web',
  spec: fleetSpec.parse({
    rule: { hosts: ['web.example.com'] },
    healthCheck: { path: '/' },
    instances: { minimum: 1, desired: 1, maximum: 4 },
  }),
  specVersion: 1,
  fixed: { listenerArn: 'l', ruleArn: 'r', priority: 1, blueArn: 'b', greenArn: 'g', launchTemplateId: 'lt' },
  live,
  candidate: null,
  warm: null,
  weights: { blue: 100, green: 0 },
  served: true,
  lease: null,
  fence: 1,
  gate: null,
  orders: [],
  pins: [],
  nextRelease: 4,
  nextRollout: 4,
  nextUpload: 1,
  newestUpload: 5,
  queue: [],
  createdAt: '',
  updatedAt: '',
  revision: 1,
};

function release(number: number, more: Partial<ReleaseItem> = {}): ReleaseItem {
  return {
    type: 'release',
    fleet: 'web',
    number,
    identity: String(number).repeat(64).slice(0, 64),
    imageId: `ami-${number}`,
    artifactSha256: digest,
    image: fleet.spec.image,
    kernel: '',
    upload: 0,
    state: 'new',
    createdAt: '',
    by,
    ...more,
  };
}

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

const roomy: QuotaWorld = {
  running: { known: true, value: [] },
  vcpus: { known: true, value: new Map([['t3.nano', 2]]) },
  quotas: new Map([['L-1216C47A', { known: true, value: 640 }]]),
  groups: { known: true, value: { used: 1, quota: 500 } },
  templateVersions: undefined,
};

function plan(more: Partial<RolloutWorld> = {}) {
  const settings = { healthCheckEnabled: true, sticky: false };
  return planRollout({
    fleet,
    release: release(3),
    image: { state: 'available' },
    rollout: 3,
    force: false,
    rule: { weights: fleet.weights, foreign: [], sticky: false },
    settings: { blue: settings, green: settings },
    slots: {
      blue: { targets: [0, 1].map((i) => ({ id: `i-b${i}`, state: 'healthy' })) },
      green: { targets: [] },
    },
    groups: [group(live.groupName, 2, 'b')],
    alarms: [],
    quotas: roomy,
    ...more,
  });
}

describe('a plan', () => {
  it('is refused for a quota beside every other reason', () => {
    const verdict = plan({
      rule: { weights: { blue: 50, green: 50 }, foreign: [], sticky: false },
      quotas: { ...roomy, quotas: new Map([['L-1216C47A', { known: true, value: 3 }]]) },
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
      ...roomy,
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
    expect(plan({ quotas: { ...roomy, groups } })).toMatchObject({
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
  it('adopts the warm release in one step, and sends another warm one away', () => {
    const groups = [group(live.groupName, 2, 'b'), group(warm.groupName, 2, 'g')];
    const before = { ...fleet, warm };
    expect(plan({ fleet: before, groups, release: release(2, { state: 'warm' }) })).toMatchObject({
      plan: { way: 'warm', groupName: warm.groupName, evict: null, steps: [{ weight: 100 }] },
    });
    expect(plan({ fleet: before, groups })).toMatchObject({
      plan: { way: 'launch', evict: { release: 2, groupName: warm.groupName } },
    });
  });
  it('is refused with all reasons at once', () => {
    const verdict = plan({
      image: { state: 'vetoed' },
      rule: { weights: { blue: 60, green: 40 }, foreign: ['arn:x'], sticky: true },
      settings: {
        blue: { healthCheckEnabled: false, sticky: false },
        green: { healthCheckEnabled: true, sticky: true },
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
      'no health check',
      'one target',
      'left over',
      'i-foreign',
    ]) {
      expect(text).toContain(part);
    }
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
    expect(plan({ groups, slots: ill(0) }).verdict).toBe('go');
  });
});

describe('a request', () => {
  const image = { identity: digest, state: 'available' as const, imageId: 'ami-9' };
  const base: RequestWorld = {
    fleet,
    image,
    release: undefined,
    live: release(1),
    last: { release: release(1), rollout: 0 },
    former: [],
  };
  const ask = (more: Partial<RolloutRequest> = {}, world: Partial<RequestWorld> = {}) =>
    decideRequest(
      { fleet: 'web', target: { kind: 'image', identity: digest }, by, ...more },
      { ...base, ...world },
    );

  it('for a new image starts a new release', () => {
    expect(ask()).toMatchObject({ verdict: 'go', kind: 'deploy', release: 'new', start: true });
  });
  it('for what is live, or on its way, does nothing', () => {
    const same = release(1, { identity: digest });
    expect(ask({}, { last: { release: same, rollout: 0 } })).toMatchObject({
      verdict: 'already-live',
      release: 1,
    });
    expect(ask({ force: true }, { last: { release: same, rollout: 0 } })).toMatchObject({ verdict: 'go' });
  });
  it('of an older upload is superseded; asked for by a person it is not', () => {
    expect(ask({ upload: 4 })).toMatchObject({ verdict: 'superseded' });
    expect(ask({ upload: 5 })).toMatchObject({ verdict: 'go' });
    expect(ask()).toMatchObject({ verdict: 'go' });
  });
  it('for an image that is not there, or vetoed, is refused by name', () => {
    expect(ask({}, { image: undefined })).toMatchObject({ error: 'ImageNotFound' });
    expect(ask({}, { image: { ...image, state: 'vetoed' } })).toMatchObject({ error: 'ImageVetoed' });
  });
  it('for a release that failed wants force', () => {
    const failed = release(2, { state: 'failed' });
    const target = { kind: 'release', number: 2 } as const;
    expect(ask({ target }, { release: failed })).toMatchObject({ error: 'RequestRefused' });
    expect(ask({ target, force: true }, { release: failed })).toMatchObject({ verdict: 'go' });
  });
  it('queues, supersedes or is refused while another runs, as the spec says', () => {
    const busy = (whenBusy: 'queue' | 'supersede' | 'refuse'): FleetItem => ({
      ...fleet,
      spec: { ...fleet.spec, rollout: { ...fleet.spec.rollout, whenBusy } },
      queue: [3],
      lease: {
        holder: 'arn:x',
        purpose: 'rollout',
        rollout: 2,
        release: 2,
        since: '',
        fence: 1,
        state: 'held',
      },
    });
    expect(ask({}, { fleet: busy('queue') })).toMatchObject({ start: false, supersedes: [], aborts: null });
    expect(ask({}, { fleet: busy('supersede') })).toMatchObject({ start: false, supersedes: [3], aborts: 2 });
    expect(ask({}, { fleet: busy('refuse') })).toMatchObject({ verdict: 'refused', error: 'LeaseHeld' });
  });
});
