import { describe, expect, it } from 'vitest';
import type { ObservedRule, RuleOfListener } from '../../../src/fleet/fixed-parts.ts';
import {
  exampleHost,
  leftBehind,
  mayShowBefore,
  nextTestTraffic,
  planTestRule,
} from '../../../src/fleet/test-listener.ts';
import { nextUndo, type UndoWorld } from '../../../src/fleet/undo.ts';
import type { RuleView } from '../../../src/fleet/world.ts';
import { fleet } from './views.ts';

const now = new Date('2026-11-27T12:00:00Z');
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000).toISOString();
const rule = (blue: number, green: number, more: Partial<RuleView> = {}): RuleView => ({
  weights: { blue, green },
  foreign: [],
  sticky: false,
  ...more,
});

describe('the way of the test rule to a candidate in green', () => {
  it.each([
    ['begins at a rule that leads to nobody', rule(0, 0), undefined, 'set'],
    ['begins again after an earlier rollout', rule(0, 0), { slot: null, since: ago(3) }, 'set'],
    ['waits for the end of an earlier one to show', rule(100, 0), { slot: null, since: ago(3) }, 'wait'],
    ['does not begin where somebody led it', rule(100, 0), { slot: null, since: ago(11) }, 'refuse'],
    ['does not begin where nobody wrote of it', rule(0, 100), undefined, 'refuse'],
    ['is set again where the call was lost', rule(0, 0), { slot: 'green', since: ago(3) }, 'set'],
    ['is not set over somebody who took it away', rule(0, 0), { slot: 'green', since: ago(10) }, 'refuse'],
    ['waits for the nodes', rule(0, 100), { slot: 'green', since: ago(9) }, 'wait'],
    ['is proven once all nodes follow', rule(0, 100), { slot: 'green', since: ago(10) }, 'proven'],
    ['ends at a share for another slot', rule(1, 100), { slot: 'green', since: ago(10) }, 'refuse'],
    [
      'ends at a foreign target group',
      rule(0, 100, { foreign: ['x'] }),
      { slot: 'green', since: ago(10) },
      'refuse',
    ],
    ['ends at stickiness', rule(0, 100, { sticky: true }), { slot: 'green', since: ago(10) }, 'refuse'],
    ['ends where the rule is gone', undefined, { slot: 'green', since: ago(60) }, 'refuse'],
    ['waits for a rule that is not shown yet', undefined, { slot: null, since: ago(3) }, 'wait'],
  ] as const)('%s', (_, seen, told, expected) => {
    expect(nextTestTraffic(seen, told, 'green', now, true).do).toBe(expected);
  });

  it('is set again, however late, where no call of it was heard to its end', () => {
    const told = { slot: 'green', since: ago(600) } as const;
    expect(nextTestTraffic(rule(0, 0), told, 'green', now, false).do).toBe('set');
    expect(nextTestTraffic(rule(50, 50), told, 'green', now, false).do).toBe('refuse');
  });

  it('waits for as long as nodes may take, and no longer', () => {
    const told = { slot: 'green', since: ago(7) } as const;
    expect(nextTestTraffic(rule(0, 100), told, 'green', now, true)).toEqual({ do: 'wait', seconds: 3 });
  });

  it('tells whom it would overwrite', () => {
    const told = { slot: 'green', since: ago(20) } as const;
    const step = nextTestTraffic(rule(50, 50, { foreign: ['tg'], sticky: true }), told, 'green', now, true);
    expect(step).toEqual({
      do: 'refuse',
      reasons: [
        'the test rule has blue 50 %, green 50 %, and a share for tg, and is sticky; lineage expects blue 0 %, green 100 %',
      ],
    });
  });
});

it.each([
  ['just after it was closed', rule(0, 100), { slot: null, since: ago(9) }, true],
  ['long after it was closed', rule(0, 100), { slot: null, since: ago(10) }, false],
  ['that leads where it was told', rule(0, 0), { slot: null, since: ago(1) }, false],
  ['of which nobody wrote', rule(0, 100), undefined, false],
  ['that was made just now', undefined, { slot: null, since: ago(59) }, true],
  ['that is gone', undefined, { slot: null, since: ago(60) }, false],
  ['that the fleet does not have', null, undefined, false],
] as const)('what is told of a test rule %s may be late, or not', (_, seen, told, expected) => {
  expect(mayShowBefore(seen, told, now)).toBe(expected);
});

describe('the plan of a test rule', () => {
  const wanted = {
    ...{ stack: 'flotilla', fleet: 'web', testListenerArn: 'test' },
    condition: { hosts: ['web.example.com'], paths: [] },
  };
  const seen = (more: Partial<ObservedRule>): ObservedRule => ({
    ...{ arn: 'rule', priority: 1000, condition: wanted.condition, targetGroupArns: [] },
    tags: { 'flotilla:stack': 'flotilla', 'flotilla:fleet': 'web' },
    ...more,
  });
  const recorded = { listenerArn: 'test', ruleArn: 'rule', priority: 1000 };
  const actions = (...args: Parameters<typeof planTestRule>) => {
    const plan = planTestRule(...args);
    return plan.verdict === 'go' ? plan.actions : plan.reasons;
  };
  const none = new Set<number>();

  it.each([
    ['makes one', wanted, [], undefined, [{ do: 'create-test-rule', priority: 1000 }]],
    ['adopts its own', wanted, [seen({})], undefined, []],
    [
      'makes one beside those of others',
      wanted,
      [seen({ tags: {}, condition: { hosts: ['x'], paths: [] } })],
      undefined,
      [{ do: 'create-test-rule', priority: 1001 }],
    ],
    [
      'changes its condition',
      wanted,
      [seen({ condition: { hosts: ['old'], paths: [] } })],
      recorded,
      [{ do: 'change-test-rule', arn: 'rule' }],
    ],
    [
      'removes it where none is wanted',
      { ...wanted, testListenerArn: undefined },
      [],
      recorded,
      [{ do: 'remove-test-rule', arn: 'rule' }],
    ],
    ['wants nothing where none is wanted', { ...wanted, testListenerArn: undefined }, [], undefined, []],
    [
      'is refused where another matches the same',
      wanted,
      [seen({ tags: {} })],
      undefined,
      ['test listener: priority 1000 (hosts web.example.com)'],
    ],
  ] as const)('%s', (_, wish, rules, item, expected) => {
    expect(actions(wish, rules, item, none)).toEqual(expected);
  });

  it('moves to another listener', () => {
    expect(actions({ ...wanted, testListenerArn: 'other' }, [], recorded, none)).toEqual([
      { do: 'remove-test-rule', arn: 'rule' },
      { do: 'create-test-rule', priority: 1000 },
    ]);
  });

  it('takes no priority that was refused', () => {
    expect(actions(wanted, [], undefined, new Set([1000]))).toEqual([
      { do: 'create-test-rule', priority: 1001 },
    ]);
  });
});

it.each([
  ['on a listener that the spec does not name', {}, true],
  ['on the listener of the traffic', { listenerArn: 'traffic' }, false],
  ['that is kept', { arn: 'kept' }, false],
  ['that is kept, and another one beside it', { listenerArn: 'test' }, true],
  ["of another fleet's", { tags: { 'flotilla:stack': 'flotilla', 'flotilla:fleet': 'api' } }, false],
  ["of somebody else's", { tags: {} }, false],
] as const)('a rule that names a slot, %s, was left behind, or not', (_, more, expected) => {
  const found: RuleOfListener = {
    ...{ arn: 'found', listenerArn: 'former', priority: 1000, condition: { hosts: [], paths: [] } },
    ...{ targetGroupArns: ['b'], tags: { 'flotilla:stack': 'flotilla', 'flotilla:fleet': 'web' } },
    ...more,
  };
  const wanted = { stack: 'flotilla', fleet: 'web', listenerArn: 'traffic' };
  const kept = { listenerArn: 'test', ruleArn: 'kept', priority: 1000 };
  expect(leftBehind(wanted, [found], kept)).toEqual(expected ? [found] : []);
  expect(leftBehind(wanted, [found], undefined)).toEqual(expected || found.arn === 'kept' ? [found] : []);
});

it('asks by a host that the rule matches', () => {
  expect(exampleHost({ hosts: ['*.exampl?.com', 'b'] })).toBe('smoke-test.examplx.com');
  expect(exampleHost({ hosts: [] })).toBeUndefined();
});

describe('undoing a rollout that had test traffic', () => {
  const live = {
    ...{ name: 'flt-web-v1-r1', release: 1, rollout: 1, minimum: 1, desired: 1, maximum: 4 },
    ...{ targetGroupArns: ['b'], members: [], deleting: false },
  };
  const undoing = (more: Partial<UndoWorld> = {}, slot: 'green' | null = 'green') =>
    nextUndo({
      fleet: {
        ...fleet,
        warm: null,
        candidate: { release: 2, slot: 'green', groupName: 'flt-web-v2-r2' },
        testTraffic: { slot, since: ago(60) },
      },
      testRule: rule(0, 100),
      rule: rule(100, 0),
      slots: { blue: { targets: [] }, green: { targets: [] } },
      instances: fleet.spec.instances,
      groups: [live],
      slotOfArn: {},
      secondsSinceShift: 60,
      undoingSeconds: 60,
      lastCallSeconds: 10,
      ...more,
    });

  it('leads the rule to nobody once its last call must have landed', () => {
    expect(undoing({ undoingSeconds: 9 })).toMatchObject({ do: 'wait' });
    expect(undoing()).toEqual({ do: 'close-test', set: true });
    expect(undoing({}, null)).toEqual({ do: 'done' });
  });

  it('leads it there where it seems to be already: a late copy may be from before that call landed', () => {
    expect(undoing({ testRule: rule(0, 0) })).toEqual({ do: 'close-test', set: true });
  });

  it.each([
    ['what somebody else made of it', rule(50, 50)],
    ['a rule that is gone', undefined],
  ])('leaves %s', (_, testRule) => {
    expect(undoing({ testRule })).toEqual({ do: 'close-test', set: false });
  });

  it('comes before the candidate leaves', () => {
    const group = { ...live, name: 'flt-web-v2-r2', release: 2, rollout: 2, targetGroupArns: ['g'] };
    expect(undoing({ groups: [live, group] })).toMatchObject({ do: 'close-test' });
  });
});
