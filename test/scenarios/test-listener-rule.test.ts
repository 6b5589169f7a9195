/** The rule that a fleet has on its test listener: made, changed, moved and taken away, calls that die included. */
import { afterEach, describe, expect, it } from 'vitest';
import { fleetItem } from '../../src/contracts/items.ts';
import { keys } from '../../src/lineage/keys.ts';
import { Doors } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { makeListener } from './kit/listener.ts';

const elb = 'elasticloadbalancing';
const notFound = { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } };

describe.skipIf(notPackaged !== undefined)("the rule of a fleet's test listener", () => {
  let doors: Doors;
  afterEach(() => doors?.world.close());

  const body = (rule: object) => ({
    rule: { hosts: ['web.example.com'], ...rule },
    healthCheck: { path: '/health' },
  });
  const put = (rule: object) => doors.api('PUT /fleets/web', body(rule));
  const rulesOf = async (ListenerArn: string) => {
    const { Rules } = await doors.world.call(elb, 'DescribeRules', { ListenerArn });
    return Rules.filter(({ IsDefault }: { IsDefault: boolean }) => !IsDefault);
  };

  it('is made, follows the fleet, moves, and goes with it', async () => {
    doors = await Doors.open();
    const [one, two] = [await makeListener(doors.world), await makeListener(doors.world, 8082)];
    expect((await put({ testListenerArn: one })).body.made).toContain('test rule at priority 1000');
    expect((await put({ testListenerArn: one })).body.outcome).toBe('unchanged');
    expect((await put({ testListenerArn: one, hosts: ['new.example.com'] })).status).toBe(200);
    expect((await rulesOf(one))[0].Conditions[0].HostHeaderConfig.Values).toEqual(['new.example.com']);
    await put({ testListenerArn: two });
    expect([await rulesOf(one), await rulesOf(two)]).toEqual([[], [expect.anything()]]);
    await put({});
    expect(await rulesOf(two)).toEqual([]);
    await put({ testListenerArn: one });
    const { body: gone } = await doors.api('DELETE /fleets/web');
    expect(gone).toMatchObject({
      outcome: 'removed',
      done: expect.arrayContaining(['rule of the test listener']),
    });
    expect(await rulesOf(one)).toEqual([]);
  });

  it('wants an HTTP listener of the same load balancer, with room, and a path that matches', async () => {
    doors = await Doors.open();
    const own = doors.world.region.parts.elbv2.defaultListener.arn;
    expect(JSON.stringify((await put({ testListenerArn: own })).body)).toContain('name another');
    const { LoadBalancers } = await doors.world.call(elb, 'CreateLoadBalancer', { Name: 'other' });
    const other = await makeListener(doors.world, 8083, LoadBalancers[0].LoadBalancerArn);
    expect(JSON.stringify((await put({ testListenerArn: other })).body)).toContain('same load balancer');
    const one = await makeListener(doors.world);
    await doors.world.call(elb, 'CreateRule', {
      ListenerArn: one,
      Priority: 5,
      Conditions: [{ Field: 'host-header', HostHeaderConfig: { Values: ['*.example.com'] } }],
      Actions: [notFound],
    });
    expect(await put({ testListenerArn: one })).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('test listener: priority 5') },
    });
    const unmatched = {
      ...body({ testListenerArn: one, paths: ['/api/*'] }),
      rollout: { smokeTest: { path: '/x' } },
    };
    const { body: refused } = await doors.api('PUT /fleets/web', unmatched);
    expect(JSON.stringify(refused)).toContain('is none of rule.paths');
  });

  describe('that a killed call made and did not write down', () => {
    /** A PUT that dies when its rule on that listener is made. */
    async function putAndDie(rule: object, nth: number): Promise<void> {
      let struck = false;
      doors.world.region.parts.lambda.faults.crashAt(
        { functionName: 'api-fleets', when: 'after', nth, action: 'elasticloadbalancing:CreateRule' },
        () => {
          struck = true;
        },
      );
      await expect(put(rule)).rejects.toThrow();
      expect(struck).toBe(true);
      // Listings lag behind what was made by some seconds.
      await doors.world.seconds(60);
    }

    it('is taken away by the next PUT, whose spec names no test listener', async () => {
      doors = await Doors.open();
      const one = await makeListener(doors.world);
      await putAndDie({ testListenerArn: one }, 1);
      expect(await rulesOf(one)).toHaveLength(1);
      expect((await put({})).body).toMatchObject({
        outcome: 'changed',
        made: [`listener ${one} without the rule that an earlier call had left there`],
      });
      expect(await rulesOf(one)).toEqual([]);
      await doors.world.seconds(60);
      expect((await put({})).body).toMatchObject({ outcome: 'unchanged', made: [] });
    });

    it('is taken away by the next PUT of a fleet that was never written down', async () => {
      doors = await Doors.open();
      await doors.api('DELETE /fleets/web');
      const one = await makeListener(doors.world);
      await putAndDie({ testListenerArn: one }, 2);
      expect(await rulesOf(one)).toHaveLength(1);
      expect((await put({})).body.outcome).toBe('created');
      expect(await rulesOf(one)).toEqual([]);
    });

    it('is taken away by the next PUT, whose spec names another test listener', async () => {
      doors = await Doors.open();
      const [one, two] = [await makeListener(doors.world), await makeListener(doors.world, 8082)];
      await putAndDie({ testListenerArn: one }, 1);
      await put({ testListenerArn: two });
      expect([await rulesOf(one), await rulesOf(two)]).toEqual([[], [expect.anything()]]);
    });

    it('goes with the fleet', async () => {
      doors = await Doors.open();
      const one = await makeListener(doors.world);
      await putAndDie({ testListenerArn: one }, 1);
      const { body: gone } = await doors.api('DELETE /fleets/web');
      expect(gone).toMatchObject({
        outcome: 'removed',
        done: expect.arrayContaining([`a rule that an earlier call had left on ${one}`]),
      });
      expect(await rulesOf(one)).toEqual([]);
    });

    it('stays where it is not ours: removing the fleet waits for who made it', async () => {
      doors = await Doors.open();
      const one = await makeListener(doors.world);
      const { blueArn } = (await doors.table.get(keys.fleet('web'), fleetItem))?.fixed ?? {};
      const Actions = [{ Type: 'forward', TargetGroupArn: blueArn }];
      const Conditions = [{ Field: 'path-pattern', Values: ['/theirs'] }];
      await doors.world.call(elb, 'CreateRule', { ListenerArn: one, Priority: 7, Conditions, Actions });
      await doors.world.seconds(60);
      expect((await put({})).body.made).not.toContainEqual(expect.stringContaining('left there'));
      const { body: waits } = await doors.api('DELETE /fleets/web');
      expect(waits).toMatchObject({
        outcome: 'under-way',
        waitingFor: ['target group of the blue slot, which a rule still names'],
      });
      expect(await rulesOf(one)).toHaveLength(1);
    });
  });

  it('is taken from its former listener by the PUT after one that died over it', async () => {
    doors = await Doors.open();
    const one = await makeListener(doors.world);
    await put({ testListenerArn: one });
    doors.world.region.parts.lambda.faults.crashAt({
      ...{ functionName: 'api-fleets', when: 'before', nth: 1, action: 'elasticloadbalancing:DeleteRule' },
    });
    await expect(put({})).rejects.toThrow();
    await doors.world.seconds(60);
    expect((await doors.fleet()).fixed?.test).toBeUndefined();
    expect(await rulesOf(one)).toHaveLength(1);
    await put({});
    expect(await rulesOf(one)).toEqual([]);
  });
});
