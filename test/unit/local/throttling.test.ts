import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.ts';
import type { Principal } from '../../../local/service.ts';
import { publishedRates } from '../../../local/throttling/published-rates.ts';
import { Throttles } from '../../../local/throttling/throttles.ts';

let clock: VirtualClock;
let throttles: Throttles;

const user: Principal = { kind: 'user', arn: 'arn:aws:iam::0:user/u', userId: 'u', policies: [] };

beforeEach(() => {
  clock = new VirtualClock();
  throttles = new Throttles(clock);
});

afterEach(async () => {
  await clock.settle();
});

type Input = Readonly<Record<string, unknown>>;

/** How many of the same calls go through at once; at most `most`. */
function admitted(service: string, operation: string, input: Input = {}, most = 20_000): number {
  for (let count = 0; count < most; count += 1) {
    try {
      throttles.admit(service, operation, input, user);
    } catch {
      return count;
    }
  }
  return most;
}

/** An operation of each bucket, and what its input must be to need that bucket alone. */
const typical: Readonly<Record<string, readonly [operation: string, input?: Input]>> = {
  'ec2 Unfiltered and unpaginated non-mutating actions': ['DescribeSnapshots'],
  'ec2 Non-mutating actions': ['DescribeImages'],
  'ec2 Mutating actions': ['RegisterImage'],
  'elasticloadbalancing Account': ['DescribeRules'],
  'elasticloadbalancing Registration': ['RegisterTargets'],
  'elasticloadbalancing Mutating actions': ['ModifyRule'],
  'autoscaling Account': ['UpdateAutoScalingGroup'],
  'events All other calls': ['PutRule'],
  'lambda Control plane': ['UpdateFunctionCode'],
};

const rows = publishedRates
  .filter((rate) => !rate.name.endsWith('(instances)'))
  .map((rate) => [rate.service, rate.name, rate.burst, rate.perSecond] as const);

describe('a bucket', () => {
  it.each(rows)(
    'of %s, %s, bites after %d calls and refills by %d a second',
    async (service, name, burst, rate) => {
      const [operation, input] = typical[`${service} ${name}`] ?? [name];
      expect(admitted(service, operation, input)).toBe(burst);
      const seconds = Math.max(1, Math.ceil(1 / rate));
      await clock.advance(seconds * 1_000);
      expect(admitted(service, operation, input)).toBe(Math.min(burst, Math.floor(seconds * rate)));
      await clock.advance(Math.ceil(burst / rate) * 1_000);
      expect(admitted(service, operation, input)).toBe(burst);
    },
  );

  it.each([
    ['RunInstances', { MaxCount: 400 }, 2],
    ['TerminateInstances', { InstanceIds: Array.from({ length: 300 }, (_, index) => `i-${index}`) }, 3],
  ] as const)('of instances bites %s by their number', (operation, input, calls) => {
    expect(admitted('ec2', operation, input)).toBe(calls);
  });

  it('is larger for a description with a filter or a page', () => {
    expect(admitted('ec2', 'DescribeInstances')).toBe(50);
    expect(admitted('ec2', 'DescribeInstances', { Filters: [] })).toBe(100);
    expect(admitted('ec2', 'DescribeSnapshots', { MaxResults: 5 })).toBe(100);
  });

  it('is each EC2 action’s own, and ELB’s calls share theirs', () => {
    expect(admitted('ec2', 'DescribeImages')).toBe(100);
    expect(admitted('ec2', 'DescribeVpcs')).toBe(100);
    expect(admitted('elasticloadbalancing', 'ModifyRule')).toBe(20);
    expect(admitted('elasticloadbalancing', 'CreateRule')).toBe(0);
    expect(admitted('elasticloadbalancing', 'DescribeRules')).toBe(20);
  });

  it('is not for services that call by themselves, nor for what has no published rate', () => {
    const service: Principal = { ...user, kind: 'service', arn: 'autoscaling.amazonaws.com' };
    for (let count = 0; count < 100; count += 1)
      throttles.admit('elasticloadbalancing', 'RegisterTargets', {}, service);
    expect(admitted('dynamodb', 'PutItem', {}, 5_000)).toBe(5_000);
    expect(admitted('lambda', 'Invoke', {}, 5_000)).toBe(5_000);
  });

  it('refuses in the words of its service', () => {
    const refusal = (service: string, operation: string): unknown => {
      admitted(service, operation);
      try {
        throttles.admit(service, operation, {}, user);
      } catch (error) {
        const { code, status, message } = error as Error & { code: string; status: number };
        return [code, status, message];
      }
      return undefined;
    };
    expect(refusal('ec2', 'CreateTags')).toEqual(['RequestLimitExceeded', 503, 'Request limit exceeded.']);
    expect(refusal('autoscaling', 'UpdateAutoScalingGroup')).toEqual(['Throttling', 400, 'Rate exceeded']);
    expect(refusal('elasticloadbalancing', 'ModifyRule')).toEqual([
      'ThrottlingException',
      400,
      'Rate exceeded',
    ]);
    expect(refusal('states', 'StartExecution')).toEqual(['ThrottlingException', 400, 'Rate exceeded']);
    expect(refusal('lambda', 'GetPolicy')).toEqual(['TooManyRequestsException', 429, 'Rate exceeded']);
  });

  it('is told with its page, and changed for a test', () => {
    throttles.set('elasticloadbalancing', 'Account', { burst: 3, perSecond: 1 });
    expect(admitted('elasticloadbalancing', 'DescribeRules')).toBe(3);
    expect(throttles.list()).toEqual([
      {
        service: 'elasticloadbalancing',
        name: 'Account',
        burst: 3,
        perSecond: 1,
        left: 0,
        refused: 1,
        taken: 3,
        source: expect.stringContaining('elb-api-throttling'),
      },
    ]);
  });
});
