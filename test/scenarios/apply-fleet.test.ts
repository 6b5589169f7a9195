/** A spec applied to a fleet whose listener rule somebody changed by hand. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventItem, fleetItem } from '../../src/contracts/items.ts';
import { keys } from '../../src/lineage/keys.ts';
import { Doors, person, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

let doors: Doors;

async function rule() {
  const item = await doors.table.get(keys.fleet('web'), fleetItem);
  if (item === undefined) throw new Error('no fleet');
  return item.fixed;
}

/** As in the console. */
async function setWeights(blue: number, green: number): Promise<void> {
  const { ruleArn, blueArn, greenArn } = await rule();
  const TargetGroups = [
    { TargetGroupArn: blueArn, Weight: blue },
    { TargetGroupArn: greenArn, Weight: green },
  ];
  const Actions = [{ Type: 'forward', ForwardConfig: { TargetGroups } }];
  await doors.world.call('elasticloadbalancing', 'ModifyRule', { RuleArn: ruleArn, Actions });
  // Until then a description may still show the rule as it was.
  await doors.world.seconds(5);
}

async function weights(): Promise<number[]> {
  const { ruleArn } = await rule();
  const { Rules } = await doors.world.call('elasticloadbalancing', 'DescribeRules', { RuleArns: [ruleArn] });
  return Rules[0].Actions[0].ForwardConfig.TargetGroups.map(({ Weight }: { Weight: number }) => Weight);
}

const put = () =>
  doors.api('PUT /fleets/web', {
    rule: { hosts: ['web.example.com'] },
    healthCheck: { path: '/health', deadlineSeconds: 120, gracePeriodSeconds: 20 },
    rollout: { steps: [{ weight: 50, bakeSeconds: 120 }, { weight: 100 }], keepWarmSeconds: 0 },
  });

describe.skipIf(notPackaged !== undefined)('applying a spec', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    doors = await Doors.open();
    await doors.deploy('one');
    await put();
  }, 120_000);
  afterAll(() => doors?.close());

  it('sets weights back that were changed by hand, and says so', async () => {
    await setWeights(60, 40);
    expect(await put()).toMatchObject({
      status: 200,
      body: { outcome: 'changed', made: [expect.stringContaining('changed by hand')] },
    });
    expect(await weights()).toEqual([100, 0]);
    const { pk } = keys.event('fleet/web', '');
    const restored = (await doors.table.queryAll(pk, '', eventItem)).filter(
      ({ kind }) => kind === 'weights-restored',
    );
    expect(restored).toMatchObject([{ by: { principal: person }, data: { from: { blue: 60, green: 40 } } }]);
    // Before, a late copy of the rule may still show the weights of the person: to set them back twice harms nobody.
    await doors.world.seconds(10);
    expect(await put()).toMatchObject({ status: 200, body: { outcome: 'unchanged', made: [] } });
  });

  it('takes changes of the environment from two people at once, and loses neither', async () => {
    const change = (body: object) => doors.api('PATCH /fleets/web/environment', body);
    const answers = await Promise.all([
      change({ set: { GREETING: 'hello', PORT: '8080' } }),
      change({ set: { COLOUR: 'blue' } }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(await change({ set: {}, unset: ['PORT'] })).toMatchObject({
      status: 200,
      body: { outcome: 'changed' },
    });
    const { spec } = (await doors.table.get(keys.fleet('web'), fleetItem)) ?? {};
    expect(spec?.image.environment).toEqual({ GREETING: 'hello', COLOUR: 'blue' });
    expect(spec?.rollout.steps).toHaveLength(2);
    expect(await change({ set: { 'no name': 'x' } })).toMatchObject({ body: { title: expect.any(String) } });
    expect((await doors.api('PATCH /fleets/nobody/environment', { set: { A: 'b' } })).status).toBe(404);
    await change({ unset: ['GREETING', 'COLOUR'] });
  });

  it('leaves them while a rollout holds the fleet: it notices by itself', async () => {
    const upload = await doors.uploadEnded('web/two', await doors.upload('web/two', program('two')));
    const id = `web-${upload.rollout}`;
    await doors.phase(id, 'baking');
    await setWeights(70, 30);
    expect(await put()).toMatchObject({ status: 200, body: { outcome: 'unchanged' } });
    expect(await weights()).toEqual([70, 30]);
    expect(await doors.rolloutEnded(id)).toMatchObject({ error: { name: 'TrafficChangedByHand' } });
    await doors.until(async () => ((await doors.fleet()).lease === null ? true : undefined));
    expect(await weights()).toEqual([100, 0]);
  });

  it('gives no weight to a slot without healthy targets', async () => {
    const { AutoScalingGroups } = await doors.world.call('autoscaling', 'DescribeAutoScalingGroups', {});
    const { AutoScalingGroupName } = AutoScalingGroups[0];
    await doors.world.call('autoscaling', 'UpdateAutoScalingGroup', {
      AutoScalingGroupName,
      MinSize: 0,
      DesiredCapacity: 0,
    });
    await doors.world.seconds(120);
    await setWeights(0, 100);
    const refused = await put();
    expect(refused).toMatchObject({ status: 409, body: { name: 'GuardRefused' } });
    expect(refused.body.detail).toContain('no healthy target');
    expect(await weights()).toEqual([0, 100]);
  });
});
