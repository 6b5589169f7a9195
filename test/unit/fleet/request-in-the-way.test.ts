/** A request that finds something in its way: what is said of it, and what somebody has to do first. */
import { describe, expect, it } from 'vitest';
import type { FleetItem, Lease } from '../../../src/contracts/items.ts';
import type { RolloutRequest } from '../../../src/contracts/request.ts';
import { attentionWords } from '../../../src/fleet/attention.ts';
import { decideRequest, isWayBack, type RequestWorld } from '../../../src/fleet/request.ts';
import { by, digest, fleet, lease, live, release } from './views.ts';

const stuck = lease({ state: 'needs-attention', reason: 'live is ill' });
const stuckWords =
  'rollout 2 could not be undone: live is ill. Cure that; the sweeper tries again every minute, and frees the fleet';

const busy = (whenBusy: 'queue' | 'supersede' | 'refuse', more: Partial<FleetItem>): FleetItem => ({
  ...fleet,
  spec: { ...fleet.spec, rollout: { ...fleet.spec.rollout, whenBusy } },
  ...more,
});
/** Rollout 2 bakes, and 3 and 4 wait for it. */
const ahead: RequestWorld['ahead'] = [
  { number: 3, kind: 'deploy', phase: 'queued', status: 'queued' },
  { number: 2, kind: 'deploy', phase: 'baking', status: 'running' },
  { number: 4, kind: 'deploy', phase: 'queued', status: 'queued' },
];
const goingBack = (...numbers: number[]): RequestWorld['ahead'] =>
  ahead.map((one) => (numbers.includes(one.number) ? { ...one, kind: 'rollback' } : one));
const served = release(2, { servedAt: '2026-01', state: 'retired' });

function ask(request: Partial<RolloutRequest>, world: Partial<RequestWorld> = {}) {
  return decideRequest(
    { fleet: 'web', target: { kind: 'image', identity: digest }, by, ...request },
    {
      fleet,
      image: { identity: digest, state: 'available', imageId: 'ami-9' },
      release: undefined,
      live: release(1),
      last: { release: release(1), rollout: 0 },
      former: [served],
      ahead,
      sameImage: [],
      unbooted: false,
      ...world,
    },
  );
}

describe('a fleet that somebody must look at', () => {
  it('is told with who had it, why, and what cures it', () => {
    expect(attentionWords({ lease: stuck })).toBe(stuckWords);
    const { reason: _none, ...without } = stuck;
    expect(attentionWords({ lease: { ...without, purpose: 'retirement' } })).toBe(
      'the retirement of v2 could not be finished: no reason was recorded. Cure that; the sweeper tries again every minute, and frees the fleet',
    );
  });
  it.each([null, lease(), lease({ state: 'recovering' })])('is none with the lease %j', (one) => {
    expect(attentionWords({ lease: one })).toBeUndefined();
  });
});

describe('a request while another rollout has the fleet', () => {
  it('waits for what somebody has to cure, and is told so', () => {
    expect(ask({}, { fleet: busy('queue', { lease: stuck }) })).toEqual({
      verdict: 'go',
      kind: 'deploy',
      release: 'new',
      start: false,
      supersedes: [],
      aborts: null,
      spares: [],
      waitsFor: stuckWords,
    });
  });
  it('is refused by name, with what somebody has to cure', () => {
    expect(ask({}, { fleet: busy('refuse', { lease: stuck }) })).toEqual({
      verdict: 'refused',
      error: 'LeaseHeld',
      reasons: ["rollout 2 is under way, and the fleet's spec refuses a second one", stuckWords],
    });
  });
  it('names who has the fleet, before those that wait', () => {
    expect(ask({}, { fleet: busy('refuse', { lease: lease(), queue: [3] }) })).toMatchObject({
      reasons: ["rollout 2 is under way, and the fleet's spec refuses a second one"],
    });
    const retiring = lease({ purpose: 'retirement', rollout: 1 });
    expect(ask({}, { fleet: busy('refuse', { lease: retiring, queue: [3] }) })).toMatchObject({
      reasons: ["rollout 3 is under way, and the fleet's spec refuses a second one"],
    });
  });
  it('aborts it where the spec says so, but not what is being undone already', () => {
    const over = (more: Partial<Lease>) =>
      ask({}, { fleet: busy('supersede', { lease: lease(more), queue: [3, 4] }) });
    expect(over({})).toMatchObject({ supersedes: [3, 4], aborts: 2, start: false });
    expect(over({ state: 'recovering' })).toMatchObject({ supersedes: [3, 4], aborts: null, start: false });
    expect(over({ purpose: 'retirement' })).toMatchObject({ supersedes: [3, 4], aborts: null, start: false });
    expect(ask({}, { fleet: busy('supersede', {}) })).toMatchObject({
      supersedes: [],
      aborts: null,
      start: true,
    });
  });
  it('waits behind whoever goes back, and says so, where it would take the place of others', () => {
    const over = (back: number[], more: Partial<FleetItem>, whenBusy: 'queue' | 'supersede' = 'supersede') =>
      ask({}, { fleet: busy(whenBusy, more), ahead: goingBack(...back) });
    const held = { lease: lease(), queue: [3, 4] };
    expect(over([2], held)).toMatchObject({ supersedes: [3, 4], aborts: null, spares: [2], start: false });
    expect(over([3], held)).toMatchObject({ supersedes: [4], aborts: 2, spares: [3], start: false });
    expect(over([2, 3], held)).toMatchObject({ supersedes: [4], aborts: null, spares: [2, 3] });
    expect(over([], held)).toMatchObject({ supersedes: [3, 4], aborts: 2, spares: [] });
    expect(over([2, 3], held, 'queue')).toMatchObject({ supersedes: [], aborts: null, spares: [] });
    const free = { queue: [3, 4] };
    expect(over([3], free)).toMatchObject({ supersedes: [4], spares: [3], start: false });
    expect(over([], free)).toMatchObject({ supersedes: [3, 4], spares: [], start: true });
  });
  it('takes the place of who goes back where it goes back itself', () => {
    const target = { kind: 'release', number: 2 } as const;
    const on3 = busy('supersede', {
      live: { ...live, release: 3 },
      lease: lease({ release: 5 }),
      queue: [3],
    });
    const world = { fleet: on3, release: served, last: undefined, ahead: goingBack(2, 3) };
    expect(ask({ target }, world)).toMatchObject({
      kind: 'rollback',
      ...{ supersedes: [3], aborts: 2, spares: [] },
    });
  });
});

describe('a rollback that names no release', () => {
  const back = (more: Partial<FleetItem>) =>
    ask({ target: { kind: 'rollback' } }, { fleet: { ...fleet, ...more } });

  it('is refused while something is on its way, and says how live stays live', () => {
    expect(back({ lease: lease() })).toEqual({
      verdict: 'refused',
      error: 'RequestRefused',
      reasons: [
        'rollout 2 is not live yet: abort it, and v1 goes on serving (flotilla abort web-2); or name the release to go back to',
      ],
    });
    expect(back({ queue: [3], live: null })).toMatchObject({
      reasons: [
        'rollout 3 is not live yet: abort it, and nothing goes on serving (flotilla abort web-3); or name the release to go back to',
      ],
    });
    expect(back({ lease: lease(), queue: [3], live: null })).toMatchObject({
      reasons: [expect.stringContaining('rollout 2 is not live yet')],
    });
  });
  it('is not told to abort what can be aborted no more', () => {
    const wait = 'rollout 2 is not live yet: wait until it has ended; or name the release to go back to';
    expect(back({ lease: stuck })).toMatchObject({ reasons: [wait, stuckWords] });
    expect(back({ lease: lease({ state: 'recovering' }) })).toMatchObject({ reasons: [wait] });
    for (const phase of ['promoting', 'rolling back']) {
      const promoted = ahead.map((one) => (one.number === 2 ? { ...one, phase } : one));
      const world = { fleet: { ...fleet, lease: lease() }, ahead: promoted };
      expect(ask({ target: { kind: 'rollback' } }, world)).toMatchObject({ reasons: [wait] });
    }
    const unknown = { fleet: { ...fleet, lease: lease() }, ahead: [] };
    expect(ask({ target: { kind: 'rollback' } }, unknown)).toMatchObject({ reasons: [wait] });
  });
  it('is refused so rather than for having nowhere to go', () => {
    const nowhere = { fleet: { ...fleet, lease: lease() }, former: [] };
    expect(ask({ target: { kind: 'rollback' } }, nowhere)).toMatchObject({ error: 'RequestRefused' });
  });
  it('is begun or queued where what holds the fleet is what serves, or a retirement', () => {
    expect(back({})).toMatchObject({ verdict: 'go', kind: 'rollback', release: served, start: true });
    for (const held of [lease({ release: 1 }), lease({ purpose: 'retirement' })]) {
      expect(back({ lease: held })).toMatchObject({ verdict: 'go', kind: 'rollback', start: false });
    }
  });
  it('goes past what is on its way where it names a release', () => {
    const target = { kind: 'release', number: 2 } as const;
    const fleetOf3 = { ...fleet, live: { ...live, release: 3 }, lease: lease({ release: 4 }) };
    expect(ask({ target }, { fleet: fleetOf3, release: served, last: undefined })).toMatchObject({
      verdict: 'go',
      kind: 'rollback',
    });
  });
  it('goes to what has served though its image failed for another release later', () => {
    const former = [served];
    const sameImage = [served, release(3, { failedAt: '2026-09' })];
    expect(ask({ target: { kind: 'rollback' } }, { former, sameImage })).toMatchObject({ verdict: 'go' });
    const target = { kind: 'release', number: 2 } as const;
    const on3 = { fleet: { ...fleet, live: { ...live, release: 3 } }, last: undefined };
    expect(ask({ target }, { ...on3, release: served, sameImage })).toMatchObject({ verdict: 'go' });
    const failed = { ...served, failedAt: '2026-02', reason: 'alarm' };
    expect(ask({ target }, { ...on3, release: failed, sameImage })).toMatchObject({
      verdict: 'refused',
      reasons: ['v2 failed before (alarm); force it to try again'],
    });
  });
});

describe('what is on its way to a fleet without live', () => {
  it('is not called live', () => {
    const last = { release: release(1, { identity: digest }), rollout: 1 };
    expect(ask({}, { fleet: { ...fleet, live: null }, last })).toMatchObject({
      verdict: 'already-live',
      message: 'v1 with this image is on its way already.',
    });
  });
});

describe('the way back', () => {
  it('is to an older release that served; or anywhere, where an alarm asks', () => {
    const on = (number: number | null) => ({ live: number === null ? null : { ...live, release: number } });
    expect(isWayBack({ by }, served, on(3))).toBe(true);
    expect(isWayBack({ by }, served, on(2))).toBe(false);
    expect(isWayBack({ by }, served, on(null))).toBe(false);
    expect(isWayBack({ by }, release(2), on(3))).toBe(false);
    expect(isWayBack({ by: { principal: 'errors', through: 'alarm' } }, release(2), on(1))).toBe(true);
  });
});

describe('an image that was never booted for the fleet', () => {
  it('is refused with what cures it', () => {
    expect(ask({}, { unbooted: true })).toEqual({
      verdict: 'refused',
      error: 'RequestRefused',
      reasons: [
        `No instance of the image ${digest} was asked for this fleet's health check yet; upload its artifact again, or force it`,
      ],
    });
  });
});
