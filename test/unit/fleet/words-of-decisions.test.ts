import { describe, expect, it } from 'vitest';
import type { FleetItem, Order } from '../../../src/contracts/items.ts';
import { alarmVerdict } from '../../../src/fleet/gates.ts';
import { guardRemoval, guardWeights } from '../../../src/fleet/guard.ts';
import {
  describeOrder,
  judgeOrder,
  leavingGate,
  legalOrders,
  type OrderState,
  orderState,
  ordersFor,
  type Verb,
} from '../../../src/fleet/orders.ts';
import { redact, redactText } from '../../../src/fleet/redaction.ts';
import type { SlotView, TrafficWorld } from '../../../src/fleet/world.ts';
import { by, target } from './views.ts';

const order = (verb: Verb, more: Partial<Order> = {}): Order => ({ verb, rollout: 2, by, at: '', ...more });

describe('an order', () => {
  it.each([
    [
      'abort',
      'queued acquiring baking approval paused',
      'planning emptying launching checking smoke shifting proving',
    ],
    ['promote', 'baking approval paused', 'checking smoke shifting proving'],
    ['approve', 'approval', 'proving baking paused'],
    ['reject', 'baking approval paused', 'shifting proving'],
    [
      'pause',
      'approval',
      'acquiring planning emptying launching checking smoke shifting proving baking paused',
    ],
    [
      'resume',
      'paused',
      'acquiring planning emptying launching checking smoke shifting proving baking approval',
    ],
  ] as const)('to %s is carried out at once while %s, kept while %s, else refused', (verb, now, kept) => {
    const states = Object.keys(legalOrders[verb]) as OrderState[];
    const judged = (verdict: string) => states.filter((state) => judgeOrder(verb, state).verdict === verdict);
    expect(judged('now').sort()).toEqual(now.split(' ').sort());
    expect(judged('kept').sort()).toEqual(kept.split(' ').sort());
  });
  it('that is refused says where the rollout is, what to do instead, and what is legal', () => {
    expect(judgeOrder('approve', 'ended')).toEqual({
      verdict: 'refused',
      reasons: [
        'approve is not legal while the rollout is ended',
        'flotilla rollback goes back to the release before',
        'no order is legal now',
      ],
    });
    expect(judgeOrder('promote', 'queued')).toEqual({
      verdict: 'refused',
      reasons: ['promote is not legal while the rollout is queued', 'legal now: abort'],
    });
    expect(judgeOrder('abort', undefined)).toEqual({
      verdict: 'refused',
      reasons: ['abort is not legal while the rollout is in an unknown phase', 'no order is legal now'],
    });
  });
  it('tells who gave it, through what, and why', () => {
    expect(describeOrder(order('abort'))).toBe(`abort by ${by.principal} (api)`);
    expect(describeOrder(order('abort', { reason: '' }))).toBe(`abort by ${by.principal} (api)`);
    expect(describeOrder(order('reject', { reason: 'slow' }))).toBe(`reject by ${by.principal} (api): slow`);
    const alarm = { principal: 'errors', through: 'alarm' };
    expect(describeOrder(order('abort', { by: alarm, reason: '5 > 1' }))).toBe('alarm errors rings: 5 > 1');
  });
  it('to abort comes before one to reject, whichever came first', () => {
    const orders = [order('approve'), order('reject'), order('abort')];
    expect(ordersFor({ orders }, 2).map(({ verb }) => verb)).toEqual(['abort', 'reject', 'approve']);
  });
  it('that ends a gate is its cause', () => {
    expect(leavingGate({ orders: [order('abort', { reason: 'slow' })] }, 2, 'time')).toEqual({
      way: 'fails',
      error: 'GateAborted',
      cause: `abort by ${by.principal} (api): slow`,
    });
  });
  it('is judged by the phase alone where a retirement has the fleet, but the rollout has not ended', () => {
    const fleet = { lease: { purpose: 'retirement', rollout: 2, state: 'recovering' } } as FleetItem;
    expect(orderState({ number: 2, phase: 'baking', status: 'running' }, fleet)).toBe('baking');
  });
});

describe('alarms together', () => {
  it('say each reason, and one that rings outweighs one without data', () => {
    const watched = (['abort', 'ignore', 'ignore', 'quiet'] as const).map((missingData, at) => ({
      name: `a${at}`,
      missingData,
    }));
    const silent = (name: string) => ({ name, state: 'INSUFFICIENT_DATA' as const, reason: '' });
    const rings = { name: 'a2', state: 'ALARM' as const, reason: '5 > 1' };
    const missing = [
      'alarm a0 has no data, which the spec counts as ringing: see why it gets none, or change its missingData (flotilla fleet apply)',
      'alarm a3 does not exist: make it again, or take it out of the spec (flotilla fleet apply)',
    ];
    expect(alarmVerdict(watched, [silent('a0'), silent('a1'), rings])).toEqual({
      verdict: 'ringing',
      ringing: ['alarm a2 rings: 5 > 1'],
      missing,
    });
    const quiet = { ...rings, state: 'OK' as const };
    expect(alarmVerdict(watched, [silent('a0'), silent('a1'), quiet])).toEqual({
      verdict: 'missing',
      ringing: [],
      missing,
    });
    expect(alarmVerdict(watched.slice(1, 2), [silent('a1')])).toEqual({
      verdict: 'unknown',
      reasons: ['alarm a1 has no data'],
    });
  });
});

describe('the traffic guard', () => {
  const healthy = { targets: [target('i-1', 'healthy')] };
  const empty: SlotView = { targets: [] };
  it('names each slot that would gain without a healthy target, and lets one lose', () => {
    const slots = { blue: empty, green: healthy };
    expect(guardWeights(slots, { blue: 5, green: 95 }, true)).toEqual([
      'blue would get 5 % of the traffic and has no healthy target',
    ]);
    expect(guardWeights(slots, { blue: 5, green: 95 }, true, { blue: 5, green: 95 })).toEqual([]);
    expect(guardWeights(slots, { blue: 0, green: 0 }, true)).toEqual([
      'the weights would all be zero, on a fleet that has served',
    ]);
    expect(guardWeights(slots, { blue: 0, green: 0 }, false)).toEqual([]);
  });
  it('says everything that stands against a removal', () => {
    const live = { release: 1, slot: 'blue' as const, groupName: 'old' };
    const world = (blue: number, blueSlot: SlotView, greenSlot = empty) =>
      ({
        rule: { weights: { blue, green: 100 - blue } },
        slots: { blue: blueSlot, green: greenSlot },
      }) as unknown as TrafficWorld;
    const roles = { live, served: true };
    expect(guardRemoval({ groupName: 'new', slot: 'green' }, roles, world(100, healthy))).toEqual([]);
    expect(guardRemoval({ groupName: 'old', slot: 'blue' }, roles, world(100, healthy))).toEqual([
      'old is live',
      'blue, the slot of old, has 100 % of the traffic',
    ]);
    expect(guardRemoval({ groupName: 'new', slot: 'green' }, roles, world(0, empty, healthy))).toEqual([
      'green, the slot of new, has 100 % of the traffic',
      'blue, where live is, has no traffic',
      'live has no healthy target in blue; new may be needed',
    ]);
    expect(
      guardRemoval({ groupName: 'new', slot: undefined }, { live, served: false }, world(0, empty)),
    ).toEqual([]);
  });
});

describe('a page that is shown', () => {
  it.each([
    ['GET /a?X-Amz-Signature=abc&x=1', 'GET /a?X-Amz-Signature=<removed>&x=1'],
    ['GET /a?b=1&x-amz-security-token=abc', 'GET /a?b=1&x-amz-security-token=<removed>'],
    ['GET /a?AWSAccessKeyId=abc&Signature=def', 'GET /a?AWSAccessKeyId=<removed>&Signature=<removed>'],
    ['key AKIAABCDEFGHIJKLMNOP.', 'key <access key removed>.'],
    ['Authorization: Bearer abc', 'Authorization: <removed>'],
    ['db_password = hunter2, next', 'db_password = <removed>, next'],
  ])('turns %j into %j', (text, shown) => {
    expect(redactText(text, {})).toBe(shown);
  });
  it('has names for the values of the environment, the longest first, and leaves short ones', () => {
    const environment = { PART: 'abcdefgh', WHOLE: 'abcdefgh-ij', MODE: 'abcdefg' };
    expect(redactText('abcdefgh-ij abcdefgh abcdefg', environment)).toBe('<WHOLE> <PART> abcdefg');
    expect(redact({ lines: ['abcdefgh', 1, null], of: true }, environment)).toEqual({
      lines: ['<PART>', 1, null],
      of: true,
    });
  });
});
