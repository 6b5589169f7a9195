/** The invariants' checker: silent over rollouts that are well, and loud where a function of ours does what none may. */
import { afterEach, describe, expect, it } from 'vitest';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { Invariants, wordsOfViolation } from './kit/invariants.ts';
import { makeListener } from './kit/listener.ts';

describe.skipIf(notPackaged !== undefined)('the invariants', () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  /** A call as a function of the stack makes it, for no execution. */
  async function as(functionName: string, service: string, operation: string, input: object): Promise<void> {
    const { region, stackName } = fleet.world;
    await region.call(service, operation, input, {
      kind: 'role',
      arn: `arn:aws:sts::000000000000:assumed-role/a-role/${stackName}-${functionName}`,
      userId: 'AROA:function',
      policies: [{ Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }],
    });
  }

  it('hold of a first and a second deploy, a failed one, a rollback and a retirement', async () => {
    fleet = await Fleet.create();
    const watch = await Invariants.over([fleet]);
    await fleet.deploy(await fleet.image('one'));
    await fleet.deploy(await fleet.image('two'));
    await fleet.ended(await fleet.rollBack());
    await fleet.deploy(await fleet.image('three', { healthy: (sinceStart) => sinceStart < 45_000 }));
    await fleet.world.seconds(15 * minute);
    expect(watch.atRest({ web: { live: 1, desired: 2 } }).map(wordsOfViolation)).toEqual([]);
  });

  it('are broken by weight without health, a live group that shrinks, and rest that is none', async () => {
    fleet = await Fleet.create();
    await fleet.deploy(await fleet.image('one'));
    const watch = await Invariants.over([fleet]);
    const { fixed } = await fleet.item();
    const shift = (blue: number, green: number) =>
      as('shift-traffic', 'elasticloadbalancing', 'ModifyRule', {
        RuleArn: fixed.ruleArn,
        Actions: [
          {
            Type: 'forward',
            ForwardConfig: {
              TargetGroups: [
                { TargetGroupArn: fixed.blueArn, Weight: blue },
                { TargetGroupArn: fixed.greenArn, Weight: green },
              ],
            },
          },
        ],
      });
    const found = () =>
      watch.violations.splice(0).map(({ invariant, call, words }) => [invariant, call, words]);
    await shift(90, 10);
    expect(found()).toEqual([
      [
        1,
        'shift-traffic, elasticloadbalancing:ModifyRule',
        'green went from 0 to 10 % and has no healthy target',
      ],
    ]);
    // It is judged at changes of state: the sweeper makes one each minute, whenever the deploy ended.
    await fleet.world.seconds(minute);
    expect(found()).toEqual([[2, undefined, 'a node sends requests to green, where nobody is healthy']]);
    await shift(0, 0);
    expect(found()).toContainEqual([
      1,
      expect.anything(),
      'the weights are all zero on a fleet that has served',
    ]);
    await as('roll-back', 'autoscaling', 'UpdateAutoScalingGroup', {
      AutoScalingGroupName: 'flt-web-v1-r1',
      DesiredCapacity: 1,
    });
    expect(found()).toContainEqual([
      3,
      'roll-back, autoscaling:UpdateAutoScalingGroup',
      'flt-web-v1-r1, which is live, was shrunk from 2 to 1',
    ]);
    watch.atRest({ web: { live: 1, desired: 2 } });
    expect(found()).toEqual(
      expect.arrayContaining([
        [5, undefined, 'blue has 0 % and not 100'],
        [9, undefined, 'lineage says blue has 100 %, the rule 0'],
        [5, undefined, 'live has 1 instances and not 2'],
      ]),
    );
  });

  it('are broken by a test rule that leads to no candidate, or before it is written down, or at rest', async () => {
    fleet = await Fleet.create();
    const testListenerArn = await makeListener(fleet.world);
    await fleet.apply({ rule: { hosts: ['web.example.com'], testListenerArn } });
    await fleet.deploy(await fleet.image('one'));
    const watch = await Invariants.over([fleet]);
    const { fixed } = await fleet.item();
    const lead = async (blue: number, green: number) => {
      const TargetGroups = [
        { TargetGroupArn: fixed.blueArn, Weight: blue },
        { TargetGroupArn: fixed.greenArn, Weight: green },
      ];
      await as('allow-test-traffic', 'elasticloadbalancing', 'ModifyRule', {
        RuleArn: fixed.test?.ruleArn,
        Actions: [{ Type: 'forward', ForwardConfig: { TargetGroups } }],
      });
      return watch.violations.splice(0).map(({ invariant, words }) => [invariant, words]);
    };
    expect(await lead(100, 0)).toEqual([[1, 'the test rule was led to blue, where no candidate stands']]);
    watch.atRest();
    expect(watch.violations.splice(0).map(({ words }) => words)).toEqual(['the test listener leads to blue']);
    expect(await lead(0, 0)).toEqual([]);
    await fleet.ask(await fleet.image('two'));
    for (let passed = 0; passed < 60 && (await fleet.item()).candidate === null; passed += 1)
      await fleet.world.seconds(1);
    expect(await lead(0, 100)).toEqual([[1, 'the test rule was led to green before that was written down']]);
  });

  it('are broken by an event that is changed or lost, and by state that changes without one', async () => {
    fleet = await Fleet.create();
    await fleet.deploy(await fleet.image('one'));
    const watch = await Invariants.over([fleet]);
    const key = { pk: { S: 'EVENTS#fleet/web' }, sk: { S: 'rollout-1/promoted' } };
    const update = { TableName: 'flotilla', ExpressionAttributeNames: { '#a': 'at' } };
    await fleet.world.call('dynamodb', 'UpdateItem', {
      ...update,
      Key: key,
      UpdateExpression: 'SET #a = :at',
      ExpressionAttributeValues: { ':at': { S: '2030-01-01T00:00:00.000Z' } },
    });
    await fleet.world.call('dynamodb', 'DeleteItem', { TableName: 'flotilla', Key: key });
    await fleet.world.call('dynamodb', 'UpdateItem', {
      ...update,
      Key: { pk: { S: 'FLEET#web' }, sk: { S: 'FLEET' } },
      ExpressionAttributeNames: { '#a': 'served' },
      UpdateExpression: 'SET #a = :no',
      ExpressionAttributeValues: { ':no': { BOOL: false } },
    });
    expect(watch.violations.map(({ invariant, words }) => [invariant, words])).toEqual([
      [9, 'the event rollout-1/promoted was changed'],
      [9, 'the event rollout-1/promoted was deleted'],
      [9, 'no event tells of the change of served'],
    ]);
  });
});
