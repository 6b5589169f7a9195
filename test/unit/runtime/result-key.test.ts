import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildKeys } from '../../../src/contracts/build.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

describe('the file that tells of an upload', () => {
  it('bears the name of its key, where S3 takes one as long', () => {
    expect(buildKeys.result('web/hello')).toBe('results/web/hello.json');
    const longest = `web/${'a'.repeat(1007)}`;
    expect(buildKeys.result(longest)).toBe(`results/${longest}.json`);
  });

  it('bears the beginning and the digest of a longer one', () => {
    const key = `web/${'a'.repeat(1008)}`;
    expect(buildKeys.result(key)).toBe(`results/${key.slice(0, 946)}-${sha256(key)}.json`);
  });

  it('cuts no character in two', () => {
    const key = `web/${'é'.repeat(510)}`;
    expect(buildKeys.result(key)).toBe(`results/web/${'é'.repeat(471)}-${sha256(key)}.json`);
    const odd = `web/a${'é'.repeat(509)}`;
    expect(buildKeys.result(odd)).toBe(`results/web/a${'é'.repeat(470)}-${sha256(odd)}.json`);
  });

  it('has a key that S3 takes, whatever the upload is called', () => {
    const character = fc.constantFrom('a', 'é', '語', '🚢');
    fc.assert(
      fc.property(fc.string({ unit: character, maxLength: 1024 }), (text) => {
        fc.pre(Buffer.byteLength(text) <= 1024);
        expect(Buffer.byteLength(buildKeys.result(text))).toBeLessThanOrEqual(1024);
      }),
      { examples: [['語'.repeat(341)], ['🚢'.repeat(256)]] },
    );
  });
});
