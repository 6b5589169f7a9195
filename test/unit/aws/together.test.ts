import { expect, it } from 'vitest';
import { together } from '../../../src/aws/together.ts';

it('gives all results in order', async () => {
  expect(await together([Promise.resolve(1), 'two', Promise.resolve(3)])).toEqual([1, 'two', 3]);
});

it('fails with the first failure, and not before all have ended', async () => {
  const ended: string[] = [];
  const after = async (turns: number, name: string): Promise<never> => {
    for (let left = turns; left > 0; left -= 1) await Promise.resolve();
    ended.push(name);
    throw new Error(name);
  };
  await expect(together([after(9, 'slow'), after(1, 'quick')])).rejects.toThrow('slow');
  expect(ended).toEqual(['quick', 'slow']);
});
