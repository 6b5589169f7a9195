/** What the fuzzer starts from: small programs and disks that are right, and where their structure lies. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { planDisk, planSource } from '../../src/image/disk.ts';
import { type DiskPlan, readPlan } from '../../src/image/extents.ts';
import { standInKernel } from '../../src/image/kernel-bundle.ts';
import { readPartitions } from '../../src/image/layout.ts';
import { makeManifest } from '../../src/image/manifest.ts';
import { type ByteSource, bytesSource, slice } from '../../src/image/source.ts';
import { readLog } from '../../src/image/tfs/log.ts';
import { planFileSystem } from '../../src/image/tfs/plan.ts';
import { loadAddress, makeElf, makeGoElf, pointedBuildInfo } from '../unit/image/elf-maker.ts';

export interface Range {
  readonly start: number;
  readonly end: number;
  /** A log's values can be turned into references, and its links bent. */
  readonly isLog?: boolean;
}

export interface Seed {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where a changed byte means something. */
  readonly hot: readonly Range[];
  /** Takes long to read: drawn an eighth as often. */
  readonly isCostly?: boolean;
}

const sectorBytes = 512;
const MiB = 2 ** 20;

/** Made here, and the disks of Ops' own making where `FLOTILLA_FIXTURES` or `shared/fixtures` has them. */
export async function makeSeeds(): Promise<Seed[]> {
  const made = [...programs(), ...(await disks()), ...(await goldenDisks())];
  // A Buffer's slice is a view, and what is changed in a case would be changed for all.
  return made.map(({ bytes, ...seed }) => ({
    ...seed,
    bytes: new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  }));
}

function programs(): Seed[] {
  const modules =
    'path\texample.com/shop\nmod\texample.com/shop\t(devel)\t\nbuild\t-ldflags="-s \\"w\\""\nbuild\tvcs=git\n';
  const dataAt = 4096 + 16;
  const pointed = pointedBuildInfo('go1.17', modules, loadAddress + BigInt(dataAt));
  const code = { type: 1, flags: 5, bytes: Buffer.from('code') };
  const made: [string, Buffer][] = [
    ['inline', withSections(makeGoElf(modules))],
    ['stripped', makeGoElf(modules)],
    ['arm64', withSections(makeGoElf(modules, { machine: 183 }))],
    ['pointed', makeElf({ segments: [code, { type: 1, flags: 6, bytes: pointed }] })],
    [
      'dynamic',
      makeElf({
        type: 3,
        segments: [
          code,
          { type: 2, bytes: Buffer.alloc(64, 1) },
          { type: 3, bytes: Buffer.from('/lib/ld.so\0') },
        ],
      }),
    ],
  ];
  return made.map(([name, bytes]) => ({
    name: `program, ${name}`,
    bytes,
    hot: [
      { start: 0, end: 64 },
      { start: 64, end: 64 + 56 * 3 },
      { start: dataAt, end: bytes.length },
    ],
  }));
}

/** With a table of sections: none, the build information, the function table, and their names. */
function withSections(elf: Buffer): Buffer {
  const names = Buffer.from('\0.go.buildinfo\0.gopclntab\0.shstrtab\0');
  const tableAt = Math.ceil((elf.length + names.length) / 16) * 16;
  const made = Buffer.alloc(tableAt + 4 * 64);
  elf.copy(made);
  names.copy(made, elf.length);
  const rows = [
    { name: 0, type: 0, at: 0, size: 0 },
    { name: 1, type: 1, at: 4096 + 16, size: elf.length - 4112 },
    { name: 15, type: 1, at: 4096, size: 16 },
    { name: 26, type: 3, at: elf.length, size: names.length },
  ];
  for (const [i, { name, type, at, size }] of rows.entries()) {
    const row = tableAt + i * 64;
    made.writeUInt32LE(name, row);
    made.writeUInt32LE(type, row + 4);
    made.writeBigUInt64LE(at === 0 ? 0n : loadAddress + BigInt(at), row + 16);
    made.writeBigUInt64LE(BigInt(at), row + 24);
    made.writeBigUInt64LE(BigInt(size), row + 32);
  }
  made.writeBigUInt64LE(BigInt(tableAt), 40);
  made.writeUInt16LE(64, 58);
  made.writeUInt16LE(rows.length, 60);
  made.writeUInt16LE(3, 62);
  return made;
}

async function disks(): Promise<Seed[]> {
  const manifest = makeManifest(
    {
      arguments: ['-v', ''],
      environment: { PORT: '8080', EMPTY: '' },
      files: { '/etc/motd': 'hi', '/a/b/c/d': '' },
      attributes: { mounts: { data: '/data' }, consoles: ['+serial'], log_level: 3 },
    },
    '/bin/shop',
  );
  const [kernel, boot] = standInKernel().files.map(({ bytes }) => bytes) as [Uint8Array, Uint8Array];
  const program = makeGoElf('path\texample.com/shop\n');
  const plan = planDisk({
    kernel: { bootImg: boot, kernelImgBytes: kernel.length, digest: 'x' },
    programBytes: program.length,
    manifest,
    volumeBytes: 16 * MiB,
    identity: 'x',
  });
  const sources = { [planSource.program]: bytesSource(program), [planSource.kernel]: bytesSource(kernel) };
  const whole = await bytesOf(plan, sources);
  return [
    await diskSeed('disk', whole),
    await diskSeed('disk with a long log and links', await withLongLog(whole, program)),
  ];
}

async function bytesOf(plan: DiskPlan, sources: Readonly<Record<string, ByteSource>>): Promise<Buffer> {
  return Buffer.from(await readPlan(plan, sources).read(0, plan.sizeBytes));
}

/** The same disk with a root file system whose log has several parts, and whose program is a link to a link. */
async function withLongLog(disk: Buffer, program: Uint8Array): Promise<Buffer> {
  const root = planFileSystem({
    uuid: new Uint8Array(16),
    attributes: new Map([['program', '/app']]),
    mainPath: '/bin/shop',
    symlinks: { '/app': 'current', '/current': 'bin/./shop' },
    files: [
      { path: '/bin/shop', sizeBytes: program.length, from: { bytes: program } },
      ...Array.from({ length: 3000 }, (_, i) => ({
        path: `/many/${i % 30}/${i}-${'of a name that takes room '.repeat(8)}`,
        sizeBytes: 0,
        from: { bytes: new Uint8Array(0) },
      })),
    ],
  });
  const at = (readPartitions(disk)[1]?.startSector ?? 0) * sectorBytes;
  const rootBytes = await bytesOf(
    { sizeBytes: root.usedBytes, extents: [...root.extents].sort((a, b) => a.offset - b.offset) },
    {},
  );
  return Buffer.concat([disk.subarray(0, at), rootBytes]);
}

/** The boot sector and the parts of both logs. */
async function diskSeed(name: string, bytes: Uint8Array): Promise<Seed> {
  const hot: Range[] = [{ start: 0x1aa, end: sectorBytes }];
  for (const { startSector } of readPartitions(bytes).filter(({ type }) => type === 0x83)) {
    const offset = startSector * sectorBytes;
    const { extensions } = await readLog(slice(bytesSource(bytes), offset, bytes.length - offset));
    for (const { sector, sectors } of extensions) {
      const start = offset + sector * sectorBytes;
      hot.push({ start, end: endOfContent(bytes, start, start + sectors * sectorBytes), isLog: true });
    }
  }
  return { name, bytes, hot };
}

/** The zeros behind a log say nothing. */
function endOfContent(bytes: Uint8Array, start: number, end: number): number {
  let last = Math.min(end, bytes.length);
  while (last > start + 64 && bytes[last - 1] === 0) last -= 1;
  return last;
}

async function goldenDisks(): Promise<Seed[]> {
  const folder = process.env.FLOTILLA_FIXTURES ?? resolve('../shared/fixtures');
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.img.gz'))
    .sort();
  return Promise.all(
    names.map(async (name) => {
      const packed = readFileSync(join(folder, name));
      return { ...(await diskSeed(name, gunzipSync(packed))), isCostly: packed.length > 100_000 };
    }),
  );
}
