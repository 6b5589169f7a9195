import { describe, expect, it } from 'vitest';
import { fleetSpec } from '../../../src/contracts/fleet-spec.ts';
import {
  allotPriority,
  architectureOf,
  describeRule,
  fleetTags,
  isGroupOf,
  type ObservedParts,
  type ObservedRule,
  type ObservedTargetGroup,
  ownRule,
  planFixedParts,
  showsAll,
  specContradictions,
  targetGroupName,
  type WantedParts,
} from '../../../src/fleet/fixed-parts.ts';

const check = {
  path: '/health',
  intervalSeconds: 5,
  timeoutSeconds: 2,
  healthyThreshold: 2,
  unhealthyThreshold: 2,
  statusCodes: '200',
};
const wanted: WantedParts = {
  stack: 'flotilla',
  fleet: 'web',
  listenerArn: 'arn:listener',
  vpcId: 'vpc-1',
  port: 8080,
  condition: { hosts: ['web.example.com'], paths: [] },
  check,
  drainSeconds: 30,
};
const tags = { 'flotilla:stack': 'flotilla', 'flotilla:fleet': 'web' };
const group = (arn: string, change: Partial<ObservedTargetGroup> = {}): ObservedTargetGroup => ({
  arn,
  port: 8080,
  protocol: 'HTTP',
  vpcId: 'vpc-1',
  targetType: 'instance',
  check,
  drainSeconds: 30,
  tags,
  ...change,
});
const rule = (change: Partial<ObservedRule> = {}): ObservedRule => ({
  arn: 'arn:rule',
  priority: 1000,
  condition: wanted.condition,
  targetGroupArns: ['arn:blue', 'arn:green'],
  tags,
  ...change,
});
const nothing: ObservedParts = { blue: undefined, green: undefined, rules: [], template: undefined };
const complete: ObservedParts = {
  blue: group('arn:blue'),
  green: group('arn:green'),
  rules: [
    rule(),
    rule({
      arn: 'arn:default',
      priority: 'default',
      condition: { hosts: [], paths: [] },
      tags: {},
      targetGroupArns: [],
    }),
  ],
  template: { id: 'lt-1', tags },
};

describe('the fixed parts of a fleet', () => {
  it('are all made where nothing stands, the rule last', () => {
    expect(planFixedParts(wanted, nothing)).toEqual({
      verdict: 'go',
      actions: [
        { do: 'create-target-group', slot: 'blue', name: 'flt-web-blue' },
        { do: 'create-target-group', slot: 'green', name: 'flt-web-green' },
        { do: 'create-template', name: 'flt-web' },
        { do: 'create-rule', priority: 1000 },
      ],
    });
  });

  it('are left alone where they are as wanted', () => {
    expect(planFixedParts(wanted, complete)).toEqual({ verdict: 'go', actions: [] });
  });

  it('are completed from wherever an earlier call stopped', () => {
    const half = { ...nothing, blue: group('arn:blue') };
    const plan = planFixedParts(wanted, half);
    expect(plan.verdict === 'go' && plan.actions.map((action) => action.do)).toEqual([
      'create-target-group',
      'create-template',
      'create-rule',
    ]);
  });

  it('follow a changed health check, drain time and condition', () => {
    const plan = planFixedParts(
      { ...wanted, condition: { hosts: ['new.example.com'], paths: [] }, drainSeconds: 5 },
      { ...complete, green: group('arn:green', { check: { ...check, path: '/old' } }) },
    );
    expect(plan.verdict === 'go' && plan.actions).toEqual([
      { do: 'change-drain', slot: 'blue', arn: 'arn:blue' },
      { do: 'change-health-check', slot: 'green', arn: 'arn:green' },
      { do: 'change-drain', slot: 'green', arn: 'arn:green' },
      { do: 'change-rule', arn: 'arn:rule' },
    ]);
  });

  it("adopt a rule without tags that forwards to the fleet's own target groups", () => {
    expect(planFixedParts(wanted, { ...complete, rules: [rule({ tags: {} })] })).toEqual({
      verdict: 'go',
      actions: [],
    });
  });

  it("are refused where a stranger's part has the fleet's name", () => {
    const plan = planFixedParts(wanted, { ...nothing, blue: group('arn:blue', { tags: {} }) });
    expect(plan).toMatchObject({ verdict: 'refused', name: 'FixedPartForeign' });
    const other = { 'flotilla:stack': 'another', 'flotilla:fleet': 'web' };
    expect(planFixedParts(wanted, { ...nothing, template: { id: 'lt-9', tags: other } })).toMatchObject({
      verdict: 'refused',
      name: 'FixedPartForeign',
    });
  });

  it('are refused where a target group would need another port or VPC', () => {
    const plan = planFixedParts({ ...wanted, port: 9090 }, complete);
    expect(plan).toMatchObject({ verdict: 'refused', name: 'SpecInvalid' });
    expect(plan.verdict === 'refused' && plan.reasons[0]).toContain('8080');
  });

  it('are refused where another rule overlaps, and the reason names it', () => {
    const other = rule({
      arn: 'arn:other',
      priority: 7,
      condition: { hosts: ['*.example.com'], paths: [] },
      targetGroupArns: [],
      tags: { 'flotilla:fleet': 'api' },
    });
    expect(planFixedParts(wanted, { ...nothing, rules: [other] })).toEqual({
      verdict: 'refused',
      name: 'RuleConflict',
      reasons: ['priority 7 of fleet api (hosts *.example.com)'],
    });
  });
});

describe('a part that exists', () => {
  const refusal = (plan: ReturnType<typeof planFixedParts>) =>
    plan.verdict === 'refused' ? plan.reasons : [];

  it.each([
    ['the port', { port: 9090 }, '9090', '8080'],
    ['the protocol', { protocol: 'HTTPS' }, 'HTTPS', 'HTTP'],
    ['the VPC', { vpcId: 'vpc-2' }, 'vpc-2', 'vpc-1'],
    ['the target type', { targetType: 'ip' }, 'ip', 'instance'],
  ])('cannot change %s, and says how it can be had', (what, change, has, wants) => {
    expect(planFixedParts(wanted, { ...complete, green: group('arn:green', change) })).toEqual({
      verdict: 'refused',
      name: 'SpecInvalid',
      reasons: [
        `${what} of target group flt-web-green is ${has} and cannot be changed to ${wants}`,
        'what is fixed at the making of a fleet changes only by removing the fleet and making it again',
      ],
    });
  });

  it.each([
    { path: '/other' },
    { intervalSeconds: 6 },
    { timeoutSeconds: 3 },
    { healthyThreshold: 3 },
    { unhealthyThreshold: 3 },
    { statusCodes: '204' },
  ])('follows the health check in %j', (change) => {
    const blue = group('arn:blue', { check: { ...check, ...change } });
    expect(planFixedParts(wanted, { ...complete, blue })).toEqual({
      verdict: 'go',
      actions: [{ do: 'change-health-check', slot: 'blue', arn: 'arn:blue' }],
    });
  });

  it('without our tags is a stranger, each named', () => {
    const strange = { 'flotilla:stack': 'flotilla', 'flotilla:fleet': 'api' };
    const observed = {
      ...complete,
      blue: group('arn:blue', { tags: {} }),
      green: group('arn:green', { tags: strange }),
      template: { id: 'lt-1', tags: {} },
    };
    expect(planFixedParts(wanted, observed)).toEqual({
      verdict: 'refused',
      name: 'FixedPartForeign',
      reasons: [
        'target group flt-web-blue exists and lacks our tags',
        'target group flt-web-green exists and lacks our tags',
        'launch template flt-web exists and lacks our tags',
      ],
    });
    expect(refusal(planFixedParts(wanted, complete))).toEqual([]);
  });

  it('carries the tags that make it ours', () => {
    expect(fleetTags('flotilla', 'web')).toEqual(tags);
  });
});

describe('a rule', () => {
  it('is ours by its tags, or by where it forwards to; the default never is', () => {
    const away = rule({ targetGroupArns: ['arn:elsewhere'] });
    expect(ownRule(wanted, { ...nothing, rules: [away] })).toBe(away);
    const bare = rule({ tags: {} });
    expect(ownRule(wanted, { ...complete, rules: [bare] })).toBe(bare);
    expect(ownRule(wanted, { ...nothing, rules: [bare] })).toBeUndefined();
    expect(ownRule(wanted, { ...nothing, rules: [rule({ tags: {}, targetGroupArns: [] })] })).toBeUndefined();
    expect(ownRule(wanted, { ...complete, rules: [rule({ priority: 'default' })] })).toBeUndefined();
    expect(ownRule(wanted, { ...nothing, rules: [rule({ tags: { ...tags, 'flotilla:stack': 'b' } })] })).toBe(
      undefined,
    );
  });

  it.each([
    [{ hosts: ['a', 'b'], paths: [] }, tags, 'priority 1000 of fleet web (hosts a, b)'],
    [{ hosts: ['a'], paths: ['/x', '/y'] }, {}, 'priority 1000 (hosts a and paths /x, /y)'],
    [{ hosts: [], paths: ['/x'] }, {}, 'priority 1000 (paths /x)'],
    [{ hosts: [], paths: [] }, {}, 'priority 1000 (every request)'],
  ])('is told in words: %j', (condition, itsTags, words) => {
    expect(describeRule(rule({ condition, tags: itsTags }))).toBe(words);
  });

  it('that catches everything by default is in nobody’s way', () => {
    const byDefault = rule({
      arn: 'arn:d',
      priority: 'default',
      condition: { hosts: [], paths: [] },
      tags: {},
    });
    expect(
      planFixedParts(wanted, { ...nothing, rules: [{ ...byDefault, targetGroupArns: [] }] }).verdict,
    ).toBe('go');
  });
});

describe('what was recorded', () => {
  const recorded = {
    blueArn: 'arn:blue',
    greenArn: 'arn:green',
    ruleArn: 'arn:rule',
    launchTemplateId: 'lt-1',
  };

  it('is all shown, or it is not', () => {
    expect(showsAll(recorded, complete)).toBe(true);
    const lacking: Partial<ObservedParts>[] = [
      { blue: undefined },
      { green: group('arn:another') },
      { green: undefined },
      { rules: [] },
      { rules: [rule({ arn: 'arn:another' })] },
      { template: undefined },
    ];
    for (const change of lacking) expect(showsAll(recorded, { ...complete, ...change })).toBe(false);
  });
});

describe('a priority', () => {
  it('is the lowest free one behind the rules written by hand', () => {
    expect(allotPriority([])).toBe(1000);
    expect(allotPriority([rule({ priority: 1000 }), rule({ priority: 1001 }), rule({ priority: 3 })])).toBe(
      1002,
    );
  });

  const from = (first: number, last: number) =>
    new Set(Array.from({ length: last - first + 1 }, (_, index) => first + index));

  it('is the last one where that alone is free, then one before those written by hand, then none', () => {
    expect(allotPriority([], from(1000, 49_999))).toBe(50_000);
    expect(allotPriority([], from(1000, 50_000))).toBe(999);
    expect(allotPriority([], from(2, 50_000))).toBe(1);
    expect(allotPriority([], from(1, 50_000))).toBeUndefined();
  });

  it('that is nowhere to be had refuses the fleet', () => {
    expect(planFixedParts(wanted, nothing, from(1, 50_000))).toEqual({
      verdict: 'refused',
      name: 'RuleConflict',
      reasons: ['the listener has no free priority'],
    });
  });

  it('is none that was refused, though no listing shows who has it', () => {
    expect(allotPriority([rule({ priority: 1000 })], new Set([1001]))).toBe(1002);
    expect(planFixedParts(wanted, nothing, new Set([1000]))).toMatchObject({
      actions: expect.arrayContaining([{ do: 'create-rule', priority: 1001 }]),
    });
  });
});

describe('names', () => {
  it('fit into 32 characters for the longest name of a fleet', () => {
    expect(targetGroupName('a'.repeat(20), 'green').length).toBeLessThanOrEqual(32);
  });

  it('of groups do not mix up web and web-v2', () => {
    expect(isGroupOf('web', 'flt-web-v7-r12')).toBe(true);
    expect(isGroupOf('web', 'flt-web-v2-v1-r1')).toBe(false);
    expect(isGroupOf('web-v2', 'flt-web-v2-v1-r1')).toBe(true);
  });

  it.each([
    'web-v7-r12',
    'flt-web-v7',
    'flt-web-r7',
    'flt-web-v7-r12-old',
    'flt-web-old-v7-r12',
    'xflt-web-v7-r12',
    'flt-web-vx-r1',
    'flt-web-v1-rx',
    'v7-r12',
  ])('of other groups are %s', (name) => {
    expect(isGroupOf('web', name)).toBe(false);
  });

  it('of groups have as many digits as they need', () => {
    expect(isGroupOf('web', 'flt-web-v7-r1')).toBe(true);
    expect(isGroupOf('web', 'flt-web-v10-r12')).toBe(true);
  });
});

describe('a spec', () => {
  const spec = (change: object) =>
    fleetSpec.parse({ rule: { hosts: ['a'] }, healthCheck: { path: '/' }, ...change });

  it('that is sound has no contradictions', () => {
    expect(specContradictions(spec({}))).toEqual([]);
  });

  it('names every contradiction at once', () => {
    const reasons = specContradictions(
      spec({
        healthCheck: {
          path: '/',
          intervalSeconds: 10,
          timeoutSeconds: 10,
          healthyThreshold: 5,
          deadlineSeconds: 20,
        },
        instances: { types: ['t3.nano', 't4g.nano'] },
      }),
    );
    expect(reasons).toEqual([
      'healthCheck.timeoutSeconds: must be shorter than healthCheck.intervalSeconds',
      'healthCheck.deadlineSeconds: 5 checks in a row take 50 s at least',
      "instances.types: t4g.nano runs arm64, the fleet's architecture is x86_64",
    ]);
  });

  it('may be as tight as it can be kept', () => {
    const tight = {
      path: '/',
      intervalSeconds: 10,
      timeoutSeconds: 9,
      healthyThreshold: 2,
      deadlineSeconds: 20,
    };
    expect(specContradictions(spec({ healthCheck: tight }))).toEqual([]);
    expect(specContradictions(spec({ healthCheck: { ...tight, deadlineSeconds: 19 } }))).toHaveLength(1);
  });

  it.each([
    ['t3.nano', 'x86_64'],
    ['t4g.nano', 'arm64'],
    ['g4dn.xlarge', 'x86_64'],
    ['c7gn.large', 'arm64'],
    ['im4gn.large', 'arm64'],
    ['a1.large', 'arm64'],
    ['m7i-flex.large', 'x86_64'],
    ['u-6tb1.metal', 'x86_64'],
    ['m10g.large', 'arm64'],
    ['a10.large', 'x86_64'],
    ['m7i.gigantic', 'x86_64'],
    ['g.large', 'x86_64'],
    ['u-6tb1g.metal', 'x86_64'],
  ])('knows what %s runs: %s', (type, architecture) => {
    expect(architectureOf(type)).toBe(architecture);
  });
});
