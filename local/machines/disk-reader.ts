/**
 * Finds the program in a machine image as a kernel would: partition table, root file system, root tuple.
 */
import type { ReadableDisk } from '../services/ebs/snapshots.ts';
import type { TfsTuple, TfsValue } from './tfs-log.ts';
import { DiskUnreadable, readRootTuple, readWithin } from './tfs-log.ts';

const blockBytes = 512;
/** The largest program that is run: far above any Go binary, far below what would fill the host's disk. */
const longestProgramBytes = 1024 ** 3;
/** Each is a read of its own; a program is written once and lies in one or a few. */
const mostExtents = 4096;

export interface BootPlan {
  /** As the manifest names it, for example `/hello`. */
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly programBytes: number;
  /** The program's bytes in order, in pieces of at most 1 MiB. */
  programPieces(): AsyncGenerator<Uint8Array>;
}

/** @throws DiskUnreadable for whatever a Nanos kernel could not boot from. */
export async function readBootPlan(disk: ReadableDisk): Promise<BootPlan> {
  const rootOffset = await findFileSystem(disk, 'root');
  const root = await readRootTuple(disk, rootOffset);
  const program = text(root.get('program'));
  if (program === undefined || program === '') throw new DiskUnreadable('The manifest names no program');
  const file = findFile(root, program);
  const programBytes = number(file.get('filelength'));
  if (
    programBytes === undefined ||
    programBytes < 0 ||
    programBytes > Math.min(longestProgramBytes, disk.sizeBytes)
  ) {
    throw new DiskUnreadable(`The program ${program} has no usable length`);
  }
  const extents = readExtents(file);
  const given = list(root.get('arguments'));
  const entries = root.get('environment');
  // Not by assignment: one may be called __proto__.
  const environment = Object.fromEntries(
    entries instanceof Map ? [...entries].map(([name, value]) => [name, text(value) ?? '']) : [],
  );
  return {
    program,
    arguments: given.length === 0 ? [program] : given,
    environment,
    programBytes,
    programPieces: () => pieces(disk, rootOffset, extents, programBytes),
  };
}

/** The first bytes of the kernel on the boot partition; undefined where there is none. */
export async function readKernelStart(disk: ReadableDisk): Promise<Uint8Array | undefined> {
  try {
    const offset = await findFileSystem(disk, 'boot');
    const extents = readExtents(findFile(await readRootTuple(disk, offset), 'kernel'));
    const [first] = extents;
    if (first === undefined) return undefined;
    return await readWithin(disk, offset + first.diskOffset, Math.min(first.length, blockBytes));
  } catch (error) {
    // A disk without a boot partition has no kernel; what is wrong with it is said when its program is looked for.
    if (error instanceof DiskUnreadable) return undefined;
    throw error;
  }
}

async function findFileSystem(disk: ReadableDisk, which: 'boot' | 'root'): Promise<number> {
  const mbr = Buffer.from(await readWithin(disk, 0, blockBytes));
  const signed = mbr.readUInt16LE(0x1fe) === 0xaa55;
  // With a UEFI system partition in the first entry, everything moves down by one.
  const index = (mbr[0x1be + 4] === 0xef ? 1 : 0) + (which === 'root' ? 1 : 0);
  const entry = 0x1be + 16 * index;
  const lba = mbr.readUInt32LE(entry + 8);
  if (signed && lba !== 0 && mbr.readUInt32LE(entry + 12) !== 0) return lba * 512;
  throw new DiskUnreadable(`The disk has no boot sector with a ${which} partition`);
}

/** Follows a path from the root directory; links are followed a few times, as a kernel does. */
function findFile(root: TfsTuple, path: string, links = 8): TfsTuple {
  let node = root;
  const names = path.split('/').filter((name) => name !== '' && name !== '.');
  for (const [position, name] of names.entries()) {
    const children = node.get('children');
    const next = children instanceof Map ? children.get(name) : undefined;
    if (!(next instanceof Map)) throw new DiskUnreadable(`There is no file ${path} on the disk`);
    const target = text(next.get('linktarget'));
    if (target !== undefined) {
      if (links === 0) throw new DiskUnreadable(`Too many links lead to ${path}`);
      const base = target.startsWith('/') ? '' : names.slice(0, position).join('/');
      return findFile(root, [base, target, ...names.slice(position + 1)].join('/'), links - 1);
    }
    node = next;
  }
  if (node.has('children') || node === root) throw new DiskUnreadable(`${path} is no file`);
  return node;
}

interface Extent {
  readonly fileOffset: number;
  readonly diskOffset: number;
  readonly length: number;
}

function readExtents(file: TfsTuple): Extent[] {
  const extents = file.get('extents');
  const found: Extent[] = [];
  if (!(extents instanceof Map)) return found;
  if (extents.size > mostExtents) throw new DiskUnreadable('The program lies in too many pieces');
  for (const [key, value] of extents) {
    if (!(value instanceof Map) || value.has('uninited')) continue;
    const [at, offset, length] = [Number(key), number(value.get('offset')), number(value.get('length'))];
    if (!Number.isSafeInteger(at) || at < 0 || offset === undefined || length === undefined) {
      throw new DiskUnreadable('An extent of the program is malformed');
    }
    found.push({ fileOffset: at * blockBytes, diskOffset: offset * blockBytes, length: length * blockBytes });
  }
  return found.sort((a, b) => a.fileOffset - b.fileOffset);
}

async function* pieces(
  disk: ReadableDisk,
  rootOffset: number,
  extents: readonly Extent[],
  length: number,
): AsyncGenerator<Uint8Array> {
  const most = 1024 ** 2;
  let at = 0;
  for (const extent of extents) {
    const end = Math.min(length, extent.fileOffset + extent.length);
    // What no extent covers reads as zeros.
    for (; at < Math.min(extent.fileOffset, length); ) {
      const count = Math.min(most, extent.fileOffset - at, length - at);
      yield new Uint8Array(count);
      at += count;
    }
    while (at < end) {
      const count = Math.min(most, end - at);
      const bytes = await readWithin(disk, rootOffset + extent.diskOffset + (at - extent.fileOffset), count);
      yield bytes;
      at += count;
    }
  }
  while (at < length) {
    const count = Math.min(most, length - at);
    yield new Uint8Array(count);
    at += count;
  }
}

/** Version 4 has no strings but buffers. */
function text(value: TfsValue | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  return typeof value === 'number' ? `${value}` : undefined;
}

/** Ops writes numbers as decimal strings, Nanos' own tool as integers. */
function number(value: TfsValue | undefined): number | undefined {
  if (typeof value === 'number') return value;
  const digits = text(value);
  return digits !== undefined && /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}

/** A vector, or a tuple keyed 0, 1, …, as version 4 has them. */
function list(value: TfsValue | undefined): string[] {
  if (Array.isArray(value)) return value.map((item) => text(item) ?? '');
  if (!(value instanceof Map)) return [];
  return [...value].sort(([a], [b]) => Number(a) - Number(b)).map(([, item]) => text(item) ?? '');
}
