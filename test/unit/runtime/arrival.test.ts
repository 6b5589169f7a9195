/** What is made of the counts when a gate is left: src/fleet/arrival.ts decides what they mean. */
import { describe, expect, it } from 'vitest';
import type { FleetItem } from '../../../src/contracts/items.ts';
import type { Arrival, RolloutPlan, TrafficProof } from '../../../src/contracts/rollout.ts';
import { countArrivals, judgeArrival } from '../../../src/runtime/rollout/arrival.ts';
import type { Hold } from '../../../src/runtime/rollout/hold.ts';
import { shiftInput } from '../../../src/runtime/rollout/shift.ts';

const proof: TrafficProof = { step: 1, proof: 'read-back', healthy: { blue: 2, green: 2 } };
const weights = { blue: 90, green: 10 };
const rule = { weights, foreign: [] as string[] };
const now = new Date('2026-01-01T10:40:00Z');

function fleetWith(more: Partial<FleetItem> = {}): FleetItem {
  const fleet = {
    fleet: 'web',
    weights,
    weightsSince: '2026-01-01T10:00:00.000Z',
    fixed: { ruleArn: 'rule', blueArn: 'blue', greenArn: 'green' },
    ...more,
  };
  return fleet as FleetItem; // all that is read of it
}

const callWith = (arrival: Arrival, kind: RolloutPlan['kind'] = 'deploy') => ({
  rollout: 2,
  plan: { kind, slot: 'green' } as RolloutPlan, // all that is read of it
  proof,
  arrival,
});

/** All in one minute of those that tell. */
interface Requests {
  readonly blue: number;
  readonly green: number;
}

interface Told {
  readonly asked: number;
  readonly refreshed: number;
  readonly warned: readonly unknown[];
  readonly result: Awaited<ReturnType<typeof countArrivals>>;
}

async function count(
  answer: Requests | Error,
  { arrival = 'unasked' as Arrival, step = 1, fleet = fleetWith() } = {},
): Promise<Told> {
  let asked = 0;
  let refreshed = 0;
  const warned: unknown[] = [];
  const result = await countArrivals(
    callWith(arrival),
    {
      fleet,
      now: () => now,
      before: async () => {
        refreshed += 1;
      },
    } satisfies Pick<Hold, 'fleet' | 'now' | 'before'>,
    {
      counts: {
        of: async () => {
          asked += 1;
          if (answer instanceof Error) throw answer;
          const at = Date.parse('2026-01-01T10:30:00Z');
          const { blue, green } = answer;
          return { blue: [{ at, requests: blue }], green: [{ at, requests: green }] };
        },
      },
      log: { warn: (...line: unknown[]) => void warned.push(line) },
    },
    step,
  );
  return { asked, refreshed, warned, result };
}

const judge = async (answer: Requests | Error, fleet = fleetWith(), seen = rule) =>
  judgeArrival(callWith('unasked'), fleet, seen, (await count(answer, { fleet })).result);

describe('the requests that came to a candidate', () => {
  it('are asked for once, and the fleet is looked at again where that took long', async () => {
    expect(await count({ blue: 9, green: 1 })).toMatchObject({ asked: 1, refreshed: 1, warned: [] });
  });

  it.each([
    ['it is told already', { arrival: 'told' as const }],
    ['nothing has traffic yet', { step: 0 }],
    ['the gate was short', { fleet: fleetWith({ weightsSince: '2026-01-01T10:37:00.000Z' }) }],
  ])('are not asked for where %s', async (_, more) => {
    expect(await count({ blue: 9, green: 1 }, more)).toMatchObject({
      asked: 0,
      refreshed: 0,
      result: undefined,
    });
  });

  it('are part of the proof', async () => {
    expect(await judge({ blue: 90, green: 10 })).toEqual({
      arrival: 'told',
      proof: { ...proof, proof: 'arrival', requests: { candidate: 10, live: 90 } },
    });
  });

  it('stop nothing where CloudWatch does not tell of them: log and record say why', async () => {
    expect(await judge(new Error('no'))).toEqual({
      arrival: 'untold',
      proof: { ...proof, untold: 'Error: no' },
    });
    expect((await count(new Error('no'))).warned).toEqual([['requests not counted', { why: 'Error: no' }]]);
  });

  it('are asked for no more of an idle fleet, and again where too few came', async () => {
    expect(await judge({ blue: 0, green: 0 })).toMatchObject({
      arrival: 'told',
      proof: { proof: 'read-back' },
    });
    expect(await judge({ blue: 5, green: 0 })).toMatchObject({ arrival: 'untold' });
  });

  it('may come by the test listener, where that leads to the candidate', async () => {
    const since = '2026-01-01T09:59:00.000Z';
    const tested = fleetWith({ testTraffic: { slot: 'green', since } });
    expect(await judge({ blue: 90, green: 10 }, tested)).toMatchObject({ arrival: 'untold' });
    const closed = fleetWith({ testTraffic: { slot: null, since } });
    expect(await judge({ blue: 90, green: 10 }, closed)).toMatchObject({ arrival: 'told' });
  });

  it('are missed by name, with the minutes that were counted', async () => {
    await expect(judge({ blue: 500, green: 0 })).rejects.toMatchObject({
      name: 'TrafficNotArriving',
      details: { fleet: 'web', rollout: 2, ruleArn: 'rule', from: '2026-01-01T10:01:00.000Z' },
    });
  });

  it.each([
    ['other weights', { weights: { blue: 100, green: 0 }, foreign: [] }],
    ['a foreign target group', { weights, foreign: ['arn:other'] }],
  ])('are not judged under %s: whoever looks at the rule names that', async (_, seen) => {
    expect(await judge({ blue: 500, green: 0 }, fleetWith(), seen)).toEqual({ arrival: 'unasked', proof });
  });

  it('are not asked for by an execution whose definition is older than the question', () => {
    expect(shiftInput.shape.arrival.parse(undefined)).toBe('told');
  });
});
