import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, blockChecksum, isZero } from '../../../src/image/blocks.ts';
import { type DiskInput, planDisk } from '../../../src/image/disk.ts';
import {
  blocksBetween,
  type DiskPlan,
  makePlan,
  nonZeroBlocks,
  planBlockCount,
  rawDiskPlan,
  readPlan,
} from '../../../src/image/extents.ts';
import { kernelDigest } from '../../../src/image/identity.ts';
import { standInKernel } from '../../../src/image/kernel-bundle.ts';
import { hasBootSignature, readBootRegion, readPartitions } from '../../../src/image/layout.ts';
import { type ManifestSettings, makeManifest } from '../../../src/image/manifest.ts';
import { recognise } from '../../../src/image/recognise.ts';
import { bytesSource, slice } from '../../../src/image/source.ts';
import { find, openFile, readFileSystem } from '../../../src/image/tfs/file-system.ts';
import { makeGoElf } from './elf-maker.ts';

const MiB = 1_048_576;
const volumeBytes = 64 * MiB;
const bundle = Object.fromEntries(standInKernel().files.map(({ name, bytes }) => [name, bytes]));
const bootImg = bundle['boot.img'] ?? new Uint8Array();
const kernelImg = bundle['kernel.img'] ?? new Uint8Array();

/** A Go program of several blocks, none of them zero. */
function program(version: number): Buffer {
  return Buffer.concat([makeGoElf(`path\texample.com/v${version}\n`), Buffer.alloc(2 * MiB, version)]);
}

interface Changes extends ManifestSettings {
  readonly programVersion?: number;
  readonly kernel?: Uint8Array;
  readonly identity?: string;
  readonly volumeBytes?: number;
}

function built(changes: Changes = {}): { plan: DiskPlan; disk: ReturnType<typeof readPlan> } {
  const { programVersion = 1, kernel = kernelImg, identity = 'one', ...settings } = changes;
  const binary = program(programVersion);
  const klib = new Uint8Array(3000).fill(3);
  const input: DiskInput = {
    kernel: {
      bootImg,
      kernelImgBytes: kernel.length,
      klibs: [{ name: 'ntp', sizeBytes: klib.length }],
      digest: kernelDigest([{ name: 'kernel.img', sha256: blockChecksum(kernel) }]),
    },
    programBytes: binary.length,
    manifest: makeManifest(settings, '/hello'),
    volumeBytes: changes.volumeBytes ?? volumeBytes,
    identity,
  };
  const plan = planDisk(input);
  const sources = {
    program: bytesSource(binary),
    kernel: bytesSource(kernel),
    'klib/ntp': bytesSource(klib),
  };
  return { plan, disk: readPlan(plan, sources) };
}

async function changedBlocks(before: Changes, after: Changes): Promise<number[]> {
  const [a, b] = [built(before), built(after)];
  const candidates = new Set([...nonZeroBlocks(a.plan), ...nonZeroBlocks(b.plan)]);
  const changed: number[] = [];
  for (const index of [...candidates].sort((x, y) => x - y)) {
    const [one, other] = await Promise.all(
      [a, b].map(({ disk }) => disk.read(index * BLOCK_BYTES, BLOCK_BYTES)),
    );
    if (one && other && Buffer.compare(one, other) !== 0) changed.push(index);
  }
  return changed;
}

const settings = {
  arguments: ['-v'],
  environment: { PORT: '8080' },
  files: { '/etc/motd': 'hi' },
  klibs: ['ntp'],
};

describe('a disk', () => {
  it('is recognised as what went in', async () => {
    const { disk } = built({ ...settings, flags: ['noaslr'], attributes: { mounts: { data: '/data' } } });
    expect(await recognise(disk)).toMatchObject({
      kind: 'nanos-disk',
      architecture: 'x86_64',
      bootMode: 'legacy-bios',
      hasEfiSystem: false,
      program: '/hello',
      arguments: ['/hello', '-v'],
      environment: { PORT: '8080' },
      manifest: { attributes: { klibs: 'bootfs', noaslr: 't', mounts: { data: '/data' } } },
      buildInfo: { path: 'example.com/v1' },
    });
  });

  it('has boot loader, partitions up to its end, and kernel, modules and files byte for byte', async () => {
    const { disk } = built(settings);
    const boot = await disk.read(0, bootImg.length);
    expect(hasBootSignature(boot)).toBe(true);
    expect(readBootRegion(boot)).toEqual({ base: 0x8000, sizeBytes: bootImg.length - 512, type: 12 });
    expect(boot.subarray(512)).toEqual(bootImg.subarray(512));
    const [bootFs, rootFs, ...more] = readPartitions(boot);
    expect(more).toEqual([]);
    expect(bootFs).toEqual({ index: 0, active: true, type: 0x83, startSector: 1024, sectors: 24_576 });
    expect(rootFs).toEqual({
      index: 1,
      active: true,
      type: 0x83,
      startSector: 25 * 1024,
      sectors: volumeBytes / 512 - 25 * 1024,
    });
    const read = async (start: number, sizeBytes: number, path: string) => {
      const fs = await readFileSystem(slice(disk, start, sizeBytes));
      const node = find(fs, path);
      return node?.kind === 'file' ? openFile(fs, node).read(0, node.sizeBytes) : undefined;
    };
    const rootStart = 25 * BLOCK_BYTES;
    expect(await read(BLOCK_BYTES, 12 * MiB, '/kernel')).toEqual(kernelImg);
    expect(await read(BLOCK_BYTES, 12 * MiB, '/klib/ntp')).toEqual(new Uint8Array(3000).fill(3));
    expect(Buffer.from((await read(rootStart, volumeBytes - rootStart, '/etc/motd')) ?? []).toString()).toBe(
      'hi',
    );
    expect(await read(rootStart, volumeBytes - rootStart, '/hello')).toEqual(new Uint8Array(program(1)));
  });

  it('leaves the area of the kernel’s log before the first partition empty', async () => {
    expect(isZero(await built().disk.read(BLOCK_BYTES - 4096, 4096))).toBe(true);
  });

  it('is the same, byte for byte, whatever the order of its settings', () => {
    const one = built({ environment: { A: '1', B: '2' }, files: { '/a': 'x', '/b': 'y' } });
    const other = built({ files: { '/b': 'y', '/a': 'x' }, environment: { B: '2', A: '1' } });
    expect(one.plan).toEqual(other.plan);
  });

  it('changes in one block when arguments or environment change', async () => {
    const after = {
      ...settings,
      arguments: ['-vv', 'more'],
      environment: { PORT: '80', X: 'y' },
      identity: 'two',
    };
    expect(await changedBlocks(settings, after)).toEqual([25]);
  });

  it('changes in its log and one block more when a small file changes', async () => {
    expect(
      await changedBlocks(settings, { ...settings, files: { '/etc/motd': 'ho' }, identity: 'two' }),
    ).toEqual([25, 26]);
  });

  it('changes in the log and in the program’s own blocks when the program changes', async () => {
    const changed = await changedBlocks(settings, { ...settings, programVersion: 2, identity: 'two' });
    expect(changed).toEqual([25, 27, 28, 29, 30, 31]);
  });

  it('changes in the boot file system alone, and its log, when the kernel changes', async () => {
    const kernel = Buffer.concat([kernelImg, Buffer.from('newer')]);
    expect(await changedBlocks(settings, { ...settings, kernel, identity: 'two' })).toEqual([1, 3, 25]);
  });

  it('names few blocks of a volume that is mostly empty, and all that are not zero', async () => {
    const { plan, disk } = built(settings);
    const listed = nonZeroBlocks(plan);
    expect(listed.length).toBeLessThan(15);
    expect(planBlockCount(plan)).toBe(128);
    const rest = blocksBetween(
      Array.from({ length: 128 }, (_, i) => i).filter((i) => !listed.includes(i)),
      0,
      128,
    );
    for (const index of rest) expect(isZero(await disk.read(index * BLOCK_BYTES, BLOCK_BYTES))).toBe(true);
  });

  it('reads the same in any pieces', async () => {
    const { plan, disk } = built(settings);
    const end = 34 * BLOCK_BYTES;
    const whole = Buffer.from(await disk.read(0, end));
    expect(plan.extents.every((extent) => extent.offset + extent.sizeBytes <= end)).toBe(true);
    await fc.assert(
      fc.asyncProperty(fc.nat(end), fc.nat(3 * MiB), async (offset, length) => {
        const piece = await disk.read(offset, length);
        expect(Buffer.compare(piece.subarray(0, end - offset), whole.subarray(offset, offset + length))).toBe(
          0,
        );
      }),
      { numRuns: 50 },
    );
  });

  it('refuses what does not fit, with the sizes', () => {
    expect(() => built({ volumeBytes: 16 * MiB })).toThrow(
      expect.objectContaining({
        name: 'ArtifactTooLarge',
        details: expect.objectContaining({ volumeBytes: 16 * MiB }),
      }),
    );
    expect(() => built({ kernel: new Uint8Array(13 * MiB) })).toThrow(
      expect.objectContaining({ name: 'KernelInvalid' }),
    );
    expect(() => built({ klibs: ['tls'] })).toThrow(expect.objectContaining({ name: 'ManifestInvalid' }));
  });
});

describe('a plan', () => {
  const bytes = new Uint8Array(10).fill(1);

  it('refuses extents that overlap or leave the disk', () => {
    const at = (offset: number) => ({ offset, sizeBytes: 10, from: { bytes } });
    expect(() => makePlan(100, [at(0), at(9)])).toThrow(/overlap/);
    expect(() => makePlan(100, [at(91)])).toThrow(RangeError);
    expect(makePlan(100, [at(50), at(0)]).extents.map(({ offset }) => offset)).toEqual([0, 50]);
  });

  it('refuses sources that are missing or too short, and notices one that ends early', async () => {
    const plan = makePlan(100, [{ offset: 0, sizeBytes: 10, from: { source: 'program', offset: 5 } }]);
    expect(() => readPlan(plan, {})).toThrow(/program/);
    expect(() => readPlan(plan, { program: bytesSource(bytes) })).toThrow(/program/);
    const short = { sizeBytes: 100, read: async () => bytes.subarray(0, 3) };
    await expect(readPlan(plan, { program: short }).read(0, 100)).rejects.toThrow(/less/);
  });

  it('of an uploaded disk gives its bytes, then zeros to the end of the volume', async () => {
    const plan = rawDiskPlan(BLOCK_BYTES + 1, 8 * BLOCK_BYTES);
    const disk = readPlan(plan, { disk: bytesSource(new Uint8Array(BLOCK_BYTES + 1).fill(5)) });
    expect(nonZeroBlocks(plan)).toEqual([0, 1]);
    expect(await disk.read(BLOCK_BYTES - 1, 4)).toEqual(Uint8Array.from([5, 5, 0, 0]));
    expect(() => rawDiskPlan(2 * BLOCK_BYTES, BLOCK_BYTES)).toThrow(RangeError);
  });
});
