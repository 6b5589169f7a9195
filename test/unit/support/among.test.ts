import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { among } from '../../support/among.ts';

const file = fileURLToPath(new URL('among-worker.ts', import.meta.url));
const shares = (waiting: number) =>
  Array.from({ length: 5 }, (_, number) => ({ number, waits: number === waiting }));

describe('work among processes', () => {
  it('is answered in the order of its shares', async () => {
    const heard: number[] = [];
    const answers = await among({ file, args: [], workers: 2 }, shares(-1), (_, answer: number) =>
      heard.push(answer),
    );
    expect(answers).toEqual([0, 1, 2, 3, 4]);
    expect(heard.toSorted((a, b) => a - b)).toEqual(answers);
  });

  it('ends, and names the share, where one waits for what nobody will do', async () => {
    const work = among({ file, args: [], workers: 1 }, shares(2), () => {});
    await expect(work).rejects.toThrow('waiting for nothing, over {"number":2,"waits":true}');
  });
});
