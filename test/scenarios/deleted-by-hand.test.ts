/** What somebody deletes under a rollout: said by name, made anew, and the undo goes on. In virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import type { FleetSpecInput } from '../../src/contracts/fleet-spec.ts';
import type { RolloutAnswer } from '../../src/contracts/request.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { Invariants, type Violation } from './kit/invariants.ts';

describe.skipIf(notPackaged !== undefined)('deleted by hand during a rollout', { timeout: 120_000 }, () => {
  let fleet: Fleet;
  let invariants: Invariants;
  afterEach(async () => {
    invariants?.end();
    await fleet?.world.close();
  });

  const spec: Partial<FleetSpecInput> = {
    scaling: { cpuPercent: 50, requestsPerTarget: 100 },
    rollout: { steps: [{ weight: 50, bakeSeconds: 300 }, { weight: 100 }], drainSeconds: 5 },
  };
  const halves = { blue: 50, green: 50 };

  /** Release 1 is live, and release 2 has half of the traffic. */
  async function baking(): Promise<RolloutAnswer> {
    fleet = await Fleet.create(spec);
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    invariants = await Invariants.over([fleet]);
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.phase('baking');
    return answer;
  }

  const now = () => new Date(fleet.world.clock.now()).toISOString();
  /** A hand took the traffic away: what was so between these moments is its doing. */
  const exceptBetween = (from: string, to: string, violations: readonly Violation[]) =>
    violations.filter(({ at }) => at < from || at > to);

  describe('the listener rule', () => {
    it('is made anew by applying the fleet, with its weights, and the undo goes on', async () => {
      const undone = await baking();
      const { fixed } = await fleet.item();
      const deleted = now();
      await fleet.world.call('elasticloadbalancing', 'DeleteRule', { RuleArn: fixed.ruleArn });
      await fleet.order('abort');
      expect(await fleet.ended(undone)).toMatchObject({ error: 'RollbackIncomplete' });
      const told = 'The listener rule of web is gone; flotilla fleet apply makes it anew';
      expect(await fleet.read('api-read', '/fleets/web')).toMatchObject({
        state: 'needs-attention',
        needsAttention: [expect.stringContaining(told)],
      });

      // What the rollout works on stays as it is; a rule with another condition would be another one.
      const rollout = { ...spec.rollout, drainSeconds: 60 };
      await expect(fleet.apply({ rollout })).rejects.toThrow('the rule alone is made anew');
      await expect(fleet.apply({ ...spec, rule: { hosts: ['new.example.com'] } })).rejects.toThrow(
        'FleetInUse',
      );
      expect((await fleet.item()).fixed).toEqual(fixed);

      await fleet.apply(spec);
      expect((await fleet.item()).fixed.ruleArn).not.toBe(fixed.ruleArn);
      expect(await fleet.weights()).toEqual(halves);
      await fleet.world.seconds(30);
      const served = now();
      await fleet.world.seconds(10 * minute);
      expect(await fleet.item()).toMatchObject({ lease: null, candidate: null, live: { release: 1 } });
      expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
      expect(await fleet.rollout(2)).toMatchObject({ status: expect.stringMatching(/aborted|failed/) });
      const violations = invariants.atRest({ web: { live: 1, desired: 2 } });
      expect(exceptBetween(deleted, served, violations)).toEqual([]);
    });
  });

  describe('the group of live', () => {
    const byName = (name: string) => ({ AutoScalingGroupNames: [name] });
    const groupNamed = async (name: string) => {
      const { AutoScalingGroups } = await fleet.world.call(
        'autoscaling',
        'DescribeAutoScalingGroups',
        byName(name),
      );
      return AutoScalingGroups[0];
    };

    it.each([
      ['by the rollout', async () => {}],
      [
        'by the sweeper, where the execution was stopped',
        async ({ executionArn }: RolloutAnswer) => {
          await fleet.world.call('states', 'StopExecution', { executionArn });
        },
      ],
    ])('is made anew %s, gets well, and has the traffic again', async (_, alsoDo) => {
      const undone = await baking();
      const name = (await fleet.item()).live?.groupName ?? '';
      const before = await groupNamed(name);
      const deleted = now();
      await fleet.world.call('autoscaling', 'DeleteAutoScalingGroup', {
        AutoScalingGroupName: name,
        ForceDelete: true,
      });
      await fleet.world.seconds(1);
      await alsoDo(undone);
      if ((await fleet.execution(undone.executionArn ?? '')).status === 'RUNNING') await fleet.order('abort');
      for (let passed = 0; passed < 30 * minute && (await fleet.weights()).blue < 100; passed += 5) {
        await fleet.world.seconds(5);
      }
      const served = now();
      await fleet.world.seconds(10 * minute);
      expect(await fleet.item()).toMatchObject({
        ...{ lease: null, candidate: null, live: { release: 1, groupName: name }, pins: [] },
        weights: { blue: 100, green: 0 },
      });
      expect((await fleet.groups()).map((group) => group.name)).toEqual([name]);
      const { MinSize, DesiredCapacity, MaxSize, TargetGroupARNs } = before;
      // The rollout had pinned the minimum.
      expect(MinSize).toBe(2);
      expect(await groupNamed(name)).toMatchObject({ MinSize: 1, DesiredCapacity, MaxSize, TargetGroupARNs });
      const { ScalingPolicies } = await fleet.world.call('autoscaling', 'DescribePolicies', {
        AutoScalingGroupName: name,
      });
      expect(ScalingPolicies).toHaveLength(2);
      const told = (await fleet.events('rollout-2/')).filter(({ kind }) => kind === 'live-made-anew');
      expect(told).toMatchObject([{ data: { release: 1, groupName: name, desired: 2 } }]);
      const violations = invariants.atRest({ web: { live: 1, desired: 2 } });
      expect(exceptBetween(deleted, served, violations)).toEqual([]);
    });
  });

  describe('the group of what is warm', () => {
    it('is launched anew by a rollback, though it shows until its instances have ended', async () => {
      fleet = await Fleet.create({
        rollout: { steps: [{ weight: 100 }], drainSeconds: 0, keepWarmSeconds: 3600 },
      });
      expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
      expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
      invariants = await Invariants.over([fleet]);
      // Until no node sends anything there.
      await fleet.world.seconds(30);
      const { warm } = await fleet.item();
      await fleet.world.call('autoscaling', 'DeleteAutoScalingGroup', {
        AutoScalingGroupName: warm?.groupName,
        ForceDelete: true,
      });
      expect((await fleet.groups()).map(({ name }) => name)).toContain(warm?.groupName);
      expect(await fleet.ended(await fleet.rollBack(), 30 * minute)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await fleet.item()).toMatchObject({
        live: { release: 1, groupName: 'flt-web-v1-r3' },
        warm: { release: 2 },
      });
      expect(invariants.atRest({ web: { live: 1, desired: 2 } })).toEqual([]);
    });
  });
});
