import { describe, expect, it } from 'vitest';
import type { FleetItem, Order, ReleaseItem } from '../../../src/contracts/items.ts';
import { endedAs, splitDetails } from '../../../src/fleet/failure-card.ts';
import { alarmVerdict, mayRollBackByAlarm, watchedAt, watchedWhileWarm } from '../../../src/fleet/gates.ts';
import { leftSince, noTargetWords, rollbackTarget } from '../../../src/fleet/going-back.ts';
import {
  endingOrder,
  errorOfOrder,
  judgeOrder,
  leavingGate,
  legalOrders,
  type OrderState,
  orderState,
  orderStates,
  ordersFor,
  type Verb,
  withOrder,
} from '../../../src/fleet/orders.ts';
import { phaseKey, phases } from '../../../src/fleet/phases.ts';
import { groupName, parseGroupName } from '../../../src/fleet/plan.ts';
import { decideRetirement } from '../../../src/fleet/retirement.ts';

const by = { principal: 'arn:aws:iam::000000000000:user/ada', through: 'api' };
const order = (verb: Order['verb'], rollout = 2): Order => ({ verb, rollout, by, at: '' });

describe('orders', () => {
  it('have a defined answer for each verb in each phase', () => {
    for (const verb of Object.keys(legalOrders) as Order['verb'][]) {
      for (const state of Object.keys(orderStates) as OrderState[]) {
        expect(['now', 'kept', 'refused']).toContain(judgeOrder(verb, state).verdict);
      }
    }
  });
  it('to abort are legal until promoting begins', () => {
    expect(judgeOrder('abort', 'proving').verdict).toBe('kept');
    expect(judgeOrder('abort', 'baking').verdict).toBe('now');
    expect(judgeOrder('abort', 'promoting').verdict).toBe('refused');
    expect(judgeOrder('abort', undefined).verdict).toBe('refused');
  });
  it('that are refused say what would be legal', () => {
    const verdict = judgeOrder('approve', 'launching');
    expect(verdict.verdict === 'refused' && verdict.reasons.join()).toContain('legal now: abort');
  });
  it('to end come first, and count for their own rollout only', () => {
    const fleet = { orders: [order('promote'), order('abort', 3), order('abort')] };
    expect(ordersFor(fleet, 2).map(({ verb }) => verb)).toEqual(['abort', 'promote']);
    expect(endingOrder(fleet, 4)).toBeUndefined();
    expect(endingOrder(fleet, 2)?.verb).toBe('abort');
  });
  it('are named as errors by who gave them', () => {
    expect(errorOfOrder(order('abort'))).toBe('GateAborted');
    expect(errorOfOrder(order('reject'))).toBe('GateRejected');
    expect(errorOfOrder({ ...order('abort'), by: { principal: 'errors', through: 'alarm' } })).toBe(
      'AlarmRang',
    );
  });
  it('are judged by what became of the execution, not by the phase that it left behind', () => {
    const rollout = { number: 2, phase: 'baking', status: 'running' } as const;
    const lease = (more: object) => ({ lease: { purpose: 'rollout', rollout: 2, ...more } }) as FleetItem;
    expect(orderState(rollout, lease({ state: 'held' }))).toBe('baking');
    expect(orderState(rollout, lease({ state: 'recovering' }))).toBe('recovering');
    expect(orderState(rollout, lease({ state: 'needs-attention' }))).toBe('needsAttention');
    expect(orderState(rollout, lease({ state: 'recovering', rollout: 3 }))).toBe('baking');
    expect(orderState(rollout, { lease: null })).toBe('baking');
    const ended = { number: 2, phase: 'ended', status: 'succeeded' } as const;
    const retiring = lease({ purpose: 'retirement', rollout: 0, state: 'held' });
    expect(orderState(ended, retiring)).toBe('retiring');
    expect(orderState(ended, { lease: null })).toBe('ended');
    for (const status of ['failed', 'aborted', 'superseded'] as const) {
      expect(orderState({ ...ended, status }, { lease: null })).toBe('unsuccessful');
      expect(orderState({ ...ended, status }, retiring)).toBe('unsuccessful');
    }
    const refused = judgeOrder('abort', 'needsAttention');
    expect(refused.verdict === 'refused' && refused.reasons.join()).toContain('cure the reason');
  });
  it('are kept once each, and resume or promote takes a pause away', () => {
    const verbs = (orders: readonly Order[]) => orders.map(({ verb }) => verb);
    const kept = (...given: Verb[]) =>
      verbs(given.reduce<readonly Order[]>((orders, verb) => withOrder(orders, order(verb)), []));
    expect(kept('pause', 'pause')).toEqual(['pause']);
    expect(kept('pause', 'resume', 'resume')).toEqual([]);
    expect(kept('pause', 'promote')).toEqual(['promote']);
    expect(kept('promote', 'pause')).toEqual(['promote', 'pause']);
    expect(kept('pause', 'approve', 'abort', 'abort')).toEqual(['pause', 'approve', 'abort']);
    const others = [order('pause', 3)];
    expect(withOrder(others, order('resume'))).toBe(others);
    expect(withOrder(others, order('pause'))).toHaveLength(2);
    const own = [order('approve')];
    expect(withOrder(own, order('resume'))).toBe(own);
    const mixed = [order('approve'), order('pause', 3), order('pause')];
    expect(withOrder(mixed, order('resume'))).toEqual([order('approve'), order('pause', 3)]);
  });
  it.each([
    [[], { time: 'waits', approval: 'waits', resume: 'resume' }],
    [['approve'], { time: 'waits', approval: 'approve', resume: 'resume' }],
    [['promote'], { time: 'promote', approval: 'promote', resume: 'promote' }],
    [['pause'], { time: 'waits', approval: 'RolloutPaused', resume: 'waits' }],
    [['promote', 'pause'], { time: 'waits', approval: 'RolloutPaused', resume: 'waits' }],
    [['approve', 'pause'], { time: 'waits', approval: 'RolloutPaused', resume: 'waits' }],
    [['pause', 'abort'], { time: 'GateAborted', approval: 'GateAborted', resume: 'GateAborted' }],
    [['promote', 'reject'], { time: 'GateRejected', approval: 'GateRejected', resume: 'GateRejected' }],
  ] as const)('%j let a gate be left so: %j', (given, ends) => {
    const fleet = { orders: given.map((verb) => order(verb)) };
    for (const waitsFor of ['time', 'approval', 'resume'] as const) {
      const leaving = leavingGate(fleet, 2, waitsFor);
      const told = leaving === undefined ? 'waits' : leaving.way === 'fails' ? leaving.error : leaving.by;
      expect(told, waitsFor).toBe(ends[waitsFor]);
    }
  });
  it('open a gate in so many words', () => {
    const leaving = (verb: Verb) => leavingGate({ orders: [order(verb)] }, 2, 'approval');
    expect(leaving('promote')).toEqual({ way: 'opens', by: 'promote' });
    expect(leaving('approve')).toEqual({ way: 'opens', by: 'approve' });
    expect(leavingGate({ orders: [] }, 2, 'resume')).toEqual({ way: 'opens', by: 'resume' });
    expect(leaving('pause')).toEqual({
      way: 'fails',
      error: 'RolloutPaused',
      cause: `pause by ${by.principal} (api)`,
    });
  });
  it('know the phases by the words that are stored', () => {
    for (const [key, words] of Object.entries(phases)) expect(phaseKey(words)).toBe(key);
    expect(phaseKey('dreaming')).toBeUndefined();
  });
});

describe('alarms', () => {
  const watch = (missingData: 'ignore' | 'quiet' | 'abort') => [{ name: 'errors', missingData }];
  const seen = (state: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA') => [{ name: 'errors', state, reason: 'why' }];
  it.each([
    ['OK', 'ignore', 'quiet'],
    ['OK', 'abort', 'quiet'],
    ['OK', 'quiet', 'quiet'],
    ['ALARM', 'quiet', 'ringing'],
    ['ALARM', 'ignore', 'ringing'],
    ['ALARM', 'abort', 'ringing'],
    ['INSUFFICIENT_DATA', 'ignore', 'unknown'],
    ['INSUFFICIENT_DATA', 'quiet', 'quiet'],
    ['INSUFFICIENT_DATA', 'abort', 'missing'],
  ] as const)('in state %s with missing data %s are %s', (state, missing, verdict) => {
    expect(alarmVerdict(watch(missing), seen(state)).verdict).toBe(verdict);
  });
  it('count from their step on, at the last step at the latest, and never on the way back', () => {
    const alarms = [1, 2, 5].map((fromStep) => ({ fromStep }));
    const at = (step: number, steps: number, kind: 'deploy' | 'rollback' = 'deploy') =>
      watchedAt(alarms, { kind, step, steps }).map(({ fromStep }) => fromStep);
    expect([at(0, 3), at(1, 3), at(2, 3), at(3, 3)]).toEqual([[1], [1], [1, 2], [1, 2, 5]]);
    expect(at(0, 1)).toEqual([1, 2, 5]);
    expect(at(3, 3, 'rollback')).toEqual([]);
  });
  it('take a fleet back only while the former release is warm and nobody has the fleet', () => {
    const now = new Date('2026-01-01T01:00:00.000Z');
    const alarms = [
      { name: 'a', whileWarm: 'roll-back' },
      { name: 'b', whileWarm: 'ignore' },
    ];
    const fleet = {
      lease: null,
      queue: [],
      warm: { release: 1, keepUntil: '2026-01-01T01:00:00.001Z' },
      spec: { rollout: { alarms } },
    } as unknown as FleetItem;
    const names = (more: object) => watchedWhileWarm({ ...fleet, ...more }, now).map(({ name }) => name);
    expect(names({})).toEqual(['a']);
    expect(names({ queue: [3] })).toEqual([]);
    expect(names({ lease: { purpose: 'retirement' } })).toEqual([]);
    expect(names({ warm: null })).toEqual([]);
    expect(names({ warm: { keepUntil: now.toISOString() } })).toEqual([]);
  });
  it('take a fleet back from what was deployed last, and from nothing else', () => {
    const fleet = { live: { release: 2 } } as FleetItem;
    const last = { kind: 'deploy', status: 'succeeded', release: 2 } as const;
    expect(mayRollBackByAlarm(fleet, last)).toBe(true);
    expect(mayRollBackByAlarm(fleet, { ...last, kind: 'rollback' })).toBe(false);
    expect(mayRollBackByAlarm(fleet, { ...last, status: 'failed' })).toBe(false);
    expect(mayRollBackByAlarm(fleet, { ...last, release: 3 })).toBe(false);
    expect(mayRollBackByAlarm(fleet, undefined)).toBe(false);
    expect(mayRollBackByAlarm({ live: null }, last)).toBe(false);
  });
  it('that do not exist are missing, whatever missing data count as', () => {
    expect(alarmVerdict(watch('quiet'), []).verdict).toBe('missing');
  });
});

describe('a retirement', () => {
  const live = { release: 2, slot: 'green' as const, groupName: 'flt-web-v2-r2' };
  const warm = {
    release: 1,
    slot: 'blue' as const,
    groupName: 'flt-web-v1-r1',
    keepUntil: '2026-01-01T01:00:00.000Z',
  };
  const fleet = { fleet: 'web', live, warm, candidate: null };
  const now = '2026-01-01T01:00:00.000Z';
  it('waits until the warm time is over, to the second', () => {
    expect(decideRetirement(fleet, 1, undefined, '2026-01-01T00:59:59.999Z')).toMatchObject({
      verdict: 'wait',
    });
    expect(decideRetirement(fleet, 1, undefined, now)).toEqual({
      verdict: 'retire',
      groupName: warm.groupName,
    });
  });
  it('waits for whole seconds, as its machine does, and never too short', () => {
    const until = (keepUntil: string) =>
      decideRetirement({ ...fleet, warm: { ...warm, keepUntil } }, 1, undefined, '2026-01-01T00:00:00.000Z');
    expect(until('2026-01-01T00:59:59.001Z')).toEqual({ verdict: 'wait', until: now });
    expect(until(now)).toEqual({ verdict: 'wait', until: now });
  });
  it('leaves alone what is live again, a candidate, or warm no more', () => {
    const left = (reason: string) => ({ verdict: 'leave', reason });
    expect(decideRetirement(fleet, 2, undefined, now)).toEqual(left('v2 is live again'));
    expect(decideRetirement({ ...fleet, candidate: warm }, 1, undefined, now)).toEqual(
      left('v1 is a candidate'),
    );
    expect(decideRetirement({ ...fleet, warm: null }, 1, undefined, now)).toEqual(
      left('v1 is not warm any more'),
    );
    expect(decideRetirement(fleet, 3, undefined, now)).toEqual(left('v3 is not warm any more'));
    expect(decideRetirement({ ...fleet, live: null }, 1, undefined, now).verdict).toBe('retire');
    expect(decideRetirement({ ...fleet, live: { ...warm, slot: 'blue' } }, 1, undefined, now)).toEqual(
      left('v1 is live again'),
    );
  });
  it('leaves alone what somebody gave traffic', () => {
    expect(decideRetirement(fleet, 1, { blue: 5, green: 95 }, now)).toEqual({
      verdict: 'leave',
      reason: 'v1 has 5 % of the traffic, set by hand: it may be needed',
    });
    expect(decideRetirement(fleet, 1, { blue: 0, green: 100 }, now).verdict).toBe('retire');
  });
});

describe('a rollback without a number', () => {
  const release = (number: number, more: Partial<ReleaseItem> = {}) =>
    ({ number, state: 'retired', servedAt: `2026-01-0${number}T00:00:00.000Z`, ...more }) as ReleaseItem;
  const fleet = { live: { release: 3 }, warm: null } as unknown as FleetItem;
  it('means the warm release', () => {
    const warm = { ...fleet, warm: { release: 1 } } as FleetItem;
    expect(rollbackTarget(warm, [release(3), release(2), release(1)])?.number).toBe(1);
  });
  it('means the one that served last, where none is warm', () => {
    expect(rollbackTarget(fleet, [release(3), release(1), release(2)])?.number).toBe(2);
    expect(rollbackTarget(fleet, [release(2), release(1), release(3)])?.number).toBe(2);
    expect(rollbackTarget({ ...fleet, live: null }, [release(1), release(3)])?.number).toBe(3);
  });
  it('never means one that failed, or never served, though it is warm', () => {
    const ill = release(2, { failedAt: '2026-02' });
    const warm = { ...fleet, warm: { release: 2 } } as FleetItem;
    expect(rollbackTarget(warm, [ill, release(1)])?.number).toBe(1);
    const failed = release(2, { state: 'failed' });
    const { servedAt: _never, ...fresh } = release(1);
    expect(rollbackTarget(fleet, [failed, fresh])).toBeUndefined();
  });
  it('never means one that a rollback left, though it is warm, until it is promoted again', () => {
    const [before, at, after] = ['2026-01-01T', '2026-01-02T', '2026-01-03T'];
    expect(leftSince({})).toBeUndefined();
    expect(leftSince({ servedAt: at })).toBeUndefined();
    expect(leftSince({ leftAt: at })).toBe(at);
    expect(leftSince({ servedAt: before, leftAt: at })).toBe(at);
    expect(leftSince({ servedAt: at, leftAt: at })).toBe(at);
    expect(leftSince({ servedAt: after, leftAt: at })).toBeUndefined();
    const left = release(2, { leftAt: '2026-02' });
    const warm = { ...fleet, warm: { release: 2 } } as FleetItem;
    expect(rollbackTarget(warm, [left, release(1)])?.number).toBe(1);
    expect(rollbackTarget(fleet, [left, release(1)])?.number).toBe(1);
    expect(rollbackTarget(warm, [left])).toBeUndefined();
    expect(rollbackTarget(warm, [release(2, { leftAt: '2026-01-01' }), release(1)])?.number).toBe(2);
  });
  it('says what it passed over where nothing else is there, and how to go forward', () => {
    const web = { ...fleet, fleet: 'web' } as FleetItem;
    const none = 'web has no release that was live before';
    const left = release(1, { leftAt: '2026-02' });
    const failed = release(2, { failedAt: '2026-02' });
    const { servedAt: _never, ...fresh } = release(4);
    expect(noTargetWords(web, [])).toBe(none);
    expect(noTargetWords(web, [release(3), fresh])).toBe(none);
    expect(noTargetWords(web, [left, failed])).toBe(
      `${none} and may be gone back to; passed over: v2 (failed before), v1 (a rollback left it); to go forward to v1: flotilla deploy --fleet web --release 1`,
    );
    expect(noTargetWords(web, [failed])).toBe(
      `${none} and may be gone back to; passed over: v2 (failed before); to go forward to v2: flotilla deploy --fleet web --release 2 --force`,
    );
    const both = release(2, { failedAt: '2026-02', leftAt: '2026-02' });
    expect(noTargetWords(web, [both])).toContain('v2 (failed before)');
  });
});

describe('a failure', () => {
  it('takes the details off the sentence, and only those', () => {
    expect(splitDetails('It broke. {"instance":"i-1"}')).toEqual({
      message: 'It broke.',
      details: { instance: 'i-1' },
    });
    expect(splitDetails('a {brace} in it')).toEqual({ message: 'a {brace} in it', details: {} });
    expect(splitDetails('a {brace} and {"a":1}')).toEqual({ message: 'a {brace} and', details: { a: 1 } });
  });
  it('is an abort where a person said so, and needs attention where it was not undone', () => {
    expect(endedAs('GateAborted', true)).toBe('aborted');
    expect(endedAs('PlanRefused', true)).toBe('failed');
    expect(endedAs('GateAborted', false)).toBe('needs-attention');
  });
});

describe('the name of a group', () => {
  it('says fleet, release and rollout, and is read back', () => {
    expect(groupName('web-api', 7, 12)).toBe('flt-web-api-v7-r12');
    expect(parseGroupName('flt-web-api-v7-r12')).toEqual({ fleet: 'web-api', release: 7, rollout: 12 });
    expect(parseGroupName('flt-web-v2-v7-r12')).toEqual({ fleet: 'web-v2', release: 7, rollout: 12 });
    expect(parseGroupName('flt-web-v10-r2')).toEqual({ fleet: 'web', release: 10, rollout: 2 });
    for (const other of [
      'web-v7-r12',
      'flt-web-v7',
      'flt-web-v0-r1',
      'flt-web-v1-r0',
      'flt-web-v7-r12-x',
      'my-flt-web-v7-r12',
      'flt-Web-v7-r12',
      'flt-7-v7-r12',
    ]) {
      expect(parseGroupName(other)).toBeUndefined();
    }
  });
});
