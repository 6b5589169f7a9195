/** Orders, rollbacks and deployments through the API, with the shipped machines, in virtual time. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UploadItem } from '../../src/contracts/items.ts';
import { Doors, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const approval = 'waiting for approval';
let doors: Doors;

describe.skipIf(notPackaged !== undefined)('a gate that waits for a person', { timeout: 120_000 }, () => {
  let one: UploadItem;
  let two: UploadItem;

  beforeAll(async () => {
    doors = await Doors.open({
      rollout: {
        steps: [{ weight: 50, bakeSeconds: 60, approval: true, approvalSeconds: 600 }, { weight: 100 }],
        keepWarmSeconds: 0,
        drainSeconds: 0,
      },
    });
    one = await doors.deploy('one');
    two = await doors.uploadEnded('web/two', await doors.upload('web/two', program('two')));
  }, 120_000);
  afterAll(() => doors?.close());

  /** Asks for an image again, and waits until its rollout is in a phase. @returns the rollout's id. */
  async function deploying({ imageId }: UploadItem, phase: string): Promise<string> {
    const { status, body } = await doors.api('POST /fleets/web/rollouts', { image: imageId });
    // The rollout before may not have let go of the fleet yet.
    expect({ status, body }).toMatchObject({ status: 202 });
    expect(['started', 'queued']).toContain(body.outcome);
    await doors.phase(body.rollout, phase);
    return body.rollout;
  }

  it('lets the rollout through when a person approves', async () => {
    const id = `web-${two.rollout}`;
    await doors.phase(id, approval);
    expect(await doors.fleet()).toMatchObject({
      state: 'rolling-out',
      gate: { waitsFor: 'approval' },
      live: { release: 1, weight: 50 },
      candidate: { release: 2, weight: 50 },
    });
    expect(JSON.stringify(await doors.fleet())).not.toContain('token');
    const approved = await doors.api(`POST /rollouts/${id}/approve`, { reason: 'looks fine' });
    expect(approved).toMatchObject({ status: 202, body: { rollout: id } });
    expect(await doors.rolloutEnded(id)).toMatchObject({ status: 'succeeded' });
    expect(await doors.fleet()).toMatchObject({ live: { release: 2, weight: 100 }, gate: null });
  });

  it('undoes it when a person rejects, and names who and why', async () => {
    const id = await deploying(one, approval);
    await doors.api(`POST /rollouts/${id}/reject`, { reason: 'the colours are wrong' });
    const end = await doors.rolloutEnded(id);
    expect(end).toMatchObject({ error: { name: 'GateRejected' } });
    expect(end.error.message).toContain('ada');
    expect(end.error.message).toContain('the colours are wrong');
    expect(await doors.fleet()).toMatchObject({ live: { release: 2, weight: 100 }, candidate: null });
  });

  it('undoes it when a person aborts', async () => {
    const id = await deploying(one, approval);
    expect(await doors.api(`POST /rollouts/${id}/abort`, {})).toMatchObject({ status: 202 });
    expect(await doors.rolloutEnded(id)).toMatchObject({
      status: 'aborted',
      error: { name: 'GateAborted' },
    });
    expect(await doors.fleet()).toMatchObject({ live: { release: 2, weight: 100 }, candidate: null });
  });

  it('closes when nobody comes', async () => {
    const id = await deploying(one, approval);
    await doors.world.seconds(590);
    expect(await doors.fleet()).toMatchObject({ gate: { waitsFor: 'approval' } });
    const end = await doors.rolloutEnded(id);
    expect(end).toMatchObject({ status: 'aborted', error: { name: 'GateRejected' } });
    expect(end.error.message).toContain('Nobody approved');
    expect(await doors.fleet()).toMatchObject({ live: { release: 2, weight: 100 }, candidate: null });
  });

  it('reads an abort that came before there was a token', async () => {
    await doors.until(async () => ((await doors.fleet()).lease === null ? true : undefined));
    const id = await deploying(one, 'checking health');
    const kept = await doors.api(`POST /rollouts/${id}/abort`, { reason: 'too early' });
    expect(kept.body.message).toContain('next step');
    const end = await doors.rolloutEnded(id);
    expect(end).toMatchObject({ status: 'aborted', error: { name: 'GateAborted' } });
    expect(end.error.message).toContain('too early');
    expect(await doors.fleet()).toMatchObject({ live: { release: 2, weight: 100 }, candidate: null });
  });

  it('lets a person take a rollout back that does not hold the fleet yet', async () => {
    await doors.until(async () => ((await doors.fleet()).lease === null ? true : undefined));
    const { body } = await doors.api('POST /fleets/web/rollouts', { image: one.imageId });
    const taken = await doors.api(`POST /rollouts/${body.rollout}/abort`, { reason: 'never mind' });
    expect(taken.body.message).toContain('out of the queue');
    expect(await doors.rolloutEnded(body.rollout)).toMatchObject({
      status: 'aborted',
      error: { name: 'GateAborted', message: expect.stringContaining('never mind') },
    });
    await doors.world.seconds(60);
    expect(await doors.fleet()).toMatchObject({
      live: { release: 2 },
      candidate: null,
      queue: [],
      lease: null,
    });
  });

  it('refuses an order that is not legal now, and names those that are', async () => {
    const id = await deploying(one, 'baking');
    const unknown = await doors.api(`POST /rollouts/${id}/freeze`, {});
    expect(unknown).toMatchObject({ status: 404, body: { name: 'RouteNotFound' } });
    await doors.api(`POST /rollouts/${id}/abort`, {});
    await doors.rolloutEnded(id);
    const late = await doors.api(`POST /rollouts/${id}/approve`, {});
    expect(late).toMatchObject({ status: 409, body: { name: 'RequestRefused' } });
    expect(await doors.api('POST /rollouts/web-99/abort', {})).toMatchObject({
      status: 404,
      body: { name: 'RolloutNotFound' },
    });
  });

  it('takes an approval that came during the bake, and still bakes to the end', async () => {
    const id = await deploying(one, 'baking');
    const began = doors.world.clock.now();
    expect((await doors.api(`POST /rollouts/${id}/approve`, {})).body.message).toContain('next step');
    expect(await doors.rolloutEnded(id)).toMatchObject({ status: 'succeeded' });
    const seconds = (doors.world.clock.now() - began) / 1000;
    expect(seconds).toBeGreaterThanOrEqual(50);
    expect(seconds).toBeLessThan(200);
  });

  it('is passed by a promotion, bake and approval both', async () => {
    const id = await deploying(two, 'baking');
    const began = doors.world.clock.now();
    await doors.api(`POST /rollouts/${id}/promote`, {});
    expect(await doors.rolloutEnded(id)).toMatchObject({ status: 'succeeded' });
    expect((doors.world.clock.now() - began) / 1000).toBeLessThan(50);
    expect(await doors.fleet()).toMatchObject({ live: { weight: 100, imageId: two.imageId } });
  });
});

describe.skipIf(notPackaged !== undefined)('a rollback through the API', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    doors = await Doors.open();
  }, 120_000);
  afterAll(() => doors?.close());

  it('is refused by name where there is nothing to go back to', async () => {
    const refused = { status: 404, body: { name: 'ReleaseNotFound' } };
    expect(await doors.api('POST /fleets/web/rollback', {})).toMatchObject(refused);
    await doors.deploy('one');
    const answer = await doors.api('POST /fleets/web/rollback', {});
    expect(answer).toMatchObject(refused);
    expect(answer.body.detail).toContain('no release that was live before');
    expect(await doors.api('POST /fleets/nobody/rollback', {})).toMatchObject({
      status: 404,
      body: { name: 'FleetNotFound' },
    });
  });

  it('is one change of weights while the former release is warm', async () => {
    await doors.deploy('two');
    expect(await doors.api('POST /fleets/web/rollback', { plan: true })).toMatchObject({
      status: 200,
      body: { outcome: 'planned' },
    });
    const began = doors.world.clock.now();
    const { status, body } = await doors.api('POST /fleets/web/rollback', {});
    expect({ status, body }).toMatchObject({ status: 202, body: { outcome: 'started', release: 1 } });
    expect(await doors.rolloutEnded(body.rollout)).toMatchObject({ status: 'succeeded', kind: 'rollback' });
    expect(doors.world.clock.now() - began).toBeLessThan(30_000);
    expect(await doors.fleet()).toMatchObject({
      live: { release: 1, weight: 100 },
      warm: { release: 2, weight: 0 },
    });
  });

  it('does not go forward again to what it left', async () => {
    const { status, body } = await doors.api('POST /fleets/web/rollback', {});
    expect({ status, body }).toMatchObject({ status: 404, body: { name: 'ReleaseNotFound' } });
    expect(body.detail).toContain('passed over: v2 (a rollback left it)');
  });

  it('launches the former release again once it is retired', async () => {
    await doors.deploy('three');
    await doors.world.seconds(15 * 60);
    expect(await doors.fleet()).toMatchObject({ live: { release: 3 }, warm: null });
    const { body } = await doors.api('POST /fleets/web/rollback', {});
    expect(body).toMatchObject({ release: 1 });
    expect(await doors.rolloutEnded(body.rollout)).toMatchObject({ status: 'succeeded' });
    expect(await doors.fleet()).toMatchObject({
      live: { release: 1, weight: 100, groupName: 'flt-web-v1-r5' },
    });
  });
});

describe.skipIf(notPackaged !== undefined)('a deployment through the API', { timeout: 120_000 }, () => {
  let one: UploadItem;
  let two: UploadItem;
  beforeAll(async () => {
    doors = await Doors.open();
    one = await doors.deploy('one');
    two = await doors.deploy('two');
  }, 120_000);
  afterAll(() => doors?.close());

  /** All that a plan could have changed. */
  async function everything(): Promise<string> {
    const { executions } = await doors.world.call('states', 'ListExecutions', {
      stateMachineArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:flotilla-swap-fleet',
    });
    const { Versions } = await doors.world.call('s3', 'ListObjectVersions', { Bucket: doors.uploadBucket });
    const { updatedAt, recent, live } = await doors.fleet();
    return JSON.stringify([executions.length, Versions.length, updatedAt, recent, live]);
  }
  const request = (body: object) => doors.api('POST /fleets/web/rollouts', body);

  async function succeeds(body: object, release: number): Promise<void> {
    const before = await everything();
    expect(await request({ ...body, plan: true })).toMatchObject({
      status: 200,
      body: { outcome: 'planned' },
    });
    expect(await everything()).toBe(before);
    const answer = await request(body);
    expect(answer).toMatchObject({ status: 202, body: { outcome: 'started', release } });
    expect(await doors.rolloutEnded(answer.body.rollout)).toMatchObject({ status: 'succeeded' });
    expect(await doors.fleet()).toMatchObject({ live: { release, weight: 100 } });
  }

  it('of a release makes that release live', () => succeeds({ release: 'v1' }, 1));
  it('of an AMI makes a new release on it', () => succeeds({ image: two.imageId }, 3));
  it("of an image's identity, too", () => succeeds({ image: one.identity }, 4));
  it("of an artifact takes the image that stands, with the fleet's settings", () =>
    succeeds({ artifact: two.artifactSha256 }, 5));

  it('of what is live already does nothing, and says so', async () => {
    expect(await request({ artifact: two.artifactSha256 })).toMatchObject({
      status: 200,
      body: { outcome: 'already-live', release: 5 },
    });
  });

  it('of an artifact builds it anew when settings changed since', async () => {
    await doors.apply({ image: { environment: { COLOUR: 'green' } } });
    const before = await everything();
    const planned = await request({ artifact: one.artifactSha256, plan: true });
    expect(planned).toMatchObject({ status: 200, body: { outcome: 'planned' } });
    expect(planned.body.message).toContain('built');
    expect(await everything()).toBe(before);

    const answer = await request({ artifact: one.artifactSha256 });
    expect(answer).toMatchObject({ status: 202, body: { outcome: 'building' } });
    const upload = await doors.until(async () => {
      const { status, body } = await doors.api(`GET ${answer.body.address}`);
      return status === 200 && body.ended ? body : undefined;
    });
    expect(upload).toMatchObject({ state: 'deploying', key: 'web/one' });
    expect(upload.identity).not.toBe(one.identity);
    expect(await doors.rolloutEnded(upload.rollout)).toMatchObject({ status: 'succeeded' });
    expect(await doors.fleet()).toMatchObject({
      live: { release: 6, artifactSha256: one.artifactSha256, imageId: upload.imageId },
    });
  });

  it('of what is not there is refused by name', async () => {
    const refused = (name: string) => ({ status: 404, body: { name } });
    expect(await request({ release: 99 })).toMatchObject(refused('ReleaseNotFound'));
    expect(await request({ image: 'ami-0123456789abcdef0' })).toMatchObject(refused('ImageNotFound'));
    expect(await request({ image: 'e'.repeat(64) })).toMatchObject(refused('ImageNotFound'));
    expect(await request({ artifact: 'e'.repeat(64) })).toMatchObject(refused('ArtifactNotFound'));
    expect(await request({})).toMatchObject({ status: 400, body: { name: 'RequestInvalid' } });
  });
});
