/** Deploying a release again that is still warm: its group is taken up, and its steps are those of any deploy. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RolloutAnswer } from '../../src/contracts/request.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { Invariants, wordsOfViolation } from './kit/invariants.ts';
import { untilWeight } from './kit/sizes.ts';

const group = 'flt-web-v2-r2';

describe.skipIf(notPackaged !== undefined)('a warm release that is deployed again', () => {
  let fleet: Fleet;
  let answer: RolloutAnswer;
  let instances: readonly string[] | undefined;
  let invariants: Invariants;
  afterEach(async () => {
    invariants?.end();
    await fleet?.world.close();
  });

  const members = async () => (await fleet.members()).find(({ name }) => name === group)?.instances;

  const violations = (serving: number) =>
    invariants.atRest({ web: { live: serving, desired: 2 } }).map(wordsOfViolation);

  /** The first release is live by a rollback, the second warm, and on its way again. */
  beforeEach(async () => {
    const steps = [{ weight: 50, approval: true, approvalSeconds: 600 }, { weight: 100 }];
    fleet = await Fleet.create({
      rollout: {
        ...{ steps, capacity: 'follow', drainSeconds: 0, keepWarmSeconds: 3600 },
        alarms: [{ name: 'errors' }],
      },
    });
    await fleet.alarm('errors');
    await fleet.alarm('errors', 'OK');
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    const second = await fleet.ask(await fleet.image('two'));
    await fleet.phase('waiting for approval');
    await fleet.order('approve');
    expect(await fleet.ended(second)).toMatchObject({ status: 'SUCCEEDED' });
    const back = await fleet.rollBack();
    expect(await fleet.ended(back)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.entered(back)).not.toContain('AwaitApproval');
    instances = await members();
    invariants = await Invariants.over([fleet]);
    answer = await fleet.ask({ kind: 'release', number: 2 });
    await fleet.phase('waiting for approval', 4);
    expect(await fleet.weights()).toEqual({ blue: 50, green: 50 });
    expect(await members()).toEqual(instances);
  });

  it('waits for its approval, and is live with the instances that it had', async () => {
    await fleet.order('approve');
    await untilWeight(fleet, 'green', 100);
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 2 }, warm: { release: 1 }, pins: [] });
    expect(await members()).toEqual(instances);
    expect(violations(2)).toEqual([]);
  });

  it.each([
    ['an alarm rings, and marked', 'AlarmRang', true],
    ['somebody aborts it, and not marked', 'GateAborted', false],
  ])('is warm again with its instances where %s', async (_, error, marked) => {
    if (marked) await fleet.alarm('errors', 'ALARM');
    else await fleet.order('abort');
    expect(await fleet.ended(answer)).toMatchObject({ status: 'FAILED', error });
    expect(await fleet.item()).toMatchObject({
      ...{ live: { release: 1 }, candidate: null, warm: { release: 2 }, lease: null, pins: [] },
      weights: { blue: 100, green: 0 },
    });
    expect(await members()).toEqual(instances);
    expect(violations(1)).toEqual([]);
    const { state, failedAt } = await fleet.release(2);
    expect({ state, marked: failedAt !== undefined }).toEqual({ state: 'warm', marked });
    await fleet.alarm('errors', 'OK');
    expect(await fleet.plan({ kind: 'release', number: 2 })).toMatchObject(
      marked
        ? { outcome: 'refused', reasons: [expect.stringContaining('v2 failed before')] }
        : { outcome: 'planned', plan: { way: 'warm', steps: [{ weight: 50, approval: true }, {}] } },
    );
  });

  it('is warm again, and marked, where the sweeper ends what the rollout could not undo', async () => {
    const { outages } = fleet.world.region.parts.ec2;
    outages.withhold({});
    const { live } = await fleet.item();
    for (const { name, instances: own } of await fleet.members()) {
      if (name === live?.groupName) for (const id of own) outages.kill(id);
    }
    await fleet.world.seconds(minute);
    await fleet.alarm('errors', 'ALARM');
    expect(await fleet.ended(answer, 40 * minute)).toMatchObject({ error: 'RollbackIncomplete' });
    outages.release({});
    await fleet.alarm('errors', 'OK');
    await fleet.world.seconds(10 * minute);
    expect(await fleet.item()).toMatchObject({
      ...{ live: { release: 1 }, candidate: null, warm: { release: 2 }, lease: null, pins: [] },
      weights: { blue: 100, green: 0 },
    });
    expect(await fleet.rollout(4)).toMatchObject({ status: 'failed', error: { name: 'AlarmRang' } });
    expect(await fleet.release(2)).toMatchObject({ state: 'warm', failedAt: expect.any(String) });
    expect(await members()).toEqual(instances);
  });
});
