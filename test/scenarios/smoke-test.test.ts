/** The smoke test (`rollout.smokeTest`): each instance of the candidate is asked from inside the VPC, before any traffic. */
import { afterEach, describe, expect, it } from 'vitest';
import type { MachineScript } from '../../local/machines/scripted.ts';
import type { FailureCard } from '../../src/contracts/failure-card.ts';
import { Fleet } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

describe.skipIf(notPackaged !== undefined)('a smoke test', () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  async function live() {
    const spec = { instances: { minimum: 1, desired: 2, maximum: 4 }, port: 9000 };
    const rollout = { steps: [{ weight: 100 }], drainSeconds: 0, keepWarmSeconds: 60 };
    fleet = await Fleet.create({ ...spec, rollout });
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
    await fleet.apply({
      ...spec,
      rollout: { ...rollout, smokeTest: { path: '/smoke?deep=1', status: 204 } },
    });
  }

  /** Healthy for the load balancer, and answering the smoke test so. */
  const smoke = (answer: number | 'timeout' | 'refused', body = ''): MachineScript => ({
    healthy: (_, path) => (path === '/smoke?deep=1' ? answer : path === '/health'),
    body,
  });

  it('passes where every instance gives the one good answer', async () => {
    await live();
    const answer = await fleet.ask(await fleet.image('two', smoke(204)));
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
    const entered = await fleet.entered(answer);
    expect(entered.indexOf('SmokeTest')).toBe(entered.indexOf('AskInstance') + 1);
    expect(entered.indexOf('SmokeTest')).toBeLessThan(entered.indexOf('ShiftTraffic'));
    const [event] = await fleet.events('rollout-2/smoke-tested');
    const members = await fleet.members();
    const two = members.find(({ name }) => name === 'flt-web-v2-r2');
    expect(event?.data).toMatchObject({ path: '/smoke?deep=1', status: 204 });
    expect(new Set(event?.data.instances as string[])).toEqual(new Set(two?.instances));
  });

  it.each([
    ['answers otherwise', smoke(503, 'no ledger'), 'answered 503, not 204', 'no ledger'],
    ['goes on and on', smoke(200, 'x'.repeat(9_000)), 'answered 200, not 204', 'x'.repeat(500)],
    ['breaks off', smoke('refused'), 'did not answer: connect ECONNREFUSED', ''],
    ['says nothing', smoke('timeout'), 'did not answer within 5 s', ''],
  ])(
    'fails where an instance %s: no traffic moves, and the card says who and what',
    async (_, script, why, answer) => {
      await live();
      // One of two: the first that boots is well.
      let machines = 0;
      const image = await fleet.image('two', script);
      fleet.world.region.parts.ec2.instances.machines = ({ ImageId = '' }) => {
        const own = fleet.world.scripts.get(ImageId) ?? {};
        if (own !== script) return own;
        machines += 1;
        return machines === 1 ? smoke(204) : own;
      };
      expect(await fleet.deploy(image)).toMatchObject({ status: 'FAILED', error: 'SmokeTestFailed' });
      const { card } = (await fleet.read('api-read', '/rollouts/web-2')) as { card: FailureCard };
      const [reason] = card.cause.reasons;
      expect(reason).toMatch(/^i-\w+ /);
      expect(reason).toContain(why);
      expect(card.smokeTest).toEqual({
        instance: reason?.split(' ')[0],
        url: expect.stringMatching(/^http:\/\/10\.[\d.]+:9000\/smoke\?deep=1$/),
        answer,
      });
      expect(await fleet.events('rollout-2/shifted')).toEqual([]);
      expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
      expect(await fleet.release(2)).toMatchObject({ state: 'failed' });
      expect((await fleet.groups()).map(({ name }) => name)).toEqual(['flt-web-v1-r1']);
    },
  );
});
