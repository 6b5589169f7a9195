/** Whether requests arrive where the weights lead: the proof on a fleet with traffic, in virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { type TrafficProof, trafficProof } from '../../src/contracts/rollout.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
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

  async function live(perSecond: number, firstWeight = 10): Promise<void> {
    fleet = await Fleet.create({
      rollout: {
        steps: [firstWeight, 50, 100].map((weight) => ({ weight, bakeSeconds })),
        keepWarmSeconds: 3_600,
        drainSeconds: 20,
      },
    });
    expect(await fleet.ended(await fleet.ask(await fleet.image('one')), 60 * minute)).toMatchObject({
      status: 'SUCCEEDED',
    });
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

  it('with traffic says once that requests arrived, and how many', async () => {
    await live(2);
    const before = asked();
    const end = await fleet.ended(await fleet.ask(await fleet.image('two')), 60 * minute);
    expect(end).toMatchObject({ status: 'SUCCEEDED' });
    const [first, ...later] = await proofs();
    expect(first).toMatchObject({ step: 1, proof: 'arrival' });
    const { blue = 0, green = 0 } = first?.requests ?? {};
    // Two minutes at least, two requests a second, one in ten to the candidate.
    expect(blue + green).toBeGreaterThanOrEqual(240);
    expect(green / (blue + green)).toBeGreaterThan(0.03);
    expect(green / (blue + green)).toBeLessThan(0.2);
    expect(later).toMatchObject([{ proof: 'read-back' }, { proof: 'read-back' }]);
    expect(asked() - before).toBe(1);
  });

  it.each([
    ['without traffic rests on what is read back, and asks once', 0, 10, 'read-back', 1],
    ['with few requests has its proof before the promotion', 0.1, 1, 'arrival', 2],
  ] as const)('%s', async (_, perSecond, firstWeight, last, times) => {
    await live(perSecond, firstWeight);
    const before = asked();
    const end = await fleet.ended(await fleet.ask(await fleet.image('two')), 60 * minute);
    expect(end).toMatchObject({ status: 'SUCCEEDED' });
    expect((await proofs()).map(({ proof }) => proof)).toEqual(['read-back', 'read-back', last]);
    expect(asked() - before).toBe(times);
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
    const end = await fleet.ended(await fleet.ask(await fleet.image('two')), 60 * minute);
    expect(end).toMatchObject({ status: 'FAILED', error: 'TrafficNotArriving' });
    expect(end.cause).toMatch(/green got none of \d+ requests, and should have got 10 %/);
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, candidate: null, lease: null });
    expect((await fleet.release(2)).state).toBe('new');
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
