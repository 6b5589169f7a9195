/** What is inside an artifact or image, told in full. */
import { createHash } from 'node:crypto';
import type { Advice } from './advice.ts';
import type { GoBuildInfo } from './build-info.ts';
import type { Architecture } from './elf.ts';
import { openNanosDisk, type RecognisedDisk, recognise } from './recognise.ts';
import { type ByteSource, cached, pieces } from './source.ts';
import { type FileSystem, find, openFile, type TfsFile, walk } from './tfs/file-system.ts';
import { SECTOR_BYTES } from './tfs/log.ts';
import type { PlainValue } from './tfs/value.ts';

export interface InspectedFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** Hexadecimal; absent where the file is too large to be read for it, and of links. */
  readonly sha256?: string;
  /** Where a symbolic link leads. */
  readonly target?: string;
}

/** What only a disk has. */
export interface InspectedDisk {
  /** Of the kernel's own file, hexadecimal. */
  readonly kernel: { readonly sizeBytes: number; readonly sha256: string } | undefined;
  /** Kernel modules, by name. */
  readonly klibs: readonly InspectedFile[];
  readonly boots: readonly ('bios' | 'uefi')[];
  /** All but the program, by path. */
  readonly files: readonly InspectedFile[];
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Every other key of the manifest. */
  readonly attributes: Readonly<Record<string, PlainValue>>;
}

export interface Inspection {
  readonly kind: 'go-elf' | 'nanos-disk';
  readonly architecture: Architecture;
  readonly sizeBytes: number;
  readonly program: {
    /** In the image; absent for a program by itself. */
    readonly path?: string;
    readonly sizeBytes: number;
    readonly sha256: string;
  };
  /** Absent where the program is not Go's. */
  readonly buildInfo?: GoBuildInfo;
  readonly advice: readonly Advice[];
  readonly disk?: InspectedDisk;
}

/** A larger file is told by its size alone: what is compared byte by byte is what verifying is for. */
const mostHashedBytes = 256 * 1_048_576;
/** All together: a disk full of data costs no more than this. */
const mostHashedInAll = 2 * 1_073_741_824;

/**
 * Tells what a Go program or a Nanos disk holds, from its bytes alone.
 *
 * @throws FlotillaError one of the names `Artifact…` and `Disk…`
 */
export async function inspectImage(source: ByteSource): Promise<Inspection> {
  const seen = await recognise(source);
  const { kind, architecture, advice, buildInfo } = seen;
  const common = {
    kind,
    architecture,
    sizeBytes: source.sizeBytes,
    advice,
    ...(buildInfo === undefined ? {} : { buildInfo }),
  };
  if (seen.kind === 'go-elf') {
    return { ...common, program: { sizeBytes: source.sizeBytes, sha256: await sha256(source) } };
  }
  return {
    ...common,
    program: { path: seen.program, sizeBytes: seen.programBytes, sha256: seen.programSha256 },
    disk: await inspectDisk(source, seen),
  };
}

async function inspectDisk(source: ByteSource, seen: RecognisedDisk): Promise<InspectedDisk> {
  const calm = cached(source, { chunkBytes: 262_144, chunks: 16 });
  const { layout, bootFs, rootFs } = await openNanosDisk(calm, await calm.read(0, SECTOR_BYTES));
  const kernel = find(bootFs, '/kernel');
  const program = find(rootFs, seen.program)?.path;
  const boot = await filesOf(bootFs);
  return {
    kernel:
      kernel?.kind === 'file'
        ? { sizeBytes: kernel.sizeBytes, sha256: await sha256(openFile(bootFs, kernel)) }
        : undefined,
    klibs: boot
      .filter(({ path }) => path.startsWith('/klib/'))
      .map((file) => ({ ...file, path: file.path.slice('/klib/'.length) })),
    boots: [
      ...(layout.hasRegion ? ['bios' as const] : []),
      ...(layout.hasEfiSystem ? ['uefi' as const] : []),
    ],
    files: await filesOf(rootFs, program),
    arguments: seen.arguments,
    environment: seen.environment,
    attributes: seen.manifest.attributes,
  };
}

/** Files and links, by path. `except` is told elsewhere. */
async function filesOf(fs: FileSystem, except?: string): Promise<InspectedFile[]> {
  const found: InspectedFile[] = [];
  let left = mostHashedInAll;
  for (const node of walk(fs)) {
    if (node.path === except) continue;
    if (node.kind === 'symlink') found.push({ path: node.path, sizeBytes: 0, target: node.target });
    if (node.kind !== 'file') continue;
    const { path, sizeBytes } = node;
    const read = sizeBytes <= Math.min(mostHashedBytes, left);
    if (read) left -= sizeBytes;
    found.push({ path, sizeBytes, ...(read ? { sha256: await sha256File(fs, node) } : {}) });
  }
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

const sha256File = (fs: FileSystem, file: TfsFile): Promise<string> => sha256(openFile(fs, file));

async function sha256(source: ByteSource): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of pieces(source)) hash.update(piece);
  return hash.digest('hex');
}
