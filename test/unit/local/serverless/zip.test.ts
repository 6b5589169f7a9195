/** The region's reader of zip files against a writer of somebody else. */
import fc from 'fast-check';
import { zipSync } from 'fflate';
import { expect, it } from 'vitest';
import { readZip } from '../../../../local/services/lambda/zip.ts';

const files = fc.dictionary(
  fc.stringMatching(/^[a-zé]{1,8}(\/[a-z]{1,8})?$/),
  fc.uint8Array({ maxLength: 2_000 }),
  { maxKeys: 6 },
);

it('reads what was packed, stored or deflated', () => {
  fc.assert(
    fc.property(files, fc.constantFrom(0 as const, 6 as const), (content, level) => {
      const read = readZip(zipSync(content, { level })).map((entry) => [
        entry.name,
        Buffer.from(entry.read()),
      ]);
      expect(Object.fromEntries(read)).toEqual(
        Object.fromEntries(Object.entries(content).map(([name, bytes]) => [name, Buffer.from(bytes)])),
      );
    }),
  );
});

it('tells of damage, wherever it is, by an error or by the same bytes', () => {
  const content = Buffer.from('some text, some text, some text');
  const zip = zipSync({ 'index.mjs': content });
  fc.assert(
    fc.property(fc.nat(zip.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const spoilt = Uint8Array.from(zip);
      spoilt[at] = (spoilt[at] ?? 0) ^ change;
      try {
        for (const entry of readZip(spoilt)) expect(Buffer.from(entry.read())).toEqual(content);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        expect((error as Error).name).not.toBe('AssertionError');
      }
    }),
    { numRuns: 500 },
  );
});

it.each([[Buffer.alloc(0)], [Buffer.from('not a zip file at all, but long enough to look into')]])(
  'refuses what is no zip file',
  (bytes) => {
    expect(() => readZip(bytes)).toThrow(/end of a central directory/);
  },
);
