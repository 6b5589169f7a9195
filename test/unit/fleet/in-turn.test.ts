import { describe, expect, it } from 'vitest';
import { inTurn } from '../../../src/fleet/in-turn.ts';

const all = Array.from({ length: 47 }, (_, n) => n);
const at = (minute: number, seconds = 0) => new Date(Date.UTC(2026, 0, 1) + (minute * 60 + seconds) * 1_000);

describe('what is swept in turn', () => {
  it('is all of it, each once, and in the same order for a whole minute', () => {
    expect([...inTurn(all, at(7))].sort((a, b) => a - b)).toEqual(all);
    expect(inTurn(all, at(7, 59))).toEqual(inTurn(all, at(7)));
    expect(inTurn([], at(7))).toEqual([]);
    expect(inTurn(['web'], at(7))).toEqual(['web']);
  });

  it('begins behind the twenty that the sweep before had time for', () => {
    const [before, after] = [inTurn(all, at(7)), inTurn(all, at(8))];
    expect(after[0]).toBe(before[20]);
    expect(after.slice(0, 27)).toEqual(before.slice(20));
  });

  it('leaves nobody out, though each sweep has time for twenty alone', () => {
    const seen = new Set([0, 1, 2].flatMap((minute) => inTurn(all, at(minute)).slice(0, 20)));
    expect(seen.size).toBe(all.length);
  });
});
