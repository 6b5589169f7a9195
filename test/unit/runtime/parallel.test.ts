import { describe, expect, it } from 'vitest';
import { readAhead } from '../../../src/runtime/parallel.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('reading ahead', () => {
  it('keeps to its bound and to the order of the things', async () => {
    let running = 0;
    let most = 0;
    const work = async (turns: number) => {
      running += 1;
      most = Math.max(most, running);
      for (let i = 0; i < turns; i += 1) await turn();
      running -= 1;
      return turns * 10;
    };
    const results: [number, number][] = [];
    for await (const one of readAhead([5, 1, 4, 2, 3], 2, work)) results.push(one);
    expect(results).toEqual([
      [5, 50],
      [1, 10],
      [4, 40],
      [2, 20],
      [3, 30],
    ]);
    expect(most).toBe(2);
  });

  it('starts nothing after a failure, and leaves nothing running', async () => {
    const ended: number[] = [];
    const started: number[] = [];
    const work = async (item: number) => {
      started.push(item);
      await turn();
      if (item === 1) throw new Error('broken');
      await turn();
      ended.push(item);
    };
    const all = async () => {
      for await (const _ of readAhead([1, 2, 3, 4, 5, 6], 2, work));
    };
    await expect(all()).rejects.toThrow('broken');
    expect(started).toEqual([1, 2]);
    expect(ended).toEqual([2]);
  });

  it('waits for what runs when it is not asked for more', async () => {
    const ended: number[] = [];
    const work = async (item: number) => {
      await turn();
      await turn();
      ended.push(item);
    };
    for await (const _ of readAhead([1, 2, 3, 4], 3, work)) break;
    expect(ended).toEqual([1, 2, 3]);
  });
});
