/**
 * The log of a TFS: a chain of extensions that hold records, which hold the tuples.
 *
 * The first extension is one sector long and carries UUID and label; it links to the next one. All others are
 * 1,024 sectors long.
 */
import { type ByteSource, readWhole } from '../source.ts';
import { ByteReader, ByteWriter, malformedDisk } from './bytes.ts';
import { LogDecoder } from './decode.ts';
import type { TfsTuple } from './value.ts';

export const SECTOR_BYTES = 512;
export const EXTENSION_SECTORS = 1024;
const extensionBytes = EXTENSION_SECTORS * SECTOR_BYTES;
const magic = Buffer.from('NVMTFS', 'latin1');
const currentVersion = 5;
const oldVersion = 4;
const mostLabelBytes = 31;

const record = { endOfLog: 1, tuple: 2, tupleExtended: 3, endOfSegment: 4, link: 5 } as const;

/** A record's header or a link: one byte and two varints of ten bytes at most. */
const recordBytes = 21;
/** `NVMTFS`, version, length in sectors. */
const extensionHeaderBytes = 9;
/** What an extension certainly takes of a tuple beside its header, a record's header and a link. */
const payloadBytes = extensionBytes - extensionHeaderBytes - 2 * recordBytes;

/** A disk of hostile make may chain extensions up to its end; 32 MiB describe some hundred thousand files. */
const mostLogBytes = 32 * 1_048_576;
const mostExtensions = 256;

export interface TfsLog {
  readonly version: number;
  /** Sixteen bytes. */
  readonly uuid: Uint8Array;
  readonly label: string;
  readonly root: TfsTuple;
  /** Sectors that the log occupies: start and count, in the order of the chain. */
  readonly extensions: readonly { readonly sector: number; readonly sectors: number }[];
}

/** True if a TFS starts with these bytes. */
export function isTfs(start: Uint8Array): boolean {
  return start.length >= magic.length && Buffer.compare(start.subarray(0, magic.length), magic) === 0;
}

/**
 * Reads the log of the file system that fills `source`.
 *
 * @throws FlotillaError DiskMalformed for what no writer would leave: links in a circle or outside, numbers
 * that do not fit, tuples cut short
 */
export async function readLog(source: ByteSource): Promise<TfsLog> {
  const decoder = new LogDecoder();
  const extensions: { sector: number; sectors: number }[] = [];
  let next: { sector: number; sectors: number } | undefined = { sector: 0, sectors: 1 };
  let identity: { uuid: Uint8Array; label: string; version: number } | undefined;
  let logBytes = 0;
  const pending = new PendingTuple();
  while (next !== undefined) {
    const { sector, sectors }: { sector: number; sectors: number } = next;
    if (extensions.some((seen) => seen.sector < sector + sectors && sector < seen.sector + seen.sectors)) {
      throw malformedDisk('the log leads back into itself', { sector });
    }
    logBytes += sectors * SECTOR_BYTES;
    if (logBytes > mostLogBytes || extensions.length >= mostExtensions) {
      throw malformedDisk(`a log of more than ${mostLogBytes} bytes or ${mostExtensions} parts`);
    }
    const bytes = await readWhole(source, sector * SECTOR_BYTES, sectors * SECTOR_BYTES);
    if (bytes === undefined) throw malformedDisk('the log leads outside the file system', { sector });
    extensions.push({ sector, sectors });
    const reader = new ByteReader(bytes);
    const version = readHeader(reader, sectors);
    if (identity === undefined)
      identity = { version, uuid: reader.take(16).slice(), label: readLabel(reader) };
    next = readRecords(reader, (tuple) => decoder.decode(tuple, version === oldVersion), pending);
  }
  pending.requireNone();
  const { root } = decoder;
  if (root === undefined || identity === undefined) throw malformedDisk('the log holds no tuple');
  return { ...identity, root, extensions };
}

function readHeader(reader: ByteReader, sectors: number): number {
  if (!isTfs(reader.take(magic.length))) throw malformedDisk('a part of the log has no signature');
  const version = reader.count();
  if (version !== currentVersion && version !== oldVersion) {
    throw malformedDisk(`version ${version}, known are ${oldVersion} and ${currentVersion}`);
  }
  const length = reader.count();
  if (length !== sectors)
    throw malformedDisk(`a part of the log says ${length} sectors, its link ${sectors}`);
  return version;
}

function readLabel(reader: ByteReader): string {
  const end = reader.bytes.indexOf(0, reader.at);
  if (end < 0 || end - reader.at > mostLabelBytes) throw malformedDisk('the label has no end');
  const label = Buffer.from(reader.take(end - reader.at)).toString('utf8');
  reader.byte();
  return label;
}

/** A tuple that is written in instalments. */
class PendingTuple {
  #parts: Uint8Array[] = [];
  #missing = 0;

  start(totalBytes: number, part: Uint8Array): Uint8Array | undefined {
    this.requireNone();
    if (part.length > totalBytes) throw malformedDisk('a part of a tuple is longer than the tuple');
    if (totalBytes > mostLogBytes) throw malformedDisk(`a tuple of ${totalBytes} bytes`);
    this.#missing = totalBytes;
    return this.add(part);
  }

  /** The whole tuple, once the last part came. */
  add(part: Uint8Array): Uint8Array | undefined {
    if (part.length > this.#missing) throw malformedDisk('more of a tuple than was announced');
    this.#parts.push(part);
    this.#missing -= part.length;
    if (this.#missing > 0) return undefined;
    const whole = this.#parts.length === 1 ? part : Buffer.concat(this.#parts);
    this.#parts = [];
    return whole;
  }

  requireNone(): void {
    if (this.#missing > 0) throw malformedDisk('a tuple was not finished', { missingBytes: this.#missing });
  }
}

/** Reads up to the link, which it returns, or to the end of the log. */
function readRecords(
  reader: ByteReader,
  onTuple: (bytes: Uint8Array) => void,
  pending: PendingTuple,
): { sector: number; sectors: number } | undefined {
  for (;;) {
    const kind = reader.byte();
    if (kind === record.endOfLog) return undefined;
    if (kind === record.link) {
      const sector = reader.count();
      const sectors = reader.count();
      if (sectors < 1 || sectors > EXTENSION_SECTORS) throw malformedDisk(`a link to ${sectors} sectors`);
      return { sector, sectors };
    }
    if (kind === record.tuple) {
      const totalBytes = reader.count();
      const whole = pending.start(totalBytes, reader.take(reader.count()));
      if (whole !== undefined) onTuple(whole);
    } else if (kind === record.tupleExtended) {
      const whole = pending.add(reader.take(reader.count()));
      if (whole !== undefined) onTuple(whole);
    } else if (kind !== record.endOfSegment) {
      throw malformedDisk(`a record of kind ${kind}`);
    }
  }
}

/** How many extensions beside the first a tuple of so many encoded bytes needs. */
export function extensionsFor(tupleBytes: number): number {
  return Math.max(1, Math.ceil(tupleBytes / payloadBytes));
}

export interface LogPart {
  readonly sector: number;
  /** Without the zeros that fill the extension. */
  readonly bytes: Uint8Array;
}

/**
 * Writes a log with one tuple.
 *
 * @param options `uuid` of 16 bytes; `label` of 31 bytes at most; `extensionSectors`: where the extensions
 * start, as many as `extensionsFor` says
 */
export function writeLog(
  tuple: Uint8Array,
  options: { uuid: Uint8Array; label: string; extensionSectors: readonly number[] },
): LogPart[] {
  const { uuid, extensionSectors } = options;
  const label = Buffer.from(options.label, 'utf8');
  if (
    uuid.length !== 16 ||
    label.length > mostLabelBytes ||
    extensionSectors.length !== extensionsFor(tuple.length)
  ) {
    throw new RangeError('a UUID of 16 bytes, a label of 31 at most, and a place for each extension');
  }
  const first = extensionHeader(1);
  first.append(uuid);
  first.append(label);
  first.byte(0);
  link(first, extensionSectors[0]);
  const parts: LogPart[] = [{ sector: 0, bytes: first.finish() }];
  for (const [i, sector] of extensionSectors.entries()) {
    const segment = tuple.subarray(i * payloadBytes, (i + 1) * payloadBytes);
    const out = extensionHeader(EXTENSION_SECTORS);
    out.byte(i === 0 ? record.tuple : record.tupleExtended);
    if (i === 0) out.varint(tuple.length);
    out.varint(segment.length);
    out.append(segment);
    if (i + 1 < extensionSectors.length) link(out, extensionSectors[i + 1]);
    else out.byte(record.endOfLog);
    parts.push({ sector, bytes: out.finish() });
  }
  return parts;
}

function extensionHeader(sectors: number): ByteWriter {
  const out = new ByteWriter();
  out.append(magic);
  out.varint(currentVersion);
  out.varint(sectors);
  return out;
}

function link(out: ByteWriter, sector: number | undefined): void {
  out.byte(record.link);
  out.varint(sector ?? 0);
  out.varint(EXTENSION_SECTORS);
}

/** The sixteen bytes of a UUID as people write them. */
export function uuidText(uuid: Uint8Array): string {
  const hex = Buffer.from(uuid).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
