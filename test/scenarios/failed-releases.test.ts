/** A release that failed is marked by its image: the fleet does not deploy that again unless somebody forces it. */
import { afterEach, describe, expect, it } from 'vitest';
import type { RolloutTarget } from '../../src/contracts/request.ts';
import { Fleet } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const rollout = {
  steps: [{ weight: 50, bakeSeconds: 60 }, { weight: 100 }],
  drainSeconds: 0,
  keepWarmSeconds: 900,
};
const instances = { minimum: 1, desired: 1, maximum: 2 };

describe.skipIf(notPackaged !== undefined)('an image that failed', () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  async function live(spec: object = {}): Promise<void> {
    fleet = await Fleet.create({ instances, rollout: { ...rollout, ...spec } });
    await fleet.alarm('errors');
    await fleet.alarm('errors', 'OK');
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
  }

  async function expectMarked(
    target: Exclude<RolloutTarget, { kind: 'rollback' }>,
    why: string,
  ): Promise<void> {
    const words = `v2, of the same image, failed before (${why}`;
    await expect(fleet.ask(target)).rejects.toThrow(words);
    const { outcome, reasons } = await fleet.plan(target);
    expect({ outcome, reasons }).toEqual({ outcome: 'refused', reasons: [expect.stringContaining(words)] });
    expect((await fleet.item()).nextRelease).toBe(3);
  }

  it('is refused under a new number too, in this fleet alone, until it was forced and served', async () => {
    await live();
    let ill = true;
    const two = await fleet.image('two', { healthy: () => !ill });
    expect(await fleet.deploy(two)).toMatchObject({ error: 'CandidateUnhealthy' });
    await expectMarked(two, '');
    ill = false;
    const shop = await fleet.beside('shop', { instances, rollout });
    await fleet.world.seconds(30);
    expect(await shop.deploy(two)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.ended(await fleet.ask(two, { force: true }))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 3 } });
    expect(await fleet.ended(await fleet.rollBack())).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.ask(two)).toMatchObject({ outcome: 'started', release: 4 });
  });

  it('under an alarm is marked', async () => {
    await live({ alarms: [{ name: 'errors', missingData: 'quiet' }] });
    const two = await fleet.image('two');
    const answer = await fleet.ask(two);
    await fleet.phase('baking');
    await fleet.alarm('errors', 'ALARM');
    expect(await fleet.ended(answer)).toMatchObject({ error: 'AlarmRang' });
    await fleet.alarm('errors', 'OK');
    await expectMarked(two, 'alarm errors rings');
  });

  it('from which an alarm took the fleet back is marked, and no rollback goes there', async () => {
    await live({ alarms: [{ name: 'errors', missingData: 'quiet', whileWarm: 'roll-back' }] });
    const two = await fleet.image('two');
    expect(await fleet.deploy(two)).toMatchObject({ status: 'SUCCEEDED' });
    await fleet.alarm('errors', 'ALARM');
    await fleet.world.seconds(60);
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, warm: { release: 2 }, lease: null });
    await fleet.alarm('errors', 'OK');
    await expectMarked(two, 'alarm errors rang after its promotion');
    await expect(fleet.rollBack()).rejects.toThrow('no release that was live before');
  });

  it.each(['abort', 'reject'] as const)('is none where a person said %s', async (verb) => {
    await live({ steps: [{ weight: 50, approval: true }, { weight: 100 }] });
    const two = await fleet.image('two');
    const answer = await fleet.ask(two);
    await fleet.phase('waiting for approval');
    await fleet.order(verb);
    expect(await fleet.ended(answer)).toMatchObject({ status: 'FAILED' });
    expect(await fleet.rollout(2)).toMatchObject({ status: 'aborted' });
    expect(await fleet.ask(two)).toMatchObject({ outcome: 'started', release: 3 });
  });

  it('is not deployed by who waited behind it either', async () => {
    await live();
    const two = await fleet.image('two', { healthy: false });
    const first = await fleet.ask(two);
    const three = await fleet.ask(await fleet.image('three'));
    const again = await fleet.ask(two);
    expect(again).toMatchObject({ outcome: 'queued', release: 4 });
    expect(await fleet.ended(first)).toMatchObject({ error: 'CandidateUnhealthy' });
    expect(await fleet.ended(three)).toMatchObject({ status: 'SUCCEEDED' });
    const end = await fleet.ended(again);
    expect(end).toMatchObject({ error: 'PlanRefused' });
    expect(end.cause).toContain('v4 failed before');
  });
});
