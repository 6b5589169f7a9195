/**
 * Go's build information: which Go built the program from which modules, with which settings, at which commit.
 * The linker writes it into every program, and stripping keeps it.
 *
 * Format and search order: Go's debug/buildinfo and runtime/debug (ParseBuildInfo),
 * https://pkg.go.dev/debug/buildinfo and https://pkg.go.dev/runtime/debug#BuildInfo
 */
import { FlotillaError } from '../errors.ts';
import { dataSegment, type ElfFile, fileRange, view } from './elf.ts';
import type { ByteSource } from './source.ts';

export interface GoModule {
  readonly path: string;
  readonly version: string;
  /** Checksum as in go.sum, `h1:…`. */
  readonly sum?: string | undefined;
  /** The module that was really used in its place. */
  readonly replace?: GoModule | undefined;
}

interface GoVcs {
  /** `git`, `hg`, … */
  readonly system: string;
  readonly revision?: string | undefined;
  /** RFC 3339. */
  readonly time?: string | undefined;
  /** True if the working tree differed from the commit. */
  readonly modified?: boolean | undefined;
}

export interface GoBuildInfo {
  /** As Go names itself, for example `go1.26.8`. */
  readonly goVersion: string;
  /** Import path of the main package. */
  readonly path: string;
  readonly main?: GoModule | undefined;
  readonly deps: readonly GoModule[];
  /** Build settings in Go's order: `-ldflags`, `GOARCH`, `vcs.revision`, … */
  readonly settings: Readonly<Record<string, string>>;
  readonly vcs?: GoVcs | undefined;
}

const magic = Buffer.from('\xff Go buildinf:', 'latin1');
const headerBytes = 32;
/** The header stands at a multiple of this. */
const alignment = 16;
/** `\xff Go buildinf:` in a huge data segment of a hostile file: look through so much, then give up. */
const searchBytes = 256 * 1_048_576;
const pieceBytes = 1_048_576;
/** A version is a few bytes and the module text of a program with a thousand modules about 100 KB. */
const mostVersionBytes = 1024;
const mostModuleBytes = 4 * 1_048_576;
/** Characters of a name, a version or a commit, which go into items and messages. Go's own lists may be long. */
const longestFact = 1024;

/**
 * Reads Go's build information, both where the text stands behind the header (Go 1.18 and later) and where the
 * header points to it.
 *
 * @throws FlotillaError ArtifactNotGo where there is none, ArtifactMalformed where it contradicts itself
 */
export async function readBuildInfo(source: ByteSource, elf: ElfFile): Promise<GoBuildInfo> {
  const section = elf.sections.find(({ name }) => name === '.go.buildinfo');
  const start = section?.address ?? dataSegment(elf)?.address;
  const range = start === undefined ? undefined : fileRange(elf, start);
  if (start === undefined || range === undefined) throw notGo();
  const sizeBytes = Math.min(section?.sizeBytes ?? range.sizeBytes, range.sizeBytes, searchBytes);
  const at = await findMagic(source, range.offset, sizeBytes, start);
  if (at === undefined) throw notGo();
  const header = await source.read(at, headerBytes);
  if (header.length < headerBytes) throw notGo();
  const inline = ((header[15] ?? 0) & 2) !== 0;
  const texts = inline
    ? await inlineTexts(source, at + headerBytes)
    : await pointedTexts(source, elf, view(header));
  if (texts.version.length === 0) throw notGo();
  return { goVersion: texts.version, ...parseModules(stripSentinels(texts.modules)) };
}

/** Go wants the magic at a multiple of 16 in memory; the file's offset may be shifted against that. */
async function findMagic(
  source: ByteSource,
  offset: number,
  sizeBytes: number,
  address: bigint,
): Promise<number | undefined> {
  const overlap = headerBytes;
  for (let from = 0; from < sizeBytes; from += pieceBytes) {
    const piece = await source.read(offset + from, Math.min(pieceBytes + overlap, sizeBytes - from));
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    for (let hit = bytes.indexOf(magic); hit >= 0; hit = bytes.indexOf(magic, hit + 1)) {
      if ((address + BigInt(from + hit)) % BigInt(alignment) === 0n) return offset + from + hit;
    }
  }
  return undefined;
}

interface Texts {
  readonly version: string;
  readonly modules: Buffer;
}

async function inlineTexts(source: ByteSource, offset: number): Promise<Texts> {
  const version = await inlineText(source, offset, mostVersionBytes);
  const modules = await inlineText(source, version.end, mostModuleBytes);
  return { version: version.bytes.toString('utf8'), modules: modules.bytes };
}

/** A length (unsigned LEB128, as Go's encoding/binary writes it), then so many bytes. */
async function inlineText(source: ByteSource, offset: number, most: number) {
  const head = await source.read(Math.min(offset, source.sizeBytes), 10);
  let length = 0;
  let used = 0;
  for (;;) {
    const byte = head[used];
    if (byte === undefined || used > 4) throw malformed('a length cannot be read');
    length += (byte & 0x7f) * 2 ** (7 * used);
    used += 1;
    if (byte < 0x80) break;
  }
  return { bytes: await text(source, offset + used, length, most), end: offset + used + length };
}

/** Before Go 1.18: two pointers to Go strings, each an address and a length. */
async function pointedTexts(source: ByteSource, elf: ElfFile, header: DataView): Promise<Texts> {
  const pointerBytes = header.getUint8(14);
  if (pointerBytes !== 8 || (header.getUint8(15) & 1) !== 0)
    throw malformed('its pointers are not of 64 bits');
  const version = await pointedText(source, elf, header.getBigUint64(16, true), mostVersionBytes);
  const modules = await pointedText(source, elf, header.getBigUint64(24, true), mostModuleBytes);
  return { version: version.toString('utf8'), modules };
}

async function pointedText(source: ByteSource, elf: ElfFile, address: bigint, most: number): Promise<Buffer> {
  if (address === 0n) return Buffer.alloc(0);
  const range = fileRange(elf, address);
  if (range === undefined || range.sizeBytes < 16) throw malformed('a pointer leads nowhere');
  const string = view(await source.read(range.offset, 16));
  const length = Number(string.getBigUint64(8, true));
  if (length === 0) return Buffer.alloc(0);
  const data = fileRange(elf, string.getBigUint64(0, true));
  if (data === undefined || data.sizeBytes < length) throw malformed('a text leads nowhere');
  return text(source, data.offset, length, most);
}

async function text(source: ByteSource, offset: number, length: number, most: number): Promise<Buffer> {
  if (length > most) throw malformed(`a text of ${length} bytes`);
  if (offset + length > source.sizeBytes) throw malformed('a text ends outside the file');
  return Buffer.from(await source.read(offset, length));
}

/** The linker frames the module text with 16 bytes on each side, so that it can be found in memory dumps. */
function stripSentinels(bytes: Buffer): string {
  if (bytes.length < 33 || bytes[bytes.length - 17] !== 0x0a) return '';
  return bytes.subarray(16, bytes.length - 16).toString('utf8');
}

interface Draft {
  path: string;
  main?: GoModule;
  deps: GoModule[];
  settings: Map<string, string>;
}

/**
 * Parses the text of `go version -m` without its indent: lines of `path`, `mod`, `dep`, `=>` and `build`.
 *
 * @throws FlotillaError ArtifactMalformed
 */
export function parseModules(lines: string): Omit<GoBuildInfo, 'goVersion'> {
  const draft: Draft = { path: '', deps: [], settings: new Map() };
  let last: 'main' | 'dep' | undefined;
  for (const line of lines.split('\n')) {
    const tab = line.indexOf('\t');
    const word = tab < 0 ? line : line.slice(0, tab);
    const rest = tab < 0 ? '' : line.slice(tab + 1);
    if (word === 'path') draft.path = rest;
    else if (word === 'mod') {
      draft.main = module(rest);
      last = 'main';
    } else if (word === 'dep') {
      draft.deps.push(module(rest));
      last = 'dep';
    } else if (word === '=>') {
      replaceLast(draft, last, module(rest));
      last = undefined;
    } else if (word === 'build') {
      const [key, value] = setting(rest);
      draft.settings.set(key, value);
    }
    // Other words are skipped, as Go does: a later version may add some.
  }
  const vcs = vcsOf(draft.settings);
  requireBrief(draft, vcs);
  return {
    path: draft.path,
    ...(draft.main && { main: draft.main }),
    deps: draft.deps,
    settings: Object.fromEntries(draft.settings),
    ...(vcs && { vcs }),
  };
}

function module(fields: string): GoModule {
  const [path, version, sum, ...more] = fields.split('\t');
  if (path === undefined || version === undefined || more.length > 0) {
    throw malformed(`a module line has ${fields.split('\t').length} fields`);
  }
  return { path, version, ...(sum && { sum }) };
}

function replaceLast(draft: Draft, last: 'main' | 'dep' | undefined, replace: GoModule): void {
  const dep = draft.deps.at(-1);
  if (last === 'main' && draft.main) draft.main = { ...draft.main, replace };
  else if (last === 'dep' && dep) draft.deps[draft.deps.length - 1] = { ...dep, replace };
  else throw malformed('a replacement without a module');
}

/** `key=value`, where either may be quoted as a Go string. */
function setting(line: string): [string, string] {
  const first = line[0];
  if (first === '"' || first === '`') {
    const end = quotedEnd(line);
    if (line[end] !== '=') throw malformed('a build setting without a value');
    return [unquote(line.slice(0, end)), unquote(line.slice(end + 1))];
  }
  const equals = line.indexOf('=');
  if (equals <= 0) throw malformed('a build setting without a value');
  return [line.slice(0, equals), unquote(line.slice(equals + 1))];
}

function quotedEnd(line: string): number {
  const quote = line[0];
  for (let at = 1; at < line.length; at += 1) {
    if (line[at] === '\\' && quote === '"') at += 1;
    else if (line[at] === quote) return at + 1;
  }
  throw malformed('a quote is not closed');
}

const escapes: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
};

/** Go's strconv.Unquote for what strconv.Quote writes; text without quotes stays as it is. */
function unquote(quoted: string): string {
  const quote = quoted[0];
  if (quote !== '"' && quote !== '`') return quoted;
  if (quotedEnd(quoted) !== quoted.length) throw malformed('text behind a quote');
  const inner = quoted.slice(1, -1);
  if (quote === '`') return inner;
  return inner.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))/gs,
    (
      _,
      x: string | undefined,
      u: string | undefined,
      long: string | undefined,
      plain: string | undefined,
    ) => {
      const code = Number.parseInt(x ?? u ?? long ?? '', 16);
      const char = plain === undefined ? codePoint(code) : escapes[plain];
      if (char === undefined) throw malformed('an unknown escape');
      return char;
    },
  );
}

function codePoint(code: number): string | undefined {
  return code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
}

function vcsOf(settings: ReadonlyMap<string, string>): GoVcs | undefined {
  const system = settings.get('vcs');
  if (system === undefined) return undefined;
  const revision = settings.get('vcs.revision');
  const time = settings.get('vcs.time');
  const modified = settings.get('vcs.modified');
  return {
    system,
    ...(revision !== undefined && { revision }),
    ...(time !== undefined && { time }),
    ...(modified !== undefined && { modified: modified === 'true' }),
  };
}

/** What is told of a program beside the whole of its build information. */
function requireBrief({ path, main, settings }: Draft, vcs: GoVcs | undefined): void {
  const facts = [path, main?.path, main?.version, settings.get('GOOS')];
  const longest = Math.max(
    ...[...facts, vcs?.system, vcs?.revision, vcs?.time].map((one = '') => one.length),
  );
  if (longest > longestFact) throw malformed(`a name or version of ${longest} characters`);
}

function notGo(): FlotillaError {
  return new FlotillaError('ArtifactNotGo', 'The ELF holds no build information of Go.');
}

function malformed(why: string): FlotillaError {
  return new FlotillaError('ArtifactMalformed', `The build information of Go contradicts itself: ${why}.`);
}
