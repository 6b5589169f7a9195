import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { zip } from '../../../infra/bundle.ts';

describe('the zips of the functions', () => {
  it('have the same bytes whenever they are made', () => {
    const digest = () =>
      createHash('sha256')
        .update(zip({ 'a.mjs': Buffer.from('export {}') }))
        .digest('hex');
    const first = digest();
    expect(digest()).toBe(first);
    const made = zip({ 'a.mjs': Buffer.from('export {}') });
    // The moment in the archive's only entry: 1980-01-01, which is where its time begins.
    expect(Buffer.from(made).readUInt32LE(10)).toBe(0x0021_0000);
  });
});
