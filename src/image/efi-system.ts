/**
 * The EFI system partition: a FAT32 file system with one file, the loader, where firmware looks for it by default
 * (`/EFI/BOOT/BOOTX64.EFI` or `BOOTAA64.EFI`).
 *
 * UEFI specification 2.10, sections 3.5.1.1 (names) and 13.3 (FAT); the structures are those of Microsoft's
 * "FAT32 File System Specification", version 1.03. The geometry is the one that Nanos disks have: sectors of 512
 * bytes, one a cluster, in 33 MiB, which gives the 65,525 clusters that make a FAT a FAT32.
 */
import type { Architecture } from './elf.ts';
import type { DiskExtent, ExtentOrigin } from './extents.ts';
import { EFI_SYSTEM_SECTORS } from './layout.ts';
import { SECTOR_BYTES } from './tfs/log.ts';

/** The loader's name in a kernel bundle, as an Ops release has it. */
export const efiLoaderFile = { x86_64: 'bootx64.efi', arm64: 'bootaa64.efi' } as const satisfies Record<
  Architecture,
  string
>;

const reservedSectors = 32;
const fats = 2;
const backupSector = 6;
const rootCluster = 2;
const efiCluster = 3;
const bootCluster = 4;
const loaderCluster = 5;
const endOfChain = 0x0fff_ffff;
const entryBytes = 32;
const attribute = { directory: 0x10, archive: 0x20 } as const;
/** 1980-01-01, the first day that FAT knows: an image carries no date. */
const firstDay = 0x21;

/** Each entry of a FAT has four bytes, the first two are taken; the rest of the partition is data. */
const fatSectors = Math.ceil(((EFI_SYSTEM_SECTORS - reservedSectors + 2) * 4) / (SECTOR_BYTES + 4 * fats));
const firstDataSector = reservedSectors + fats * fatSectors;
const clusters = EFI_SYSTEM_SECTORS - firstDataSector;

/** What fits beside the three directories. */
export const mostLoaderBytes = (clusters - 3) * SECTOR_BYTES;

export interface EfiSystemInput {
  readonly architecture: Architecture;
  readonly loaderBytes: number;
  /** Where the loader's bytes come from. */
  readonly loader: ExtentOrigin;
  /** Where the partition starts on the disk. */
  readonly startSector: number;
  /** Four bytes that tell this volume from others; they follow from the kernel, so that the same gives the same. */
  readonly serial: Uint8Array;
}

/**
 * The extents of the partition, with offsets from its start. Only what is not zero is listed.
 * @throws RangeError for a loader that is empty or does not fit
 */
export function planEfiSystem(input: EfiSystemInput): DiskExtent[] {
  const { architecture, loaderBytes, loader } = input;
  if (loaderBytes < 1 || loaderBytes > mostLoaderBytes) {
    throw new RangeError(`the loader has ${loaderBytes} bytes, and 1 to ${mostLoaderBytes} fit`);
  }
  const loaderClusters = Math.ceil(loaderBytes / SECTOR_BYTES);
  const head = new Uint8Array((backupSector + 2) * SECTOR_BYTES);
  for (const at of [0, backupSector]) {
    head.set(bootSector(input), at * SECTOR_BYTES);
    head.set(infoSector(loaderClusters), (at + 1) * SECTOR_BYTES);
  }
  const table = allocationTable(loaderClusters);
  const name = efiLoaderFile[architecture].toUpperCase().split('.');
  const directories = [
    [entry('EFI', '', attribute.directory, efiCluster, 0)],
    [...dots(efiCluster, 0), entry('BOOT', '', attribute.directory, bootCluster, 0)],
    [
      ...dots(bootCluster, efiCluster),
      entry(name[0] ?? '', name[1] ?? '', attribute.archive, loaderCluster, loaderBytes),
    ],
  ];
  const clusterAt = (cluster: number): number => (firstDataSector + cluster - rootCluster) * SECTOR_BYTES;
  return [
    { offset: 0, sizeBytes: head.length, from: { bytes: head } },
    ...Array.from({ length: fats }, (_, copy) => ({
      offset: (reservedSectors + copy * fatSectors) * SECTOR_BYTES,
      sizeBytes: table.length,
      from: { bytes: table },
    })),
    ...directories.map((entries, index) => ({
      offset: clusterAt(rootCluster + index),
      sizeBytes: entries.length * entryBytes,
      from: { bytes: Buffer.concat(entries) },
    })),
    { offset: clusterAt(loaderCluster), sizeBytes: loaderBytes, from: loader },
  ];
}

function bootSector({ startSector, serial }: EfiSystemInput): Uint8Array {
  const bytes = Buffer.alloc(SECTOR_BYTES);
  bytes.set([0xeb, 0x58, 0x90]); // jump over the table, as the specification wants it, to nothing
  bytes.write('FLOTILLA', 3, 'latin1');
  bytes.writeUInt16LE(SECTOR_BYTES, 11);
  bytes.writeUInt8(1, 13); // sectors per cluster
  bytes.writeUInt16LE(reservedSectors, 14);
  bytes.writeUInt8(fats, 16);
  bytes.writeUInt8(0xf8, 21); // a fixed disk
  bytes.writeUInt16LE(63, 24);
  bytes.writeUInt16LE(255, 26);
  bytes.writeUInt32LE(startSector, 28);
  bytes.writeUInt32LE(EFI_SYSTEM_SECTORS, 32);
  bytes.writeUInt32LE(fatSectors, 36);
  bytes.writeUInt32LE(rootCluster, 44);
  bytes.writeUInt16LE(1, 48); // the info sector
  bytes.writeUInt16LE(backupSector, 50);
  bytes.writeUInt8(0x80, 64);
  bytes.writeUInt8(0x29, 66); // serial, label and type follow
  bytes.set(serial.subarray(0, 4), 67);
  bytes.write('NO NAME    FAT32   ', 71, 'latin1');
  bytes.writeUInt16LE(0xaa55, 510);
  return bytes;
}

function infoSector(loaderClusters: number): Uint8Array {
  const bytes = Buffer.alloc(SECTOR_BYTES);
  const next = loaderCluster + loaderClusters;
  bytes.writeUInt32LE(0x4161_5252, 0);
  bytes.writeUInt32LE(0x6141_7272, 484);
  bytes.writeUInt32LE(clusters + rootCluster - next, 488); // free clusters
  bytes.writeUInt32LE(next, 492); // where to look for one
  bytes.writeUInt32LE(0xaa55_0000, 508);
  return bytes;
}

/** As far as it is not zero: free clusters are. */
function allocationTable(loaderClusters: number): Uint8Array {
  const bytes = Buffer.alloc((loaderCluster + loaderClusters) * 4);
  const head = [0x0fff_fff8, endOfChain, endOfChain, endOfChain, endOfChain];
  for (const [cluster, value] of head.entries()) bytes.writeUInt32LE(value, cluster * 4);
  for (let index = 0; index < loaderClusters; index += 1) {
    const cluster = loaderCluster + index;
    bytes.writeUInt32LE(index + 1 < loaderClusters ? cluster + 1 : endOfChain, cluster * 4);
  }
  return bytes;
}

function entry(base: string, extension: string, kind: number, cluster: number, sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(entryBytes);
  bytes.write(base.padEnd(8) + extension.padEnd(3), 0, 'latin1');
  bytes.writeUInt8(kind, 11);
  for (const at of [16, 18, 24]) bytes.writeUInt16LE(firstDay, at); // made, read, written
  bytes.writeUInt16LE(cluster >>> 16, 20);
  bytes.writeUInt16LE(cluster & 0xffff, 26);
  bytes.writeUInt32LE(sizeBytes, 28);
  return bytes;
}

/** A directory's own entries; the parent of one in the root is written as 0. */
function dots(own: number, parent: number): Buffer[] {
  return [entry('.', '', attribute.directory, own, 0), entry('..', '', attribute.directory, parent, 0)];
}
