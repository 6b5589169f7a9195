/**
 * ELF64, little-endian, as far as an upload must be judged: the header, the segments that are loaded, the
 * sections' names. Bounded: a file may claim anything, and only what it really holds is read.
 *
 * Layout of the tables: System V ABI, https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
 */
import { FlotillaError } from '../errors.ts';
import { type ByteSource, readWhole } from './source.ts';

export type Architecture = 'x86_64' | 'arm64';

/** A part of the file that is mapped into memory (program header). */
export interface ElfSegment {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly address: bigint;
  readonly fileBytes: number;
}

/** A named part of the file (section header). */
interface ElfSection {
  readonly name: string;
  readonly type: number;
  readonly address: bigint;
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface ElfFile {
  readonly architecture: Architecture;
  /** 2 is an executable at a fixed address, 3 one that can be moved, or a library. */
  readonly type: number;
  readonly entry: bigint;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
}

const segmentType = { load: 1, dynamic: 2, interpreter: 3 } as const;
const segmentFlag = { execute: 1, write: 2 } as const;
/** The type of a file that can be loaded anywhere. */
const movable = 3;
const headerBytes = 64;
const segmentBytes = 56;
const sectionBytes = 64;
/** A Go program has about ten segments and thirty sections; these bounds keep a hostile file cheap. */
const mostSegments = 512;
const mostSections = 4096;
const noBits = 8;

const architectures = new Map<number, Architecture>([
  [62, 'x86_64'],
  [183, 'arm64'],
]);

/** True for the four bytes that every ELF starts with. */
export function isElf(start: Uint8Array): boolean {
  return start[0] === 0x7f && start[1] === 0x45 && start[2] === 0x4c && start[3] === 0x46;
}

/** The machine field of an ELF's first 20 bytes, or `undefined` where it is no ELF or of another machine. */
export function elfArchitecture(start: Uint8Array): Architecture | undefined {
  if (!isElf(start) || start.length < 20) return undefined;
  return architectures.get((start[18] ?? 0) | ((start[19] ?? 0) << 8));
}

/**
 * Reads the tables of an ELF.
 *
 * @throws FlotillaError ArtifactEmpty, ArtifactNotRecognised (no ELF), ArtifactNot64Bit, ArtifactNotExecutable
 * (object file, core dump, other byte order or system), ArtifactArchitectureMismatch (neither x86-64 nor
 * arm64), ArtifactMalformed (contradicts itself, or cut short)
 */
export async function parseElf(source: ByteSource): Promise<ElfFile> {
  if (source.sizeBytes === 0) throw new FlotillaError('ArtifactEmpty', 'The file holds no byte.');
  const start = await source.read(0, headerBytes);
  if (!isElf(start)) throw new FlotillaError('ArtifactNotRecognised', 'The file does not start as an ELF.');
  if (start[4] === 1) throw new FlotillaError('ArtifactNot64Bit', 'The ELF is of the 32-bit class.');
  if (start[4] !== 2 || start.length < headerBytes) throw malformed('its header is incomplete');
  const header = view(start);
  refuseOtherSystems(start, header.getUint16(16, true));
  const machine = header.getUint16(18, true);
  const architecture = architectures.get(machine);
  if (architecture === undefined) {
    throw new FlotillaError('ArtifactArchitectureMismatch', `The ELF is for machine ${machine}.`, {
      machine,
    });
  }
  return {
    architecture,
    type: header.getUint16(16, true),
    entry: header.getBigUint64(24, true),
    segments: await readSegments(source, header),
    sections: await readSections(source, header),
  };
}

/** System V (0) is what Go writes for Linux, 3 is Linux by name; the BSDs have numbers of their own. */
function refuseOtherSystems(start: Uint8Array, type: number): void {
  if (start[5] !== 1) throw new FlotillaError('ArtifactNotExecutable', 'The ELF is not little-endian.');
  if (start[7] !== 0 && start[7] !== 3) {
    throw new FlotillaError('ArtifactNotExecutable', `The ELF is for another system (OSABI ${start[7]}).`);
  }
  if (type !== 2 && type !== 3) {
    throw new FlotillaError('ArtifactNotExecutable', `The ELF is of type ${type}: no linked program.`);
  }
}

async function readSegments(source: ByteSource, header: DataView): Promise<ElfSegment[]> {
  const count = header.getUint16(56, true);
  if (count === 0) throw malformed('it has no segments to load');
  if (count > mostSegments) throw malformed(`it names ${count} segments`);
  const table = await readTable(source, header.getBigUint64(32, true), header.getUint16(54, true), {
    count,
    entryBytes: segmentBytes,
    what: 'segments',
  });
  return table.map((entry) => {
    const segment = {
      type: entry.getUint32(0, true),
      flags: entry.getUint32(4, true),
      offset: Number(entry.getBigUint64(8, true)),
      address: entry.getBigUint64(16, true),
      fileBytes: Number(entry.getBigUint64(32, true)),
    };
    if (segment.offset + segment.fileBytes > source.sizeBytes && segment.fileBytes > 0) {
      throw malformed('a segment lies outside the file', { sizeBytes: source.sizeBytes });
    }
    return segment;
  });
}

async function readSections(source: ByteSource, header: DataView): Promise<ElfSection[]> {
  const offset = header.getBigUint64(40, true);
  const count = header.getUint16(60, true);
  if (offset === 0n || count === 0) return []; // the sections were stripped: a loader does not need them
  if (count > mostSections) throw malformed(`it names ${count} sections`);
  const table = await readTable(source, offset, header.getUint16(58, true), {
    count,
    entryBytes: sectionBytes,
    what: 'sections',
  });
  const sections = table.map((entry) => ({
    nameAt: entry.getUint32(0, true),
    type: entry.getUint32(4, true),
    address: entry.getBigUint64(16, true),
    offset: Number(entry.getBigUint64(24, true)),
    sizeBytes: Number(entry.getBigUint64(32, true)),
  }));
  for (const { type, offset: at, sizeBytes } of sections) {
    // type 0 is the unused first entry, whose fields may carry other things
    if (type !== 0 && type !== noBits && at + sizeBytes > source.sizeBytes) {
      throw malformed('a section lies outside the file', { sizeBytes: source.sizeBytes });
    }
  }
  const names = sections[header.getUint16(62, true)];
  const nameBytes =
    names === undefined || names.type === noBits
      ? new Uint8Array(0)
      : await source.read(Math.min(names.offset, source.sizeBytes), Math.min(names.sizeBytes, 1_048_576));
  return sections.map(({ nameAt, ...section }) => ({ name: nameIn(nameBytes, nameAt), ...section }));
}

async function readTable(
  source: ByteSource,
  offset: bigint,
  entryBytesInFile: number,
  { count, entryBytes, what }: { count: number; entryBytes: number; what: string },
): Promise<DataView[]> {
  if (entryBytesInFile !== entryBytes)
    throw malformed(`an entry of its ${what} has ${entryBytesInFile} bytes`);
  const bytes = await readWhole(source, Number(offset), count * entryBytes);
  if (bytes === undefined) {
    throw malformed(`its table of ${what} lies outside the file`, { sizeBytes: source.sizeBytes });
  }
  const whole = view(bytes);
  return Array.from(
    { length: count },
    (_, i) => new DataView(whole.buffer, whole.byteOffset + i * entryBytes, entryBytes),
  );
}

function nameIn(names: Uint8Array, at: number): string {
  const end = names.indexOf(0, at);
  // No section that matters has a longer name; a table without a NUL must not become one name of a megabyte.
  return Buffer.from(names.subarray(at, Math.min(end < 0 ? names.length : end, at + 256))).toString('latin1');
}

/**
 * Refuses what a unikernel cannot start: a program that asks for a dynamic linker, a library, and a program for any
 * address that cannot move itself there.
 *
 * A static PIE as C's linkers make it (`-static-pie`) moves itself by its dynamic section and runs. Go's own linker
 * makes no such: its `-buildmode=pie` asks for a dynamic linker, and where that is suppressed (`-d`) nobody would do
 * the moving, on Linux neither.
 *
 * @throws FlotillaError ArtifactDynamicallyLinked, ArtifactNotExecutable
 */
export async function requireStaticProgram(source: ByteSource, elf: ElfFile): Promise<void> {
  const interpreter = elf.segments.find((segment) => segment.type === segmentType.interpreter);
  if (interpreter !== undefined) {
    const pathBytes = Math.min(interpreter.fileBytes, 256);
    const path = pathBytes === 0 ? '' : nameIn(await source.read(interpreter.offset, pathBytes), 0);
    throw new FlotillaError('ArtifactDynamicallyLinked', `The ELF wants ${path || 'an interpreter'}.`, {
      interpreter: path,
    });
  }
  if (!elf.segments.some((segment) => segment.type === segmentType.load && segment.fileBytes > 0)) {
    throw malformed('it has nothing to load');
  }
  if (elf.entry === 0n || (await namesLibraries(source, elf))) {
    throw new FlotillaError('ArtifactNotExecutable', 'The ELF is a library, not a program.');
  }
  if (elf.type === movable && !elf.segments.some((segment) => segment.type === segmentType.dynamic)) {
    throw new FlotillaError(
      'ArtifactNotExecutable',
      'The ELF is position-independent, and says nowhere what must be adapted to its place.',
    );
  }
}

/** True where the dynamic section needs other libraries (DT_NEEDED, 1) or gives a library's name (DT_SONAME, 14). */
async function namesLibraries(source: ByteSource, elf: ElfFile): Promise<boolean> {
  const dynamic = elf.segments.find((segment) => segment.type === segmentType.dynamic);
  if (dynamic === undefined || dynamic.fileBytes === 0) return false;
  const bytes = view(await source.read(dynamic.offset, Math.min(dynamic.fileBytes, 65_536)));
  for (let at = 0; at + 16 <= bytes.byteLength; at += 16) {
    const tag = bytes.getBigInt64(at, true);
    if (tag === 0n) return false;
    if (tag === 1n || tag === 14n) return true;
  }
  return false;
}

/** Where the file holds the memory from `address` on: offset and how many bytes follow; `undefined` if nowhere. */
export function fileRange(elf: ElfFile, address: bigint): { offset: number; sizeBytes: number } | undefined {
  for (const segment of elf.segments) {
    if (segment.type !== segmentType.load || address < segment.address) continue;
    const into = address - segment.address;
    if (into >= BigInt(segment.fileBytes)) continue;
    return { offset: segment.offset + Number(into), sizeBytes: segment.fileBytes - Number(into) };
  }
  return undefined;
}

/** The first segment with data that is written but not executed: where Go keeps its data. */
export function dataSegment(elf: ElfFile): ElfSegment | undefined {
  const { execute, write } = segmentFlag;
  return elf.segments.find(
    (segment) => segment.type === segmentType.load && (segment.flags & (execute | write)) === write,
  );
}

export function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function malformed(why: string, details = {}): FlotillaError {
  return new FlotillaError('ArtifactMalformed', `The ELF contradicts itself: ${why}.`, details);
}
