/** What was uploaded? Looks inside, and says by name what cannot become an image. */
import { createHash } from 'node:crypto';
import { FlotillaError } from '../errors.ts';
import { type Advice, adviceInImage, adviseProgram } from './advice.ts';
import { type GoBuildInfo, readBuildInfo } from './build-info.ts';
import { type Architecture, elfArchitecture, isElf, parseElf, requireStaticProgram } from './elf.ts';
import {
  BOOT_FS_SECTORS,
  hasBootSignature,
  type Partition,
  partitionType,
  readBootRegion,
  readPartitions,
} from './layout.ts';
import { type DiskManifest, readManifest } from './manifest.ts';
import { type ByteSource, cached, pieces, slice } from './source.ts';
import { type FileSystem, find, has, openFile, readFileSystem } from './tfs/file-system.ts';
import { isTfs, SECTOR_BYTES } from './tfs/log.ts';

export interface RecognisedElf {
  readonly kind: 'go-elf';
  readonly architecture: Architecture;
  readonly buildInfo: GoBuildInfo;
  /** What the program will probably miss in a unikernel. */
  readonly advice: readonly Advice[];
}

export interface RecognisedDisk {
  readonly kind: 'nanos-disk';
  readonly architecture: Architecture;
  /** How to register it: x86-64 boots by BIOS, as Ops' own AMIs do; arm64 knows only UEFI. */
  readonly bootMode: 'legacy-bios' | 'uefi';
  /** True if there is an EFI system partition, so that `uefi-preferred` would work too. */
  readonly hasEfiSystem: boolean;
  /** Path of the program as the manifest names it. */
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Whether the root file system has a file or folder at this absolute path. */
  readonly holds: (path: string) => boolean;
  readonly manifest: DiskManifest;
  readonly programBytes: number;
  /** SHA-256 of the program inside, in hexadecimal: finds the same binary among artifacts. */
  readonly programSha256: string;
  /** Absent where the program is not Go's. */
  readonly buildInfo?: GoBuildInfo;
  readonly advice: readonly Advice[];
}

export type Recognised = RecognisedElf | RecognisedDisk;

/** Small reads are gathered into pieces of this size; 4 MiB are held at most. */
const cacheOptions = { chunkBytes: 262_144, chunks: 16 };

/** Each may cost a request of its own; a program is written once and lies in one or a few. */
const mostProgramExtents = 4096;

/**
 * Tells a Go program from a Nanos disk from anything else, by content alone.
 *
 * Reads a few hundred KiB of an ELF, and of a disk its metadata and the program once. Time and memory are bounded
 * whatever it is given.
 *
 * @throws FlotillaError one of the names `Artifact…` and `Disk…`
 */
export async function recognise(source: ByteSource): Promise<Recognised> {
  if (source.sizeBytes === 0) throw new FlotillaError('ArtifactEmpty', 'The file holds no byte.');
  const calm = cached(source, cacheOptions);
  const start = await calm.read(0, SECTOR_BYTES);
  if (isElf(start)) return recogniseElf(calm);
  if (start.length === SECTOR_BYTES && hasBootSignature(start)) return recogniseDisk(calm, start);
  throw notRecognised(start);
}

async function recogniseElf(source: ByteSource): Promise<RecognisedElf> {
  const elf = await parseElf(source);
  await requireStaticProgram(source, elf);
  const buildInfo = await readBuildInfo(source, elf);
  const system = buildInfo.settings.GOOS;
  if (system !== undefined && system !== 'linux') {
    throw new FlotillaError('ArtifactNotExecutable', `The program was built for ${system}.`, { system });
  }
  const advice = await adviseProgram(source, elf);
  return { kind: 'go-elf', architecture: elf.architecture, buildInfo, advice };
}

/** Forms of disk images that people try, by their first bytes. */
const otherForms: readonly [string, string][] = [
  ['QFI\xfb', 'a disk in the form qcow2: convert it with qemu-img convert -O raw'],
  ['KDMV', 'a disk in the form VMDK: convert it with qemu-img convert -O raw'],
  ['vhdxfile', 'a disk in the form VHDX: convert it with qemu-img convert -O raw'],
  ['NVMTFS', 'a Nanos volume without a kernel: it cannot boot'],
];
const otherFiles: readonly [string, string][] = [
  ['\x1f\x8b', 'compressed with gzip: upload what is inside'],
  ['PK\x03\x04', 'a zip archive: upload what is inside'],
  ['\x28\xb5\x2f\xfd', 'compressed with zstd: upload what is inside'],
  ['#!', 'a script'],
  ['MZ', 'a program for Windows: build with GOOS=linux'],
  ['\xcf\xfa\xed\xfe', 'a program for macOS: build with GOOS=linux'],
];

function notRecognised(start: Uint8Array): FlotillaError {
  const text = Buffer.from(start).toString('latin1');
  const disk = otherForms.find(([magic]) => text.startsWith(magic));
  if (disk !== undefined) return new FlotillaError('DiskNotNanos', `The file is ${disk[1]}.`);
  const file = otherFiles.find(([magic]) => text.startsWith(magic));
  return new FlotillaError(
    'ArtifactNotRecognised',
    file === undefined
      ? 'The file is neither an ELF nor a disk with a boot sector.'
      : `The file is ${file[1]}.`,
  );
}

async function recogniseDisk(source: ByteSource, bootSector: Uint8Array): Promise<RecognisedDisk> {
  const { layout, bootFs, rootFs } = await openNanosDisk(source, bootSector);
  const architecture = layout.hasRegion ? 'x86_64' : await kernelArchitecture(bootFs);
  const manifest = readManifest(rootFs.root);
  const node = find(rootFs, manifest.program);
  if (node?.kind !== 'file') {
    throw new FlotillaError('DiskMalformed', `The disk's program ${manifest.program} is not on it.`);
  }
  if (node.sizeBytes > source.sizeBytes) {
    throw new FlotillaError('DiskMalformed', "The disk's program is larger than the disk.");
  }
  if (node.extents.length > mostProgramExtents) {
    throw new FlotillaError(
      'DiskMalformed',
      "The disk's program lies in more pieces than could be read in time.",
    );
  }
  const program = openFile(rootFs, node);
  const { buildInfo, advice } = await lookInto(program);
  const holds = (path: string): boolean => has(rootFs, path);
  return {
    kind: 'nanos-disk',
    architecture,
    bootMode: architecture === 'arm64' ? 'uefi' : 'legacy-bios',
    hasEfiSystem: layout.hasEfiSystem,
    program: manifest.program,
    arguments: manifest.arguments,
    environment: manifest.environment,
    holds,
    manifest,
    programBytes: program.sizeBytes,
    programSha256: await sha256(program),
    ...(buildInfo && { buildInfo }),
    advice: adviceInImage(advice, { environment: manifest.environment, holds }),
  };
}

/** A Nanos disk, opened: where its parts are, and what is in its two file systems. */
export interface NanosDisk {
  readonly layout: DiskLayout;
  readonly bootFs: FileSystem;
  readonly rootFs: FileSystem;
}

/**
 * Opens a disk by its first sector.
 *
 * @throws FlotillaError DiskNotNanos, DiskTruncated, DiskMalformed
 */
export async function openNanosDisk(source: ByteSource, bootSector: Uint8Array): Promise<NanosDisk> {
  const layout = diskLayout(bootSector, source.sizeBytes);
  const bootFs = await openPartition(source, layout.boot);
  // the kernel takes the root file system to reach to the end of the disk, whatever its partition says
  const rootFs = await openPartition(source, { ...layout.root, sectors: undefined });
  return { layout, bootFs, rootFs };
}

interface DiskLayout {
  readonly boot: Partition;
  readonly root: Partition;
  readonly hasEfiSystem: boolean;
  /** The x86-64 boot loader is there. */
  readonly hasRegion: boolean;
}

/**
 * The partitions of a Nanos disk of `sizeBytes`, from its boot sector.
 *
 * @throws FlotillaError DiskNotNanos, DiskTruncated
 */
function diskLayout(bootSector: Uint8Array, sizeBytes: number): DiskLayout {
  const partitions = readPartitions(bootSector);
  const at = (index: number) => partitions.find((partition) => partition.index === index);
  const hasEfiSystem = at(0)?.type === partitionType.efiSystem;
  const boot = at(hasEfiSystem ? 1 : 0);
  const root = at(hasEfiSystem ? 2 : 1);
  const hasRegion = readBootRegion(bootSector) !== undefined;
  if (
    boot?.type !== partitionType.linux ||
    root?.type !== partitionType.linux ||
    boot.sectors !== BOOT_FS_SECTORS ||
    root.startSector === 0 ||
    root.sectors === 0
  ) {
    throw new FlotillaError('DiskNotNanos', "The disk's partitions are not those of Nanos.");
  }
  if (!hasRegion && !hasEfiSystem)
    throw new FlotillaError('DiskNotNanos', 'The disk has no boot loader of Nanos.');
  for (const { startSector, sectors } of partitions) {
    const neededBytes = (startSector + sectors) * SECTOR_BYTES;
    if (neededBytes > sizeBytes) {
      throw new FlotillaError('DiskTruncated', `The disk ends at ${sizeBytes} of ${neededBytes} bytes.`, {
        sizeBytes,
        neededBytes,
      });
    }
  }
  return { boot, root, hasEfiSystem, hasRegion };
}

/** Without `sectors`, up to the end of the disk. */
async function openPartition(
  source: ByteSource,
  partition: { readonly startSector: number; readonly sectors: number | undefined },
): Promise<FileSystem> {
  const offset = partition.startSector * SECTOR_BYTES;
  const sizeBytes =
    partition.sectors === undefined ? source.sizeBytes - offset : partition.sectors * SECTOR_BYTES;
  const part = slice(source, offset, sizeBytes);
  if (!isTfs(await part.read(0, SECTOR_BYTES))) {
    throw new FlotillaError('DiskNotNanos', 'A partition of the disk holds no file system of Nanos.');
  }
  return readFileSystem(part);
}

/** A disk without the BIOS boot loader is for arm64, or for x86-64 by UEFI alone: its kernel tells. */
async function kernelArchitecture(bootFs: FileSystem): Promise<Architecture> {
  const kernel = find(bootFs, '/kernel');
  const architecture =
    kernel?.kind === 'file' ? elfArchitecture(await openFile(bootFs, kernel).read(0, 64)) : undefined;
  if (architecture === undefined)
    throw new FlotillaError('DiskNotNanos', 'The disk holds no kernel of Nanos.');
  return architecture;
}

/** A disk is taken as it is, so a program that Go did not build, or that cannot be read, is no reason to refuse. */
async function lookInto(
  program: ByteSource,
): Promise<{ readonly buildInfo?: GoBuildInfo; readonly advice: readonly Advice[] }> {
  try {
    const calm = cached(program, cacheOptions);
    const elf = await parseElf(calm);
    return { buildInfo: await readBuildInfo(calm, elf), advice: await adviseProgram(calm, elf) };
  } catch (error) {
    if (error instanceof FlotillaError && error.name.startsWith('Artifact')) return { advice: [] };
    throw error;
  }
}

async function sha256(source: ByteSource): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of pieces(source)) hash.update(piece);
  return hash.digest('hex');
}
