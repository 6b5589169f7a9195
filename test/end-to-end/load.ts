/**
 * Load, in wall time: a fleet of one instance under requests from a process of its own, which sends each once, through
 * a proxy that never retries. Meanwhile a swap, a rollback, a retirement and the weekly replacement; and machines are
 * killed, each while another stands. Nothing here looks at how long anything took.
 */
import type { FleetSpecInput } from '../../src/contracts/fleet-spec.ts';
import type { Traffic } from '../../tour/traffic.ts';
import { Place, type Requests } from './broken-releases.ts';
import { until } from './echo-image.ts';

const fleet = 'load';
const week = 7 * 86_400;
const spec: Omit<FleetSpecInput, 'rule'> = {
  healthCheck: { path: '/healthz', intervalSeconds: 5, unhealthyThreshold: 2, deadlineSeconds: 180 },
  instances: { minimum: 1, desired: 1, maximum: 2, maxLifetimeSeconds: week },
  rollout: {
    steps: [
      { weight: 25, bakeSeconds: 4 },
      { weight: 100, bakeSeconds: 4 },
    ],
    keepWarmSeconds: 20,
    drainSeconds: 5,
  },
};

/** A machine that was killed, and what it did at that moment. */
export interface Kill {
  readonly at: number;
  readonly instance: string;
  readonly role: string;
  /** How long after its death the load balancer may still send requests to it. */
  readonly sentToForMilliseconds: number;
}

export interface LoadReport {
  /** Of the fleet through everything but the last kill. */
  readonly traffic: Traffic;
  readonly kills: readonly Kill[];
  /** Failures by the machine that was killed with them in its hands. */
  readonly killed: Readonly<Record<string, readonly string[]>>;
  /** Failures that no killed machine explains: there must be none. */
  readonly unexplained: readonly string[];
  /** Of the time after the only instance was killed: nobody stands in for it. */
  readonly alone: Traffic;
  /** Of the time after its replacement had become healthy. */
  readonly after: Traffic;
}

/**
 * How long after its death requests still reach a machine: until the nodes of the balancer have heard of it (half a
 * second here), and those in flight are broken off. Wide, as the host may be busy.
 */
const nodesHearWithinMilliseconds = 5_000;

/**
 * A machine that dies while it serves gets its share of the requests until its health checks have failed, as often as
 * the fleet's threshold says; one that dies while it leaves is gone at once.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
 */
const seenDeadWithinMilliseconds = 3 * 5_000 + nodesHearWithinMilliseconds;

/** What a proxy says of a target that died; a 503 means that there was no target to send it to, and is never explained. */
const diedInItsHands = /status 50[24]|broken answer|socket hang up|ECONNRESET|aborted/;

/** Tells failures that a kill explains from those that nothing does. */
export function explain(
  failures: readonly string[],
  kills: readonly Kill[],
): Pick<LoadReport, 'killed' | 'unexplained'> {
  const killed: Record<string, string[]> = {};
  const unexplained: string[] = [];
  for (const failure of failures) {
    const at = Date.parse(failure.slice(0, failure.indexOf(' ')));
    const cause = kills.find((kill) => at >= kill.at && at <= kill.at + kill.sentToForMilliseconds);
    if (cause === undefined || !diedInItsHands.test(failure)) unexplained.push(failure);
    else
      killed[`${cause.instance} (${cause.role})`] = [
        ...(killed[`${cause.instance} (${cause.role})`] ?? []),
        failure,
      ];
  }
  return { killed, unexplained };
}

interface Member {
  readonly InstanceId: string;
  readonly LifecycleState: string;
}

export interface LoadOptions {
  readonly perSecond: number;
  /** The client goes on until it has sent so many. */
  readonly requests: number;
  readonly tell: (words: string) => void;
}

export async function runLoad({ perSecond, requests, tell }: LoadOptions): Promise<LoadReport> {
  const place = await Place.open();
  try {
    return await new Load(place, tell).run(perSecond, requests);
  } finally {
    await place.close();
  }
}

class Load {
  readonly #place: Place;
  readonly #tell: (words: string) => void;
  readonly #kills: Kill[] = [];

  constructor(place: Place, tell: (words: string) => void) {
    this.#place = place;
    this.#tell = tell;
  }

  async run(perSecond: number, requests: number): Promise<LoadReport> {
    const place = this.#place;
    const { region } = place.local;
    await place.applyFleet(fleet, spec);
    await this.#deploy('1', 'blue');
    const client = place.ask(fleet, perSecond);
    const step = (words: string): void => this.#tell(`${client.seen().sent} requests: ${words}`);

    step('a swap, whose first candidate is killed before it has traffic');
    const swap = this.#deploy('2', 'green');
    await this.#kill('flt-load-v2-r2', 'InService', 'the candidate, without traffic');
    await swap;

    step('a rollback to the warm release, and the one that it replaced is killed');
    const { rollout: id = '' } = await place.api.call('rollBack', {
      params: { fleet },
      body: { plan: false },
    });
    const back = () => place.api.call('getRollout', { params: { id } });
    await until(async () => (await back()).ended, 240_000);
    const { status, endedAt = '' } = await back();
    if (status !== 'succeeded') throw new Error(`the rollback ended as ${status}`);
    // Until then nodes of the balancer that lag may still ask the warm one, which answers.
    await until(async () => Date.now() - Date.parse(endedAt) > nodesHearWithinMilliseconds);
    await this.#kill('flt-load-v2-r2', 'InService', 'warm, without traffic');

    step('a retirement');
    await until(async () => {
      const { warm, lease } = await place.api.call('getFleet', { params: { fleet } });
      return warm === null && lease === null;
    }, 300_000);

    step('the weekly replacement; the old instance is killed while it drains');
    await this.#age('flt-load-v1-r1');
    await this.#kill('flt-load-v1-r1', 'Terminating', 'replaced for its age, draining');
    await until(async () => (await this.#members('flt-load-v1-r1')).length === 1, 120_000);

    step('two serve, and one of them is killed');
    await region.call('autoscaling', 'SetDesiredCapacity', {
      AutoScalingGroupName: 'flt-load-v1-r1',
      DesiredCapacity: 2,
    });
    await this.#healthy(2);
    const dead = await this.#kill('flt-load-v1-r1', 'InService', 'one of two that serve', { serving: true });
    await until(
      async () => (await this.#members('flt-load-v1-r1')).every(({ InstanceId }) => InstanceId !== dead),
      120_000,
    );
    await this.#healthy(2);
    await until(async () => client.seen().sent >= requests, 1_800_000);
    const traffic = await client.stop();

    this.#tell('the only instance is killed');
    await region.call('autoscaling', 'SetDesiredCapacity', {
      AutoScalingGroupName: 'flt-load-v1-r1',
      DesiredCapacity: 1,
    });
    await until(async () => (await this.#members('flt-load-v1-r1')).length === 1, 120_000);
    const lonely = place.ask(fleet, perSecond);
    await sentSome(lonely);
    await this.#kill('flt-load-v1-r1', 'InService', 'the only one', { apart: true });
    await this.#healthy(0);
    await this.#healthy(1);
    const alone = await lonely.stop();
    const last = place.ask(fleet, perSecond);
    await sentSome(last);
    const after = await last.stop();
    return { traffic, kills: this.#kills, ...explain(traffic.failures, this.#kills), alone, after };
  }

  async #deploy(version: string, colour: string): Promise<void> {
    const file = await this.#place.build({ version, colour });
    const { code, stdout, stderr } = await this.#place.flotilla('deploy', file, '--fleet', fleet);
    if (code !== 0) throw new Error(`v${version} could not be deployed:\n${stdout}${stderr}`);
  }

  async #members(group: string): Promise<readonly Member[]> {
    const { region } = this.#place.local;
    const { AutoScalingGroups } = (await region.call('autoscaling', 'DescribeAutoScalingGroups', {
      AutoScalingGroupNames: [group],
    })) as { AutoScalingGroups?: { Instances?: Member[] }[] };
    return AutoScalingGroups?.[0]?.Instances ?? [];
  }

  /** Lets the host under an instance of the group die, once one is in this state. @returns the instance */
  async #kill(
    group: string,
    state: string,
    role: string,
    { serving = false, apart = false }: { readonly serving?: boolean; readonly apart?: boolean } = {},
  ): Promise<string> {
    let found: Member | undefined;
    await until(async () => {
      found = (await this.#members(group)).find(({ LifecycleState }) => LifecycleState.startsWith(state));
      return found !== undefined;
    }, 240_000);
    const instance = found?.InstanceId ?? '';
    const sentToForMilliseconds = serving ? seenDeadWithinMilliseconds : nodesHearWithinMilliseconds;
    if (!apart) this.#kills.push({ at: Date.now(), instance, role, sentToForMilliseconds });
    this.#place.local.region.parts.ec2.outages.kill(instance);
    this.#tell(`killed ${instance}: ${role}`);
    return instance;
  }

  /**
   * Makes the group's instance a week old. AWS takes no lifetime of less than a day, so that the age is what is changed
   * here; the lifetime, and how it is replaced, are the product's.
   */
  async #age(group: string): Promise<void> {
    const { region } = this.#place.local;
    const record = region.parts.autoscaling.state.groups.get(group);
    for (const member of record?.members.values() ?? []) {
      Object.assign(member, { launchedAt: member.launchedAt - week * 1_000 });
    }
    await region.call('autoscaling', 'UpdateAutoScalingGroup', {
      AutoScalingGroupName: group,
      MaxInstanceLifetime: week,
    });
  }

  /** Until the load balancer, all of its nodes, takes so many targets for healthy. */
  async #healthy(count: number): Promise<void> {
    const { region } = this.#place.local;
    const { fixed } = await this.#place.api.call('getFleet', { params: { fleet } });
    let since: number | undefined;
    await until(async () => {
      const { TargetHealthDescriptions } = (await region.call(
        'elasticloadbalancing',
        'DescribeTargetHealth',
        { TargetGroupArn: fixed.blueArn },
      )) as { TargetHealthDescriptions?: { TargetHealth?: { State?: string } }[] };
      const healthy = TargetHealthDescriptions?.filter(
        ({ TargetHealth }) => TargetHealth?.State === 'healthy',
      );
      since = healthy?.length === count ? (since ?? Date.now()) : undefined;
      return since !== undefined && (count === 0 || Date.now() - since > nodesHearWithinMilliseconds);
    }, 180_000);
  }
}

/** Until the client has sent fifty. */
function sentSome(client: Requests): Promise<void> {
  return until(async () => client.seen().sent >= 50, 60_000);
}

/** The report as a person reads it. */
export function describeLoad({ traffic, kills, killed, unexplained, alone, after }: LoadReport): string {
  const inHands = Object.entries(killed).map(
    ([name, failures]) => `  ${failures.length} in the hands of ${name}`,
  );
  const byRelease = Object.entries(traffic.byRelease).map(([name, count]) => `${name} ${count}`);
  return [
    `${traffic.sent} requests to a fleet of one over a swap, a rollback, a retirement and a weekly replacement:`,
    `  ${traffic.ok} answered (${byRelease.join(', ')})`,
    `  ${traffic.failed} failed: ${traffic.failed - unexplained.length} with a machine that was killed, ${unexplained.length} for no such reason`,
    ...inHands,
    ...unexplained.slice(0, 20).map((failure) => `  UNEXPLAINED ${failure}`),
    `${kills.length} machines killed meanwhile: ${kills.map(({ role }) => role).join('; ')}`,
    `Then the only instance killed, for which nobody can stand in: ${alone.failed} of ${alone.sent} failed until its`,
    `replacement was healthy, ${after.failed} of ${after.sent} after that.`,
  ].join('\n');
}
