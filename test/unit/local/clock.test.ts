import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.ts';

describe('the virtual clock', () => {
  it('runs timers by their time, then in the order in which they were set, and no cancelled one', async () => {
    const timer = fc.record({ delayMs: fc.nat(40), cancelled: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(timer, { maxLength: 60 }), async (timers) => {
        const clock = new VirtualClock(0);
        const ran: { index: number; at: number }[] = [];
        timers.forEach(({ delayMs, cancelled }, index) => {
          const set = clock.after(delayMs, () => ran.push({ index, at: clock.now() }));
          if (cancelled) set.cancel();
        });
        await clock.advance(100);
        const expected = timers
          .map(({ delayMs, cancelled }, index) => ({ index, at: delayMs, cancelled }))
          .filter(({ cancelled }) => !cancelled)
          .sort((one, other) => one.at - other.at || one.index - other.index)
          .map(({ index, at }) => ({ index, at }));
        expect(ran).toEqual(expected);
        expect(clock.now()).toBe(100);
      }),
      { numRuns: 200 },
    );
  });

  it('stands still while work is held, and moves no further than it is told', async () => {
    const clock = new VirtualClock(0);
    const order: string[] = [];
    let finish = (): void => {};
    clock.after(10, () => {
      void clock.hold(new Promise<void>((resolve) => (finish = resolve))).then(() => order.push('work'));
      // A real turn or two later than any timer of the clock would run by itself.
      setImmediate(() => setImmediate(() => setImmediate(() => finish())));
    });
    clock.after(11, () => order.push(`timer at ${clock.now()}`));
    clock.after(30, () => order.push('too late'));
    await clock.advance(20);
    expect(order).toEqual(['work', 'timer at 11']);
    expect(clock.now()).toBe(20);
  });
});
