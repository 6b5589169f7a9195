/**
 * A disk as a list of where its bytes come from, so that any part of it can be made on demand and nothing ever
 * holds it whole.
 */
import { BLOCK_BYTES, blockCount } from './blocks.ts';
import { type ByteSource, readableLength } from './source.ts';

/** Bytes at hand, or bytes of a named source (`program`, `kernel`, …) from an offset on. */
export type ExtentOrigin =
  | { readonly bytes: Uint8Array }
  | { readonly source: string; readonly offset: number };

export interface DiskExtent {
  readonly offset: number;
  readonly sizeBytes: number;
  readonly from: ExtentOrigin;
}

export interface DiskPlan {
  /** Of the disk, not of what is on it. */
  readonly sizeBytes: number;
  /** In ascending order, none overlapping another; everything between them is zero. */
  readonly extents: readonly DiskExtent[];
}

/** Puts the extents in order; throws a RangeError where two overlap or one leaves the disk. */
export function makePlan(sizeBytes: number, extents: readonly DiskExtent[]): DiskPlan {
  const ordered = extents.filter((extent) => extent.sizeBytes > 0).sort((a, b) => a.offset - b.offset);
  let end = 0;
  for (const extent of ordered) {
    if (extent.offset < end) throw new RangeError(`two extents overlap at ${extent.offset}`);
    end = extent.offset + extent.sizeBytes;
  }
  if (end > sizeBytes) throw new RangeError(`the extents end at ${end}, the disk at ${sizeBytes}`);
  return { sizeBytes, extents: ordered };
}

/** The name of the source of {@link rawDiskPlan}. */
export const RAW_DISK_SOURCE = 'disk';

/**
 * The plan of a disk that was uploaded as it is: its bytes from the source `disk`, zeros up to the volume's end.
 * A Nanos root file system uses the volume up to its end, so nothing has to be patched.
 */
export function rawDiskPlan(diskBytes: number, volumeBytes: number): DiskPlan {
  return makePlan(volumeBytes, [
    { offset: 0, sizeBytes: diskBytes, from: { source: RAW_DISK_SOURCE, offset: 0 } },
  ]);
}

/**
 * The indexes of the blocks that may hold something else than zeros, ascending. A block that is not listed is
 * zero; one that is listed may still turn out to be.
 */
export function nonZeroBlocks(plan: DiskPlan): number[] {
  const indexes: number[] = [];
  for (const { offset, sizeBytes } of plan.extents) {
    const last = Math.floor((offset + sizeBytes - 1) / BLOCK_BYTES);
    const first = Math.max(Math.floor(offset / BLOCK_BYTES), (indexes.at(-1) ?? -1) + 1);
    for (let index = first; index <= last; index += 1) indexes.push(index);
  }
  return indexes;
}

/** How many blocks of 512 KiB the disk has. */
export function planBlockCount(plan: DiskPlan): number {
  return blockCount(plan.sizeBytes);
}

/**
 * The disk as a source. Each read makes as many reads of the named sources as extents are touched.
 *
 * @throws RangeError if a source is missing or ends before what the plan takes from it
 */
export function readPlan(plan: DiskPlan, sources: Readonly<Record<string, ByteSource>>): ByteSource {
  for (const { from, sizeBytes } of plan.extents) {
    if ('bytes' in from) continue;
    const source = sources[from.source];
    if (source === undefined || from.offset + sizeBytes > source.sizeBytes) {
      throw new RangeError(`the source ${from.source} is missing or shorter than the plan says`);
    }
  }
  return {
    sizeBytes: plan.sizeBytes,
    read: (offset, length, signal) => readRange(plan, sources, { offset, length, signal }),
  };
}

async function readRange(
  plan: DiskPlan,
  sources: Readonly<Record<string, ByteSource>>,
  { offset, length, signal }: { offset: number; length: number; signal: AbortSignal | undefined },
): Promise<Uint8Array> {
  const size = readableLength(plan.sizeBytes, offset, length);
  const end = offset + size;
  let bytes: Uint8Array | undefined;
  for (let i = firstEndingAfter(plan.extents, offset); i < plan.extents.length; i += 1) {
    const extent = plan.extents[i];
    if (extent === undefined || extent.offset >= end) break;
    const start = Math.max(offset, extent.offset);
    const stop = Math.min(end, extent.offset + extent.sizeBytes);
    const piece = await readExtent(extent, sources, {
      offset: start - extent.offset,
      length: stop - start,
      signal,
    });
    if (piece.length === size) return piece; // a whole block of the program: no copy
    bytes ??= new Uint8Array(size);
    bytes.set(piece, start - offset);
  }
  return bytes ?? new Uint8Array(size);
}

/** A disk may have ten thousand extents and be read in small pieces, so the first one is found by halving. */
function firstEndingAfter(extents: readonly DiskExtent[], offset: number): number {
  let low = 0;
  let high = extents.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const extent = extents[middle];
    if (extent !== undefined && extent.offset + extent.sizeBytes <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function readExtent(
  { from }: DiskExtent,
  sources: Readonly<Record<string, ByteSource>>,
  { offset, length, signal }: { offset: number; length: number; signal: AbortSignal | undefined },
): Promise<Uint8Array> {
  if ('bytes' in from) return from.bytes.subarray(offset, offset + length);
  const piece = await sources[from.source]?.read(from.offset + offset, length, signal);
  if (piece?.length !== length)
    throw new RangeError(`the source ${from.source} gave less than was asked for`);
  return piece;
}

/** The part of a plan's blocks that one writer takes; `to` is not included. */
export function blocksBetween(blocks: readonly number[], from: number, to: number): number[] {
  return blocks.filter((index) => index >= from && index < to);
}
