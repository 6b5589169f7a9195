import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFlotillaError } from '../../../src/errors.ts';
import { planDisk } from '../../../src/image/disk.ts';
import { readPlan } from '../../../src/image/extents.ts';
import { standInKernel } from '../../../src/image/kernel-bundle.ts';
import { makeManifest } from '../../../src/image/manifest.ts';
import { recognise } from '../../../src/image/recognise.ts';
import { type ByteSource, bytesSource } from '../../../src/image/source.ts';
import { encodeTuple } from '../../../src/image/tfs/encode.ts';
import { writeLog } from '../../../src/image/tfs/log.ts';
import type { TfsValue } from '../../../src/image/tfs/value.ts';
import { makeGoElf } from './elf-maker.ts';

const [kernelImg, bootImg] = standInKernel().files.map(({ bytes }) => bytes) as [Uint8Array, Uint8Array];
const program = makeGoElf();
const plan = planDisk({
  kernel: { bootImg, kernelImgBytes: kernelImg.length, digest: '' },
  programBytes: program.length,
  manifest: makeManifest({ environment: { PORT: '8080' } }, '/hello'),
  volumeBytes: 20 * 1_048_576,
  identity: '',
});
const good = Buffer.from(
  await readPlan(plan, { program: bytesSource(program), kernel: bytesSource(kernelImg) }).read(
    0,
    plan.sizeBytes,
  ),
);
const bootFs = 524_288;
const rootFs = 25 * 524_288;
const entry = (index: number) => 0x1be + 16 * index;

/** The good disk with some bytes put over it, without copying it all. */
function patched(
  patches: readonly (readonly [number, Uint8Array | readonly number[]])[],
  sizeBytes = good.length,
): ByteSource {
  return {
    sizeBytes,
    read: async (offset, length) => {
      const bytes = Buffer.from(good.subarray(offset, Math.min(offset + length, sizeBytes)));
      for (const [at, patch] of patches) {
        for (const [i, byte] of [...patch].entries()) {
          const to = at + i - offset;
          if (to >= 0 && to < bytes.length) bytes[to] = byte;
        }
      }
      return bytes;
    },
  };
}

describe('an upload that is no Nanos disk', () => {
  it.each<[string, string, ByteSource]>([
    ['a disk without partitions', 'DiskNotNanos', patched([[entry(0), new Uint8Array(64)]])],
    ['a disk of another system', 'DiskNotNanos', patched([[entry(0) + 4, [0x07]]])],
    [
      'a disk with a boot partition of another size',
      'DiskNotNanos',
      patched([[entry(0) + 12, [1, 2, 3, 0]]]),
    ],
    ['a disk without the boot loader’s record', 'DiskNotNanos', patched([[0x1aa, new Uint8Array(20)]])],
    ['a disk with another boot file system', 'DiskNotNanos', patched([[bootFs, [0]]])],
    ['a disk with another root file system', 'DiskNotNanos', patched([[rootFs, [0]]])],
    ['a root partition of no length', 'DiskNotNanos', patched([[entry(1) + 12, [0, 0, 0, 0]]])],
    ['a disk cut short', 'DiskTruncated', patched([], good.length - 512)],
    ['a disk cut in the boot file system', 'DiskTruncated', patched([], 1_000_000)],
    ['a boot sector alone', 'DiskTruncated', patched([], 512)],
    ['most of a boot sector', 'ArtifactNotRecognised', patched([], 511)],
    ['zeros', 'ArtifactNotRecognised', bytesSource(new Uint8Array(4096))],
    ['a qcow2 disk', 'DiskNotNanos', bytesSource(Buffer.from('QFI\xfb and more', 'latin1'))],
    ['a Nanos volume', 'DiskNotNanos', bytesSource(good.subarray(rootFs))],
    ['a disk whose log is damaged', 'DiskMalformed', patched([[rootFs + 512, [0]]])],
    [
      'a disk without its program',
      'DiskMalformed',
      patched([[good.indexOf('hello', rootFs), Buffer.from('gone!')]]),
    ],
    [
      'a disk that names no program',
      'DiskMalformed',
      patched([[good.indexOf('program', rootFs), Buffer.from('prograM')]]),
    ],
  ])('%s is refused as %s', async (_, name, source) => {
    await expect(recognise(source)).rejects.toMatchObject({ name });
  });
});

describe('a Nanos disk', () => {
  it('whose volume is larger than its partitions is taken as it is', async () => {
    const larger = Buffer.concat([good, Buffer.alloc(1_048_576)]);
    expect(await recognise(bytesSource(larger))).toMatchObject({ kind: 'nanos-disk', program: '/hello' });
  });

  it('is asked for the files that its settings name', async () => {
    const found = await recognise(bytesSource(good));
    const holds = found.kind === 'nanos-disk' ? found.holds : () => undefined;
    expect(['/hello', '/etc/resolv.conf', '/etc', '/absent', '/hello/x'].map(holds)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it('may hold a program that is not Go’s', async () => {
    const at = good.indexOf('Go buildinf', rootFs);
    const recognised = await recognise(patched([[at, [0]]]));
    expect(recognised).toMatchObject({ kind: 'nanos-disk', programBytes: program.length });
    expect(recognised).not.toHaveProperty('buildInfo');
  });

  it('with an EFI partition and without the BIOS loader is for the machine of its kernel', async () => {
    // the ESP is listed in front, and what it holds is not looked at
    const table = good.subarray(entry(0), entry(2));
    const efi = Buffer.from(table.subarray(0, 16));
    efi[4] = 0xef;
    const kernelAt = good.indexOf(kernelImg, bootFs);
    const arm64 = patched([
      [entry(0), Buffer.concat([efi, table])],
      [0x1aa, new Uint8Array(20)],
      [kernelAt + 18, [183]],
    ]);
    expect(await recognise(arm64)).toMatchObject({
      architecture: 'arm64',
      bootMode: 'uefi',
      hasEfiSystem: true,
    });
    const both = patched([[entry(0), Buffer.concat([efi, table])]]);
    expect(await recognise(both)).toMatchObject({
      architecture: 'x86_64',
      bootMode: 'legacy-bios',
      hasEfiSystem: true,
    });
  });
});

describe('a disk of strange make', () => {
  const extent = (offset: number, length: number) =>
    new Map([
      ['offset', BigInt(offset)],
      ['length', BigInt(length)],
    ]);

  /** The good disk with another log in its root file system, which names one file and where it lies. */
  function withProgram(filelength: bigint, extents: ReadonlyMap<string, TfsValue>): ByteSource {
    const file = new Map<string, TfsValue>([
      ['filelength', filelength],
      ['extents', extents],
    ]);
    const root = new Map<string, TfsValue>([
      ['program', '/hello'],
      ['children', new Map([['hello', file]])],
    ]);
    const tuple = encodeTuple(root);
    const options = { uuid: new Uint8Array(16), label: '', extensionSectors: [1] };
    return patched(writeLog(tuple, options).map(({ sector, bytes }) => [rootFs + sector * 512, bytes]));
  }

  it('may have its program behind the end of its partition, where the kernel too would find it', async () => {
    const source = withProgram(BigInt(program.length), new Map([['0', extent(2048, 20)]]));
    expect(await recognise(source)).toMatchObject({ buildInfo: { path: 'example.com/hello' } });
    const shorter = patched([[entry(1) + 12, [0, 4, 0, 0]]]); // 1,024 sectors, and the program lies at 2,048
    expect(await recognise(shorter)).toMatchObject({ buildInfo: { path: 'example.com/hello' } });
  });

  it('is malformed where its program claims to be larger than the disk', async () => {
    await expect(recognise(withProgram(2n ** 50n, new Map()))).rejects.toThrow(/larger than the disk/);
  });

  it('is malformed where its program lies in thousands of pieces', async () => {
    const pieces = Array.from({ length: 5000 }, (_, i) => [`${i}`, extent(2048, 1)] as const);
    await expect(recognise(withProgram(2_560_000n, new Map(pieces)))).rejects.toThrow(/more pieces/);
  });
});

/** Where a change is likely to matter: boot sector, logs, the program's headers, the kernel. */
const places = fc.oneof(
  fc.integer({ min: 0, max: 511 }),
  fc.integer({ min: bootFs, max: bootFs + 700 }),
  fc.integer({ min: rootFs, max: rootFs + 30 }),
  fc.integer({ min: rootFs + 512, max: rootFs + 900 }),
  fc.integer({ min: 27 * 524_288, max: 27 * 524_288 + 4400 }),
);
const changes = fc.array(fc.tuple(places, fc.uint8Array({ minLength: 1, maxLength: 8 })), {
  minLength: 1,
  maxLength: 4,
});

/** True where the promise was kept or broken by an error with a name of ours. */
async function endsWell(source: ByteSource): Promise<void> {
  try {
    await recognise(source);
  } catch (error) {
    if (!isFlotillaError(error)) throw error;
    expect(error.name).toMatch(/^(Artifact|Disk)/);
  }
}

describe('whatever is uploaded', () => {
  it('a damaged disk ends in a named error, or is read', async () => {
    await fc.assert(
      fc.asyncProperty(changes, (patches) => endsWell(patched(patches))),
      { numRuns: 400 },
    );
  });

  it('a damaged program ends in a named error, or is read', async () => {
    const place = fc.oneof(fc.nat(300), fc.nat(program.length - 1));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 8 }))),
        (patches) => {
          const bytes = Buffer.from(program);
          for (const [at, patch] of patches) bytes.set(patch.subarray(0, bytes.length - at), at);
          return endsWell(bytesSource(bytes));
        },
      ),
      { numRuns: 600 },
    );
  });

  it('random bytes end in a named error', async () => {
    const start = fc.constantFrom('', '\x7fELF', '\x7fELF\x02\x01\x01');
    await fc.assert(
      fc.asyncProperty(start, fc.uint8Array({ maxLength: 2000 }), (magic, bytes) =>
        endsWell(bytesSource(Buffer.concat([Buffer.from(magic, 'latin1'), bytes]))),
      ),
      { numRuns: 300 },
    );
  });
});
