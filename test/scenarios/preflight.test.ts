/** What a rollout finds out before it makes anything: the account's quotas. */
import { afterEach, describe, expect, it } from 'vitest';
import { eventItem } from '../../src/contracts/items.ts';
import { keys } from '../../src/lineage/keys.ts';
import { fleetPlace } from '../../src/lineage/places.ts';
import { vetoImage } from '../../src/runtime/veto.ts';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

/** What no call of somebody who only looks is called otherwise than. */
const looks = /^(dynamodb:(GetItem|Query)|[a-z0-9]+:(Describe|Get)\w+|lambda:Invoke|logs:\w+)$/;

describe.skipIf(notPackaged !== undefined)('the preflight of a rollout', () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  /** Two instances of t3.nano are live: four vCPUs. */
  async function live(spec: Parameters<typeof Fleet.create>[0] = {}): Promise<void> {
    fleet = await Fleet.create(spec);
    expect(await fleet.deploy(await fleet.image('one'))).toMatchObject({ status: 'SUCCEEDED' });
  }

  /** A day later it asks for the quotas anew; this saves the day. */
  async function forgetQuotas(): Promise<void> {
    const { quotas, ...item } = await fleet.item();
    expect(quotas).toBeDefined();
    await fleet.table.commit({
      writes: [{ kind: 'put', key: keys.fleet('web'), item, list: fleetPlace('web') }],
    });
  }

  async function notes(rollout: number): Promise<unknown> {
    const planned = await fleet.table.get(keys.event('fleet/web', `rollout-${rollout}/planned`), eventItem);
    return planned?.data.notes;
  }

  it('refuses what the quotas have no room for, with every reason and its cure, and makes nothing', async () => {
    await live({ instances: { minimum: 1, desired: 2, maximum: 4, spotPercent: 100 } });
    const { ec2, autoscaling } = fleet.world.region.parts;
    ec2.quotas.onDemandStandard.value = 3;
    ec2.quotas.spotStandard.value = 2;
    autoscaling.state.quotas.groups.value = 1;
    await forgetQuotas();
    const end = await fleet.deploy(await fleet.image('two'));
    expect(end).toMatchObject({ status: 'FAILED', error: 'PlanRefused' });
    for (const words of [
      'vCPUs of 1 On-Demand t3.nano: 2 needed, 2 of 3 used (quota L-1216C47A',
      'vCPUs of 1 Spot t3.nano: 2 needed, 2 of 2 used (quota L-34B43A08',
      '--service-code ec2 --quota-code L-34B43A08 --desired-value 4',
      'Auto Scaling groups: 1 needed, 1 of 1 used (quota L-CDE20ADC',
    ]) {
      expect(end.cause).toContain(words);
    }
    expect(await fleet.groups()).toHaveLength(1);
    expect(await fleet.item()).toMatchObject({
      live: { release: 1 },
      candidate: null,
      lease: null,
      pins: [],
    });
    ec2.quotas.onDemandStandard.value = 4;
    ec2.quotas.spotStandard.value = 4;
    autoscaling.state.quotas.groups.value = 2;
    expect(await fleet.ended(await fleet.ask({ kind: 'release', number: 2 }, { force: true }))).toMatchObject(
      {
        status: 'SUCCEEDED',
      },
    );
  });

  it('lets the release that leaves the slot make room', async () => {
    await live();
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    const { ec2, autoscaling } = fleet.world.region.parts;
    ec2.quotas.onDemandStandard.value = 8;
    autoscaling.state.quotas.groups.value = 2;
    expect(await fleet.deploy(await fleet.image('three'))).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('goes on without what it may not read, and says so in the plan', async () => {
    await live();
    expect(await notes(1)).toEqual([]);
    for (const [action, code] of [
      ['servicequotas:GetServiceQuota', 'AccessDeniedException'],
      ['autoscaling:DescribeAccountLimits', 'AccessDenied'],
    ] as const) {
      fleet.world.region.faults.inject({ kind: 'fail', action, code, status: 403 });
    }
    await forgetQuotas();
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await notes(2)).toEqual([
      expect.stringMatching(/^vCPUs .* not checked against quota L-1216C47A .*AccessDeniedException/),
      expect.stringMatching(/^Auto Scaling groups were not checked against quota L-CDE20ADC .*AccessDenied/),
    ]);
  });

  it('counts the versions of a launch template once they may be many', async () => {
    await live();
    await fleet.world.seconds(minute);
    const item = await fleet.item();
    await fleet.table.commit({
      writes: [
        {
          kind: 'put',
          key: keys.fleet('web'),
          item: { ...item, nextRollout: 10_000 },
          list: fleetPlace('web'),
        },
      ],
    });
    fleet.world.region.parts.ec2.quotas.templateVersions.value = 2;
    const end = await fleet.deploy(await fleet.image('two'));
    expect(end).toMatchObject({ status: 'FAILED', error: 'PlanRefused' });
    expect(end.cause).toContain('versions of the launch template: 1 needed, 2 of 2 used (quota L-142B4294');
  });

  it('takes five calls at most for it, and one where it asked within a day', async () => {
    fleet = await Fleet.create({ instances: { minimum: 1, desired: 2, maximum: 4, spotPercent: 50 } });
    const asked = async (image: string): Promise<string[]> => {
      const before = fleet.world.region.log.list({ who: 'plan-rollout' }).length;
      expect(await fleet.deploy(await fleet.image(image))).toMatchObject({ status: 'SUCCEEDED' });
      return fleet.world.region.log
        .list({ who: 'plan-rollout' })
        .slice(before)
        .map(({ action }) => action)
        .filter((action) => /^(servicequotas|ec2):|DescribeAccountLimits/.test(action));
    };
    expect((await asked('one')).sort()).toEqual([
      'autoscaling:DescribeAccountLimits',
      'ec2:DescribeInstanceTypes',
      'ec2:DescribeInstances',
      'servicequotas:GetServiceQuota',
      'servicequotas:GetServiceQuota',
    ]);
    expect(await asked('two')).toEqual(['ec2:DescribeInstances']);
  });

  it('refuses nobody for a quota that was raised since it asked', async () => {
    await live();
    const item = await fleet.item();
    const { values = {} } = item.quotas ?? {};
    const low = Object.fromEntries(Object.entries(values).map(([code, one]) => [code, { ...one, value: 1 }]));
    expect(low).not.toEqual({});
    await fleet.table.commit({
      writes: [
        {
          kind: 'put',
          key: keys.fleet('web'),
          item: { ...item, quotas: { vcpus: {}, values: low } },
          list: fleetPlace('web'),
        },
      ],
    });
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
  });

  describe('as a plan that is asked for', () => {
    it('is the plan of the rollout that follows, and changes nothing', async () => {
      await live();
      expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
      const three = await fleet.image('three');
      const before = { item: await fleet.item(), groups: await fleet.groups() };
      const calls = fleet.world.region.log.list().length;
      const answer = await fleet.plan(three);
      const made = fleet.world.region.log.list().slice(calls);
      expect(made.length).toBeGreaterThan(10);
      expect(made.map(({ action }) => action).filter((action) => !looks.test(action))).toEqual([]);
      expect({ item: await fleet.item(), groups: await fleet.groups() }).toEqual(before);
      expect(answer).toMatchObject({
        outcome: 'planned',
        release: 3,
        plan: {
          slot: 'blue',
          groupName: 'flt-web-v3-r3',
          capacity: { minimum: 2, desired: 2, maximum: 4 },
          pin: { groupName: 'flt-web-v2-r2', former: 1, pinned: 2 },
          evict: { release: 1, groupName: 'flt-web-v1-r1' },
          notes: [],
        },
      });
      expect(await fleet.deploy(three)).toMatchObject({ status: 'SUCCEEDED' });
      const planned = await fleet.table.get(keys.event('fleet/web', 'rollout-3/planned'), eventItem);
      expect(planned?.data).toEqual(answer.plan);
    });

    it('tells every reason at once, those of the request among them', async () => {
      await live();
      const bad = await fleet.image('two', { healthy: false });
      expect(await fleet.deploy(bad)).toMatchObject({ status: 'FAILED' });
      await fleet.setWeights({ blue: 70, green: 30 });
      // Late copies show what was before.
      await fleet.world.seconds(15);
      fleet.world.region.parts.autoscaling.state.quotas.groups.value = 1;
      const answer = await fleet.plan({ kind: 'release', number: 2 });
      expect(answer).toMatchObject({
        outcome: 'refused',
        reasons: [
          expect.stringContaining('v2 failed before'),
          expect.stringContaining('lineage expects blue 100 %'),
          expect.stringContaining('Auto Scaling groups: 1 needed, 1 of 1 used'),
        ],
      });
    });

    it('tells a veto and a failure of the same image together', async () => {
      await live();
      const bad = await fleet.image('two', { healthy: false });
      expect(await fleet.deploy(bad)).toMatchObject({ status: 'FAILED' });
      const by = { principal: 'ada', through: 'api' };
      await vetoImage(
        fleet.table,
        { identity: bad.identity, reason: 'a hole', by },
        new Date().toISOString(),
      );
      const all = [
        expect.stringContaining('has been vetoed'),
        expect.stringContaining('v2, of the same image,'),
      ];
      expect(await fleet.plan(bad)).toMatchObject({ outcome: 'refused', reasons: all });
    });

    it('is a warm release for a rollback, with one change of weights', async () => {
      await live();
      expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
      const answer = await fleet.planBack();
      expect(answer).toMatchObject({
        outcome: 'planned',
        plan: { way: 'warm', release: 1, slot: 'blue', steps: [{ weight: 100, bakeSeconds: 0 }] },
      });
    });

    it('says who holds the fleet, where what comes depends on how that ends', async () => {
      await live();
      await fleet.ask(await fleet.image('two'));
      await fleet.world.seconds(40);
      const answer = await fleet.plan(await fleet.image('three'));
      expect(answer).toMatchObject({ outcome: 'planned' });
      expect(answer.message).toContain('web is held by rollout 2');
      expect(answer.plan).toBeUndefined();
    });

    it('is refused for a fleet whose spec refuses a second rollout, and for what does not exist', async () => {
      await live({
        rollout: { steps: [{ weight: 50, bakeSeconds: 600 }, { weight: 100 }], whenBusy: 'refuse' },
      });
      await fleet.ask(await fleet.image('two'));
      await fleet.world.seconds(40);
      expect(await fleet.plan(await fleet.image('three'))).toMatchObject({
        outcome: 'refused',
        reasons: [expect.stringContaining('rollout 2 is under way')],
      });
      await expect(fleet.plan({ kind: 'release', number: 9 })).rejects.toThrow('ReleaseNotFound');
    });
  });
});
