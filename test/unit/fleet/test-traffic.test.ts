/** What stands against test traffic, before a fleet is made and before a rollout: each with its words. */
import { describe, expect, it } from 'vitest';
import { fleetSpec } from '../../../src/contracts/fleet-spec.ts';
import { specContradictions } from '../../../src/fleet/fixed-parts.ts';
import { planRollout, type RolloutWorld } from '../../../src/fleet/plan.ts';
import {
  describeTestRule,
  mayShowBefore,
  nextTestTraffic,
  planTestRule,
  testWeights,
} from '../../../src/fleet/test-listener.ts';
import { mayAppear } from '../../../src/fleet/traffic.ts';
import type { RuleView } from '../../../src/fleet/world.ts';
import { fleet, group, release, warm } from './views.ts';

const rule = (blue: number, green: number, more: Partial<RuleView> = {}): RuleView => ({
  weights: { blue, green },
  foreign: [],
  sticky: false,
  ...more,
});

describe('the path of a smoke test', () => {
  const reasons = (paths: string[], smokePath: string | undefined, testListenerArn: string | undefined) => {
    const parsed = fleetSpec.parse({
      rule: { hosts: ['a'], paths },
      healthCheck: { path: '/' },
      ...(smokePath === undefined ? {} : { rollout: { smokeTest: { path: smokePath } } }),
    });
    const test = testListenerArn === undefined ? {} : { testListenerArn };
    return specContradictions({ ...parsed, rule: { ...parsed.rule, ...test } });
  };
  it.each([
    [
      ['/api/*'],
      '/up',
      'arn:l',
      ['rollout.smokeTest.path: /up is none of rule.paths, so that no test rule matches it'],
    ],
    [['/api/*', '/up'], '/up?deep=1', 'arn:l', []],
    [[], '/up', 'arn:l', []],
    [['/api/*'], undefined, 'arn:l', []],
    [['/api/*'], '/up', undefined, []],
  ])('%j, %s, on %s: %j', (paths, smokePath, listener, said) => {
    expect(reasons(paths, smokePath, listener)).toEqual(said);
  });
});

describe('a plan with a test listener', () => {
  const settings = { exists: true, sticky: false };
  const plan = (more: Partial<RolloutWorld>) =>
    planRollout({
      fleet: { ...fleet, live: null, weights: { blue: 0, green: 0 } },
      release: release(3),
      image: { state: 'available' },
      rollout: 3,
      kind: 'deploy',
      force: false,
      rule: rule(0, 0),
      testRule: null,
      settings: { blue: settings, green: settings },
      slots: { blue: { targets: [] }, green: { targets: [] } },
      groups: [],
      alarms: [],
      quotas: {
        running: { known: true, value: [] },
        vcpus: { known: true, value: new Map([['t3.nano', 2]]) },
        quotas: new Map([['L-1216C47A', { known: true, value: 640 }]]),
        groups: { known: true, value: { used: 1, quota: 500 } },
        templateVersions: undefined,
      },
      hooks: [],
      stack: 'flotilla',
      ...more,
    });
  const nobody = { ...fleet, live: null, weights: { blue: 0, green: 0 } };
  const cure = 'set it back, or apply the fleet again';

  it('is refused where its rule is gone or leads elsewhere than lineage says', () => {
    expect(plan({ testRule: undefined })).toMatchObject({
      reasons: [`the test rule is gone and lineage expects blue 0 %, green 0 %; ${cure}`],
    });
    expect(plan({ testRule: rule(0, 100) })).toMatchObject({
      reasons: [`the test rule has blue 0 %, green 100 % and lineage expects blue 0 %, green 0 %; ${cure}`],
    });
    const led = { ...nobody, testTraffic: { slot: 'green' as const, since: '' } };
    expect(plan({ fleet: led, testRule: rule(0, 0) })).toMatchObject({
      reasons: [`the test rule has blue 0 %, green 0 % and lineage expects blue 0 %, green 100 %; ${cure}`],
    });
    expect(plan({ fleet: led, testRule: rule(0, 100) })).toMatchObject({ verdict: 'go' });
    expect(plan({ testRule: rule(0, 0) })).toMatchObject({ verdict: 'go' });
  });
  it('leads it to what goes forward, and not to what a rollback finds warm', () => {
    const fixed = { ...fleet.fixed, test: { listenerArn: 'l', ruleArn: 'r', priority: 1 } };
    const mine = { ...nobody, fixed };
    expect(plan({ fleet: mine, testRule: rule(0, 0) })).toMatchObject({ plan: { testTraffic: true } });
    const back = { ...mine, warm: { ...warm, slot: 'blue' as const } };
    const groups = [group([])];
    const returning = { fleet: back, testRule: rule(0, 0), release: release(2), groups };
    expect(plan({ ...returning, kind: 'rollback' })).toMatchObject({
      plan: { way: 'warm', testTraffic: false },
    });
    expect(plan(returning)).toMatchObject({ plan: { way: 'warm', testTraffic: true } });
    expect(plan({ fleet: mine, testRule: rule(0, 0), kind: 'rollback' })).toMatchObject({
      plan: { way: 'launch', testTraffic: true },
    });
    expect(plan({})).toMatchObject({ plan: { testTraffic: false } });
  });
});

describe('a test rule', () => {
  const wanted = { stack: 's', fleet: 'web', testListenerArn: 'l', condition: { hosts: ['a'], paths: [] } };
  const tags = { 'flotilla:stack': 's', 'flotilla:fleet': 'web' };
  const seen = { arn: 'r', priority: 7, condition: wanted.condition, targetGroupArns: [], tags };

  it('is never the default rule, whatever tags that has', () => {
    const byDefault = { ...seen, priority: 'default' as const };
    expect(planTestRule(wanted, [byDefault], undefined, new Set())).toMatchObject({
      own: undefined,
      actions: [{ do: 'create-test-rule', priority: 1000 }],
    });
  });
  it('is refused beside one that overlaps, and where no priority is free', () => {
    expect(planTestRule(wanted, [{ ...seen, tags: {} }], undefined, new Set())).toEqual({
      verdict: 'refused',
      reasons: ['test listener: priority 7 (hosts a)'],
    });
    const all = new Set(Array.from({ length: 50_000 }, (_, n) => n + 1));
    expect(planTestRule(wanted, [], undefined, all)).toEqual({
      verdict: 'refused',
      reasons: ['the test listener has no free priority'],
    });
  });
  it('is told in words', () => {
    expect(describeTestRule(undefined)).toBe('the test rule is gone');
    expect(describeTestRule(rule(0, 100))).toBe('the test rule has blue 0 %, green 100 %');
    expect(describeTestRule(rule(5, 95, { foreign: ['x', 'y'], sticky: true }))).toBe(
      'the test rule has blue 5 %, green 95 %, and a share for x, and a share for y, and is sticky',
    );
  });
  it('that a fleet does not have is no old one', () => {
    const since = '2026-01-01T00:00:00.000Z';
    expect(mayShowBefore(null, { slot: 'green', since }, new Date(since))).toBe(false);
  });
  it('leads to nobody with no weight at all', () => {
    expect(testWeights(null)).toStrictEqual({ blue: 0, green: 0 });
  });
  it('that leads elsewhere is refused as soon as it cannot be an old one', () => {
    const since = '2026-01-01T00:00:00.000Z';
    const at = (seconds: number) =>
      nextTestTraffic(
        rule(100, 0),
        { slot: null, since },
        'green',
        new Date(Date.parse(since) + seconds * 1000),
        false,
      );
    expect(at(9)).toEqual({ do: 'wait', seconds: 1 });
    expect(at(10)).toMatchObject({ do: 'refuse' });
  });
});

describe('what was made a moment ago', () => {
  it('may not show for a minute', () => {
    const createdAt = '2026-01-01T00:00:00.000Z';
    const at = (seconds: number) =>
      mayAppear({ createdAt }, new Date(Date.parse(createdAt) + seconds * 1000));
    expect([at(0), at(59.9), at(60), at(61)]).toEqual([true, true, false, false]);
  });
});
