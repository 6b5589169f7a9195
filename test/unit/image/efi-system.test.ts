/** Disks with an EFI system partition: read with a FAT that others wrote, and by our own reader. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DiskInput, planDisk, planSource } from '../../../src/image/disk.ts';
import { efiLoaderFile, mostLoaderBytes, planEfiSystem } from '../../../src/image/efi-system.ts';
import type { Architecture } from '../../../src/image/elf.ts';
import { readPlan } from '../../../src/image/extents.ts';
import { kernelFile, requireKernelBundle, standInKernel } from '../../../src/image/kernel-bundle.ts';
import { readPartitions } from '../../../src/image/layout.ts';
import { makeManifest } from '../../../src/image/manifest.ts';
import { recognise } from '../../../src/image/recognise.ts';
import { bytesSource } from '../../../src/image/source.ts';
import { type PythonTool, pythonTool } from '../../support/python.ts';
import { makeGoElf } from './elf-maker.ts';

const run = promisify(execFile);
const MiB = 1_048_576;
const volumeBytes = 64 * MiB;

/** pyfatfs is a FAT implementation in Python that knows nothing of this project. */
const reader = `
import sys, json, hashlib
from pyfatfs.PyFatFS import PyFatFS
disk, offset, *path = sys.argv[1:]
fs = PyFatFS(disk, offset=int(offset), read_only=True)
def walk(folder):
    for name in fs.listdir(folder):
        path = folder.rstrip('/') + '/' + name
        if fs.isdir(path):
            yield from walk(path)
        else:
            yield path, hashlib.sha256(fs.openbin(path).read()).hexdigest()
print(json.dumps(dict(walk('/'))))
`;

let python: PythonTool;
let folder = '';
beforeAll(async () => {
  python = await pythonTool(['pyfatfs==1.1.0', 'setuptools==75.8.0']);
  folder = mkdtempSync(join(tmpdir(), 'flotilla-efi-'));
  writeFileSync(join(folder, 'reader.py'), reader);
}, 300_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Every byte depends on its place, so that a cluster in the wrong order is seen. */
function loader(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 1) bytes[at] = (at * 7 + (at >> 9)) & 0xff;
  return bytes;
}

function planned(
  architecture: Architecture,
  efi: Buffer | undefined,
  changes: Partial<DiskInput['kernel']> = {},
) {
  const files = Object.fromEntries(standInKernel(architecture).files.map(({ name, bytes }) => [name, bytes]));
  const kernelImg = files[kernelFile.kernel] ?? new Uint8Array();
  const program = makeGoElf();
  const plan = planDisk({
    kernel: {
      bootImg: files[kernelFile.boot],
      kernelImgBytes: kernelImg.length,
      digest: 'd'.repeat(64),
      ...(efi === undefined ? {} : { efiLoader: { architecture, sizeBytes: efi.length } }),
      ...changes,
    },
    programBytes: program.length,
    manifest: makeManifest({}, '/bin/hello'),
    volumeBytes,
    identity: 'e'.repeat(64),
  });
  const sources = {
    [planSource.program]: bytesSource(program),
    [planSource.kernel]: bytesSource(kernelImg),
    ...(efi === undefined ? {} : { [planSource.efiLoader]: bytesSource(efi) }),
  };
  return { plan, disk: readPlan(plan, sources) };
}

describe('a disk with an EFI system partition', () => {
  it.for<[Architecture, number]>([
    ['x86_64', 1],
    ['x86_64', 511],
    ['x86_64', 512],
    ['x86_64', 513],
    ['arm64', 100_001],
    ['x86_64', 3 * MiB],
  ])(
    'for %s holds its loader of %i bytes where firmware looks, as a FAT of others reads it',
    async ([architecture, sizeBytes], { skip }) => {
      if ('skip' in python) return skip(python.skip);
      const efi = loader(sizeBytes);
      const { disk } = planned(architecture, efi);
      const file = join(folder, `${architecture}-${sizeBytes}.img`);
      writeFileSync(file, await disk.read(0, volumeBytes));
      const [esp] = readPartitions(await disk.read(0, 512));
      const { stdout } = await run(join(python.bin, 'python3'), [
        '-W',
        'ignore',
        join(folder, 'reader.py'),
        file,
        String((esp?.startSector ?? 0) * 512),
      ]);
      expect(JSON.parse(stdout)).toEqual({
        [`/EFI/BOOT/${efiLoaderFile[architecture].toUpperCase()}`]: createHash('sha256')
          .update(efi)
          .digest('hex'),
      });
    },
  );

  it('on x86-64 boots by BIOS as well, and both file systems moved by one partition', async () => {
    const { disk } = planned('x86_64', loader(1000));
    expect(readPartitions(await disk.read(0, 512)).map(({ type }) => type)).toEqual([0xef, 0x83, 0x83]);
    expect(await recognise(disk)).toMatchObject({
      kind: 'nanos-disk',
      architecture: 'x86_64',
      bootMode: 'legacy-bios',
      hasEfiSystem: true,
      program: '/bin/hello',
    });
  });

  it('on arm64 has no loader for BIOS', async () => {
    const { disk } = planned('arm64', loader(1000));
    expect(await recognise(disk)).toMatchObject({
      architecture: 'arm64',
      bootMode: 'uefi',
      hasEfiSystem: true,
    });
  });

  it('is the same, byte for byte, for the same kernel, and names no date but the first of FAT', () => {
    expect(planned('x86_64', loader(1000)).plan).toEqual(planned('x86_64', loader(1000)).plan);
  });

  it('leaves what follows as it is when only the loader changes', () => {
    const [before, after] = [1000, 2000].map((size) => planned('x86_64', loader(size)).plan);
    const rest = (plan: typeof before) => plan?.extents.filter(({ offset }) => offset >= 34 * MiB);
    expect(rest(after)).toEqual(rest(before));
  });

  it('is refused where the loader is empty or does not fit', () => {
    for (const sizeBytes of [0, mostLoaderBytes + 1]) {
      const input = { loaderBytes: sizeBytes, loader: { source: 'x', offset: 0 }, startSector: 0 };
      expect(() => planEfiSystem({ ...input, architecture: 'x86_64', serial: new Uint8Array(4) })).toThrow(
        RangeError,
      );
      const efiLoader = { architecture: 'x86_64', sizeBytes } as const;
      expect(() => planned('x86_64', loader(1), { efiLoader })).toThrow(
        expect.objectContaining({ name: 'KernelInvalid' }),
      );
    }
  });

  it('must be there where there is no loader for BIOS', () => {
    expect(() => planned('arm64', undefined)).toThrow(expect.objectContaining({ name: 'KernelInvalid' }));
  });
});

describe('a kernel bundle for UEFI', () => {
  const files = Object.fromEntries(standInKernel('arm64').files.map(({ name, bytes }) => [name, bytes]));
  const start = files[efiLoaderFile.arm64] ?? new Uint8Array();
  const kernelImgStart = files[kernelFile.kernel] ?? new Uint8Array();
  const valid = {
    architecture: 'arm64',
    kernelImgStart,
    kernelImgBytes: kernelImgStart.length,
    efiLoader: { start, sizeBytes: start.length },
  } as const;

  it('is usable in the form that the stand-in has', () => {
    expect(() => requireKernelBundle(valid)).not.toThrow();
  });

  it.each([
    ['no loader', { efiLoader: undefined }],
    ['a loader that is no PE', { efiLoader: { start: new Uint8Array(512), sizeBytes: 512 } }],
    ['a loader of a few bytes', { efiLoader: { start: start.subarray(0, 40), sizeBytes: 40 } }],
    ['a loader whose header lies far away', { efiLoader: { start: farHeader(start), sizeBytes: 512 } }],
    ['a loader that does not fit', { efiLoader: { start, sizeBytes: mostLoaderBytes + 1 } }],
    ['a loader for another machine', { architecture: 'x86_64' as const, bootImg: undefined }],
  ])('is refused with %s', (_, change) => {
    expect(() => requireKernelBundle({ ...valid, ...change })).toThrow(
      expect.objectContaining({ name: 'KernelInvalid' }),
    );
  });
});

function farHeader(start: Uint8Array): Uint8Array {
  const bytes = Buffer.from(start);
  bytes.writeUInt32LE(0xffff_fff0, 60);
  return bytes;
}
