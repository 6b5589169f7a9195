/** A second deploy while one runs: queued, superseding, refused; and going back, in virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import type { FleetSpecInput } from '../../src/contracts/fleet-spec.ts';
import type { RolloutAnswer } from '../../src/contracts/request.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

type Rollout = NonNullable<FleetSpecInput['rollout']>;

describe.skipIf(notPackaged !== undefined)('a deploy while another one runs', () => {
  let fleet: Fleet;
  let second: RolloutAnswer;
  afterEach(async () => {
    await fleet?.world.close();
  });

  const steps = [{ weight: 50, bakeSeconds: 60, approval: true, approvalSeconds: 600 }, { weight: 100 }];

  /** A fleet with a first release, and a second on its way. */
  async function busy(rollout: Rollout): Promise<void> {
    fleet = await Fleet.create({ rollout: { steps, drainSeconds: 20, keepWarmSeconds: 600, ...rollout } });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    second = await fleet.ask(await fleet.image('two'));
  }

  /** Passes the gate that waits for a person. */
  async function approved(answer: RolloutAnswer) {
    await fleet.phase('waiting for approval', answer.rollout);
    await fleet.order('approve');
    return fleet.ended(answer);
  }

  describe('that supersedes', () => {
    it.each([
      'planning',
      'checking health',
      'baking',
      'waiting for approval',
      'paused',
      'rolling back',
    ] as const)('ends one that is %s, and those that wait', async (phase) => {
      await busy({ whenBusy: 'supersede' });
      if (phase === 'paused') {
        await fleet.phase('baking');
        await fleet.order('pause');
        await fleet.phase('waiting for approval').catch(() => undefined);
      }
      if (phase === 'rolling back') {
        await fleet.phase('baking');
        await fleet.order('abort');
      }
      // Planning takes no time: the request comes before the function begins.
      if (phase !== 'planning') await fleet.phase(phase);
      const third = await fleet.ask(await fleet.image('three'));
      const fourth = await fleet.ask(await fleet.image('four'));
      expect([third.outcome, fourth.outcome]).toEqual(
        phase === 'planning' ? [expect.any(String), expect.any(String)] : ['queued', 'queued'],
      );
      expect(await fleet.rollout(3)).toMatchObject({ status: 'superseded', phase: 'ended' });
      expect(await approved(fourth)).toMatchObject({ status: 'SUCCEEDED' });
      expect(['aborted', 'superseded']).toContain((await fleet.rollout(2)).status);
      expect(await fleet.item()).toMatchObject({ live: { release: 4 }, queue: [], lease: null, orders: [] });
      expect(await fleet.weights()).toEqual({ blue: 0, green: 100 });
    });

    it('lets one that is promoted already end first', async () => {
      await busy({ whenBusy: 'supersede' });
      await fleet.phase('waiting for approval');
      const three = await fleet.image('three');
      let third: RolloutAnswer | undefined;
      fleet.world.region.parts.lambda.faults.stand = async (name, invoke) => {
        if (name.endsWith('schedule-retirement') && third === undefined) third = await fleet.askInside(three);
        return invoke();
      };
      await fleet.order('approve');
      expect(await fleet.ended(second)).toMatchObject({ status: 'SUCCEEDED' });
      expect(third).toMatchObject({ outcome: 'queued' });
      expect(await fleet.rollout(2)).toMatchObject({ status: 'succeeded' });
      if (third === undefined) throw new Error('never asked');
      expect(await approved(third)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await fleet.item()).toMatchObject({ live: { release: 3 }, warm: { release: 2 } });
    });
  });

  it('that is refused is told by whom, and changes nothing', async () => {
    await busy({ whenBusy: 'refuse' });
    await fleet.phase('baking');
    const { revision } = await fleet.item();
    await expect(fleet.ask(await fleet.image('three'))).rejects.toThrow('rollout 2 is under way');
    expect(await fleet.item()).toMatchObject({ revision, queue: [] });
  });

  it('waits no longer than it may, and is told who held the fleet', async () => {
    await busy({ lockWaitSeconds: 120 });
    await fleet.phase('waiting for approval');
    const third = await fleet.ask(await fleet.image('three'));
    expect(third).toMatchObject({ outcome: 'queued' });
    await fleet.world.seconds(100);
    expect(await fleet.rollout(3)).toMatchObject({ status: 'queued' });
    await fleet.world.seconds(90);
    expect(await fleet.rollout(3)).toMatchObject({
      status: 'failed',
      phase: 'ended',
      error: { name: 'LeaseTimeout', message: expect.stringContaining('the rollout of v2 holds') },
    });
    expect(await fleet.item()).toMatchObject({ queue: [], lease: { rollout: 2 } });
    await fleet.order('approve');
    expect(await fleet.ended(second)).toMatchObject({ status: 'SUCCEEDED' });
    await fleet.world.seconds(2 * minute);
    expect(await fleet.item()).toMatchObject({ live: { release: 2 }, lease: null });
  });

  describe('that only says rollback', () => {
    it('is refused, and told how to stay', async () => {
      await busy({});
      await fleet.phase('baking');
      await expect(fleet.rollBack()).rejects.toThrow('flotilla abort web-2');
      expect(await fleet.item()).toMatchObject({ queue: [] });
    });

    it('goes back from the one that was promoted a moment ago', async () => {
      await busy({});
      await fleet.phase('waiting for approval');
      let back: RolloutAnswer | undefined;
      fleet.world.region.parts.lambda.faults.stand = async (name, invoke) => {
        if (name.endsWith('schedule-retirement') && back === undefined) back = await fleet.rollBack('inside');
        return invoke();
      };
      await fleet.order('approve');
      await fleet.ended(second);
      if (back === undefined) throw new Error('never asked');
      expect(await fleet.ended(back)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await fleet.item()).toMatchObject({ live: { release: 1 }, warm: { release: 2 } });
    });
  });

  it('that has nothing to go back to is told so', async () => {
    fleet = await Fleet.create();
    await expect(fleet.rollBack()).rejects.toThrow('ReleaseNotFound');
    await fleet.deploy(await fleet.image('one'));
    await expect(fleet.rollBack()).rejects.toThrow('no release that was live before');
  });

  it('of a release that failed wants force', async () => {
    fleet = await Fleet.create();
    await fleet.deploy(await fleet.image('one'));
    let ill = true;
    const two = await fleet.image('two', { healthy: () => !ill });
    expect(await fleet.deploy(two)).toMatchObject({ error: 'CandidateUnhealthy' });
    await expect(fleet.ask({ kind: 'release', number: 2 })).rejects.toThrow('v2 failed before');
    ill = false;
    const forced = await fleet.ask({ kind: 'release', number: 2 }, { force: true });
    expect(await fleet.ended(forced)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 2 } });
  });
});
