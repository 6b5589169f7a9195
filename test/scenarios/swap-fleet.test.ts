/** Rollouts from the first to the last call, by the shipped machines and functions, in virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import type { RolloutTarget } from '../../src/contracts/request.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

describe.skipIf(notPackaged !== undefined)('a rollout', () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  it('makes the first release live at once, once it is healthy', async () => {
    fleet = await Fleet.create();
    const end = await fleet.deploy(await fleet.image('one'));
    expect(end).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({
      live: { release: 1, slot: 'blue', groupName: 'flt-web-v1-r1' },
      candidate: null,
      warm: null,
      served: true,
      lease: null,
      queue: [],
    });
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v1-r1', minimum: 1, desired: 2 }]);
    expect(await fleet.rollout(1)).toMatchObject({ status: 'succeeded', phase: 'ended' });
  });

  async function live(name = 'one'): Promise<RolloutTarget> {
    const target = await fleet.image(name);
    expect(await fleet.deploy(target)).toMatchObject({ status: 'SUCCEEDED' });
    return target;
  }

  /** As the fleet was with its first release, nothing left of the second. */
  async function expectOnlyFirst(): Promise<void> {
    expect(await fleet.item()).toMatchObject({
      live: { release: 1, slot: 'blue' },
      candidate: null,
      warm: null,
      lease: null,
      gate: null,
      pins: [],
      weights: { blue: 100, green: 0 },
    });
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v1-r1', minimum: 1, desired: 2 }]);
  }

  it('moves traffic in steps to the second, keeps the first warm, and retires it', async () => {
    fleet = await Fleet.create();
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    expect(await fleet.weights()).toEqual({ blue: 90, green: 10 });
    expect(await fleet.rollout(2)).toMatchObject({ phase: 'baking' });
    expect(await fleet.groups()).toContainEqual({ name: 'flt-web-v1-r1', minimum: 2, desired: 2 });
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.weights()).toEqual({ blue: 0, green: 100 });
    expect(await fleet.item()).toMatchObject({ live: { release: 2, slot: 'green' }, warm: { release: 1 } });

    await fleet.world.seconds(11 * minute);
    expect(await fleet.item()).toMatchObject({ live: { release: 2 }, warm: null, lease: null, pins: [] });
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v2-r2', minimum: 1, desired: 2 }]);
    expect(await fleet.release(1)).toMatchObject({ state: 'retired' });
  });

  it('is undone when the candidate never becomes healthy, and says why', async () => {
    fleet = await Fleet.create();
    await live();
    const bad = await fleet.image('two', { healthy: false, console: ['cannot open database'] });
    const end = await fleet.deploy(bad);
    expect(end).toMatchObject({ status: 'FAILED', error: 'CandidateUnhealthy' });
    expect(end.cause).toContain('cannot open database');
    expect(end.cause).toContain('v1 is live');
    await expectOnlyFirst();
    expect(await fleet.release(2)).toMatchObject({ state: 'failed' });
    expect(await fleet.rollout(2)).toMatchObject({ status: 'failed', error: { name: 'CandidateUnhealthy' } });
  });

  it('is undone when the candidate crashes at start', async () => {
    fleet = await Fleet.create();
    await live();
    const crashing = await fleet.image('two', { crashAtMs: 2_000, consoleOnExit: ['panic: no config'] });
    const end = await fleet.deploy(crashing);
    expect(end).toMatchObject({ status: 'FAILED', error: 'CandidateUnhealthy' });
    expect(end.cause).toContain('panic: no config');
    await expectOnlyFirst();
  });

  it('is undone when the candidate fails while it bakes', async () => {
    fleet = await Fleet.create();
    await live();
    const ill = await fleet.image('two', { healthy: (sinceStart) => sinceStart < 45_000 });
    const end = await fleet.deploy(ill);
    expect(end).toMatchObject({ status: 'FAILED', error: 'CandidateUnhealthy' });
    await expectOnlyFirst();
  });

  it('is undone within two minutes when the candidate fails in the midst of a long bake', async () => {
    const steps = [{ weight: 50, bakeSeconds: 6 * 60 * minute }, { weight: 100 }];
    fleet = await Fleet.create({ rollout: { steps, drainSeconds: 20 } });
    await live();
    let ill = false;
    const answer = await fleet.ask(
      await fleet.image('two', { healthy: () => !ill, console: ['the ledger is open'] }),
    );
    await fleet.world.seconds(10 * minute);
    expect(await fleet.rollout(2)).toMatchObject({ phase: 'baking' });
    expect(await fleet.weights()).toEqual({ blue: 50, green: 50 });

    ill = true;
    await fleet.world.seconds(2 * minute);
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    const end = await fleet.ended(answer);
    expect(end).toMatchObject({
      status: 'FAILED',
      error: 'CandidateUnhealthy',
      cause: expect.stringContaining('failed while it had 50 % of the traffic'),
    });
    expect(end.cause).toContain('the ledger is open');
    await expectOnlyFirst();
    expect(await fleet.release(2)).toMatchObject({ state: 'failed' });
  });

  it('is undone when a person aborts it at a gate', async () => {
    fleet = await Fleet.create();
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    await fleet.order('abort');
    const end = await fleet.ended(answer);
    expect(end).toMatchObject({ status: 'FAILED', error: 'GateAborted' });
    await expectOnlyFirst();
    expect(await fleet.rollout(2)).toMatchObject({ status: 'aborted' });
    expect(await fleet.release(2)).toMatchObject({ state: 'new' });
  });

  it('goes to full weight when a person promotes it', async () => {
    fleet = await Fleet.create();
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    await fleet.order('promote');
    await fleet.world.seconds(15);
    expect(await fleet.execution(answer.executionArn ?? '')).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.weights()).toEqual({ blue: 0, green: 100 });
  });

  it('is undone when nobody approves it in time', async () => {
    fleet = await Fleet.create({
      rollout: { steps: [{ weight: 100, approval: true, approvalSeconds: 120 }], drainSeconds: 20 },
    });
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    expect(await fleet.rollout(2)).toMatchObject({ phase: 'waiting for approval' });
    expect(await fleet.ended(answer)).toMatchObject({ status: 'FAILED', error: 'GateRejected' });
    await expectOnlyFirst();
  });

  it('is recovered when its execution is stopped', async () => {
    fleet = await Fleet.create();
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    await fleet.world.call('states', 'StopExecution', { executionArn: answer.executionArn });
    await fleet.world.seconds(30);
    expect(await fleet.item()).toMatchObject({ lease: { state: 'recovering' } });
    await fleet.world.seconds(6 * minute);
    await expectOnlyFirst();
    expect(await fleet.rollout(2)).toMatchObject({ status: 'failed', error: { name: 'RolloutInterrupted' } });
  });

  it('rolls back in one step while the former release is warm', async () => {
    fleet = await Fleet.create();
    await live();
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    const began = fleet.world.clock.now();
    expect(await fleet.ended(await fleet.rollBack())).toMatchObject({ status: 'SUCCEEDED' });
    expect(fleet.world.clock.now() - began).toBeLessThan(30_000);
    expect(await fleet.item()).toMatchObject({
      live: { release: 1, slot: 'blue' },
      warm: { release: 2, slot: 'green' },
    });
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    await fleet.world.seconds(12 * minute);
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, warm: null, lease: null });
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v1-r1', minimum: 1, desired: 2 }]);
  });

  it('rolls back to a retired release by launching it again', async () => {
    fleet = await Fleet.create();
    await live();
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    await fleet.world.seconds(12 * minute);
    const answer = await fleet.rollBack();
    expect(answer).toMatchObject({ release: 1 });
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 1, groupName: 'flt-web-v1-r3' } });
  });

  it('deploys A, B and A again, and does nothing for what is live', async () => {
    fleet = await Fleet.create();
    const a = await live();
    expect(await fleet.ask(a)).toMatchObject({ outcome: 'already-live', release: 1 });
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    // Release 1 is warm in the slot; a new release on its image sends it away first.
    const again = await fleet.ask(a);
    expect(again).toMatchObject({ outcome: 'started', release: 3 });
    expect(await fleet.ended(again)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 3 }, warm: { release: 2 } });
    expect((await fleet.groups()).map(({ name }) => name).sort()).toEqual(['flt-web-v2-r2', 'flt-web-v3-r3']);
  });

  it('does not deploy an upload that is older than the one deployed', async () => {
    fleet = await Fleet.create();
    expect(await fleet.ended(await fleet.ask(await fleet.image('two'), { upload: 2 }))).toMatchObject({
      status: 'SUCCEEDED',
    });
    const older = await fleet.image('one');
    expect(await fleet.ask(older, { upload: 1 })).toMatchObject({ outcome: 'superseded' });
    expect(await fleet.ask(older)).toMatchObject({ outcome: 'started' });
  });

  it('waits for the one before it, in order', async () => {
    fleet = await Fleet.create();
    await live();
    const second = await fleet.ask(await fleet.image('two'));
    const third = await fleet.ask(await fleet.image('three'));
    expect(third).toMatchObject({ outcome: 'queued' });
    expect(await fleet.ended(second)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.ended(third)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 3 }, warm: { release: 2 }, queue: [] });
  });

  it('stops when somebody changed the weights by hand', async () => {
    fleet = await Fleet.create();
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    await fleet.setWeights({ blue: 50, green: 50 });
    expect(await fleet.ended(answer)).toMatchObject({ status: 'FAILED', error: 'TrafficChangedByHand' });
    await expectOnlyFirst();
  });

  it('is aborted by an alarm that it watches', async () => {
    fleet = await Fleet.create({
      rollout: {
        steps: [{ weight: 50, bakeSeconds: 600 }, { weight: 100 }],
        alarms: [{ name: 'errors', missingData: 'quiet' }],
        drainSeconds: 20,
      },
    });
    await fleet.alarm('errors');
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    expect(await fleet.rollout(2)).toMatchObject({ phase: 'baking' });
    await fleet.world.call('monitoring', 'SetAlarmState', {
      AlarmName: 'errors',
      StateValue: 'ALARM',
      StateReason: '7 errors in a minute',
    });
    const end = await fleet.ended(answer, 3 * minute);
    expect(end).toMatchObject({ status: 'FAILED', error: 'AlarmRang' });
    expect(end.cause).toContain('7 errors in a minute');
    await expectOnlyFirst();
  });

  it('is recovered by the sweeper when the event of its end is lost', async () => {
    fleet = await Fleet.create();
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    fleet.world.fault = (name) => (name === 'recover-rollout' ? 'crash' : undefined);
    await fleet.world.call('states', 'StopExecution', { executionArn: answer.executionArn });
    await fleet.world.seconds(6 * minute);
    await expectOnlyFirst();
  });

  it('goes on after a function that crashed', async () => {
    fleet = await Fleet.create();
    await live();
    fleet.world.fault = (name, count) => (name === 'shift-traffic' && count === 2 ? 'crash' : undefined);
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.weights()).toEqual({ blue: 0, green: 100 });
  });

  it('that is the first and fails leaves nothing behind', async () => {
    fleet = await Fleet.create();
    const end = await fleet.deploy(await fleet.image('one', { healthy: false }));
    expect(end).toMatchObject({ status: 'FAILED', error: 'CandidateUnhealthy' });
    expect(end.cause).toContain('live now  nothing');
    expect(await fleet.item()).toMatchObject({ live: null, candidate: null, lease: null, served: false });
    expect(await fleet.groups()).toEqual([]);
    expect(await fleet.weights()).toEqual({ blue: 0, green: 0 });
  });

  it('follows the present size of live', async () => {
    fleet = await Fleet.create();
    await live();
    await fleet.world.call('autoscaling', 'SetDesiredCapacity', {
      AutoScalingGroupName: 'flt-web-v1-r1',
      DesiredCapacity: 3,
    });
    await fleet.world.seconds(60);
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.groups()).toContainEqual({ name: 'flt-web-v2-r2', minimum: 1, desired: 3 });
  });

  it('is refused with every reason at once, and changes nothing', async () => {
    fleet = await Fleet.create();
    await live();
    await fleet.setWeights({ blue: 70, green: 30 });
    const { fixed } = await fleet.item();
    await fleet.world.call('elasticloadbalancing', 'ModifyTargetGroupAttributes', {
      TargetGroupArn: fixed.greenArn,
      Attributes: [{ Key: 'stickiness.enabled', Value: 'true' }],
    });
    const end = await fleet.deploy(await fleet.image('two'));
    expect(end).toMatchObject({ status: 'FAILED', error: 'PlanRefused' });
    expect(end.cause).toContain('lineage expects blue 100 %');
    expect(end.cause).toContain('turn stickiness off');
    expect(await fleet.weights()).toEqual({ blue: 70, green: 30 });
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, candidate: null, lease: null });
  });
});
