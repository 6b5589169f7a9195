import { describe, expect, it } from 'vitest';
import { mapBounded } from '../../../src/runtime/parallel.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('working on many things at once', () => {
  it('keeps to its bound and to the order of the things', async () => {
    let running = 0;
    let most = 0;
    const results = await mapBounded([5, 1, 4, 2, 3], 2, async (turns) => {
      running += 1;
      most = Math.max(most, running);
      for (let i = 0; i < turns; i += 1) await turn();
      running -= 1;
      return turns * 10;
    });
    expect(results).toEqual([50, 10, 40, 20, 30]);
    expect(most).toBe(2);
  });

  it('starts nothing after a failure, and leaves nothing running', async () => {
    const ended: number[] = [];
    const started: number[] = [];
    const work = mapBounded([1, 2, 3, 4, 5, 6], 2, async (item) => {
      started.push(item);
      await turn();
      if (item === 1) throw new Error('broken');
      await turn();
      ended.push(item);
    });
    await expect(work).rejects.toThrow('broken');
    expect(started).not.toContain(6);
    expect(ended).toEqual(started.filter((item) => item !== 1));
  });
});
