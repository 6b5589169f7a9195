/**
 * Writing a TFS: where each file lies, and the log that says so.
 *
 * The places are chosen so that a small change of what goes in is a small change of what comes out, counted in
 * blocks of 512 KiB (1,024 sectors) from the start of the file system, which its caller puts at such a boundary:
 *
 * | sectors | content |
 * | --- | --- |
 * | 0 to 1,024 | the log: all that names, sizes, arguments and environment say |
 * | 1,025 to 2,047 | small files, as far as they fit |
 * | 2,048 on | the main file (program, kernel) |
 * | next boundary on | other files |
 * | next boundary on | further parts of a log that is longer than 512 KiB |
 */
import type { DiskExtent, ExtentOrigin } from '../extents.ts';
import { encodeTuple } from './encode.ts';
import { EXTENSION_SECTORS, extensionsFor, SECTOR_BYTES, writeLog } from './log.ts';
import { isTuple, type TfsTuple, type TfsValue } from './value.ts';

export interface FileEntry {
  /** Absolute, without `.`, `..`, empty parts or a slash at the end. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly from: ExtentOrigin;
}

export interface FileSystemInput {
  /** Sixteen bytes. */
  readonly uuid: Uint8Array;
  /** 31 bytes of UTF-8 at most. */
  readonly label?: string;
  /** Attributes of the root tuple beside `children`, in the order in which they are written. */
  readonly attributes: TfsTuple;
  /** The file with a place of its own; it must be one of `files`. */
  readonly mainPath?: string;
  readonly files: readonly FileEntry[];
  /** Directories that are wanted although nothing is in them. */
  readonly directories?: readonly string[];
  /** Target by path. */
  readonly symlinks?: Readonly<Record<string, string>>;
}

export interface FileSystemPlan {
  /** Offsets from the start of the file system. */
  readonly extents: readonly DiskExtent[];
  /** End of the last sector that is taken. */
  readonly usedBytes: number;
}

/** How many names a path may have: what is nested deeper is refused by readers, this project's among them. */
export const DEEPEST_PATH = 250;

const firstDataSector = 1 + EXTENSION_SECTORS;
const mainSector = 2 * EXTENSION_SECTORS;

/**
 * Places everything and writes the log. Equal input, in any order, gives equal bytes.
 *
 * @throws RangeError for a path that is not clean, or is given twice, or leads through a file
 */
export function planFileSystem(input: FileSystemInput): FileSystemPlan {
  const { places, end } = placeFiles(input.files, input.mainPath);
  const tuple = encodeTuple(rootTuple(input, places));
  const extensions = extensionsFor(tuple.length);
  const further = roundUp(end, EXTENSION_SECTORS);
  const log = writeLog(tuple, {
    uuid: input.uuid,
    label: input.label ?? '',
    extensionSectors: Array.from({ length: extensions }, (_, i) =>
      i === 0 ? 1 : further + (i - 1) * EXTENSION_SECTORS,
    ),
  });
  const lastSector = extensions > 1 ? further + (extensions - 1) * EXTENSION_SECTORS : end;
  return {
    extents: [
      ...log.map(({ sector, bytes }) => ({
        offset: sector * SECTOR_BYTES,
        sizeBytes: bytes.length,
        from: { bytes },
      })),
      ...input.files.map(({ path, sizeBytes, from }) => ({
        offset: (places.get(path) ?? 0) * SECTOR_BYTES,
        sizeBytes,
        from,
      })),
    ].filter(({ sizeBytes }) => sizeBytes > 0),
    usedBytes: lastSector * SECTOR_BYTES,
  };
}

function sectorsOf(sizeBytes: number): number {
  return Math.ceil(sizeBytes / SECTOR_BYTES);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

/** First sector of each file by path, and the end of them all. */
function placeFiles(
  files: readonly FileEntry[],
  mainPath: string | undefined,
): { places: Map<string, number>; end: number } {
  const places = new Map<string, number>();
  let small = firstDataSector;
  let end = firstDataSector;
  const main = files.find(({ path }) => path === mainPath);
  let large = mainSector;
  if (main !== undefined) {
    places.set(main.path, mainSector);
    end = mainSector + sectorsOf(main.sizeBytes);
    large = roundUp(end, EXTENSION_SECTORS);
  }
  for (const { path, sizeBytes } of inOrder(files.filter((file) => file !== main))) {
    const sectors = sectorsOf(sizeBytes);
    if (small + sectors <= mainSector) {
      places.set(path, small);
      small += sectors;
      end = Math.max(end, small);
    } else {
      // what fills a block by itself gets whole ones, so that a change of one file leaves the others alone
      const start = sectors >= EXTENSION_SECTORS ? roundUp(large, EXTENSION_SECTORS) : large;
      places.set(path, start);
      large = start + sectors;
      end = Math.max(end, large);
    }
  }
  return { places, end };
}

function inOrder(files: readonly FileEntry[]): FileEntry[] {
  return [...files].sort((a, b) => (a.path < b.path ? -1 : 1));
}

type Draft = Map<string, TfsValue>;

function rootTuple(input: FileSystemInput, places: ReadonlyMap<string, number>): TfsTuple {
  const children: Draft = new Map();
  for (const path of [...(input.directories ?? [])].sort()) directoryAt(children, namesOf(path));
  for (const { path, sizeBytes } of inOrder(input.files)) {
    addNode(children, path, fileNode(sizeBytes, places.get(path) ?? 0));
  }
  for (const [path, target] of Object.entries(input.symlinks ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))) {
    addNode(children, path, new Map([['linktarget', target]]));
  }
  return new Map([...input.attributes, ['children', sorted(children)]]);
}

function fileNode(sizeBytes: number, sector: number): TfsTuple {
  const sectors = BigInt(sectorsOf(sizeBytes));
  const extent = new Map<string, TfsValue>([
    ['offset', BigInt(sector)],
    ['length', sectors],
    ['allocated', sectors],
  ]);
  return new Map<string, TfsValue>([
    ['filelength', BigInt(sizeBytes)],
    ['extents', new Map<string, TfsValue>(sizeBytes > 0 ? [['0', extent]] : [])],
  ]);
}

/** @throws RangeError */
function namesOf(path: string): string[] {
  const names = path.split('/');
  if (names.length > DEEPEST_PATH) throw new RangeError(`a path of ${names.length} names`);
  if (
    names.shift() !== '' ||
    names.some((name) => name === '' || name === '.' || name === '..' || name.includes('\0'))
  ) {
    throw new RangeError(`${JSON.stringify(path)} is no clean absolute path`);
  }
  return names;
}

function addNode(children: Draft, path: string, node: TfsTuple): void {
  const names = namesOf(path);
  const name = names.pop() ?? '';
  const directory = directoryAt(children, names);
  if (directory.has(name)) throw new RangeError(`${path} is there twice`);
  directory.set(name, node);
}

/** The children of the directory at `names`, made where it is missing. */
function directoryAt(root: Draft, names: readonly string[]): Draft {
  let here = root;
  for (const name of names) {
    const node = here.get(name) ?? new Map<string, TfsValue>([['children', new Map<string, TfsValue>()]]);
    here.set(name, node);
    const children = isTuple(node) ? node.get('children') : undefined;
    if (!(children instanceof Map)) throw new RangeError(`${name} is a file and a directory`);
    here = children;
  }
  return here;
}

/** In order of names, all the way down: directories and files may come in any order. */
function sorted(children: TfsTuple): TfsTuple {
  return new Map(
    [...children]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, node]) => {
        const inner = isTuple(node) ? node.get('children') : undefined;
        return [name, isTuple(inner) ? new Map([['children', sorted(inner)]]) : node];
      }),
  );
}
