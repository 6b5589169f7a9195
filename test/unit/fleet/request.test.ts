import { describe, expect, it } from 'vitest';
import type { FleetItem, ReleaseItem } from '../../../src/contracts/items.ts';
import type { RolloutRequest } from '../../../src/contracts/request.ts';
import { decideRequest, type RequestWorld } from '../../../src/fleet/request.ts';
import { by, digest, fleet, lease, live, release } from './views.ts';

const vetoed = 'the image has been vetoed; deploy another, or force it';

describe('a request', () => {
  const image = { identity: digest, state: 'available' as const, imageId: 'ami-9' };
  const base: RequestWorld = {
    fleet,
    image,
    release: undefined,
    live: release(1),
    last: { release: release(1), rollout: 0 },
    former: [],
    ahead: [],
    sameImage: [],
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
  it('for the live release itself is refused even where forced, with its image as the cure', () => {
    const target = { kind: 'release', number: 1 } as const;
    const forced = (world: Partial<RequestWorld> = {}, number = 1) =>
      ask({ target: { kind: 'release', number }, force: true }, { release: release(number), ...world });
    expect(forced()).toEqual({
      verdict: 'refused',
      error: 'AlreadyLive',
      reasons: ['v1 is live already; to launch it anew, force a deploy of its image, ami-1'],
    });
    expect(ask({ target }, { release: release(1) })).toMatchObject({ verdict: 'already-live' });
    expect(forced({}, 2)).toMatchObject({ verdict: 'go' });
    // What is on its way may fail, and the same again may be wanted then.
    const onItsWay = { last: { release: release(2), rollout: 2 } };
    expect(forced(onItsWay)).toMatchObject({ verdict: 'go' });
    expect(forced(onItsWay, 2)).toMatchObject({ verdict: 'go' });
    expect(forced({ last: undefined })).toMatchObject({ verdict: 'go' });
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
    const failed = release(2, { state: 'failed', failedAt: '2026-11-02' });
    const target = { kind: 'release', number: 2 } as const;
    const world = { release: failed, sameImage: [failed] };
    expect(ask({ target }, world)).toMatchObject({ error: 'RequestRefused' });
    expect(ask({ target, force: true }, world)).toMatchObject({ verdict: 'go' });
  });
  it('says why it does nothing', () => {
    const same = release(1, { identity: digest });
    expect(ask({}, { last: { release: same, rollout: 0 } })).toEqual({
      verdict: 'already-live',
      release: 1,
      message: 'v1 is live already; to launch it anew, force a deploy of its image, ami-1.',
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
    expect(ask({ target }, { former: [{ ...served, leftAt: 'then' }] })).toMatchObject({
      error: 'ReleaseNotFound',
      reasons: [expect.stringContaining('passed over: v2 (a rollback left it)')],
    });
  });
  it.each([
    [{ image: undefined }, {}, 'ImageNotFound', `There is no image ${digest}`],
    [{ image: { ...image, state: 'vetoed' } }, {}, 'ImageVetoed', vetoed],
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
      {
        release: release(3),
        sameImage: [release(3), release(2, { failedAt: '2026', reason: 'never healthy' })],
      },
      { target: { kind: 'release', number: 3 } },
      'RequestRefused',
      'v2, of the same image, failed before (never healthy); force it to try again',
    ],
    [
      { sameImage: [release(2, { failedAt: '2026' })] },
      {},
      'RequestRefused',
      'v2, of the same image, failed before (no reason kept); force it to try again',
    ],
  ] as [Partial<RequestWorld>, Partial<RolloutRequest>, string, string][])(
    'is refused with %j and %j as %s',
    (world, request, error, reason) => {
      expect(ask(request, world)).toEqual({ verdict: 'refused', error, reasons: [reason] });
    },
  );
  it('for an image is refused with all that stands against it at once, before it is called live', () => {
    const boot = `No instance of the image ${digest} was asked for this fleet's health check yet; upload its artifact again, or force it`;
    const mark = 'v2, of the same image, failed before (never healthy); force it to try again';
    const sameImage = [release(2, { failedAt: '2026', reason: 'never healthy' })];
    const illness = { image: { ...image, state: 'vetoed' as const }, unbooted: true, sameImage };
    const last = { release: release(1, { identity: digest }), rollout: 0 };
    const all = { verdict: 'refused', error: 'ImageVetoed', reasons: [vetoed, boot, mark] };
    expect(ask({}, illness)).toEqual(all);
    expect(ask({}, { ...illness, last })).toEqual(all);
    expect(ask({ force: true }, illness)).toMatchObject({ verdict: 'go' });
    const rest = { verdict: 'refused', error: 'RequestRefused', reasons: [boot, mark] };
    expect(ask({}, { ...illness, image })).toEqual(rest);
    // What is asked for by its number was asked for its image before.
    const target = { kind: 'release', number: 3 } as const;
    expect(ask({ target }, { ...illness, sameImage: [], release: release(3) })).toMatchObject({
      verdict: 'go',
    });
  });
  it('for a vetoed image passes where it is forced', () => {
    expect(ask({ force: true }, { image: { ...image, state: 'vetoed' } })).toMatchObject({ verdict: 'go' });
  });
  it('waits for a retirement, and for what is queued, whatever the spec says of a second rollout', () => {
    const retirement = lease({ purpose: 'retirement', rollout: 1, release: 1 });
    const { rollout } = fleet.spec;
    for (const whenBusy of ['queue', 'supersede', 'refuse'] as const) {
      const retiring = {
        ...fleet,
        lease: retirement,
        spec: { ...fleet.spec, rollout: { ...rollout, whenBusy } },
      };
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
      lease: lease(),
    });
    expect(ask({}, { fleet: busy('queue') })).toMatchObject({ start: false, supersedes: [], aborts: null });
    expect(ask({}, { fleet: busy('supersede') })).toMatchObject({ start: false, supersedes: [3], aborts: 2 });
    expect(ask({}, { fleet: busy('refuse') })).toMatchObject({ verdict: 'refused', error: 'LeaseHeld' });
  });
});
