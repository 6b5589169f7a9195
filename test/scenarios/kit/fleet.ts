/** One fleet, `web` unless named otherwise, in virtual time: what a test asks of it and sees of it. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { MachineScript } from '../../../local/machines/scripted.ts';
import { type Executions, openExecutions } from '../../../src/aws/executions.ts';
import { openTable, type Table } from '../../../src/aws/table.ts';
import type { RolloutAnswer as ApiAnswer } from '../../../src/contracts/api.ts';
import type { FleetSpecInput } from '../../../src/contracts/fleet-spec.ts';
import { rolloutId } from '../../../src/contracts/ids.ts';
import {
  type EventItem,
  eventItem,
  type FleetItem,
  fleetItem,
  type ReleaseItem,
  type RolloutItem,
  releaseItem,
  rolloutItem,
} from '../../../src/contracts/items.ts';
import type { RolloutAnswer, RolloutTarget } from '../../../src/contracts/request.ts';
import type { Verb } from '../../../src/fleet/orders.ts';
import { keys } from '../../../src/lineage/keys.ts';
import { giveOrder, type OrderAnswer } from '../../../src/runtime/give-order.ts';
import { putAlarm } from './alarm.ts';
import { FleetInVirtualTime, type WorldOptions } from './fleet-in-virtual-time.ts';
import { inRegionSettings, onClockOf } from './in-region.ts';

export const minute = 60;
const operator = { principal: 'arn:aws:iam::000000000000:user/operator', through: 'api' };

export class Fleet {
  readonly world: FleetInVirtualTime;
  readonly table: Table;
  readonly executions: Executions;
  readonly name: string;

  private constructor(world: FleetInVirtualTime, table: Table, executions: Executions, name: string) {
    this.world = world;
    this.table = table;
    this.executions = executions;
    this.name = name;
  }

  static async create(spec: Partial<FleetSpecInput> = {}, options: WorldOptions = {}): Promise<Fleet> {
    const world = await FleetInVirtualTime.create(options);
    const { region } = world;
    const settings = inRegionSettings(region);
    const client = DynamoDBDocumentClient.from(onClockOf(region, new DynamoDBClient(settings)), {
      marshallOptions: { removeUndefinedValues: true },
    });
    const executions = openExecutions(onClockOf(region, new SFNClient(settings)));
    const fleet = new Fleet(world, openTable('flotilla', client), executions, 'web');
    await fleet.apply(spec);
    return fleet;
  }

  /** Another fleet in the same region. */
  async beside(name: string, spec: Partial<FleetSpecInput> = {}): Promise<Fleet> {
    const fleet = new Fleet(this.world, this.table, this.executions, name);
    await fleet.apply(spec);
    return fleet;
  }

  async apply(spec: Partial<FleetSpecInput>): Promise<void> {
    const body: FleetSpecInput = {
      rule: { hosts: [`${this.name}.example.com`] },
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
    await this.#api('api-fleets', 'PUT', `/fleets/${this.name}`, body);
  }

  /** Asks the API to go back to the release before: the door that people have for it. */
  async rollBack(inside?: 'inside'): Promise<RolloutAnswer> {
    const answer = (await this.#api('api-rollouts', 'POST', `/fleets/${this.name}/rollback`, {}, inside)) as {
      rollout: string;
      release: number;
    };
    const arn = `arn:aws:states:us-east-1:000000000000:execution:${this.world.stackName}-swap-fleet`;
    return {
      outcome: 'started',
      message: '',
      release: answer.release,
      executionArn: `${arn}:${answer.rollout}`,
    };
  }

  /** Asks the API what a rollout would do. */
  plan(target: Exclude<RolloutTarget, { kind: 'rollback' }>): Promise<ApiAnswer> {
    const wish = target.kind === 'image' ? { image: target.identity } : { release: target.number };
    const body = { ...wish, plan: true };
    return this.#api('api-rollouts', 'POST', `/fleets/${this.name}/rollouts`, body) as Promise<ApiAnswer>;
  }

  /** Asks the API what a rollback would do. */
  planBack(): Promise<ApiAnswer> {
    const body = { plan: true };
    return this.#api('api-rollouts', 'POST', `/fleets/${this.name}/rollback`, body) as Promise<ApiAnswer>;
  }

  /** What the API answers to a look. */
  read(functionName: string, path: string): Promise<unknown> {
    return this.#api(functionName, 'GET', path, {});
  }

  /** Each group with its instances. */
  async members(): Promise<{ name: string; instances: string[] }[]> {
    const { AutoScalingGroups } = await this.world.call('autoscaling', 'DescribeAutoScalingGroups', {});
    return AutoScalingGroups.map(
      (group: { AutoScalingGroupName: string; Instances?: { InstanceId: string }[] }) => ({
        name: group.AutoScalingGroupName,
        instances: (group.Instances ?? []).map(({ InstanceId }) => InstanceId),
      }),
    );
  }

  /** One request as API Gateway hands it on. @throws Error with the answer's body, where it is a refusal */
  async #api(
    functionName: string,
    method: string,
    path: string,
    body: object,
    inside?: 'inside',
  ): Promise<unknown> {
    const answer = (await this.#invoke(functionName, inside, {
      version: '2.0',
      rawPath: path,
      rawQueryString: '',
      headers: { 'content-type': 'application/json' },
      requestContext: {
        http: { method, path, sourceIp: '127.0.0.1' },
        authorizer: { iam: { userArn: operator.principal } },
        stage: '$default',
        requestId: 'request',
      },
      body: JSON.stringify(body),
      isBase64Encoded: false,
    })) as { statusCode: number; body: string };
    if (answer.statusCode >= 300) throw new Error(answer.body);
    return JSON.parse(answer.body);
  }

  /** An image that is built, with machines that behave so. */
  async image(name: string, script: MachineScript = {}): Promise<Extract<RolloutTarget, { kind: 'image' }>> {
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
      fleet: this.name,
      target,
      by: operator,
      ...more,
    }) as Promise<RolloutAnswer>;
  }

  /** Asks the API for a rollout of an image. */
  askByApi({ identity }: Extract<RolloutTarget, { kind: 'image' }>): Promise<unknown> {
    return this.#api('api-rollouts', 'POST', `/fleets/${this.name}/rollouts`, { image: identity });
  }

  /** Gives an order to the running rollout by the API. */
  async orderByApi(verb: Verb): Promise<unknown> {
    const { lease } = await this.item();
    const id = rolloutId(this.name, lease?.rollout ?? 0);
    return this.#api('api-rollouts', 'POST', `/rollouts/${id}/${verb}`, {});
  }

  /** @param inside while another function stands, on whose time the clock does not run */
  async #invoke(functionName: string, inside: 'inside' | undefined, input: object): Promise<unknown> {
    if (inside === undefined) return this.world.invoke(functionName, input);
    const { lambda } = this.world.region.parts;
    const { payload, failed } = await lambda.invoke(`${this.world.stackName}-${functionName}`, input);
    if (failed) throw new Error(payload);
    return JSON.parse(payload);
  }

  askInside(target: RolloutTarget): Promise<RolloutAnswer> {
    const input = { fleet: this.name, target, by: operator };
    return this.#invoke('request-rollout', 'inside', input) as Promise<RolloutAnswer>;
  }

  async item(): Promise<FleetItem> {
    const item = await this.table.get(keys.fleet(this.name), fleetItem);
    if (item === undefined) throw new Error('no fleet');
    return item;
  }

  async rollout(number: number): Promise<RolloutItem> {
    const item = await this.table.get(keys.rollout(this.name, number), rolloutItem);
    if (item === undefined) throw new Error(`no rollout ${number}`);
    return item;
  }

  async release(number: number): Promise<ReleaseItem> {
    const item = await this.table.get(keys.release(this.name, number), releaseItem);
    if (item === undefined) throw new Error(`no release ${number}`);
    return item;
  }

  /** Status of an execution, with its error and cause. */
  execution(arn: string): Promise<{ status: string; error?: string; cause?: string }> {
    return this.world.call('states', 'DescribeExecution', { executionArn: arn });
  }

  /** The names of the states that an execution entered, in order. */
  async entered({ executionArn }: RolloutAnswer): Promise<string[]> {
    const names: string[] = [];
    let nextToken: string | undefined;
    do {
      const page = await this.world.call('states', 'GetExecutionHistory', {
        executionArn,
        maxResults: 1000,
        nextToken,
      });
      for (const { stateEnteredEventDetails: details } of page.events) if (details) names.push(details.name);
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    return names;
  }

  /** Lineage's events of the fleet, by the beginning of their keys. */
  events(prefix: string): Promise<EventItem[]> {
    return this.table.queryAll(keys.event(`fleet/${this.name}`, '').pk, prefix, eventItem);
  }

  /** An alarm on errors that are counted by the minute; then what state it is in. */
  async alarm(name: string, state?: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA'): Promise<void> {
    if (state === undefined) {
      await putAlarm(this.world, name);
      return;
    }
    await this.world.call('monitoring', 'SetAlarmState', {
      AlarmName: name,
      StateValue: state,
      StateReason: `${name} is ${state}`,
    });
  }

  /** Lets time pass until a rollout is in a phase, by its words. */
  async phase(words: string, rollout = 2, withinSeconds = 10 * minute): Promise<void> {
    for (let passed = 0; passed < withinSeconds; passed += 2) {
      if ((await this.rollout(rollout)).phase === words) return;
      await this.world.seconds(2);
    }
    throw new Error(`rollout ${rollout} is ${(await this.rollout(rollout)).phase}, and never was ${words}`);
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

  /** Takes a rollout out of the queue, while a function stands. */
  async withdraw(rollout: number): Promise<void> {
    await this.#api('api-rollouts', 'POST', `/rollouts/${this.name}-${rollout}/abort`, {}, 'inside');
  }

  /** An order whose giver dies before the gate is told. */
  orderUntold(verb: Verb): Promise<OrderAnswer> {
    const lost = async () => 'stale' as const;
    return this.order(verb, { ...this.executions, succeed: lost, fail: lost });
  }

  async order(verb: Verb, executions: Executions = this.executions): Promise<OrderAnswer> {
    const { lease } = await this.item();
    return giveOrder(
      { fleet: this.name, rollout: lease?.rollout ?? 0, verb, by: operator },
      {
        table: this.table,
        executions,
        clock: { now: () => new Date(this.world.clock.now()) },
      },
    );
  }

  /** As somebody would in the console. */
  async setWeights(weights: Record<'blue' | 'green', number>, ruleArn?: string): Promise<void> {
    const { fixed } = await this.item();
    await this.world.call('elasticloadbalancing', 'ModifyRule', {
      RuleArn: ruleArn ?? fixed.ruleArn,
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

  async weights(ruleArn?: string): Promise<Record<'blue' | 'green', number>> {
    const { fixed } = await this.item();
    const { Rules } = await this.world.call('elasticloadbalancing', 'DescribeRules', {
      RuleArns: [ruleArn ?? fixed.ruleArn],
    });
    const groups: { TargetGroupArn: string; Weight: number }[] =
      Rules[0].Actions[0].ForwardConfig.TargetGroups;
    const of = (arn: string) => groups.find(({ TargetGroupArn }) => TargetGroupArn === arn)?.Weight ?? 0;
    return { blue: of(fixed.blueArn), green: of(fixed.greenArn) };
  }
}
