/**
 * The files that hold a region's state: a checkpoint with everything, and a journal with what has changed since.
 * Both are numbered; journal N follows checkpoint N. The last two pairs are kept: with a damaged checkpoint, the one
 * before it and both journals lead to the same state.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { RegionStateError } from './errors.ts';
import { frame, readFrames } from './frames.ts';

/** One thing that changed: `value` is its serialised form, or nothing where it is gone. */
export type Change = readonly [part: string, id: string, value: Uint8Array | undefined];

/** What each file begins with. */
export interface Header {
  readonly magic: 'flotilla-region-state';
  readonly format: number;
  readonly accountId: string;
  readonly regionName: string;
  /** Versions of the parts by name. */
  readonly parts: Readonly<Record<string, number>>;
}

/** The serialised things by part, then by id. */
export type Contents = Map<string, Map<string, Uint8Array>>;

export const format = 1;

export class StateFiles {
  readonly #folder: string;
  readonly #header: Header;
  #number = 0;
  #journal: number | undefined;
  journalBytes = 0;

  /** @param folder is made where it is missing */
  constructor(folder: string, header: Header) {
    this.#folder = folder;
    this.#header = header;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /**
   * What the files say; empty for a new folder.
   * @throws RegionStateError for another version, and for damage that the older pair does not make good
   */
  read(): Contents {
    const numbers = this.#numbers();
    let failure: unknown;
    for (const number of numbers) {
      try {
        const contents: Contents = new Map();
        if (!this.#replay(`checkpoint-${number}`, contents, true)) continue;
        for (const later of numbers.filter((one) => one >= number).reverse())
          this.#replay(`journal-${later}`, contents, later < (numbers[0] ?? 0));
        this.#number = numbers[0] ?? 0;
        return contents;
      } catch (error) {
        if (error instanceof RegionStateError && error.kind === 'version') throw error;
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
    return new Map();
  }

  /** Writes changes at the journal's end, all or none of them. They outlive this process when this returns. */
  append(changes: readonly Change[]): void {
    if (this.#journal === undefined) throw new Error('The state has no checkpoint yet');
    this.#write(this.#journal, frame(changes));
  }

  /** Writes everything anew, durably, and begins another journal. */
  checkpoint(contents: Iterable<Change>): void {
    const number = this.#number + 1;
    const path = join(this.#folder, `checkpoint-${number}`);
    const file = openSync(`${path}.part`, 'w', 0o600);
    try {
      writeAll(file, frame(this.#header));
      writeAll(file, frame([...contents]));
      // The end is marked, as a checkpoint that is only half there must not pass for a small one.
      writeAll(file, frame('end'));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    // The journal first: a checkpoint without one would be taken for the newest, and what follows it be lost.
    const journal = openSync(join(this.#folder, `journal-${number}`), 'w', 0o600);
    writeAll(journal, frame(this.#header));
    renameSync(`${path}.part`, path);
    if (this.#journal !== undefined) closeSync(this.#journal);
    this.#journal = journal;
    this.#number = number;
    this.journalBytes = 0;
    for (const old of this.#numbers().filter((one) => one < number - 1))
      for (const kind of ['checkpoint', 'journal'])
        rmSync(join(this.#folder, `${kind}-${old}`), { force: true });
  }

  close(): void {
    if (this.#journal !== undefined) closeSync(this.#journal);
    this.#journal = undefined;
  }

  /** Newest first. */
  #numbers(): number[] {
    const found = readdirSync(this.#folder).flatMap((name) => /^checkpoint-(\d+)$/.exec(name)?.[1] ?? []);
    return found.map(Number).sort((a, b) => b - a);
  }

  /** @returns whether the file is there. */
  #replay(name: string, contents: Contents, whole: boolean): boolean {
    const path = join(this.#folder, name);
    if (!existsSync(path)) return false;
    const bytes = readFileSync(path);
    const { values, length } = readFrames(path, bytes);
    const [header, ...records] = values;
    this.#check(path, header as Header | undefined);
    if (name.startsWith('checkpoint') && records.pop() !== 'end')
      throw new RegionStateError('damaged', `${path} is damaged: it ends early.`);
    if (whole && length !== bytes.length)
      throw new RegionStateError('damaged', `${path} is damaged: its last record is torn.`);
    if (length !== bytes.length) truncateSync(path, length);
    for (const changes of records as Change[][]) apply(contents, changes);
    return true;
  }

  #check(path: string, header: Header | undefined): void {
    if (header?.magic !== 'flotilla-region-state')
      throw new RegionStateError('damaged', `${path} is damaged: it is no state of a region.`);
    const other = (what: string, theirs: unknown, ours: unknown): RegionStateError =>
      new RegionStateError(
        'version',
        `${path} has ${what} ${theirs}, and this region has ${ours}: use the Flotilla that wrote it, or another folder.`,
      );
    if (header.format !== format) throw other('the format', header.format, format);
    if (header.accountId !== this.#header.accountId)
      throw other('the account', header.accountId, this.#header.accountId);
    if (header.regionName !== this.#header.regionName)
      throw other('the region', header.regionName, this.#header.regionName);
    for (const [part, version] of Object.entries(header.parts)) {
      const ours = this.#header.parts[part];
      if (ours !== version)
        throw other(`the part ${part} in version`, version, ours === undefined ? 'none' : ours);
    }
  }

  #write(file: number, bytes: Uint8Array): void {
    writeAll(file, bytes);
    this.journalBytes += bytes.length;
  }
}

function apply(contents: Contents, changes: readonly Change[]): void {
  for (const [part, id, value] of changes) {
    const things = contents.get(part) ?? new Map<string, Uint8Array>();
    contents.set(part, things);
    if (value === undefined) things.delete(id);
    else things.set(id, value);
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done, bytes.length - done);
}
