/** Whether requests arrive where the weights lead: the proof on a fleet with traffic, in virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import type { FleetSpecInput } from '../../src/contracts/fleet-spec.ts';
import { type TrafficProof, trafficProof } from '../../src/contracts/rollout.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { makeListener } from './kit/listener.ts';
import { Visitors } from './kit/visitors.ts';

describe.skipIf(notPackaged !== undefined)('a rollout of a fleet', { timeout: 120_000 }, () => {
  let fleet: Fleet;
  let visitors: Visitors | undefined;
  afterEach(async () => {
    visitors?.stop();
    visitors = undefined;
    await fleet?.world.close();
  });

  const bakeSeconds = 6 * minute;

  async function live(
    perSecond: number,
    firstWeight = 10,
    more: Partial<FleetSpecInput> = {},
  ): Promise<void> {
    fleet = await Fleet.create();
    const spec = {
      rollout: {
        steps: [firstWeight, 50, 100].map((weight) => ({ weight, bakeSeconds })),
        keepWarmSeconds: 3_600,
        drainSeconds: 20,
      },
      ...more,
    };
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    await fleet.apply(spec);
    fleet.world.region.log.keepAll();
    if (perSecond > 0) visitors = new Visitors(fleet, perSecond);
  }

  /** What was known of each of three steps, before the next one or the promotion. */
  async function proofs(): Promise<TrafficProof[]> {
    const told = await fleet.events('rollout-2/');
    return ['shifted-2', 'shifted-3', 'promoted'].map((key) =>
      trafficProof.parse(told.find((event) => event.key === `rollout-2/${key}`)?.data.provenBefore),
    );
  }

  const asked = () => fleet.world.region.log.list({ q: 'GetMetricData' }).length;

  const second = async () => fleet.ended(await fleet.ask(await fleet.image('two')), 60 * minute);

  it('with traffic says once that requests arrived, and how many', async () => {
    await live(2);
    expect(await second()).toMatchObject({ status: 'SUCCEEDED' });
    const [first, ...later] = await proofs();
    expect(first).toMatchObject({ step: 1, proof: 'arrival', requests: expect.anything() });
    const { candidate, live: rest } = first?.requests ?? { candidate: 0, live: 0 };
    // Two minutes at least, two requests a second, one in ten to the candidate.
    expect(candidate + rest).toBeGreaterThanOrEqual(240);
    expect(candidate / (candidate + rest)).toBeGreaterThan(0.03);
    expect(candidate / (candidate + rest)).toBeLessThan(0.2);
    expect(later.map(({ proof, untold }) => [proof, untold])).toEqual([
      ['read-back', undefined],
      ['read-back', undefined],
    ]);
    expect(asked()).toBe(1);
  });

  it('with few requests has its proof at a later step', async () => {
    await live(0.1, 1);
    expect(await second()).toMatchObject({ status: 'SUCCEEDED' });
    expect(await proofs()).toMatchObject([
      { proof: 'read-back', untold: expect.stringMatching(/^none of \d+ requests came/) },
      { proof: 'arrival' },
      { proof: 'read-back' },
    ]);
    expect(asked()).toBe(2);
  });

  it('without traffic rests on what is read back, and asks once', async () => {
    await live(0);
    expect(await second()).toMatchObject({ status: 'SUCCEEDED' });
    expect((await proofs()).map(({ proof, untold }) => [proof, untold])).toEqual([
      ['read-back', 'no requests in 15 minutes'],
      ['read-back', undefined],
      ['read-back', undefined],
    ]);
    expect(asked()).toBe(1);
  });

  it('that CloudWatch may not tell goes on, and says why', async () => {
    await live(2);
    fleet.world.region.faults.inject({
      ...{ kind: 'fail', action: 'monitoring:GetMetricData', times: 3 },
      ...{ code: 'AccessDenied', status: 403 },
    });
    expect(await second()).toMatchObject({ status: 'SUCCEEDED' });
    const untold = expect.stringMatching(/^AccessDenied/);
    expect(await proofs()).toMatchObject(Array(3).fill({ proof: 'read-back', untold }));
  });

  it('takes no request by the test listener for a visitor', async () => {
    await live(0);
    const testListenerArn = await makeListener(fleet.world);
    const steps = [10, 50, 100].map((weight) => ({ weight, bakeSeconds }));
    await fleet.apply({
      rule: { hosts: ['web.example.com'], testListenerArn },
      rollout: { steps, keepWarmSeconds: 3_600, drainSeconds: 20 },
    });
    visitors = new Visitors(fleet, 2, 8081);
    expect(await second()).toMatchObject({ status: 'SUCCEEDED' });
    expect((await proofs())[0]).toMatchObject({
      proof: 'read-back',
      untold: expect.stringMatching(/maybe by the test listener/),
    });
  });

  /** A rule that somebody makes before the fleet's, and that leads all its visitors to live. */
  async function ruleInTheWay(): Promise<string> {
    const { fixed } = await fleet.item();
    const { Rules } = await fleet.world.call('elasticloadbalancing', 'CreateRule', {
      ListenerArn: fleet.world.region.parts.elbv2.defaultListener.arn,
      Priority: 1,
      Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: ['*.example.com'] } }],
      Actions: [{ Type: 'forward', TargetGroupArn: fixed.blueArn }],
    });
    return Rules[0].RuleArn;
  }

  it('whose requests another rule takes first is undone, and nothing is held against the release', async () => {
    await live(2);
    await ruleInTheWay();
    const end = await second();
    expect(end).toMatchObject({ status: 'FAILED', error: 'TrafficNotArriving' });
    expect(end.cause).toMatch(
      /none of \d+ requests came to the candidate \(green\), which has 10 % of the weight/,
    );
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, candidate: null, lease: null });
    expect((await fleet.release(2)).state).toBe('new');
  });

  it('of one step is not promoted where another rule takes its requests', async () => {
    await live(2);
    const rollout = { steps: [{ weight: 100, bakeSeconds }], keepWarmSeconds: 3_600, drainSeconds: 20 };
    await fleet.apply({ rollout });
    await ruleInTheWay();
    expect(await second()).toMatchObject({ status: 'FAILED', error: 'TrafficNotArriving' });
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, candidate: null, lease: null });
  });

  it('looks again for minutes where a slot got nothing', async () => {
    await live(2);
    const ruleArn = await ruleInTheWay();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.phase('baking');
    await fleet.world.seconds(bakeSeconds + minute);
    expect(await fleet.weights()).toEqual({ blue: 90, green: 10 });
    await fleet.world.call('elasticloadbalancing', 'DeleteRule', { RuleArn: ruleArn });
    expect(await fleet.ended(answer, 60 * minute)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await proofs()).toMatchObject([{ step: 1, proof: 'arrival' }, { step: 2 }, { step: 3 }]);
  });
});
