/** Rollouts from the first to the last call, by the shipped machines and functions, in virtual time. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { afterEach, describe, expect, it } from 'vitest';
import type { MachineScript } from '../../local/machines/scripted.ts';
import { type Executions, openExecutions } from '../../src/aws/executions.ts';
import { openTable, type Table } from '../../src/aws/table.ts';
import type { FleetSpecInput } from '../../src/contracts/fleet-spec.ts';
import {
  type FleetItem,
  fleetItem,
  type ReleaseItem,
  type RolloutItem,
  releaseItem,
  rolloutItem,
} from '../../src/contracts/items.ts';
import type { RolloutAnswer, RolloutTarget } from '../../src/contracts/request.ts';
import { keys } from '../../src/lineage/keys.ts';
import { giveOrder } from '../../src/runtime/give-order.ts';
import { FleetInVirtualTime, notPackaged } from './fleet-in-virtual-time.ts';

const minute = 60;
const operator = { principal: 'arn:aws:iam::000000000000:user/operator', through: 'api' };

class Fleet {
  readonly world: FleetInVirtualTime;
  readonly table: Table;
  readonly executions: Executions;

  private constructor(world: FleetInVirtualTime, table: Table, executions: Executions) {
    this.world = world;
    this.table = table;
    this.executions = executions;
  }

  static async create(spec: Partial<FleetSpecInput> = {}): Promise<Fleet> {
    const world = await FleetInVirtualTime.create();
    const { accessKeyId, secretAccessKey } = world.region.createOperator();
    const settings = {
      endpoint: world.region.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId, secretAccessKey },
    };
    const client = DynamoDBDocumentClient.from(new DynamoDBClient(settings), {
      marshallOptions: { removeUndefinedValues: true },
    });
    const executions = openExecutions(new SFNClient(settings));
    const fleet = new Fleet(world, openTable('flotilla', client), executions);
    await fleet.apply(spec);
    return fleet;
  }

  async apply(spec: Partial<FleetSpecInput>): Promise<void> {
    const body: FleetSpecInput = {
      rule: { hosts: ['web.example.com'] },
      healthCheck: { path: '/health', deadlineSeconds: 120, gracePeriodSeconds: 20 },
      instances: { minimum: 1, desired: 2, maximum: 4 },
      rollout: {
        steps: [
          { weight: 10, bakeSeconds: 60 },
          { weight: 100, bakeSeconds: 60 },
        ],
        keepWarmSeconds: 600,
        drainSeconds: 20,
      },
      ...spec,
    };
    const answer = (await this.world.invoke('api-fleets', {
      version: '2.0',
      routeKey: 'PUT /fleets/{fleet}',
      rawPath: '/fleets/web',
      rawQueryString: '',
      headers: { 'content-type': 'application/json' },
      pathParameters: { fleet: 'web' },
      requestContext: {
        http: { method: 'PUT', path: '/fleets/web', sourceIp: '127.0.0.1' },
        authorizer: { iam: { userArn: operator.principal } },
        stage: '$default',
        requestId: 'apply',
      },
      body: JSON.stringify(body),
      isBase64Encoded: false,
    })) as { statusCode: number; body: string };
    if (answer.statusCode >= 300) throw new Error(answer.body);
  }

  /** An image that is built, with machines that behave so. */
  async image(name: string, script: MachineScript = {}): Promise<RolloutTarget> {
    const { imageId, identity } = await this.world.image(name, script);
    const at = new Date(this.world.clock.now()).toISOString();
    await this.table.commit({
      writes: [
        {
          kind: 'put',
          key: keys.image(identity),
          item: {
            type: 'image',
            identity,
            state: 'available',
            owner: 'arn:test',
            attempt: 1,
            artifactSha256: identity,
            architecture: 'x86_64',
            kernel: '0.1.54',
            kernelDigest: identity,
            builderVersion: '1',
            volumeSizeGiB: 1,
            imageId,
            createdAt: at,
          },
        },
      ],
    });
    return { kind: 'image', identity };
  }

  ask(target: RolloutTarget, more: Record<string, unknown> = {}): Promise<RolloutAnswer> {
    return this.world.invoke('request-rollout', {
      fleet: 'web',
      target,
      by: operator,
      ...more,
    }) as Promise<RolloutAnswer>;
  }

  async item(): Promise<FleetItem> {
    const item = await this.table.get(keys.fleet('web'), fleetItem);
    if (item === undefined) throw new Error('no fleet');
    return item;
  }

  async rollout(number: number): Promise<RolloutItem> {
    const item = await this.table.get(keys.rollout('web', number), rolloutItem);
    if (item === undefined) throw new Error(`no rollout ${number}`);
    return item;
  }

  async release(number: number): Promise<ReleaseItem> {
    const item = await this.table.get(keys.release('web', number), releaseItem);
    if (item === undefined) throw new Error(`no release ${number}`);
    return item;
  }

  /** Status of an execution, with its error and cause. */
  execution(arn: string): Promise<{ status: string; error?: string; cause?: string }> {
    return this.world.call('states', 'DescribeExecution', { executionArn: arn });
  }

  /** Lets time pass until an execution has ended. */
  async ended(answer: RolloutAnswer, withinSeconds = 20 * minute) {
    const arn = answer.executionArn ?? '';
    for (let passed = 0; passed < withinSeconds; passed += 5) {
      await this.world.seconds(5);
      const execution = await this.execution(arn);
      if (execution.status !== 'RUNNING') return execution;
    }
    throw new Error(`${arn} still runs after ${withinSeconds} s`);
  }

  async order(verb: 'abort' | 'promote' | 'approve' | 'reject'): Promise<void> {
    const { lease } = await this.item();
    await giveOrder(
      { fleet: 'web', rollout: lease?.rollout ?? 0, verb, by: operator },
      {
        table: this.table,
        executions: this.executions,
        clock: { now: () => new Date(this.world.clock.now()) },
      },
    );
  }

  /** As somebody would in the console. */
  async setWeights(weights: Record<'blue' | 'green', number>): Promise<void> {
    const { fixed } = await this.item();
    await this.world.call('elasticloadbalancing', 'ModifyRule', {
      RuleArn: fixed.ruleArn,
      Actions: [
        {
          Type: 'forward',
          ForwardConfig: {
            TargetGroups: [
              { TargetGroupArn: fixed.blueArn, Weight: weights.blue },
              { TargetGroupArn: fixed.greenArn, Weight: weights.green },
            ],
          },
        },
      ],
    });
  }

  async deploy(target: RolloutTarget) {
    return this.ended(await this.ask(target));
  }

  async groups(): Promise<{ name: string; minimum: number; desired: number }[]> {
    const { AutoScalingGroups } = await this.world.call('autoscaling', 'DescribeAutoScalingGroups', {});
    return AutoScalingGroups.map(
      (group: { AutoScalingGroupName: string; MinSize: number; DesiredCapacity: number }) => ({
        name: group.AutoScalingGroupName,
        minimum: group.MinSize,
        desired: group.DesiredCapacity,
      }),
    );
  }

  async weights(): Promise<Record<'blue' | 'green', number>> {
    const { fixed } = await this.item();
    const { Rules } = await this.world.call('elasticloadbalancing', 'DescribeRules', {
      RuleArns: [fixed.ruleArn],
    });
    const groups: { TargetGroupArn: string; Weight: number }[] =
      Rules[0].Actions[0].ForwardConfig.TargetGroups;
    const of = (arn: string) => groups.find(({ TargetGroupArn }) => TargetGroupArn === arn)?.Weight ?? 0;
    return { blue: of(fixed.blueArn), green: of(fixed.greenArn) };
  }
}

describe.skipIf(notPackaged !== undefined)('a rollout', () => {
  let fleet: Fleet;
  afterEach(async () => {
    await fleet?.world.close();
  });

  it('makes the first release live at once, once it is healthy', async () => {
    fleet = await Fleet.create();
    const end = await fleet.deploy(await fleet.image('one'));
    expect(end).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({
      live: { release: 1, slot: 'blue', groupName: 'flt-web-v1-r1' },
      candidate: null,
      warm: null,
      served: true,
      lease: null,
      queue: [],
    });
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v1-r1', minimum: 1, desired: 2 }]);
    expect(await fleet.rollout(1)).toMatchObject({ status: 'succeeded', phase: 'ended' });
  });

  async function live(name = 'one'): Promise<RolloutTarget> {
    const target = await fleet.image(name);
    expect(await fleet.deploy(target)).toMatchObject({ status: 'SUCCEEDED' });
    return target;
  }

  /** As the fleet was with its first release, nothing left of the second. */
  async function expectOnlyFirst(): Promise<void> {
    expect(await fleet.item()).toMatchObject({
      live: { release: 1, slot: 'blue' },
      candidate: null,
      warm: null,
      lease: null,
      gate: null,
      pins: [],
      weights: { blue: 100, green: 0 },
    });
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v1-r1', minimum: 1, desired: 2 }]);
  }

  it('moves traffic in steps to the second, keeps the first warm, and retires it', async () => {
    fleet = await Fleet.create();
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    expect(await fleet.weights()).toEqual({ blue: 90, green: 10 });
    expect(await fleet.rollout(2)).toMatchObject({ phase: 'baking' });
    expect(await fleet.groups()).toContainEqual({ name: 'flt-web-v1-r1', minimum: 2, desired: 2 });
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.weights()).toEqual({ blue: 0, green: 100 });
    expect(await fleet.item()).toMatchObject({ live: { release: 2, slot: 'green' }, warm: { release: 1 } });

    await fleet.world.seconds(11 * minute);
    expect(await fleet.item()).toMatchObject({ live: { release: 2 }, warm: null, lease: null, pins: [] });
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v2-r2', minimum: 1, desired: 2 }]);
    expect(await fleet.release(1)).toMatchObject({ state: 'retired' });
  });

  it('is undone when the candidate never becomes healthy, and says why', async () => {
    fleet = await Fleet.create();
    await live();
    const bad = await fleet.image('two', { healthy: false, console: ['cannot open database'] });
    const end = await fleet.deploy(bad);
    expect(end).toMatchObject({ status: 'FAILED', error: 'CandidateUnhealthy' });
    expect(end.cause).toContain('cannot open database');
    expect(end.cause).toContain('v1 is live');
    await expectOnlyFirst();
    expect(await fleet.release(2)).toMatchObject({ state: 'failed' });
    expect(await fleet.rollout(2)).toMatchObject({ status: 'failed', error: { name: 'CandidateUnhealthy' } });
  });

  it('is undone when the candidate crashes at start', async () => {
    fleet = await Fleet.create();
    await live();
    const crashing = await fleet.image('two', { crashAtMs: 2_000, consoleOnExit: ['panic: no config'] });
    const end = await fleet.deploy(crashing);
    expect(end).toMatchObject({ status: 'FAILED', error: 'CandidateUnhealthy' });
    expect(end.cause).toContain('panic: no config');
    await expectOnlyFirst();
  });

  it('is undone when the candidate fails while it bakes', async () => {
    fleet = await Fleet.create();
    await live();
    const ill = await fleet.image('two', { healthy: (sinceStart) => sinceStart < 45_000 });
    const end = await fleet.deploy(ill);
    expect(end).toMatchObject({ status: 'FAILED', error: 'CandidateUnhealthy' });
    await expectOnlyFirst();
  });

  it('is undone within two minutes when the candidate fails in the midst of a long bake', async () => {
    const steps = [{ weight: 50, bakeSeconds: 6 * 60 * minute }, { weight: 100 }];
    fleet = await Fleet.create({ rollout: { steps, drainSeconds: 20 } });
    await live();
    let ill = false;
    const answer = await fleet.ask(
      await fleet.image('two', { healthy: () => !ill, console: ['the ledger is open'] }),
    );
    await fleet.world.seconds(10 * minute);
    expect(await fleet.rollout(2)).toMatchObject({ phase: 'baking' });
    expect(await fleet.weights()).toEqual({ blue: 50, green: 50 });

    ill = true;
    await fleet.world.seconds(2 * minute);
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    const end = await fleet.ended(answer);
    expect(end).toMatchObject({
      status: 'FAILED',
      error: 'CandidateUnhealthy',
      cause: expect.stringContaining('failed while it had 50 % of the traffic'),
    });
    expect(end.cause).toContain('the ledger is open');
    await expectOnlyFirst();
    expect(await fleet.release(2)).toMatchObject({ state: 'failed' });
  });

  it('is undone when a person aborts it at a gate', async () => {
    fleet = await Fleet.create();
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    await fleet.order('abort');
    const end = await fleet.ended(answer);
    expect(end).toMatchObject({ status: 'FAILED', error: 'GateAborted' });
    await expectOnlyFirst();
    expect(await fleet.rollout(2)).toMatchObject({ status: 'aborted' });
    expect(await fleet.release(2)).toMatchObject({ state: 'new' });
  });

  it('goes to full weight when a person promotes it', async () => {
    fleet = await Fleet.create();
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    await fleet.order('promote');
    await fleet.world.seconds(15);
    expect(await fleet.execution(answer.executionArn ?? '')).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.weights()).toEqual({ blue: 0, green: 100 });
  });

  it('is undone when nobody approves it in time', async () => {
    fleet = await Fleet.create({
      rollout: { steps: [{ weight: 100, approval: true, approvalSeconds: 120 }], drainSeconds: 20 },
    });
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    expect(await fleet.rollout(2)).toMatchObject({ phase: 'waiting for approval' });
    expect(await fleet.ended(answer)).toMatchObject({ status: 'FAILED', error: 'GateRejected' });
    await expectOnlyFirst();
  });

  it('is recovered when its execution is stopped', async () => {
    fleet = await Fleet.create();
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    await fleet.world.call('states', 'StopExecution', { executionArn: answer.executionArn });
    await fleet.world.seconds(30);
    expect(await fleet.item()).toMatchObject({ lease: { state: 'recovering' } });
    await fleet.world.seconds(6 * minute);
    await expectOnlyFirst();
    expect(await fleet.rollout(2)).toMatchObject({ status: 'failed', error: { name: 'RolloutInterrupted' } });
  });

  it('rolls back in one step while the former release is warm', async () => {
    fleet = await Fleet.create();
    await live();
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    const began = fleet.world.clock.now();
    expect(await fleet.deploy({ kind: 'rollback' })).toMatchObject({ status: 'SUCCEEDED' });
    expect(fleet.world.clock.now() - began).toBeLessThan(30_000);
    expect(await fleet.item()).toMatchObject({
      live: { release: 1, slot: 'blue' },
      warm: { release: 2, slot: 'green' },
    });
    expect(await fleet.weights()).toEqual({ blue: 100, green: 0 });
    await fleet.world.seconds(12 * minute);
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, warm: null, lease: null });
    expect(await fleet.groups()).toEqual([{ name: 'flt-web-v1-r1', minimum: 1, desired: 2 }]);
  });

  it('rolls back to a retired release by launching it again', async () => {
    fleet = await Fleet.create();
    await live();
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    await fleet.world.seconds(12 * minute);
    const answer = await fleet.ask({ kind: 'rollback' });
    expect(answer).toMatchObject({ release: 1 });
    expect(await fleet.ended(answer)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 1, groupName: 'flt-web-v1-r3' } });
  });

  it('deploys A, B and A again, and does nothing for what is live', async () => {
    fleet = await Fleet.create();
    const a = await live();
    expect(await fleet.ask(a)).toMatchObject({ outcome: 'already-live', release: 1 });
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    // Release 1 is warm in the slot; a new release on its image sends it away first.
    const again = await fleet.ask(a);
    expect(again).toMatchObject({ outcome: 'started', release: 3 });
    expect(await fleet.ended(again)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 3 }, warm: { release: 2 } });
    expect((await fleet.groups()).map(({ name }) => name).sort()).toEqual(['flt-web-v2-r2', 'flt-web-v3-r3']);
  });

  it('does not deploy an upload that is older than the one deployed', async () => {
    fleet = await Fleet.create();
    expect(await fleet.ended(await fleet.ask(await fleet.image('two'), { upload: 2 }))).toMatchObject({
      status: 'SUCCEEDED',
    });
    const older = await fleet.image('one');
    expect(await fleet.ask(older, { upload: 1 })).toMatchObject({ outcome: 'superseded' });
    expect(await fleet.ask(older)).toMatchObject({ outcome: 'started' });
  });

  it('waits for the one before it, in order', async () => {
    fleet = await Fleet.create();
    await live();
    const second = await fleet.ask(await fleet.image('two'));
    const third = await fleet.ask(await fleet.image('three'));
    expect(third).toMatchObject({ outcome: 'queued' });
    expect(await fleet.ended(second)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.ended(third)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.item()).toMatchObject({ live: { release: 3 }, warm: { release: 2 }, queue: [] });
  });

  it('stops when somebody changed the weights by hand', async () => {
    fleet = await Fleet.create();
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    await fleet.setWeights({ blue: 50, green: 50 });
    expect(await fleet.ended(answer)).toMatchObject({ status: 'FAILED', error: 'TrafficChangedByHand' });
    await expectOnlyFirst();
  });

  it('is aborted by an alarm that it watches', async () => {
    fleet = await Fleet.create({
      rollout: {
        steps: [{ weight: 50, bakeSeconds: 600 }, { weight: 100 }],
        alarms: [{ name: 'errors', missingData: 'quiet' }],
        drainSeconds: 20,
      },
    });
    await fleet.world.call('monitoring', 'PutMetricAlarm', {
      AlarmName: 'errors',
      Namespace: 'web',
      MetricName: 'errors',
      Statistic: 'Sum',
      Period: 60,
      EvaluationPeriods: 1,
      Threshold: 1,
      ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    });
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    expect(await fleet.rollout(2)).toMatchObject({ phase: 'baking' });
    await fleet.world.call('monitoring', 'SetAlarmState', {
      AlarmName: 'errors',
      StateValue: 'ALARM',
      StateReason: '7 errors in a minute',
    });
    const end = await fleet.ended(answer, 3 * minute);
    expect(end).toMatchObject({ status: 'FAILED', error: 'AlarmRang' });
    expect(end.cause).toContain('7 errors in a minute');
    await expectOnlyFirst();
  });

  it('is recovered by the sweeper when the event of its end is lost', async () => {
    fleet = await Fleet.create();
    await live();
    const answer = await fleet.ask(await fleet.image('two'));
    await fleet.world.seconds(40);
    fleet.world.fault = (name) => (name === 'recover-rollout' ? 'crash' : undefined);
    await fleet.world.call('states', 'StopExecution', { executionArn: answer.executionArn });
    await fleet.world.seconds(6 * minute);
    await expectOnlyFirst();
  });

  it('goes on after a function that crashed', async () => {
    fleet = await Fleet.create();
    await live();
    fleet.world.fault = (name, count) => (name === 'shift-traffic' && count === 2 ? 'crash' : undefined);
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.weights()).toEqual({ blue: 0, green: 100 });
  });

  it('that is the first and fails leaves nothing behind', async () => {
    fleet = await Fleet.create();
    const end = await fleet.deploy(await fleet.image('one', { healthy: false }));
    expect(end).toMatchObject({ status: 'FAILED', error: 'CandidateUnhealthy' });
    expect(end.cause).toContain('Nothing is live');
    expect(await fleet.item()).toMatchObject({ live: null, candidate: null, lease: null, served: false });
    expect(await fleet.groups()).toEqual([]);
    expect(await fleet.weights()).toEqual({ blue: 0, green: 0 });
  });

  it('follows the present size of live', async () => {
    fleet = await Fleet.create();
    await live();
    await fleet.world.call('autoscaling', 'SetDesiredCapacity', {
      AutoScalingGroupName: 'flt-web-v1-r1',
      DesiredCapacity: 3,
    });
    await fleet.world.seconds(60);
    expect(await fleet.deploy(await fleet.image('two'))).toMatchObject({ status: 'SUCCEEDED' });
    expect(await fleet.groups()).toContainEqual({ name: 'flt-web-v2-r2', minimum: 1, desired: 3 });
  });

  it('is refused with every reason at once, and changes nothing', async () => {
    fleet = await Fleet.create();
    await live();
    await fleet.setWeights({ blue: 70, green: 30 });
    const { fixed } = await fleet.item();
    await fleet.world.call('elasticloadbalancing', 'ModifyTargetGroupAttributes', {
      TargetGroupArn: fixed.greenArn,
      Attributes: [{ Key: 'stickiness.enabled', Value: 'true' }],
    });
    const end = await fleet.deploy(await fleet.image('two'));
    expect(end).toMatchObject({ status: 'FAILED', error: 'PlanRefused' });
    expect(end.cause).toContain('lineage expects blue 100 %');
    expect(end.cause).toContain('turn stickiness off');
    expect(await fleet.weights()).toEqual({ blue: 70, green: 30 });
    expect(await fleet.item()).toMatchObject({ live: { release: 1 }, candidate: null, lease: null });
  });
});
