import { describe, expect, it } from 'vitest';
import { fleetSpec } from '../../../src/contracts/fleet-spec.ts';
import {
  allotPriority,
  architectureOf,
  isGroupOf,
  type ObservedParts,
  type ObservedRule,
  type ObservedTargetGroup,
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
      { rules: [] },
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
    expect(reasons).toHaveLength(3);
    expect(reasons.join()).toMatch(/t4g\.nano runs arm64/);
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
  ])('knows what %s runs: %s', (type, architecture) => {
    expect(architectureOf(type)).toBe(architecture);
  });
});
