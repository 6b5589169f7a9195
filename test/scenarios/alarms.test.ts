/** Alarms that a rollout watches: when, and what they do, in virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import type { FleetSpecInput } from '../../src/contracts/fleet-spec.ts';
import type { RolloutAnswer } from '../../src/contracts/request.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

type Watch = NonNullable<NonNullable<FleetSpecInput['rollout']>['alarms']>[number];

describe.skipIf(notPackaged !== undefined)('an alarm', () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  /** A fleet with a first release, and a second on its way. */
  async function second(watch: Partial<Watch>, steps: readonly object[]): Promise<RolloutAnswer> {
    const rollout = { drainSeconds: 20, keepWarmSeconds: 3600, alarms: [{ name: 'errors', ...watch }] };
    fleet = await Fleet.create({ rollout: { ...rollout, steps: steps as never } });
    await fleet.alarm('errors');
    await fleet.alarm('errors', 'OK');
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    return fleet.ask(await fleet.image('two'));
  }

  /** The event of an alarm that rang then, as EventBridge delivers it late, or once more. */
  const hearLate = (rangAt: number) =>
    fleet.world.invoke('handle-alarm', {
      source: 'aws.cloudwatch',
      'detail-type': 'CloudWatch Alarm State Change',
      detail: {
        alarmName: 'errors',
        state: {
          value: 'ALARM',
          reason: 'many',
          timestamp: new Date(rangAt).toISOString().replace('Z', '+0000'),
        },
      },
    });

  const long = [{ weight: 50, bakeSeconds: 600 }, { weight: 100 }];
  const twoSteps = [{ weight: 10, bakeSeconds: 120 }, { weight: 50, bakeSeconds: 120 }, { weight: 100 }];

  it('that counts from the second step on may ring before it, and then ends the rollout', async () => {
    const answer = await second({ fromStep: 2 }, twoSteps);
    await fleet.phase('baking');
    await fleet.alarm('errors', 'ALARM');
    await fleet.world.seconds(90);
    expect(await fleet.weights()).toEqual({ blue: 90, green: 10 });
    expect(await fleet.rollout(2)).toMatchObject({ phase: 'baking' });
    const end = await fleet.ended(answer, 5 * minute);
    expect(end).toMatchObject({ error: 'AlarmRang' });
    expect(
      await fleet.entered(answer).then((states) => states.filter((name) => name === 'ShiftTraffic')),
    ).toHaveLength(2);
  });

  it('that counts from the second step on does not keep a rollout from being planned', async () => {
    await second({ fromStep: 2, missingData: 'abort' }, twoSteps);
    await fleet.phase('baking');
    await fleet.order('abort');
    await fleet.world.seconds(3 * minute);
    await fleet.alarm('errors', 'INSUFFICIENT_DATA');
    const again = await fleet.ask(await fleet.image('three'));
    await fleet.phase('baking', again.rollout);
    await fleet.alarm('errors', 'OK');
    expect(await fleet.ended(again)).toMatchObject({ status: 'SUCCEEDED' });
  });

  it.each(['renamed', 'unheard'] as const)('that is %s ends the rollout within a minute', async (how) => {
    const answer = await second({}, long);
    await fleet.phase('baking');
    if (how === 'renamed') await fleet.world.call('monitoring', 'DeleteAlarms', { AlarmNames: ['errors'] });
    else {
      fleet.world.fault = (name) => (name === 'handle-alarm' ? 'crash' : undefined);
      await fleet.alarm('errors', 'ALARM');
    }
    await fleet.world.seconds(65);
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    const end = await fleet.ended(answer);
    expect(end).toMatchObject({ error: how === 'renamed' ? 'AlarmMissing' : 'AlarmRang' });
    expect(end.cause).toContain(how === 'renamed' ? 'errors does not exist' : 'errors rings');
    // Of the release, an alarm that is not there says nothing.
    expect((await fleet.release(2)).state).toBe(how === 'renamed' ? 'new' : 'failed');
  });

  it('whose event comes late ends no rollout that began after it rang', async () => {
    const answer = await second({}, [{ weight: 50, bakeSeconds: 60 }, { weight: 100 }]);
    await fleet.phase('baking');
    const since = Date.parse((await fleet.item()).lease?.since ?? '');
    expect(await hearLate(since - 1)).toEqual({ aborted: [], rollingBack: [] });
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('whose event comes late ends the rollout that began before it rang', async () => {
    const answer = await second({}, long);
    await fleet.phase('baking');
    const since = Date.parse((await fleet.item()).lease?.since ?? '');
    expect(await hearLate(since)).toEqual({ aborted: ['web-2'], rollingBack: [] });
    expect(await fleet.ended(answer)).toMatchObject({ error: 'AlarmRang' });
  });

  it('without data neither ends the rollout nor counts as quiet: lineage tells', async () => {
    const answer = await second({}, [{ weight: 50, bakeSeconds: 30 }, { weight: 100 }]);
    await fleet.phase('baking');
    await fleet.alarm('errors', 'INSUFFICIENT_DATA');
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
    const told = await fleet.events('rollout-2/');
    const of = (key: string) => told.find((event) => event.key === `rollout-2/${key}`)?.data.alarmsBefore;
    expect([of('shifted-1'), of('shifted-2'), of('promoted')]).toEqual(['quiet', 'unknown', 'unknown']);
  });

  it('that rings does not stand in the way of a person who goes back', async () => {
    const answer = await second({}, [{ weight: 100, bakeSeconds: 30 }]);
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
    await fleet.alarm('errors', 'ALARM');
    await fleet.world.seconds(5 * minute);
    expect(await fleet.item()).toMatchObject({ live: { release: 2 } });
    expect(await fleet.ended(await fleet.rollBack())).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, warm: { release: 2 } });
  });

  describe('that is watched while the former release is warm', () => {
    it.each(['heard', 'unheard'] as const)('and is %s takes the fleet back, once', async (how) => {
      const answer = await second({ whileWarm: 'roll-back' }, [{ weight: 100, bakeSeconds: 30 }]);
      expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
      if (how === 'unheard') fleet.world.fault = (name) => (name === 'handle-alarm' ? 'crash' : undefined);
      await fleet.alarm('errors', 'ALARM');
      await fleet.world.seconds(how === 'heard' ? 30 : 90);
      expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
      expect(await fleet.item()).toMatchObject({ live: { release: 1 }, warm: { release: 2 }, lease: null });
      expect(await fleet.rollout(3)).toMatchObject({
        kind: 'rollback',
        status: 'succeeded',
        by: { principal: 'errors', through: 'alarm' },
      });
      expect((await fleet.release(2)).failedAt).toBeDefined();
      // It still rings, and rings again: two releases do not take turns.
      await fleet.alarm('errors', 'OK');
      await fleet.alarm('errors', 'ALARM');
      await fleet.world.seconds(5 * minute);
      expect(await fleet.item()).toMatchObject({ live: { release: 1 }, nextRollout: 4 });
    });

    it('takes nothing back by an event of a time before the release served', async () => {
      const answer = await second({ whileWarm: 'roll-back' }, [{ weight: 100, bakeSeconds: 30 }]);
      expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
      const served = Date.parse((await fleet.release(2)).servedAt ?? '');
      expect(await hearLate(served - 1)).toEqual({ aborted: [], rollingBack: [] });
      expect(await fleet.item()).toMatchObject({ live: { release: 2 }, nextRollout: 3 });
      expect(await hearLate(served)).toEqual({ aborted: [], rollingBack: ['web-3'] });
    });

    it('and was renamed takes nothing back', async () => {
      const answer = await second({ whileWarm: 'roll-back' }, [{ weight: 100, bakeSeconds: 30 }]);
      expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
      await fleet.world.call('monitoring', 'DeleteAlarms', { AlarmNames: ['errors'] });
      await fleet.world.seconds(3 * minute);
      expect(await fleet.item()).toMatchObject({ live: { release: 2 }, nextRollout: 3 });
    });

    it('and has no data, where that counts as ringing, takes the fleet back from what has not failed', async () => {
      const watch = { whileWarm: 'roll-back', missingData: 'abort' } as const;
      const answer = await second(watch, [{ weight: 100, bakeSeconds: 30 }]);
      expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
      await fleet.alarm('errors', 'INSUFFICIENT_DATA');
      await fleet.world.seconds(90);
      expect(await fleet.item()).toMatchObject({ live: { release: 1 }, warm: { release: 2 }, lease: null });
      expect((await fleet.release(2)).failedAt).toBeUndefined();
    });
  });
});
