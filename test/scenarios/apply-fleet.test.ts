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

  const hostsOf = async (arn: string): Promise<string[]> => {
    const { Rules } = await doors.world.call('elasticloadbalancing', 'DescribeRules', { RuleArns: [arn] });
    return Rules[0].Conditions[0].HostHeaderConfig.Values;
  };
  const specOf = (host: string, changes: object = {}) => ({
    rule: { hosts: [`${host}.example.com`] },
    healthCheck: { path: '/health' },
    ...changes,
  });

  it('keeps what was applied though an upload got its number meanwhile', async () => {
    await doors.api('PUT /fleets/shop', specOf('shop'));
    await doors.world.seconds(10);
    const key = keys.fleet('shop');
    let numbered = 0;
    const { region } = doors.world;
    const end = region.onChange((call) => {
      if (call?.action !== 'elasticloadbalancing:ModifyRule' || numbered > 0) return;
      numbered += 1;
      void doors.world.call('dynamodb', 'UpdateItem', {
        TableName: 'flotilla',
        Key: { pk: { S: key.pk }, sk: { S: key.sk } },
        UpdateExpression: 'ADD nextUpload :one, revision :one',
        ExpressionAttributeValues: { ':one': { N: '1' } },
      });
    });
    const before = await doors.table.get(key, fleetItem);
    const changed = await doors.api('PUT /fleets/shop', specOf('market'));
    end();
    expect(changed).toMatchObject({ status: 200, body: { outcome: 'changed' } });
    expect(numbered).toBe(1);
    const item = await doors.table.get(key, fleetItem);
    expect(item?.nextUpload).toBe((before?.nextUpload ?? 0) + 1);
    expect(item?.spec.rule.hosts).toEqual(['market.example.com']);
    expect(await hostsOf(item?.fixed.ruleArn ?? '')).toEqual(['market.example.com']);
  });

  it('changes back what it had changed, where it is refused in the end', async () => {
    await doors.api('PUT /fleets/yard', specOf('yard'));
    await doors.world.seconds(10);
    const item = await doors.table.get(keys.fleet('yard'), fleetItem);
    const { ruleArn = '', blueArn = '' } = item?.fixed ?? {};
    doors.world.region.faults.inject({
      ...{ kind: 'fail', by: 'api-fleets', action: 'dynamodb:TransactWriteItems' },
      ...{ code: 'ValidationException', status: 400, times: 1 },
    });
    const refused = await doors.api(
      'PUT /fleets/yard',
      specOf('field', {
        healthCheck: { path: '/other' },
        rollout: { steps: [{ weight: 100 }], drainSeconds: 77 },
      }),
    );
    expect(refused.status).toBeGreaterThanOrEqual(400);
    await doors.world.seconds(10);
    expect(await hostsOf(ruleArn)).toEqual(['yard.example.com']);
    const { TargetGroups } = await doors.world.call('elasticloadbalancing', 'DescribeTargetGroups', {
      TargetGroupArns: [blueArn],
    });
    expect(TargetGroups[0].HealthCheckPath).toBe('/health');
    const { Attributes } = await doors.world.call('elasticloadbalancing', 'DescribeTargetGroupAttributes', {
      TargetGroupArn: blueArn,
    });
    const drain = Attributes.find(
      ({ Key }: { Key: string }) => Key === 'deregistration_delay.timeout_seconds',
    );
    expect(Number(drain.Value)).toBe(item?.spec.rollout.drainSeconds);
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
