/**
 * What is written reads back the same: by this project's reader, and by the region's, which shares nothing with it.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBootPlan } from '../../../local/machines/disk-reader.ts';
import { type TfsTuple as RegionTuple, readRootTuple } from '../../../local/machines/tfs-log.ts';
import { planDisk } from '../../../src/image/disk.ts';
import { makePlan, readPlan } from '../../../src/image/extents.ts';
import { BUILDER_VERSION, imageIdentity } from '../../../src/image/identity.ts';
import { standInKernel } from '../../../src/image/kernel-bundle.ts';
import { readPartitions } from '../../../src/image/layout.ts';
import { type ManifestSettings, makeManifest } from '../../../src/image/manifest.ts';
import { recognise } from '../../../src/image/recognise.ts';
import { type ByteSource, bytesSource, slice } from '../../../src/image/source.ts';
import { openFile, readFileSystem, walk } from '../../../src/image/tfs/file-system.ts';
import { planFileSystem } from '../../../src/image/tfs/plan.ts';
import { makeGoElf } from './elf-maker.ts';
import { manifestSettings, type Tree, tree } from './trees.ts';

type Contents = Map<string, string>;

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Content by path: the bytes of files, the targets of links, nothing for directories. */
function wanted({ files, symlinks, directories }: Tree): Contents {
  const all: Contents = new Map([['/', 'directory']]);
  for (const path of [...files.keys(), ...symlinks.keys(), ...[...directories].map((one) => `${one}/`)]) {
    for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1))
      all.set(path.slice(0, at), 'directory');
  }
  for (const [path, bytes] of files) all.set(path, `file ${hex(bytes)}`);
  for (const [path, target] of symlinks) all.set(path, `link ${target}`);
  return all;
}

async function ours(source: ByteSource): Promise<Contents> {
  const fs = await readFileSystem(source);
  const all: Contents = new Map();
  for (const node of walk(fs)) {
    if (node.kind === 'directory') all.set(node.path, 'directory');
    else if (node.kind === 'symlink') all.set(node.path, `link ${node.target}`);
    else all.set(node.path, `file ${hex(await openFile(fs, node).read(0, node.sizeBytes))}`);
  }
  return all;
}

/** The same from the tuples that the region's reader gives, by the words of the format alone. */
async function theRegions(disk: ByteSource): Promise<Contents> {
  const all: Contents = new Map();
  async function visit(tuple: RegionTuple, path: string): Promise<void> {
    const children = tuple.get('children');
    if (children instanceof Map) {
      all.set(path === '' ? '/' : path, 'directory');
      for (const [name, child] of children) await visit(child as RegionTuple, `${path}/${name}`);
    } else if (tuple.has('linktarget')) {
      all.set(path, `link ${String(tuple.get('linktarget'))}`);
    } else {
      const bytes = new Uint8Array(Number(tuple.get('filelength')));
      for (const [key, extent] of tuple.get('extents') as RegionTuple) {
        const [offset, length] = ['offset', 'length'].map(
          (name) => 512 * Number((extent as RegionTuple).get(name)),
        );
        const piece = await disk.read(offset ?? 0, length ?? 0);
        const at = 512 * Number(key);
        bytes.set(piece.subarray(0, bytes.length - at), at);
      }
      all.set(path, `file ${hex(bytes)}`);
    }
  }
  await visit(await readRootTuple(disk, 0), '');
  return all;
}

function written({ files, symlinks, directories }: Tree): ByteSource {
  const plan = planFileSystem({
    uuid: new Uint8Array(16),
    attributes: new Map(),
    files: [...files].map(([path, bytes]) => ({ path, sizeBytes: bytes.length, from: { bytes } })),
    symlinks: Object.fromEntries(symlinks),
    directories: [...directories],
  });
  return readPlan(makePlan(Math.max(plan.usedBytes, 1_048_576), plan.extents), {});
}

describe('any tree of files', () => {
  it('reads back the same by both readers', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async (one) => {
        const source = written(one);
        const expected = wanted(one);
        expect(await ours(source)).toEqual(expected);
        expect(await theRegions(source)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
  });

  it('reads back the same where its log takes several parts', { timeout: 120_000 }, async () => {
    const long = fc.string({ unit: 'grapheme-composite', minLength: 60, maxLength: 60 });
    const marked = long.filter((text) => !/[/\0]/.test(text));
    await fc.assert(
      fc.asyncProperty(marked, fc.integer({ min: 6000, max: 10_000 }), async (text, count) => {
        const names = Array.from({ length: count }, (_, i) => `/${i % 7}/${i % 61}/${text}${i}`);
        const one: Tree = {
          files: new Map(names.map((path, i) => [path, Buffer.alloc(i % 50 === 0 ? 700 : 0, i)])),
          symlinks: new Map([['/link', text]]),
          directories: new Set(['/empty']),
        };
        const source = written(one);
        expect((await readFileSystem(source)).extensions.length).toBeGreaterThan(2);
        const expected = wanted(one);
        expect(await ours(source)).toEqual(expected);
        expect(await theRegions(source)).toEqual(expected);
      }),
      { numRuns: 2 },
    );
  });
});

const bundle = Object.fromEntries(standInKernel().files.map(({ name, bytes }) => [name, bytes]));
const program = makeGoElf('path\texample.com/shop\n');
const klib = new Uint8Array(700).fill(3);
const volumeBytes = 20 * 2 ** 20;

function identityOf(settings: ManifestSettings, artifactSha256 = 'a'): string {
  const manifest = makeManifest(settings, '/bin/shop');
  return imageIdentity({
    artifactSha256,
    kernelDigest: 'k',
    manifest,
    builderVersion: BUILDER_VERSION,
    volumeSizeGiB: 1,
  });
}

function diskOf(settings: ManifestSettings): ByteSource {
  const kernelImg = bundle['kernel.img'] ?? new Uint8Array();
  const plan = planDisk({
    kernel: {
      bootImg: bundle['boot.img'],
      kernelImgBytes: kernelImg.length,
      klibs: ['ntp', 'tls'].map((name) => ({ name, sizeBytes: klib.length })),
      digest: 'k',
    },
    programBytes: program.length,
    manifest: makeManifest(settings, '/bin/shop'),
    volumeBytes,
    identity: identityOf(settings),
  });
  return readPlan(plan, {
    program: bytesSource(program),
    kernel: bytesSource(kernelImg),
    'klib/ntp': bytesSource(klib),
    'klib/tls': bytesSource(klib),
  });
}

/** The same settings, with every list of keys the other way round. */
function reversed<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)]),
  ) as T;
}

describe('any manifest', () => {
  it('reads back with every key, and the program with every byte, by both readers', async () => {
    await fc.assert(
      fc.asyncProperty(manifestSettings, async (settings) => {
        const disk = diskOf(settings);
        const manifest = makeManifest(settings, '/bin/shop');
        const found = await recognise(disk);
        if (found.kind !== 'nanos-disk') throw new Error('no disk');
        const attributes = {
          ...Object.fromEntries(settings.flags.map((flag) => [flag, 't'])),
          ...(settings.klibs.length > 0 && { klibs: 'bootfs' }),
          ...settings.attributes,
        };
        expect(found.manifest).toEqual({
          program: '/bin/shop',
          arguments: manifest.arguments,
          environment: { ...settings.environment },
          attributes,
        });
        const boot = await readBootPlan(disk);
        expect({ program: boot.program, arguments: boot.arguments }).toEqual({
          program: '/bin/shop',
          arguments: manifest.arguments,
        });
        expect(new Map(Object.entries(boot.environment))).toEqual(
          new Map(Object.entries(settings.environment)),
        );
        const pieces: Uint8Array[] = [];
        for await (const piece of boot.programPieces()) pieces.push(piece);
        expect(Buffer.concat(pieces)).toEqual(program);
        const root = (readPartitions(await disk.read(0, 512))[1]?.startSector ?? 0) * 512;
        const paths = new Set((await ours(slice(disk, root, volumeBytes - root))).keys());
        for (const path of [
          ...Object.keys(manifest.files),
          ...Object.values(settings.attributes.mounts ?? {}),
        ]) {
          expect(paths).toContain(path);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('gives the same bytes and identity in any order, and another identity with any change', async () => {
    await fc.assert(
      fc.asyncProperty(manifestSettings, manifestSettings, async (one, other) => {
        expect(identityOf(reversed(one))).toBe(identityOf(one));
        const [first, again] = await Promise.all(
          [one, reversed(one)].map((settings) => diskOf(settings).read(0, volumeBytes)),
        );
        expect(Buffer.compare(first ?? new Uint8Array(), again ?? new Uint8Array(1))).toBe(0);
        const canonical = (settings: ManifestSettings) =>
          JSON.stringify(sorted(makeManifest(settings, '/bin/shop')));
        expect(identityOf(one) === identityOf(other)).toBe(canonical(one) === canonical(other));
      }),
      { numRuns: 25 },
    );
  });

  it('gives another identity when one character anywhere in it changes, or one byte of what it is made of', () => {
    const settings = {
      arguments: ['-v', 'x'],
      environment: { A: '1' },
      files: { '/etc/a': 'text' },
      klibs: ['ntp'],
      flags: ['noaslr'],
      attributes: { mounts: { data: '/mnt' }, own: ['y', 5] },
    };
    const text = JSON.stringify(settings);
    const identities = new Set([identityOf(settings)]);
    let changes = 0;
    for (let at = 0; at < text.length; at += 1) {
      if (!/[a-z0-9]/i.test(text[at] ?? '')) continue;
      const changed: ManifestSettings = JSON.parse(
        `${text.slice(0, at)}${text[at] === '7' ? '8' : '7'}${text.slice(at + 1)}`,
      );
      if (Object.keys(changed).join() !== Object.keys(settings).join()) continue; // a setting's own name
      identities.add(identityOf(changed));
      changes += 1;
    }
    expect(changes).toBeGreaterThan(30);
    expect(identities.size).toBe(changes + 1);
  });
});

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, sorted(inner)]);
}
