/**
 * Many rollouts at once, in virtual time, within the rates at which AWS publishes that it throttles: whether all of
 * them succeed, and how long they take beside the best that those rates allow.
 */
import { publishedRates } from '../local/throttling/published-rates.ts';
import type { BucketView, Throttles } from '../local/throttling/throttles.ts';
import type { RolloutAnswer } from '../src/contracts/request.ts';
import { Fleet } from '../test/scenarios/kit/fleet.ts';

export interface RolloutsAtOnce {
  readonly rollouts: number;
  /** Of the published rates, bursts included. */
  readonly share: number;
  readonly succeeded: number;
  /** Errors of those that did not. */
  readonly failed: readonly string[];
  /** From the first request to the last end. */
  readonly seconds: number;
  /** Calls that AWS refused because they came too often; each was made again. */
  readonly refused: number;
  /** One rollout that has the account to itself. */
  readonly aloneSeconds: number;
  /** The bucket that allows least. */
  readonly tightest: { readonly bucket: string; readonly burst: number; readonly perSecond: number };
  /** What one rollout by itself takes out of it. */
  readonly tokensEach: number;
  /** See {@link leastSeconds}. */
  readonly bestSeconds: number;
  /** `seconds` / `bestSeconds`. */
  readonly ratio: number;
}

const bakeSeconds = 60;
const spec = {
  instances: { minimum: 1, desired: 1, maximum: 2 },
  healthCheck: { path: '/health', deadlineSeconds: 600, gracePeriodSeconds: 20 },
  rollout: { steps: [10, 25, 50, 100].map((weight) => ({ weight, bakeSeconds })), drainSeconds: 20 },
};

/** Tokens that one rollout has taken out of a bucket, at each second of its course. */
type Course = readonly number[];

/**
 * A bound that no order of calls can beat. For each moment of a rollout's course: all have to have come so far when
 * the last of them has the rest of the course before it, and until then the bucket lets through what it lets through.
 */
export function leastSeconds(
  rollouts: number,
  course: Course,
  { burst, perSecond }: Pick<BucketView, 'burst' | 'perSecond'>,
): number {
  return course.reduce((most, tokens, second) => {
    const until = Math.max(second, (rollouts * tokens - burst) / perSecond);
    return Math.max(most, until + course.length - 1 - second);
  }, 0);
}

/** @param share of the published rates */
export async function measureRolloutsAtOnce(
  rollouts: number,
  share: number,
  seed: number,
): Promise<RolloutsAtOnce> {
  const first = await Fleet.create(spec, { seed });
  try {
    return await measure(first, rollouts, share);
  } finally {
    await first.world.close();
  }
}

async function measure(first: Fleet, count: number, share: number): Promise<RolloutsAtOnce> {
  const { world } = first;
  const { throttles, parts } = world.region;
  // One load balancer for all, which AWS would spread over several: its quotas are no matter of rates.
  for (const quota of [parts.elbv2.state.quotas.groupsPerBalancer, parts.elbv2.state.quotas.rules])
    quota.value = 1_000;
  allow(throttles, 1_000_000);
  const fleets: Fleet[] = [];
  while (fleets.length < count) fleets.push(await first.beside(`fleet-${fleets.length + 1}`, spec));
  const old = await first.image('old');
  await endOf(first, await asked([first, ...fleets], old));
  const next = await first.image('next');
  allow(throttles, share);

  const [alone] = await asked([first], next);
  const { courses, seconds: aloneSeconds } = await courseOf(first, alone);
  // Until the buckets are full again.
  await world.seconds(300);
  const refusedBefore = refusals(throttles);
  const started = world.clock.now();
  const ends = await endOf(first, await asked(fleets, next));
  const seconds = (Math.max(...ends.map(({ at }) => at)) - started) / 1000;

  const bounds = throttles.list().map((bucket) => {
    const course = courses.map((tokens) => tokens.get(nameOf(bucket)) ?? 0);
    return { bucket, course, seconds: leastSeconds(count, course, bucket) };
  });
  const tightest = bounds.reduce((most, bound) => (bound.seconds > most.seconds ? bound : most));
  const { burst, perSecond } = tightest.bucket;
  const bestSeconds = tightest.seconds;
  return {
    rollouts: count,
    share,
    succeeded: ends.filter(({ status }) => status === 'SUCCEEDED').length,
    failed: ends.flatMap(({ status, error }) => (status === 'SUCCEEDED' ? [] : [error ?? status])),
    seconds,
    refused: refusals(throttles) - refusedBefore,
    aloneSeconds,
    tightest: { bucket: nameOf(tightest.bucket), burst, perSecond },
    tokensEach: tightest.course.at(-1) ?? 0,
    bestSeconds,
    ratio: seconds / bestSeconds,
  };
}

type Image = Awaited<ReturnType<Fleet['image']>>;

const asked = (fleets: readonly Fleet[], image: Image): Promise<RolloutAnswer[]> =>
  Promise.all(fleets.map((fleet) => fleet.ask(image)));

interface End {
  readonly status: string;
  readonly error?: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

async function endOf({ world }: Fleet, answers: readonly RolloutAnswer[]): Promise<End[]> {
  const ends: End[] = [];
  for (const { executionArn } of answers) {
    for (;;) {
      const execution = await world.call('states', 'DescribeExecution', { executionArn });
      const { status, error, stopDate } = execution;
      if (status !== 'RUNNING') {
        ends.push({ status, error, at: Date.parse(stopDate) });
        break;
      }
      await world.seconds(5);
    }
  }
  return ends;
}

/** @throws Error where it does not succeed: there is nothing to compare with then */
async function courseOf(
  fleet: Fleet,
  answer: RolloutAnswer | undefined,
): Promise<{ courses: Map<string, number>[]; seconds: number }> {
  const { world } = fleet;
  const taken = (): Map<string, number> =>
    new Map(world.region.throttles.list().map((bucket) => [nameOf(bucket), bucket.taken]));
  const before = taken();
  const started = world.clock.now();
  const courses: Map<string, number>[] = [];
  for (;;) {
    courses.push(new Map([...taken()].map(([name, tokens]) => [name, tokens - (before.get(name) ?? 0)])));
    const execution = await world.call('states', 'DescribeExecution', {
      executionArn: answer?.executionArn,
    });
    const { status, stopDate } = execution;
    if (status === 'SUCCEEDED') return { courses, seconds: (Date.parse(stopDate) - started) / 1000 };
    if (status !== 'RUNNING')
      throw new Error(`The rollout that had all to itself: ${JSON.stringify(execution)}`);
    await world.seconds(1);
  }
}

const nameOf = ({ service, name }: BucketView): string => `${service}: ${name}`;

function refusals(throttles: Throttles): number {
  return throttles.list().reduce((sum, { refused }) => sum + refused, 0);
}

/** So many times the published rates: what is prepared is no part of what is measured. */
function allow(throttles: Throttles, times: number): void {
  for (const { service, name, burst, perSecond } of publishedRates)
    throttles.set(service, name, { burst: burst * times, perSecond: perSecond * times });
}
