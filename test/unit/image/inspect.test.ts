import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Recipe } from '../../../src/contracts/build.ts';
import type { KernelBundle } from '../../../src/contracts/kernel-bundle.ts';
import { disagreements } from '../../../src/image/agree.ts';
import { BLOCK_BYTES } from '../../../src/image/blocks.ts';
import { diffImages } from '../../../src/image/diff.ts';
import { planDisk } from '../../../src/image/disk.ts';
import { readPlan } from '../../../src/image/extents.ts';
import { inspectImage } from '../../../src/image/inspect.ts';
import { standInKernel } from '../../../src/image/kernel-bundle.ts';
import { type ManifestSettings, makeManifest } from '../../../src/image/manifest.ts';
import { whatLiesAt } from '../../../src/image/place.ts';
import { type ByteSource, bytesSource } from '../../../src/image/source.ts';
import { makeGoElf } from './elf-maker.ts';

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const [kernelImg, bootImg] = standInKernel().files.map(({ bytes }) => bytes) as [Uint8Array, Uint8Array];
const klib = Buffer.from('a module');
const GiB = 1_073_741_824;

const information = (version: string, deps: string, revision: string) =>
  `path\texample.com/web\nmod\texample.com/web\t${version}\n${deps}build\tGOARCH=amd64\nbuild\tGOOS=linux\nbuild\tvcs=git\nbuild\tvcs.revision=${revision}\nbuild\tvcs.modified=false\n`;
const one = makeGoElf(
  information(
    'v1.0.0',
    'dep\texample.com/a\tv1.0.0\th1:a=\ndep\texample.com/b\tv1.0.0\th1:b=\n',
    '1'.repeat(40),
  ),
);
const two = makeGoElf(
  information(
    'v1.1.0',
    'dep\texample.com/a\tv1.2.0\th1:A=\ndep\texample.com/c\tv0.1.0\th1:c=\n',
    '2'.repeat(40),
  ),
);

interface Made extends ManifestSettings {
  readonly program?: Buffer;
  readonly kernel?: Uint8Array;
}

const manifestOf = (settings: ManifestSettings) =>
  makeManifest({ klibs: ['ntp'], environment: { PORT: '8080', TOKEN: 'secret' }, ...settings }, '/web/web');

function disk({ program = one, kernel = kernelImg, ...settings }: Made = {}): ByteSource {
  const plan = planDisk({
    kernel: {
      bootImg,
      kernelImgBytes: kernel.length,
      klibs: [{ name: 'ntp', sizeBytes: klib.length }],
      digest: '',
    },
    programBytes: program.length,
    manifest: manifestOf(settings),
    volumeBytes: GiB,
    identity: '',
  });
  return readPlan(plan, {
    program: bytesSource(program),
    kernel: bytesSource(kernel),
    'klib/ntp': bytesSource(klib),
  });
}

describe('the inspection of a disk', () => {
  it('tells kernel, modules, program, files, arguments, environment and build information', async () => {
    const seen = await inspectImage(disk({ arguments: ['-v'], files: { '/etc/motd': 'hello' } }));
    expect(seen).toMatchObject({
      kind: 'nanos-disk',
      architecture: 'x86_64',
      sizeBytes: GiB,
      program: { path: '/web/web', sizeBytes: one.length, sha256: sha256(one) },
      buildInfo: { main: { path: 'example.com/web', version: 'v1.0.0' }, vcs: { revision: '1'.repeat(40) } },
    });
    expect(seen.disk).toMatchObject({
      kernel: { sizeBytes: kernelImg.length, sha256: sha256(kernelImg) },
      klibs: [{ path: 'ntp', sizeBytes: klib.length, sha256: sha256(klib) }],
      boots: ['bios'],
      files: [{ path: '/etc/motd', sizeBytes: 5, sha256: sha256('hello') }, { path: '/etc/resolv.conf' }],
      arguments: ['/web/web', '-v'],
      environment: { PORT: '8080', TOKEN: 'secret' },
    });
  });

  it('of a program by itself tells the program', async () => {
    const seen = await inspectImage(bytesSource(one));
    expect(seen).toMatchObject({ kind: 'go-elf', program: { sizeBytes: one.length, sha256: sha256(one) } });
    expect(seen.disk).toBeUndefined();
  });
});

describe('the differences between images', () => {
  const words = async (a: ByteSource, b: ByteSource) =>
    diffImages(await inspectImage(a), await inspectImage(b)).map((change) => change.words);

  it('are none for the same bytes', async () => {
    expect(await words(disk(), disk())).toEqual([]);
  });

  it('of the program are its version, commit and dependencies', async () => {
    expect(await words(disk(), disk({ program: two }))).toEqual([
      expect.stringMatching(/^the program is another one/),
      'module: example.com/web v1.0.0 → example.com/web v1.1.0',
      'commit: 111111111111 → 222222222222',
      'dependency example.com/a v1.0.0 → v1.2.0',
      'dependency example.com/b v1.0.0 removed',
      'dependency example.com/c v0.1.0 added',
    ]);
  });

  it.each<[string, Made, string[]]>([
    [
      'a value of the environment, hidden',
      { environment: { PORT: '9090', TOKEN: 'secret' } },
      ['environment PORT changed'],
    ],
    [
      'names of the environment',
      { environment: { PORT: '8080', KEY: 'hidden' } },
      ['environment KEY added', 'environment TOKEN removed'],
    ],
    ['arguments', { arguments: ['-v', 'two words'] }, ['arguments: /web/web → /web/web -v "two words"']],
    ['a file', { files: { '/etc/motd': 'hi' } }, ['file /etc/motd added (2 bytes)']],
    [
      'a file of the same size',
      { files: { '/etc/resolv.conf': 'nameserver 169.254.169.254\n' } },
      ['file /etc/resolv.conf changed, of the same size'],
    ],
    ['a module', { klibs: [] }, ['kernel module ntp removed (8 bytes)', 'setting klibs "bootfs" removed']],
    ['a flag', { flags: ['noaslr'] }, ['setting noaslr "t" added']],
  ])('name %s', async (_, change, expected) => {
    expect(await words(disk(), disk(change))).toEqual(expected);
  });

  it('name another kernel', async () => {
    const kernel = Buffer.concat([kernelImg, Buffer.from('!')]);
    expect(await words(disk(), disk({ kernel }))).toEqual([
      `kernel: ${sha256(kernelImg).slice(0, 12)} → ${sha256(kernel).slice(0, 12)}`,
    ]);
  });

  it('of a disk and its program by itself are none', async () => {
    expect(await words(disk(), bytesSource(one))).toEqual([]);
  });
});

describe('lineage and a disk', () => {
  const bundle: KernelBundle = {
    version: '1',
    architecture: 'x86_64',
    digest: 'd'.repeat(64),
    files: [
      { name: 'kernel.img', sizeBytes: kernelImg.length, sha256: sha256(kernelImg) },
      { name: 'klibs/ntp', sizeBytes: klib.length, sha256: sha256(klib) },
    ],
  };
  const manifest = manifestOf({ files: { '/etc/motd': 'hello' } });
  const recipe: Recipe = {
    identity: 'a'.repeat(64),
    artifact: {
      bucket: 'b',
      key: 'k',
      versionId: 'v',
      sha256: sha256(one),
      kind: 'go-elf',
      sizeBytes: one.length,
      architecture: 'x86_64',
    },
    volumeSizeGiB: 1,
    bootMode: 'legacy-bios',
    built: {
      kernel: { version: '1', digest: bundle.digest },
      manifest: {
        ...manifest,
        arguments: [...manifest.arguments],
        klibs: [...manifest.klibs],
        flags: [],
        attributes: {},
      },
    },
  };
  const against = async (made: Made) =>
    disagreements(await inspectImage(disk({ files: { '/etc/motd': 'hello' }, ...made })), recipe, bundle);

  it('say the same of what was built', async () => {
    expect(await against({})).toEqual([]);
  });

  it.each<[string, Made, string]>([
    ['program', { program: two }, `the program is not the artifact ${sha256(one)}`],
    ['kernel', { kernel: Buffer.concat([kernelImg, Buffer.from('!')]) }, 'the kernel is not that of 1'],
    ['module', { klibs: [] }, 'it has other kernel modules'],
    ['argument', { arguments: ['-v'] }, 'it has other arguments'],
    [
      'value of the environment',
      { environment: { PORT: '8080', TOKEN: 'stolen' } },
      "the environment's TOKEN is not what it was made with",
    ],
    ['file', { files: { '/etc/motd': 'Hello' } }, 'the file /etc/motd is not what it was made with'],
    [
      'file more',
      { files: { '/etc/motd': 'hello', '/bin/x': '' } },
      'the file /bin/x is not what it was made with',
    ],
  ])('part over another %s', async (_, made, words) => {
    expect(await against(made)).toEqual([words]);
  });
});

describe('a place of a disk', () => {
  it.each([
    [0, 'the boot sector, with the partition table'],
    [600, 'the boot loader'],
    [BLOCK_BYTES + 10, 'the boot file system, outside its files: its log, or free space'],
    [GiB - 1, 'the root file system, outside its files: its log, or free space'],
  ])('at %i is %s', async (offset, place) => {
    expect(await whatLiesAt(disk(), offset)).toBe(place);
  });

  it('inside a file is named by it', async () => {
    const source = disk();
    const whole = Buffer.from(await source.read(0, 32 * BLOCK_BYTES));
    expect(await whatLiesAt(source, whole.indexOf(one) + one.length - 1)).toBe(
      'the file /web/web of the root file system',
    );
    expect(await whatLiesAt(source, whole.indexOf(klib))).toBe('the file /klib/ntp of the boot file system');
  });
});
