/** Reading a TFS: its tree of directories, files and symbolic links, and what the files hold. */
import { type ByteSource, readableLength } from '../source.ts';
import { malformedDisk } from './bytes.ts';
import { readLog, SECTOR_BYTES, type TfsLog } from './log.ts';
import { isTuple, type TfsTuple, type TfsValue } from './value.ts';

/** A run of blocks of a file; all numbers in 512-byte blocks. */
interface FileExtent {
  /** Where in the file. */
  readonly fileBlock: number;
  /** Where in the file system. */
  readonly offset: number;
  readonly length: number;
  readonly allocated: number;
  /** Reserved but never written: reads as zeros. */
  readonly uninited: boolean;
}

export type TfsNode =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly sizeBytes: number;
      readonly extents: readonly FileExtent[];
    };
export type TfsFile = Extract<TfsNode, { kind: 'file' }>;

export interface FileSystem extends TfsLog {
  readonly source: ByteSource;
}

const mostNodes = 500_000;
const deepestDirectory = 256;
/** As many links as Linux follows in one path. */
const mostLinks = 40;
/** Characters of a path, or of what links make of it: `PATH_MAX` of Linux and Nanos. */
const longestPath = 4096;

/**
 * Reads the file system that fills `source`.
 *
 * @throws FlotillaError DiskMalformed
 */
export async function readFileSystem(source: ByteSource): Promise<FileSystem> {
  return { source, ...(await readLog(source)) };
}

/**
 * Every node below the root and the root itself, parents before children.
 *
 * @throws FlotillaError DiskMalformed for extents outside the file system, a directory inside itself
 */
export function* walk(fs: FileSystem): Generator<TfsNode> {
  const seen = new Set<TfsTuple>();
  let count = 0;
  function* visit(tuple: TfsTuple, path: string, depth: number): Generator<TfsNode> {
    count += 1;
    if (count > mostNodes) throw malformedDisk(`more than ${mostNodes} files`);
    const node = toNode(fs, tuple, path);
    yield node;
    if (node.kind !== 'directory') return;
    if (seen.has(tuple) || depth > deepestDirectory)
      throw malformedDisk('a directory that contains itself', { path });
    seen.add(tuple);
    for (const [name, child] of childrenOf(tuple)) {
      if (!isTuple(child)) throw malformedDisk('an entry of a directory is no file', { path, name });
      yield* visit(child, path === '/' ? `/${name}` : `${path}/${name}`, depth + 1);
    }
  }
  yield* visit(fs.root, '/', 0);
}

/**
 * The node at `path`, which may be relative to the root; symbolic links are followed, the last one too.
 * `undefined` where there is none, or where Linux would not find it: at the end of too long a path or too many links.
 *
 * @throws FlotillaError DiskMalformed
 */
export function find(fs: FileSystem, path: string): TfsNode | undefined {
  const trail = follow(fs, path);
  if (trail === undefined) return undefined;
  const last = trail.at(-1)?.tuple ?? fs.root;
  return toNode(fs, last, `/${trail.map(({ name }) => name).join('/')}`);
}

/** Whether {@link find} would find something there, be it malformed. */
export function has(fs: FileSystem, path: string): boolean {
  return follow(fs, path) !== undefined;
}

interface Step {
  readonly name: string;
  readonly tuple: TfsTuple;
}

/** From the root, which is not in it, to the node at `path`. */
function follow(fs: FileSystem, path: string): readonly Step[] | undefined {
  if (path.length > longestPath) return undefined;
  let names = namesIn(path);
  const trail: Step[] = [];
  let links = 0;
  for (let at = 0; at < names.length; ) {
    const name = names[at] ?? '';
    at += 1;
    if (name === '.') continue;
    if (name === '..') {
      trail.pop();
      continue;
    }
    const here = trail.at(-1)?.tuple ?? fs.root;
    const child = childrenOf(here).get(name);
    if (!isTuple(child)) return undefined;
    const target = child.get('linktarget');
    if (target === undefined) {
      trail.push({ name, tuple: child });
      continue;
    }
    links += 1;
    if (typeof target !== 'string' || target.length > longestPath || links > mostLinks) return undefined;
    if (target.startsWith('/')) trail.length = 0;
    names = [...namesIn(target), ...names.slice(at)];
    at = 0;
    if (lengthOf(trail.map((step) => step.name)) + lengthOf(names) > longestPath) return undefined;
  }
  return trail;
}

function namesIn(path: string): string[] {
  return path.split('/').filter((name) => name !== '');
}

/** With a slash before each. */
function lengthOf(names: readonly string[]): number {
  return names.reduce((sum, { length }) => sum + 1 + length, 0);
}

const noChildren: TfsTuple = new Map();
const noExtents: TfsTuple = new Map();

function childrenOf(tuple: TfsTuple): TfsTuple {
  const children = tuple.get('children');
  return isTuple(children) ? children : noChildren;
}

/** As the kernel tells them apart: by which of the attributes is there. */
function toNode(fs: FileSystem, tuple: TfsTuple, path: string): TfsNode {
  const target = tuple.get('linktarget');
  if (typeof target === 'string') return { kind: 'symlink', path, target };
  // a length alone makes a file, too: one that was made long and never written reads as zeros
  const extents = tuple.get('extents') ?? (tuple.has('filelength') ? noExtents : undefined);
  if (extents === undefined || tuple.has('children')) return { kind: 'directory', path };
  if (!isTuple(extents)) throw malformedDisk('the extents of a file are no tuple', { path });
  const length = tuple.get('filelength');
  return {
    kind: 'file',
    path,
    sizeBytes: length === undefined ? 0 : wholeNumber(length, path),
    extents: readExtents(fs, extents, path),
  };
}

function readExtents(fs: FileSystem, extents: TfsTuple, path: string): FileExtent[] {
  const blocks = Math.floor(fs.source.sizeBytes / SECTOR_BYTES);
  const list = [...extents].map(([key, value]) => {
    if (!isTuple(value)) throw malformedDisk('an extent is no tuple', { path });
    const extent = {
      fileBlock: wholeNumber(key, path),
      offset: wholeNumber(value.get('offset'), path),
      length: wholeNumber(value.get('length'), path),
      allocated: wholeNumber(value.get('allocated') ?? value.get('length'), path),
      uninited: value.has('uninited'),
    };
    if (extent.offset + extent.length > blocks) {
      throw malformedDisk('a file lies outside the file system', { path });
    }
    return extent;
  });
  list.sort((a, b) => a.fileBlock - b.fileBlock);
  for (const [i, { fileBlock }] of list.entries()) {
    const before = list[i - 1];
    if (before !== undefined && before.fileBlock + before.length > fileBlock) {
      throw malformedDisk('two parts of a file overlap', { path });
    }
  }
  return list;
}

/** Numbers are integers where Nanos wrote them and decimal strings where Ops did. */
function wholeNumber(value: TfsValue | undefined, path: string): number {
  const number =
    typeof value === 'bigint' || (typeof value === 'string' && /^\d{1,16}$/.test(value)) ? Number(value) : -1;
  if (!Number.isSafeInteger(number) || number < 0)
    throw malformedDisk('a size or place is no number', { path });
  return number;
}

/**
 * The bytes of a file. What no extent covers, and what was reserved but never written, reads as zeros; a file
 * that claims to be long costs nothing until it is read.
 */
export function openFile(fs: FileSystem, file: TfsFile): ByteSource {
  async function read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(readableLength(file.sizeBytes, offset, length));
    const end = offset + bytes.length;
    for (let i = firstEndingAfter(file.extents, offset); i < file.extents.length; i += 1) {
      const extent = file.extents[i];
      if (extent === undefined || extent.fileBlock * SECTOR_BYTES >= end) break;
      const start = Math.max(offset, extent.fileBlock * SECTOR_BYTES);
      const stop = Math.min(end, (extent.fileBlock + extent.length) * SECTOR_BYTES);
      if (start >= stop || extent.uninited) continue;
      const at = (extent.offset - extent.fileBlock) * SECTOR_BYTES + start;
      bytes.set(await fs.source.read(at, stop - start), start - offset);
    }
    return bytes;
  }
  return { sizeBytes: file.sizeBytes, read };
}

/** A file that grew for long has many extents and is read in pieces, so the first one is found by halving. */
function firstEndingAfter(extents: readonly FileExtent[], offset: number): number {
  let low = 0;
  let high = extents.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const extent = extents[middle];
    if (extent !== undefined && (extent.fileBlock + extent.length) * SECTOR_BYTES <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
