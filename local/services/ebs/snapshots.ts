import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Context } from '../../context.ts';
import { type Collection, mapOf, type Saved } from '../../state/persistent.ts';
import { BlockStore } from './block-store.ts';

/** 512 KiB: the only block size there is. https://docs.aws.amazon.com/ebs/latest/userguide/ebs-accessing-snapshot.html */
export const blockSizeBytes = 524_288;

/** How long a completed snapshot stays pending: "a few seconds" for small ones. */
const sealMs = 2_000;

export interface SnapshotRecord {
  readonly snapshotId: string;
  readonly startedAt: number;
  readonly volumeSizeGiB: number;
  readonly description: string | undefined;
  readonly parentSnapshotId: string | undefined;
  /** The first of its ancestors: those of one lineage can be compared. */
  readonly lineage: string;
  readonly timeoutMinutes: number;
  /** What it is encrypted with; undefined where it is not. */
  readonly kmsKeyArn?: string | undefined;
  status: 'pending' | 'completed' | 'error';
  statusMessage: string | undefined;
  /** No more puts: CompleteSnapshot was called. */
  sealed: boolean;
  completedAt: number | undefined;
  lastActivityAt: number;
  /** When it was sealed, and what was found wrong then. */
  sealedAt: number | undefined;
  fault: string | undefined;
  /** Hexadecimal SHA-256 by block index: what this snapshot itself was given. */
  readonly written: Map<number, string>;
  /** The same for what it inherited from its parent when it began. */
  readonly inherited: ReadonlyMap<number, string>;
}

/**
 * A volume's worth of bytes, read at random. Blocks that were never written read as zeros, on an encrypted volume as
 * whatever comes of deciphering what is not there (awslabs/coldsnap issues 395 and 396).
 */
export interface ReadableDisk {
  readonly sizeBytes: number;
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** The snapshots of the account, with their blocks. */
export class Snapshots {
  readonly all = new Map<string, SnapshotRecord>();
  readonly #context: Context;
  readonly #blocks: BlockStore;

  constructor(context: Context) {
    this.#context = context;
    this.#blocks = new BlockStore(join(context.dataDir, 'ebs'), context.keeping?.afterwards);
  }

  start(options: {
    volumeSizeGiB: number;
    description?: string | undefined;
    parent?: SnapshotRecord | undefined;
    timeoutMinutes: number;
    kmsKeyArn?: string | undefined;
  }): SnapshotRecord {
    const now = this.#context.clock.now();
    const inherited = new Map(options.parent === undefined ? [] : effectiveBlocks(options.parent));
    for (const digest of inherited.values()) this.#blocks.keep(digest);
    const snapshotId = `snap-0${this.#context.random.hex(16)}`;
    const snapshot: SnapshotRecord = {
      snapshotId,
      startedAt: now,
      volumeSizeGiB: options.volumeSizeGiB,
      description: options.description,
      parentSnapshotId: options.parent?.snapshotId,
      lineage: options.parent?.lineage ?? snapshotId,
      timeoutMinutes: options.timeoutMinutes,
      kmsKeyArn: options.kmsKeyArn,
      status: 'pending',
      statusMessage: undefined,
      sealed: false,
      completedAt: undefined,
      lastActivityAt: now,
      sealedAt: undefined,
      fault: undefined,
      written: new Map(),
      inherited,
    };
    this.all.set(snapshot.snapshotId, snapshot);
    this.#watchTimeout(snapshot);
    return snapshot;
  }

  async put(snapshot: SnapshotRecord, index: number, bytes: Uint8Array, digest: string): Promise<void> {
    snapshot.lastActivityAt = this.#context.clock.now();
    await this.#context.clock.hold(this.#blocks.put(digest, bytes));
    const former = snapshot.written.get(index);
    snapshot.written.set(index, digest);
    if (former === undefined) return;
    const gone = this.#context.clock.hold(this.#blocks.release(former));
    if (this.#context.keeping === undefined) await gone;
  }

  /**
   * Ends the writing, once. A count or checksum that differs from what was written ends in the state error.
   * @param linearChecksum base64, or undefined where the caller gave none.
   */
  complete(snapshot: SnapshotRecord, changedBlocksCount: number, linearChecksum: string | undefined): void {
    snapshot.sealed = true;
    // AWS does not say whether a mismatch is refused at once or found while sealing: found later is worse.
    if (changedBlocksCount !== snapshot.written.size) {
      snapshot.fault = `ChangedBlocksCount ${changedBlocksCount} does not match the ${snapshot.written.size} blocks written`;
    } else if (linearChecksum !== undefined && linearChecksum !== linearChecksumOf(snapshot.written)) {
      snapshot.fault = 'The checksum does not match the blocks written';
    }
    snapshot.sealedAt = this.#context.clock.now();
    this.#seal(snapshot, snapshot.sealedAt);
  }

  /** Sets the timers that follow from the data; for a region that starts with state. */
  resume(): void {
    for (const snapshot of this.all.values()) {
      if (snapshot.status !== 'pending') continue;
      if (snapshot.sealedAt === undefined) this.#watchTimeout(snapshot);
      else this.#seal(snapshot, snapshot.sealedAt);
    }
    void this.#context.clock.hold(this.#blocks.sweep());
  }

  collections(): Collection[] {
    const { all } = this;
    const blocks = this.#blocks;
    return [
      mapOf<SnapshotRecord>('snapshots', all, {
        save: ({ written: _written, inherited: _inherited, ...rest }) => rest,
        load: (plain: Omit<SnapshotRecord, 'written' | 'inherited'>) => ({
          ...plain,
          written: new Map(),
          inherited: new Map(),
        }),
      }),
      {
        name: 'blocks',
        *save(): Iterable<Saved> {
          for (const { snapshotId, written, inherited } of all.values())
            for (const [kind, map] of [
              ['written', written],
              ['inherited', inherited],
            ] as const)
              for (const [index, digest] of map)
                yield { id: `${snapshotId} ${kind} ${index}`, stamp: digest, value: () => digest };
        },
        load(id, value) {
          const [snapshotId = '', kind, index] = id.split(' ');
          const snapshot = all.get(snapshotId);
          const digest = value as string;
          if (snapshot === undefined) throw new Error(`There is no snapshot ${snapshotId}`);
          const map = kind === 'written' ? snapshot.written : (snapshot.inherited as Map<number, string>);
          map.set(Number(index), digest);
          blocks.keep(digest);
        },
      },
    ];
  }

  #seal(snapshot: SnapshotRecord, sealedAt: number): void {
    this.#context.clock.after(Math.max(0, sealedAt + sealMs - this.#context.clock.now()), () => {
      if (snapshot.status !== 'pending') return;
      snapshot.status = snapshot.fault === undefined ? 'completed' : 'error';
      snapshot.statusMessage = snapshot.fault;
      snapshot.completedAt = this.#context.clock.now();
    });
  }

  async delete(snapshot: SnapshotRecord): Promise<void> {
    this.all.delete(snapshot.snapshotId);
    const digests = [...snapshot.written.values(), ...snapshot.inherited.values()];
    const gone = this.#context.clock.hold(Promise.all(digests.map((digest) => this.#blocks.release(digest))));
    // Where state is kept, the bytes go only after the record of it is written, for which nobody waits.
    if (this.#context.keeping === undefined) await gone;
  }

  /** The block's bytes, or undefined where nothing was written. */
  async block(snapshot: SnapshotRecord, index: number): Promise<Uint8Array | undefined> {
    const digest = snapshot.written.get(index) ?? snapshot.inherited.get(index);
    return digest === undefined ? undefined : await this.#context.clock.hold(this.#blocks.get(digest));
  }

  /** The snapshot as the volume that EC2 would make of it. */
  disk(snapshot: SnapshotRecord): ReadableDisk {
    const sizeBytes = snapshot.volumeSizeGiB * 1024 ** 3;
    let recent: { index: number; bytes: Uint8Array | undefined } | undefined;
    const read = async (offset: number, length: number): Promise<Uint8Array> => {
      if (offset < 0 || length < 0 || offset + length > sizeBytes) {
        throw new Error(`A read of ${length} bytes at ${offset} leaves the disk of ${sizeBytes} bytes`);
      }
      const out = new Uint8Array(length);
      for (let done = 0; done < length; ) {
        const at = offset + done;
        const index = Math.floor(at / blockSizeBytes);
        const within = at - index * blockSizeBytes;
        const count = Math.min(length - done, blockSizeBytes - within);
        if (recent?.index !== index) recent = { index, bytes: await this.block(snapshot, index) };
        const bytes =
          recent.bytes ?? (snapshot.kmsKeyArn === undefined ? undefined : garbage(snapshot, index));
        if (bytes !== undefined) out.set(bytes.subarray(within, within + count), done);
        done += count;
      }
      return out;
    };
    return { sizeBytes, read };
  }

  /**
   * For tests of the region: changes one byte of a snapshot that AWS would never change, by flipping all its
   * bits. What launches from it afterwards runs other bytes.
   */
  async flipByte(snapshotId: string, offset: number): Promise<void> {
    const snapshot = this.all.get(snapshotId);
    if (snapshot === undefined) throw new Error(`There is no snapshot ${snapshotId}`);
    const index = Math.floor(offset / blockSizeBytes);
    const bytes = Uint8Array.from((await this.block(snapshot, index)) ?? new Uint8Array(blockSizeBytes));
    const within = offset - index * blockSizeBytes;
    bytes[within] = (bytes[within] ?? 0) ^ 0xff;
    await this.put(snapshot, index, bytes, createHash('sha256').update(bytes).digest('hex'));
  }

  /**
   * A snapshot is cancelled when nothing was written, or it was not completed, within its timeout.
   * https://docs.aws.amazon.com/ebs/latest/APIReference/API_StartSnapshot.html
   */
  #watchTimeout(snapshot: SnapshotRecord): void {
    const dueAt = snapshot.lastActivityAt + snapshot.timeoutMinutes * 60_000;
    this.#context.clock.after(dueAt - this.#context.clock.now(), () => {
      if (snapshot.sealed || snapshot.status !== 'pending' || !this.all.has(snapshot.snapshotId)) return;
      if (this.#context.clock.now() < snapshot.lastActivityAt + snapshot.timeoutMinutes * 60_000) {
        this.#watchTimeout(snapshot);
        return;
      }
      snapshot.status = 'error';
      snapshot.statusMessage = 'The snapshot was cancelled because it was not completed within its timeout';
    });
  }
}

/** The same each time it is read, and never zeros. */
function garbage({ snapshotId }: SnapshotRecord, index: number): Uint8Array {
  const pattern = createHash('sha256').update(`${snapshotId} ${index}`).digest();
  return Buffer.alloc(blockSizeBytes, pattern);
}

/** Digest by block index, own blocks over inherited ones, in the order of the indexes. */
export function effectiveBlocks(snapshot: SnapshotRecord): [number, string][] {
  return [...new Map([...snapshot.inherited, ...snapshot.written])].sort(([a], [b]) => a - b);
}

/** SHA-256 over the raw block digests in the order of their indexes, as base64. */
function linearChecksumOf(written: ReadonlyMap<number, string>): string {
  const hash = createHash('sha256');
  for (const [, digest] of [...written].sort(([a], [b]) => a - b)) hash.update(Buffer.from(digest, 'hex'));
  return hash.digest('base64');
}
