/**
 * The region's own reading of disks that Ops' code made. They lie outside the repository, in the folder that
 * FLOTILLA_FIXTURES names or in `shared/fixtures` beside the checkout.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBootPlan } from '../../../../local/machines/disk-reader.ts';
import type { ReadableDisk } from '../../../../local/services/ebs/snapshots.ts';

interface Golden {
  readonly program: string;
  readonly arguments: readonly string[] | Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  readonly rootFS: { readonly files: readonly { path: string; length: number; sha256: string }[] };
}

const folder = process.env.FLOTILLA_FIXTURES ?? resolve('../shared/fixtures');
const present = existsSync(join(folder, 'golden.json'));
const names = ['golden-dummy', 'golden-many', 'golden-pkg', 'golden-tiny', 'golden-tiny-v4'];

function unpack(name: string): Buffer {
  return gunzipSync(readFileSync(join(folder, `${name}.img.gz`)));
}

function diskOf(bytes: Buffer): ReadableDisk {
  return {
    sizeBytes: bytes.length,
    read: async (offset, length) => {
      if (offset + length > bytes.length) throw new RangeError('Beyond the end of the disk');
      return bytes.subarray(offset, offset + length);
    },
  };
}

describe.skipIf(!present)('the disk reader of the region (without the fixtures of Ops: skipped)', () => {
  it.each(names)('finds program, arguments and environment in %s', async (name) => {
    const golden = JSON.parse(readFileSync(join(folder, 'golden.json'), 'utf8')).images[name] as Golden;
    const plan = await readBootPlan(diskOf(unpack(name)));
    expect(plan.program).toBe(golden.program);
    // Version 4 keeps vectors as tuples keyed 0, 1, …, and the catalogue shows them so.
    expect(plan.arguments).toEqual(Object.values(golden.arguments));
    // The catalogue was read with Ops' code, which takes an empty string for a deletion; a kernel does not.
    const set = Object.entries(plan.environment).filter(([, value]) => value !== '');
    expect(Object.fromEntries(set)).toEqual(golden.environment);
    const hash = createHash('sha256');
    for await (const piece of plan.programPieces()) hash.update(piece);
    const path = golden.program.startsWith('/') ? golden.program : `/${golden.program}`;
    const file = golden.rootFS.files.find((one) => one.path === path);
    if (file !== undefined) expect(hash.digest('hex')).toBe(file.sha256);
  });

  it('ends in an error, or reads on, whatever byte of the log is damaged', async () => {
    const bytes = unpack('golden-tiny');
    const partition = bytes.readUInt32LE(0x1be + 16 + 8) * 512;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 2_047 }),
        fc.integer({ min: 1, max: 255 }),
        async (at, bits) => {
          const damaged = Buffer.from(bytes);
          const offset = partition + at;
          damaged[offset] = (damaged[offset] ?? 0) ^ bits;
          const read = async (): Promise<number> => {
            const plan = await readBootPlan(diskOf(damaged));
            let length = 0;
            for await (const piece of plan.programPieces()) length += piece.length;
            return length;
          };
          const outcome = await read().catch((error: unknown) => error);
          expect(typeof outcome === 'number' || outcome instanceof Error).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });
});
