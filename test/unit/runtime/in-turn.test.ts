import { describe, expect, it } from 'vitest';
import { inTurn } from '../../../src/runtime/in-turn.ts';

const all = Array.from({ length: 47 }, (_, n) => n);

describe('what is looked at in turn', () => {
  it('is all of it, each once, in its order from another place', () => {
    expect(inTurn(all, 7)).toEqual([...all.slice(7), ...all.slice(0, 7)]);
    expect(inTurn(all, 47 + 7)).toEqual(inTurn(all, 7));
    expect(inTurn([], 7)).toEqual([]);
    expect(inTurn(['web'], 7)).toEqual(['web']);
  });

  it('begins behind the twenty that the time before had time for', () => {
    const [before, after] = [inTurn(all, 7 * 20), inTurn(all, 8 * 20)];
    expect(after[0]).toBe(before[20]);
    expect(after.slice(0, 27)).toEqual(before.slice(20));
  });

  it('leaves nobody out, though each time there is time for twenty alone', () => {
    const seen = new Set([7, 8, 9].flatMap((turn) => inTurn(all, turn * 20).slice(0, 20)));
    expect(seen.size).toBe(all.length);
  });
});
