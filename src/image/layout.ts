/**
 * The outer layout of a Nanos disk: boot record, partition table, where the partitions start.
 *
 * The kernel looks for its log area in the 4,096 bytes before the first partition and picks partitions by their
 * index; apart from that, partitions may start anywhere. The writer puts them at block boundaries, so that a
 * change inside one touches no block of another.
 */
import { BLOCK_BYTES } from './blocks.ts';
import { SECTOR_BYTES } from './tfs/log.ts';

export const partitionType = { linux: 0x83, efiSystem: 0xef } as const;
/** Where the kernel leaves its exit code and the end of its console. */
const KERNEL_LOG_BYTES = 4096;
/** Fixed: the boot file system has this size on every Nanos disk. */
export const BOOT_FS_SECTORS = 24_576;
/** 33 MiB: the smallest FAT32 with sectors of 512 bytes and one sector per cluster, rounded up. */
export const EFI_SYSTEM_SECTORS = 67_584;

const tableOffset = 0x1be;
const entryBytes = 16;
const signatureOffset = 0x1fe;
const regionOffset = 0x1aa;
const regionBytes = 20;
const regionBase = 0x8000;
const regionType = 12;

export interface Partition {
  readonly index: number;
  readonly active: boolean;
  readonly type: number;
  readonly startSector: number;
  readonly sectors: number;
}

/** The record in the boot sector that tells it how much of `boot.img` to load, and where. */
export interface BootRegion {
  readonly base: number;
  readonly sizeBytes: number;
  readonly type: number;
}

/** True for a sector that ends in 55 AA. */
export function hasBootSignature(sector: Uint8Array): boolean {
  return sector[signatureOffset] === 0x55 && sector[signatureOffset + 1] === 0xaa;
}

/** The partitions of a boot sector; unused entries (type 0) are left out. */
export function readPartitions(sector: Uint8Array): Partition[] {
  const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
  return [0, 1, 2, 3].flatMap((index) => {
    const at = tableOffset + index * entryBytes;
    const type = view.getUint8(at + 4);
    if (type === 0) return [];
    return {
      index,
      active: view.getUint8(at) === 0x80,
      type,
      startSector: view.getUint32(at + 8, true),
      sectors: view.getUint32(at + 12, true),
    };
  });
}

/** The region record; `undefined` where there is none, as on arm64. */
export function readBootRegion(sector: Uint8Array): BootRegion | undefined {
  const view = new DataView(sector.buffer, sector.byteOffset + regionOffset, regionBytes);
  const region = {
    base: Number(view.getBigUint64(0, true)),
    sizeBytes: Number(view.getBigUint64(8, true)),
    type: view.getUint32(16, true),
  };
  return region.type === regionType ? region : undefined;
}

/** Writes a region record for a `boot.img` of so many bytes; a real `boot.img` brings its own. */
export function writeBootRegion(sector: Uint8Array, bootImgBytes: number): void {
  const view = new DataView(sector.buffer, sector.byteOffset + regionOffset, regionBytes);
  view.setBigUint64(0, BigInt(regionBase), true);
  view.setBigUint64(8, BigInt(bootImgBytes - SECTOR_BYTES), true);
  view.setUint32(16, regionType, true);
}

/** The first sector of a disk without a loader for BIOS, as it is on arm64: nothing but what follows patches in. */
export function emptyBootSector(): Uint8Array {
  return new Uint8Array(SECTOR_BYTES);
}

/** The boot sector with this partition table and the signature; the rest stays as it is. */
export function withPartitions(
  sector: Uint8Array,
  partitions: readonly { readonly type: number; readonly startSector: number; readonly sectors: number }[],
): Uint8Array {
  const patched = sector.slice(0, SECTOR_BYTES);
  patched.fill(0, tableOffset, signatureOffset);
  const view = new DataView(patched.buffer);
  for (const [index, { type, startSector, sectors }] of partitions.entries()) {
    const at = tableOffset + index * entryBytes;
    view.setUint8(at, 0x80);
    patched.set(cylinderHeadSector(startSector), at + 1);
    view.setUint8(at + 4, type);
    patched.set(cylinderHeadSector(startSector + sectors - 1), at + 5);
    view.setUint32(at + 8, startSector, true);
    view.setUint32(at + 12, sectors, true);
  }
  patched[signatureOffset] = 0x55;
  patched[signatureOffset + 1] = 0xaa;
  return patched;
}

/** The old address form with 255 heads and 63 sectors; informational, and saturated where it cannot reach. */
function cylinderHeadSector(sector: number): [number, number, number] {
  const cylinder = Math.floor(sector / (255 * 63));
  if (cylinder > 1023) return [254, 63 | 0xc0, 0xff];
  return [Math.floor(sector / 63) % 255, ((sector % 63) + 1) | ((cylinder >> 2) & 0xc0), cylinder & 0xff];
}

export interface PartitionPlaces {
  /** Offset of the EFI system partition, where one is wanted. */
  readonly efiSystem?: number;
  readonly bootFs: number;
  readonly rootFs: number;
}

/**
 * Where the partitions start, in bytes: the first block boundary behind `boot.img` and the kernel's log area.
 * @param bootImgBytes of `boot.img`, or one sector where there is none
 */
export function placePartitions(bootImgBytes: number, withEfiSystem: boolean): PartitionPlaces {
  const first = Math.ceil((bootImgBytes + KERNEL_LOG_BYTES) / BLOCK_BYTES) * BLOCK_BYTES;
  const bootFs = withEfiSystem ? first + EFI_SYSTEM_SECTORS * SECTOR_BYTES : first;
  return {
    ...(withEfiSystem && { efiSystem: first }),
    bootFs,
    rootFs: bootFs + BOOT_FS_SECTORS * SECTOR_BYTES,
  };
}
