/** Pausing a rollout and letting it go on, in virtual time. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RolloutAnswer } from '../../src/contracts/request.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const hour = 60 * minute;

describe.skipIf(notPackaged !== undefined)('a rollout that is paused', () => {
  let fleet: Fleet;
  let answer: RolloutAnswer;
  afterEach(async () => {
    await fleet?.world.close();
  });

  async function second(steps: readonly object[]): Promise<void> {
    fleet = await Fleet.create({
      rollout: { steps: steps as never, drainSeconds: 20, keepWarmSeconds: 600 },
    });
    await fleet.deploy(await fleet.image('one'));
    answer = await fleet.ask(await fleet.image('two'));
  }

  const status = async () => (await fleet.execution(answer.executionArn ?? '')).status;

  describe('while it bakes', () => {
    beforeEach(async () => {
      await second([{ weight: 10, bakeSeconds: 60 }, { weight: 100 }]);
      await fleet.phase('baking');
      expect(await fleet.order('pause')).toMatchObject({ outcome: 'kept' });
    });

    it('ends its bake, and holds with the weights as they are for hours, until it is resumed', async () => {
      await fleet.world.seconds(2 * minute);
      const { invoked } = fleet.world;
      const before = invoked.length;
      await fleet.world.seconds(4 * hour);
      expect(await fleet.rollout(2)).toMatchObject({ phase: 'paused', status: 'running' });
      expect(await fleet.weights()).toEqual({ blue: 90, green: 10 });
      // Nothing polls: the sweepers come by on their schedules, and no function of the rollout is called.
      const rollout = invoked.slice(before).filter((name) => /gate|shift|prove|promote/.test(name));
      expect(rollout).toEqual([]);
      expect(await fleet.order('resume')).toMatchObject({ outcome: 'now', message: 'web-2 goes on.' });
      expect(await fleet.ended(answer, 2 * minute)).toMatchObject({ status: 'SUCCEEDED' });
    });

    it('goes on as if nothing had been, where it is resumed before the bake is over', async () => {
      await fleet.world.seconds(10);
      await fleet.order('resume');
      expect(await fleet.ended(answer, 2 * minute)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await fleet.entered(answer)).not.toContain('HoldPaused');
    });

    it('goes to full weight where it is promoted', async () => {
      await fleet.world.seconds(2 * minute);
      expect(await fleet.order('promote')).toMatchObject({ outcome: 'now' });
      expect(await fleet.ended(answer, minute)).toMatchObject({ status: 'SUCCEEDED' });
    });

    it.each(['abort', 'reject'] as const)('is undone by %s', async (verb) => {
      await fleet.world.seconds(2 * minute);
      expect(await fleet.order(verb)).toMatchObject({ outcome: 'now' });
      expect(await fleet.ended(answer)).toMatchObject({
        status: 'FAILED',
        error: verb === 'abort' ? 'GateAborted' : 'GateRejected',
      });
      expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    });

    it('tells the same when it is asked again, and keeps one order', async () => {
      await fleet.world.seconds(2 * minute);
      for (const verb of ['pause', 'pause'] as const) await fleet.order(verb);
      expect((await fleet.item()).orders).toHaveLength(1);
      await fleet.order('resume');
      expect((await fleet.item()).orders).toEqual([]);
      expect(await fleet.order('resume')).toMatchObject({ message: 'web-2 is not paused.' });
    });
  });

  it('before there is traffic gives the candidate none', async () => {
    await second([{ weight: 50, bakeSeconds: 30 }, { weight: 100 }]);
    await fleet.phase('checking health');
    await fleet.order('pause');
    await fleet.phase('paused');
    await fleet.world.seconds(10 * minute);
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    expect(await fleet.item()).toMatchObject({ gate: { step: 0, waitsFor: 'resume' } });
    await fleet.order('resume');
    expect(await fleet.ended(answer, 3 * minute)).toMatchObject({ status: 'SUCCEEDED' });
    const states = await fleet.entered(answer);
    expect(states.filter((name) => name === 'ProveTraffic')).toHaveLength(2);
  });

  it('before its promotion is not promoted', async () => {
    await second([{ weight: 100, bakeSeconds: 30 }]);
    await fleet.phase('baking');
    await fleet.order('pause');
    await fleet.phase('paused');
    expect(await fleet.weights()).toEqual({ blue: 0, green: 100 });
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, candidate: { release: 2 } });
    await fleet.order('resume');
    expect(await fleet.ended(answer, minute)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 2 } });
  });

  describe('while it waits for approval', () => {
    beforeEach(async () => {
      await second([{ weight: 50, approval: true, approvalSeconds: 120 }, { weight: 100 }]);
      await fleet.phase('waiting for approval');
      expect(await fleet.order('pause')).toMatchObject({ outcome: 'now' });
      // Longer than the approval's time.
      await fleet.world.seconds(10 * minute);
      expect(await status()).toBe('RUNNING');
      expect(await fleet.rollout(2)).toMatchObject({ phase: 'paused' });
    });

    it('has the whole time again once it is resumed', async () => {
      await fleet.order('resume');
      await fleet.world.seconds(100);
      expect(await fleet.rollout(2)).toMatchObject({ phase: 'waiting for approval' });
      expect(await fleet.order('approve')).toMatchObject({ outcome: 'now' });
      expect(await fleet.ended(answer, minute)).toMatchObject({ status: 'SUCCEEDED' });
    });

    it('is approved meanwhile, and goes on when it is resumed', async () => {
      expect(await fleet.order('approve')).toMatchObject({ outcome: 'kept' });
      expect(await fleet.rollout(2)).toMatchObject({ phase: 'paused' });
      await fleet.order('resume');
      expect(await fleet.ended(answer, minute)).toMatchObject({ status: 'SUCCEEDED' });
    });

    it('is paused, resumed and paused again, each time holding', async () => {
      await fleet.order('resume');
      await fleet.phase('waiting for approval');
      expect(await fleet.order('pause')).toMatchObject({ outcome: 'now' });
      await fleet.world.seconds(10 * minute);
      expect(await status()).toBe('RUNNING');
      await fleet.order('promote');
      expect(await fleet.ended(answer, minute)).toMatchObject({ status: 'SUCCEEDED' });
    });
  });

  it('is undone when an alarm rings while it holds', async () => {
    fleet = await Fleet.create({
      rollout: { steps: [{ weight: 50, bakeSeconds: 10 }, { weight: 100 }], alarms: [{ name: 'errors' }] },
    });
    await fleet.alarm('errors');
    await fleet.alarm('errors', 'OK');
    await fleet.deploy(await fleet.image('one'));
    answer = await fleet.ask(await fleet.image('two'));
    await fleet.phase('baking');
    await fleet.order('pause');
    await fleet.phase('paused');
    await fleet.world.seconds(hour);
    await fleet.alarm('errors', 'ALARM');
    expect(await fleet.ended(answer, 3 * minute)).toMatchObject({ status: 'FAILED', error: 'AlarmRang' });
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
  });

  it('goes on within a minute where whoever resumed it died before the gate was told', async () => {
    await second([{ weight: 50, bakeSeconds: 20 }, { weight: 100 }]);
    await fleet.phase('baking');
    await fleet.order('pause');
    await fleet.phase('paused');
    await fleet.orderUntold('resume');
    expect((await fleet.item()).orders).toEqual([]);
    await fleet.world.seconds(minute);
    expect(await fleet.ended(answer, minute)).toMatchObject({ status: 'SUCCEEDED' });
  });

  describe.each(['before', 'after'] as const)(
    'and is given an order in the moment %s its token is kept',
    (when) => {
      it.each([
        ['resume', 'SUCCEEDED'],
        ['promote', 'SUCCEEDED'],
        ['abort', 'GateAborted'],
      ] as const)('carries %s out', async (verb, ends) => {
        await second([{ weight: 50, bakeSeconds: 20 }, { weight: 100 }]);
        await fleet.phase('baking');
        await fleet.order('pause');
        let given = 0;
        // Time stands still while a function works, so that these are the two sides of one moment.
        fleet.world.region.parts.lambda.faults.stand = async (name, invoke) => {
          if (!name.endsWith('hold-at-gate')) return invoke();
          if (when === 'before') await fleet.order(verb);
          const outcome = await invoke();
          if (when === 'after') await fleet.order(verb);
          given += 1;
          return outcome;
        };
        const end = await fleet.ended(answer, 5 * minute);
        expect(given).toBe(1);
        expect(end.error ?? end.status).toBe(ends);
      });
    },
  );
});
