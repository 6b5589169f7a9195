/** A second deploy while one runs: queued, superseding, refused; and going back, in virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import type { FleetSpecInput } from '../../src/contracts/fleet-spec.ts';
import type { RolloutAnswer, RolloutTarget } from '../../src/contracts/request.ts';
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
  async function busy(rollout: Rollout, before: () => Promise<void> = async () => {}): Promise<void> {
    fleet = await Fleet.create({ rollout: { steps, drainSeconds: 20, keepWarmSeconds: 600, ...rollout } });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    const two = await fleet.image('two');
    await before();
    second = await fleet.ask(two);
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

  /**
   * Asks for `three` whenever a function of the rollout that holds the fleet begins, at its first time in each phase.
   * @returns the answer to each, by phase and function
   */
  async function askedAtEach(
    rollout: RolloutAnswer,
    once: (function_: string) => Promise<string>,
  ): Promise<Record<string, string>> {
    const answers: Record<string, string> = {};
    const { faults } = fleet.world.region.parts.lambda;
    const mine =
      /^flotilla-(acquire|plan|launch|check-h|shift|prove|hold|promote|schedule|release|roll-b|record-f)/;
    let asking = false;
    faults.stand = async (name, invoke) => {
      const { phase } = await fleet.rollout(rollout.rollout ?? 0);
      const at = `${phase}, ${name.replace('flotilla-', '')}`;
      if (!asking && mine.test(name) && answers[at] === undefined) {
        asking = true;
        answers[at] = await once(name);
        asking = false;
      }
      return invoke();
    };
    return answers;
  }

  const wholeWay = [
    'waiting for the fleet, acquire-lease',
    'planning, plan-rollout',
    'launching, launch-candidate',
    'checking health, check-health',
    'shifting traffic, shift-traffic',
    'proving traffic, prove-traffic',
    'proving traffic, hold-at-gate',
  ];
  const toTheEnd = ['promoting, schedule-retirement', 'promoting, release-lease'];
  const backAgain = ['rolling back, roll-back', 'rolling back, record-failure', 'ended, release-lease'];

  it.each([
    ['refuse', 'refused'],
    ['queue', 'queued'],
  ] as const)(
    'is %sd in every phase of it, and starts while the former release is warm',
    async (whenBusy, expected) => {
      let three = {} as RolloutTarget; // made before the rollout is asked for
      let four = three;
      await busy({ whenBusy }, async () => {
        three = await fleet.image('three');
        four = await fleet.image('four');
      });
      const once = async (): Promise<string> => {
        const before = await fleet.item();
        try {
          const { outcome, rollout = 0 } = await fleet.askInside(three);
          await fleet.withdraw(rollout);
          return outcome;
        } catch (error) {
          expect(await fleet.item()).toEqual(before);
          return String(error).includes('LeaseHeld') ? 'refused' : String(error);
        }
      };
      const undone = await askedAtEach(second, once);
      await fleet.phase('waiting for approval');
      await fleet.order('abort');
      await fleet.ended(second);
      for (const at of [...wholeWay, ...backAgain]) expect(undone).toHaveProperty([at], expected);
      expect(new Set(Object.values(undone))).toEqual(new Set([expected]));

      const again = await fleet.ask(four);
      const done = await askedAtEach(again, once);
      expect(await approved(again)).toMatchObject({ status: 'SUCCEEDED' });
      for (const at of [...wholeWay, ...toTheEnd]) expect(done).toHaveProperty([at], expected);
      expect(new Set(Object.values(done))).toEqual(new Set([expected]));
      expect(await fleet.item()).toMatchObject({ warm: { release: 1 }, queue: [] });
      expect(await fleet.ask(three)).toMatchObject({ outcome: 'started' });
    },
  );

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

  it('of the release that is live changes nothing, whether it was asked for busy or forced', async () => {
    const instances = { minimum: 1, desired: 1, maximum: 2 };
    fleet = await Fleet.create({
      instances,
      rollout: { steps: [{ weight: 50, bakeSeconds: 120 }, { weight: 100 }], whenBusy: 'supersede' },
    });
    await fleet.deploy(await fleet.image('one'));
    const one = { kind: 'release', number: 1 } as const;
    await expect(fleet.ask(one, { force: true })).rejects.toThrow('v1 is live already');

    const two = await fleet.ask(await fleet.image('two'));
    await fleet.phase('baking');
    const back = await fleet.ask(one);
    expect(back).toMatchObject({ outcome: 'queued', release: 1 });
    expect(await fleet.ended(two)).toMatchObject({ error: 'GateAborted' });
    const end = await fleet.ended(back);
    expect(end).toMatchObject({ error: 'PlanRefused' });
    expect(end.cause).toContain('v1 is live already; to launch it anew, force a deploy of its image');
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, warm: null, lease: null });
    expect(await fleet.release(1)).toMatchObject({ state: 'live' });
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v1-r1', minimum: 1, desired: 1 }]);
  });
});
