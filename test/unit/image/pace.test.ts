import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  heed,
  nextStart,
  type Pace,
  putsPerSecond,
  rateAt,
  shareOf,
  startPace,
} from '../../../src/image/pace.ts';

type End = 'answered' | 'throttled' | 'failed' | 'timed-out';
interface Reply {
  readonly end: End;
  readonly afterMs: number;
}

/** A writer with always more to send, against a service that replies as told. @returns when each put was sent */
function run(
  limits: { putsPerSecond: number; mostInFlight: number },
  untilMs: number,
  reply: (atMs: number, inFlight: number) => Reply,
  lateMs: (atMs: number) => number = () => 0,
) {
  let pace = startPace(limits, 0);
  const sent: number[] = [];
  const ends: { readonly atMs: number; readonly sentAt: number; readonly end: End }[] = [];
  const seen: { atMs: number; pace: Pace }[] = [];
  for (let now = 0; now < untilMs; ) {
    const due = ends.findIndex(({ atMs }) => atMs <= now);
    if (due >= 0) {
      const { end, sentAt } = ends.splice(due, 1)[0] as (typeof ends)[number]; // it was just found there
      pace = heed(pace, { kind: end, sentAt }, now);
      seen.push({ atMs: now, pace });
      continue;
    }
    const start = nextStart(pace, now);
    if (start.kind === 'now') {
      pace = heed(pace, { kind: 'sent' }, now);
      expect(pace.inFlight).toBeLessThanOrEqual(limits.mostInFlight);
      const { end, afterMs } = reply(now, pace.inFlight);
      sent.push(now);
      ends.push({ atMs: now + Math.max(1, afterMs), sentAt: now, end });
      ends.sort((a, b) => a.atMs - b.atMs);
      continue;
    }
    const nextEnd = ends[0]?.atMs ?? Number.POSITIVE_INFINITY;
    const next = Math.min(nextEnd, start.kind === 'at' ? start.at + lateMs(now) : Number.POSITIVE_INFINITY);
    expect(next).toBeGreaterThan(now);
    now = next;
  }
  return { sent, pace, seen };
}

/** The most puts in any second that begins with a put. */
function mostInASecond(sent: readonly number[]): number {
  let most = 0;
  for (let first = 0, end = 0; first < sent.length; first += 1) {
    while (end < sent.length && (sent[end] as number) < (sent[first] as number) + 1_000) end += 1;
    most = Math.max(most, end - first);
  }
  return most;
}

const between = (sent: readonly number[], from: number, to: number) =>
  sent.filter((at) => at >= from && at < to).length;
const limits = { putsPerSecond: 1_000, mostInFlight: 128 };
const ends = fc.constantFrom<End>('answered', 'answered', 'answered', 'throttled', 'failed', 'timed-out');

describe('the pace of a writer', () => {
  it('never exceeds its share in any second, nor what may be in flight, whatever comes back', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000 }),
        fc.integer({ min: 1, max: 128 }),
        fc.array(fc.record({ end: ends, afterMs: fc.integer({ min: 1, max: 700 }) }), {
          minLength: 1,
          maxLength: 40,
        }),
        fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 10 }),
        (share, mostInFlight, replies, late) => {
          let reply = 0;
          let turn = 0;
          const { sent } = run(
            { putsPerSecond: share, mostInFlight },
            4_000,
            () => replies[reply++ % replies.length] as Reply,
            () => late[turn++ % late.length] as number,
          );
          expect(mostInASecond(sent)).toBeLessThanOrEqual(share);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('uses nearly all of its share where the way is 40 ms long', () => {
    const { sent } = run(limits, 3_000, () => ({ end: 'answered', afterMs: 40 }));
    expect(between(sent, 0, 1_000)).toBeGreaterThan(850);
    expect(between(sent, 1_000, 2_000)).toBeGreaterThan(940);
  });

  it('gives the writers that run together no more than the account has', () => {
    for (let writers = 1; writers <= 1_000; writers += 1) {
      expect(shareOf(writers) * writers).toBeLessThanOrEqual(putsPerSecond);
      expect(shareOf(writers)).toBeGreaterThanOrEqual(1);
    }
  });

  it('slows down when it is throttled for minutes, and is back at its share ten seconds after', () => {
    const { sent } = run(limits, 150_000, (at) => ({
      end: at < 120_000 ? 'throttled' : 'answered',
      afterMs: 40,
    }));
    expect(between(sent, 60_000, 120_000) / 60).toBeLessThan(150);
    expect(between(sent, 131_000, 141_000) / 10).toBeGreaterThan(900);
  });

  it('settles near what the account bears where others use the quota as well', () => {
    let tokens = 400;
    let last = 0;
    const bucket = (at: number): Reply => {
      tokens = Math.min(400, tokens + ((at - last) * 400) / 1_000);
      last = at;
      if (tokens < 1) return { end: 'throttled', afterMs: 10 };
      tokens -= 1;
      return { end: 'answered', afterMs: 40 };
    };
    let throttled = 0;
    const { sent } = run(limits, 60_000, (at) => {
      const reply = bucket(at);
      if (at >= 10_000 && reply.end === 'throttled') throttled += 1;
      return reply;
    });
    const put = between(sent, 10_000, 60_000) - throttled;
    expect(put / 50).toBeGreaterThan(0.85 * 400);
    expect(throttled).toBeLessThan(0.1 * put);
  });

  it('does not pile up puts before a service that does only some at once', () => {
    // Twenty places, 40 ms each: 500 a second. More in flight than twenty only wait.
    const places = Array.from({ length: 20 }, () => 0);
    const { sent, seen } = run(limits, 20_000, (at) => {
      places.sort((a, b) => a - b);
      const done = Math.max(at, places[0] as number) + 40;
      places[0] = done;
      return { end: 'answered', afterMs: done - at };
    });
    expect(between(sent, 5_000, 20_000) / 15).toBeGreaterThan(0.9 * 500);
    const settled = seen.filter(({ atMs }) => atMs > 5_000);
    expect(Math.max(...settled.map(({ pace }) => pace.window))).toBeLessThan(90);
  });

  it('counts puts that are lost together once', () => {
    let pace = startPace(limits, 0);
    for (let i = 0; i < 10; i += 1) pace = heed(pace, { kind: 'sent' }, 0);
    for (let i = 0; i < 10; i += 1) pace = heed(pace, { kind: 'throttled', sentAt: 0 }, 50 + i);
    expect(pace.inFlight).toBe(0);
    expect(rateAt(pace, 50)).toBeCloseTo(0.8 * 960, 0);
  });

  it('decides the same for the same events', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ end: ends, afterMs: fc.integer({ min: 1, max: 300 }) }), { minLength: 1 }),
        (all) => {
          const again = () => {
            let reply = 0;
            return run(limits, 1_000, () => all[reply++ % all.length] as Reply);
          };
          expect(again()).toEqual(again());
        },
      ),
      { numRuns: 20 },
    );
  });
});
