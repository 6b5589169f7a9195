import { describe, expect, it } from 'vitest';
import { alarmWatch, fleetSpec } from '../../../src/contracts/fleet-spec.ts';
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
    kind: 'deploy',
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
  it('says of each thing in its way what would cure it', () => {
    const alarms = [alarmWatch.parse({ name: 'errors' })];
    const watched = { ...fleet, spec: { ...fleet.spec, rollout: { ...fleet.spec.rollout, alarms } } };
    const verdict = plan({
      fleet: { ...watched, candidate: { release: 2, slot: 'green', groupName: 'flt-web-v2-r2' } },
      image: { state: 'vetoed' },
      release: release(3, { state: 'failed', reason: 'never healthy' }),
      rule: { weights: { blue: 60, green: 40 }, foreign: ['arn:x', 'arn:y'], sticky: true },
      settings: {
        blue: { healthCheckEnabled: false, sticky: false },
        green: { healthCheckEnabled: true, sticky: true },
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
      'blue has no health check, so nothing can be proven; turn it on',
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
  it('wants the rule and the group of live', () => {
    expect(plan({ rule: undefined })).toMatchObject({
      reasons: ['the listener rule is gone; apply the fleet again'],
    });
    const alone = { blue: { targets: [] }, green: { targets: [] } };
    expect(plan({ groups: [], slots: alone })).toMatchObject({
      reasons: ['the group of live, flt-web-v1-r1, is gone; look at its history in EC2'],
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
    unbooted: false,
  };
  const ask = (more: Partial<RolloutRequest> = {}, world: Partial<RequestWorld> = {}) =>
    decideRequest(
      { fleet: 'web', target: { kind: 'image', identity: digest }, by, ...more },
      { ...base, ...world },
    );

  it('for an image that has not booted for the fleet is refused, unless forced', () => {
    expect(ask({}, { unbooted: true })).toMatchObject({ verdict: 'refused', error: 'RequestRefused' });
    expect(ask({ force: true }, { unbooted: true })).toMatchObject({ verdict: 'go' });
    // A release that was made before the fleet wanted boots stays one.
    expect(
      ask({ target: { kind: 'release', number: 2 } }, { unbooted: true, release: release(2) }),
    ).toMatchObject({ verdict: 'go' });
  });

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
  it('says why it does nothing', () => {
    const same = release(1, { identity: digest });
    expect(ask({}, { last: { release: same, rollout: 0 } })).toEqual({
      verdict: 'already-live',
      release: 1,
      message: 'v1 with this image is live already.',
    });
    expect(ask({}, { last: { release: release(3, { identity: digest }), rollout: 7 } })).toEqual({
      verdict: 'already-live',
      release: 3,
      rollout: 7,
      message: 'v3 with this image is on its way already.',
    });
    expect(ask({ upload: 4 })).toEqual({
      verdict: 'superseded',
      message: 'Upload 4 of web is older than upload 5, which was deployed or is being built.',
    });
    expect(ask({ upload: 4, force: true })).toMatchObject({ verdict: 'go' });
    expect(ask({}, { last: undefined })).toMatchObject({ verdict: 'go' });
  });
  it('for a release by its number compares numbers, not images', () => {
    const target = { kind: 'release', number: 2 } as const;
    const twin = release(2, { identity: release(1).identity });
    expect(ask({ target }, { release: twin })).toMatchObject({ verdict: 'go', release: twin });
    expect(ask({ target: { kind: 'release', number: 1 } }, { release: release(1) })).toMatchObject({
      verdict: 'already-live',
    });
  });
  it('for a release that served and is older goes back, for any other it deploys', () => {
    const target = { kind: 'release', number: 1 } as const;
    const now = { fleet: { ...fleet, live: { ...live, release: 2 } }, last: undefined };
    const kind = (one: ReleaseItem, world: Partial<RequestWorld> = now) => {
      const verdict = ask({ target }, { ...world, release: one });
      return verdict.verdict === 'go' && verdict.kind;
    };
    expect(kind(release(1, { servedAt: 'then' }))).toBe('rollback');
    expect(kind(release(1))).toBe('deploy');
    expect(kind(release(2, { servedAt: 'then' }))).toBe('deploy');
    expect(kind(release(3, { servedAt: 'then' }))).toBe('deploy');
    expect(kind(release(1, { servedAt: 'then' }), { ...now, fleet: { ...fleet, live: null } })).toBe(
      'deploy',
    );
  });
  it('to go back means the release before, and is refused where there is none', () => {
    const target = { kind: 'rollback' } as const;
    const served = release(2, { servedAt: 'then', state: 'retired' });
    expect(ask({ target }, { former: [served] })).toMatchObject({
      verdict: 'go',
      kind: 'rollback',
      release: served,
    });
    expect(ask({ target })).toEqual({
      verdict: 'refused',
      error: 'ReleaseNotFound',
      reasons: ['web has no release that was live before'],
    });
  });
  it.each([
    [{ image: undefined }, {}, 'ImageNotFound', `There is no image ${digest}`],
    [{ image: { ...image, state: 'vetoed' } }, {}, 'ImageVetoed', `The image ${digest} has been vetoed`],
    [{ image: { ...image, state: 'building' } }, {}, 'ImageNotFound', `The image ${digest} is building`],
    [{ image: { ...image, state: 'failed' } }, {}, 'ImageNotFound', `The image ${digest} is failed`],
    [
      { image: { identity: digest, state: 'available' } },
      {},
      'ImageNotFound',
      `The image ${digest} is available`,
    ],
    [{}, { target: { kind: 'release', number: 9 } }, 'ReleaseNotFound', 'web has no release v9'],
    [
      { release: release(2, { state: 'failed', reason: 'never healthy' }) },
      { target: { kind: 'release', number: 2 } },
      'RequestRefused',
      'v2 failed before: never healthy; force it to try again',
    ],
    [
      { release: release(2, { state: 'failed' }) },
      { target: { kind: 'release', number: 2 } },
      'RequestRefused',
      'v2 failed before: no reason kept; force it to try again',
    ],
  ] as [Partial<RequestWorld>, Partial<RolloutRequest>, string, string][])(
    'is refused with %j and %j as %s',
    (world, request, error, reason) => {
      expect(ask(request, world)).toEqual({ verdict: 'refused', error, reasons: [reason] });
    },
  );
  it('for a vetoed image passes where it is forced', () => {
    expect(ask({ force: true }, { image: { ...image, state: 'vetoed' } })).toMatchObject({ verdict: 'go' });
  });
  it('waits for a retirement, and for what is queued, whatever the spec says of a second rollout', () => {
    const lease = {
      holder: 'arn:x',
      purpose: 'retirement' as const,
      rollout: 1,
      release: 1,
      since: '',
      fence: 1,
      state: 'held' as const,
    };
    const { rollout } = fleet.spec;
    for (const whenBusy of ['queue', 'supersede', 'refuse'] as const) {
      const retiring = { ...fleet, lease, spec: { ...fleet.spec, rollout: { ...rollout, whenBusy } } };
      expect(ask({}, { fleet: retiring })).toMatchObject({ start: false, supersedes: [], aborts: null });
    }
    expect(ask({}, { fleet: { ...fleet, queue: [3] } })).toMatchObject({ start: false, supersedes: [] });
    const overtaking = {
      ...fleet,
      queue: [3],
      spec: { ...fleet.spec, rollout: { ...rollout, whenBusy: 'supersede' as const } },
    };
    expect(ask({}, { fleet: overtaking })).toMatchObject({ start: true, supersedes: [3], aborts: null });
    const refusing = {
      ...fleet,
      queue: [3],
      spec: { ...fleet.spec, rollout: { ...rollout, whenBusy: 'refuse' as const } },
    };
    expect(ask({}, { fleet: refusing })).toEqual({
      verdict: 'refused',
      error: 'LeaseHeld',
      reasons: ["rollout 3 is under way, and the fleet's spec refuses a second one"],
    });
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
