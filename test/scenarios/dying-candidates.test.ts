/** Instances of a candidate that die while it has a share of the traffic: replaced where most live, undone where not. */
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { healthyIn, healthyTargets, untilWeight } from './kit/sizes.ts';

const steps = [
  { weight: 20, bakeSeconds: 600 },
  { weight: 100, bakeSeconds: 30 },
];

describe.skipIf(notPackaged !== undefined)('a candidate under traffic', () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  async function baking(size: number) {
    fleet = await Fleet.create({
      instances: { minimum: 1, desired: size, maximum: 6 },
      rollout: { steps, drainSeconds: 0, keepWarmSeconds: 600 },
    });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    const answer = await fleet.ask(await fleet.image('two'));
    await untilWeight(fleet, 'green', 20);
    await fleet.world.seconds(65);
    return answer;
  }

  /** Ends some of the candidate's instances, as their hosts would. */
  async function kill(count: number): Promise<string[]> {
    const group = (await fleet.members()).find(({ name }) => name === 'flt-web-v2-r2');
    const killed = group?.instances.slice(0, count) ?? [];
    for (const id of killed) fleet.world.region.parts.ec2.outages.kill(id);
    return killed;
  }

  /** Per cent of the requests, each second of so many, that go where nobody lives: the balancer learns of it late. */
  async function lost(seconds: number, killed: readonly string[]): Promise<number[]> {
    const losses: number[] = [];
    for (let passed = 0; passed < seconds; passed += 1) {
      const weights = await fleet.weights();
      let loss = 0;
      for (const slot of ['blue', 'green'] as const) {
        const alive = (await healthyTargets(fleet, slot)).filter((id) => !killed.includes(id));
        if (alive.length === 0) loss += weights[slot];
      }
      losses.push(loss);
      await fleet.world.seconds(1);
    }
    return losses;
  }

  it.each([
    ['of one that dies, and is replaced at once', 1, true, 'SUCCEEDED'],
    ['of one that dies, and finds no capacity', 1, false, 'FAILED'],
    ['of three that die together', 3, true, 'FAILED'],
  ])('%s costs its share, for little more than a minute', async (_, size, capacity, status) => {
    const answer = await baking(size);
    if (!capacity) fleet.world.region.parts.ec2.outages.withhold({});
    const losses = await lost(150, await kill(size));
    expect(new Set(losses)).toEqual(new Set([0, 20]));
    // The sweeper looks once a minute, and undoes what has less than half of its instances.
    expect(losses.filter((loss) => loss > 0).length).toBeLessThan(75);
    const end = await fleet.ended(answer);
    expect(end).toMatchObject(status === 'FAILED' ? { status, error: 'CandidateUnhealthy' } : { status });
    expect(await fleet.weights()).toEqual(
      status === 'FAILED' ? { blue: 100, green: 0 } : { blue: 0, green: 100 },
    );
  });

  it('of three of which one dies has it replaced, and goes on', async () => {
    const answer = await baking(3);
    expect(new Set(await lost(150, await kill(1)))).toEqual(new Set([0]));
    expect(await healthyIn(fleet, 'green')).toBe(3);
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
  });
});
