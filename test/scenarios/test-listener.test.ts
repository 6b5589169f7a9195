/** A fleet's test listener (`rule.testListenerArn`): its rule leads to the candidate before any traffic, and to nobody else. */

import { afterEach, describe, expect, it } from 'vitest';
import type { MachineScript } from '../../local/machines/scripted.ts';
import type { FailureCard } from '../../src/contracts/failure-card.ts';
import type { FleetSpecInput } from '../../src/contracts/fleet-spec.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { Invariants, wordsOfViolation } from './kit/invariants.ts';
import { makeListener } from './kit/listener.ts';

const elb = 'elasticloadbalancing';
const nobody = { blue: 0, green: 0 };
const notFound = { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } };

describe.skipIf(notPackaged !== undefined)('a test listener', () => {
  let fleet: Fleet;
  let watch: Invariants | undefined;
  let testListenerArn: string;
  afterEach(async () => {
    watch?.end();
    watch = undefined;
    await fleet?.world.close();
  });

  const steps = [{ weight: 50, bakeSeconds: 60 }, { weight: 100 }];
  const spec = (rollout: NonNullable<FleetSpecInput['rollout']> = {}): Partial<FleetSpecInput> => ({
    rule: { hosts: ['*.example.com'], testListenerArn },
    rollout: {
      ...{ steps, drainSeconds: 0, keepWarmSeconds: 300 },
      smokeTest: { path: '/smoke', status: 204 },
      ...rollout,
    },
  });
  /** Healthy, and good at the smoke test. */
  const well: MachineScript = { healthy: (_, path) => (path === '/smoke' ? 204 : true) };

  /** A fleet with a test listener and a live release. */
  async function live(rollout?: NonNullable<FleetSpecInput['rollout']>): Promise<void> {
    fleet = await Fleet.create({ rule: { hosts: ['*.example.com'] } });
    testListenerArn = await makeListener(fleet.world);
    await fleet.apply(spec(rollout));
    expect(await fleet.deploy(await fleet.image('one', well))).toMatchObject({ status: 'SUCCEEDED' });
    watch = await Invariants.over([fleet]);
  }

  async function testRule(): Promise<string> {
    return (await fleet.item()).fixed.test?.ruleArn ?? '';
  }

  async function led(): Promise<Record<'blue' | 'green', number>> {
    return fleet.weights(await testRule());
  }

  /** As somebody would in the console. */
  async function lead(weights: Record<'blue' | 'green', number>): Promise<void> {
    await fleet.setWeights(weights, await testRule());
  }

  async function atRest(expected: { live: number }): Promise<void> {
    // The one before is retired in the meantime.
    await fleet.world.seconds(15 * minute);
    expect(watch?.atRest({ web: expected }).map(wordsOfViolation)).toEqual([]);
  }

  it('leads to the candidate from before any traffic until it is promoted, and to nobody else', async () => {
    await live();
    expect(await led()).toEqual(nobody);
    const answer = await fleet.ask(await fleet.image('two', well));
    await fleet.phase('baking');
    expect(await led()).toEqual({ blue: 0, green: 100 });
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await led()).toEqual(nobody);

    const entered = await fleet.entered(answer);
    const order = [
      'CheckHealth',
      'WaitForTestRule',
      'AllowTestTraffic',
      'AskInstance',
      'SmokeTest',
      'ShiftTraffic',
    ];
    const at = order.map((state) => entered.lastIndexOf(state));
    expect(at).toEqual([...at].sort((a, b) => a - b));
    const [allowed] = await fleet.events('rollout-2/test-traffic-allowed');
    const [proven] = await fleet.events('rollout-2/test-traffic-proven');
    const [tested] = await fleet.events('rollout-2/smoke-tested');
    expect(allowed?.data).toMatchObject({ slot: 'green', listenerArn: testListenerArn });
    const waited = Date.parse(proven?.at ?? '') - Date.parse(allowed?.at ?? '');
    expect(waited).toBeGreaterThanOrEqual(10_000);
    const nodes = fleet.world.region.context.zones.map(() => expect.stringMatching(/test listener, at 10\./));
    expect(tested?.data).toMatchObject({ path: '/smoke', status: 204, testListener: nodes });
    expect(tested?.data.instances).toHaveLength(2);
    await atRest({ live: 2 });
  });

  it('fails the smoke test where another rule there goes first, although each instance answers', async () => {
    await live();
    await fleet.world.call(elb, 'CreateRule', {
      ListenerArn: testListenerArn,
      Priority: 1,
      Conditions: [{ Field: 'path-pattern', Values: ['/smoke'] }],
      Actions: [notFound],
    });
    expect(await fleet.deploy(await fleet.image('two', well))).toMatchObject({ error: 'SmokeTestFailed' });
    const { card } = (await fleet.read('api-read', '/rollouts/web-2')) as { card: FailureCard };
    expect(card.cause.reasons[0]).toMatch(/^the test listener, at 10\.[\d.]+, answered 404, not 204$/);
    expect(card.smokeTest?.url).toMatch(/^http:\/\/10\.[\d.]+:8081\/smoke$/);
    expect(await fleet.events('rollout-2/shifted')).toEqual([]);
    expect(await led()).toEqual(nobody);
    await atRest({ live: 1 });
  });

  it('leads to nobody again after an abort at a gate', async () => {
    await live();
    const answer = await fleet.ask(await fleet.image('two', well));
    await fleet.phase('baking');
    await fleet.order('abort');
    expect(await fleet.ended(answer)).toMatchObject({ error: 'GateAborted' });
    expect(await led()).toEqual(nobody);
    await atRest({ live: 1 });
  });

  it('without a smoke test leads there for whoever looks, and asks nobody', async () => {
    await live();
    await fleet.apply({ ...spec(), rollout: { steps, drainSeconds: 0 } });
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.phase('baking');
    expect(await led()).toEqual({ blue: 0, green: 100 });
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.entered(answer)).not.toContain('AskInstance');
  });

  it('is not waited for on the way back to a warm release', async () => {
    await live();
    await fleet.deploy(await fleet.image('two', well));
    const back = await fleet.rollBack();
    expect(await fleet.ended(back)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.entered(back)).not.toContain('AllowTestTraffic');
    expect(await led()).toEqual(nobody);
  });

  describe('that somebody leads elsewhere', () => {
    it('before a rollout refuses it, until the fleet is applied again', async () => {
      await live();
      await lead({ blue: 100, green: 0 });
      const two = await fleet.image('two', well);
      const refused = await fleet.deploy(two);
      expect(refused).toMatchObject({ error: 'PlanRefused' });
      expect(refused.cause).toContain('the test rule has blue 100 %, green 0 % and lineage expects blue 0 %');
      expect(await led()).toEqual({ blue: 100, green: 0 });
      await fleet.apply(spec());
      expect(await led()).toEqual(nobody);
      expect(await fleet.deploy(two)).toMatchObject({ status: 'SUCCEEDED' });
    });

    it('before the smoke test undoes the rollout, and stays as it is', async () => {
      await live();
      const answer = await fleet.ask(await fleet.image('two', well));
      for (let second = 0; second < 300 && (await led()).green === 0; second += 1)
        await fleet.world.seconds(1);
      await lead({ blue: 50, green: 50 });
      expect(await fleet.ended(answer)).toMatchObject({ error: 'TrafficChangedByHand' });
      expect(await led()).toEqual({ blue: 50, green: 50 });
      expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
      expect(await fleet.item()).toMatchObject({ testTraffic: { slot: null }, candidate: null, lease: null });
    });

    it('while the candidate bakes stops no promotion, and stays as it is', async () => {
      await live();
      const answer = await fleet.ask(await fleet.image('two', well));
      await fleet.phase('baking');
      await lead({ blue: 100, green: 0 });
      expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
      expect(await led()).toEqual({ blue: 100, green: 0 });
      const [promoted] = await fleet.events('rollout-2/promoted');
      expect(promoted?.data).toMatchObject({ testTraffic: 'changed by hand' });
    });
  });

  describe('of a rollout that is interrupted', () => {
    it.each([
      ['before it is set', 'before'],
      ['after it is set, its answer lost,', 'after'],
    ] as const)('%s is set by the next try', async (_, when) => {
      await live();
      const struck: string[] = [];
      fleet.world.region.parts.lambda.faults.crashAt(
        { functionName: 'allow-test-traffic', when, nth: 1, action: 'elasticloadbalancing:ModifyRule' },
        () => struck.push(when),
      );
      expect(await fleet.deploy(await fleet.image('two', well))).toMatchObject({ status: 'SUCCEEDED' });
      expect(struck).toEqual([when]);
      await atRest({ live: 2 });
    });

    it('leads to nobody again after recovery', async () => {
      await live();
      const answer = await fleet.ask(await fleet.image('two', well));
      for (let second = 0; second < 300 && (await led()).green === 0; second += 1)
        await fleet.world.seconds(1);
      await fleet.world.call('states', 'StopExecution', { executionArn: answer.executionArn });
      await atRest({ live: 1 });
      expect(await led()).toEqual(nobody);
      expect(await fleet.rollout(2)).toMatchObject({ status: 'failed' });
    });

    it('at the promotion is closed by the next try', async () => {
      await live();
      fleet.world.region.parts.lambda.faults.crashAt({
        ...{ functionName: 'promote-release', when: 'after', nth: 1 },
        action: 'elasticloadbalancing:ModifyRule',
      });
      expect(await fleet.deploy(await fleet.image('two', well))).toMatchObject({ status: 'SUCCEEDED' });
      const [promoted] = await fleet.events('rollout-2/promoted');
      expect(promoted?.data).toMatchObject({ testTraffic: 'closed' });
      await atRest({ live: 2 });
    });
  });
});
