/** What lies at a place of a disk, in words for a person who was told that it differs. */
import { openNanosDisk } from './recognise.ts';
import type { ByteSource } from './source.ts';
import { type FileSystem, walk } from './tfs/file-system.ts';
import { SECTOR_BYTES } from './tfs/log.ts';

/**
 * @param source a whole Nanos disk
 * @param offset in bytes
 * @returns for example `the program's file /web/web` or `the boot sector`
 * @throws FlotillaError Disk… where the disk cannot be read
 */
export async function whatLiesAt(source: ByteSource, offset: number): Promise<string> {
  if (offset < SECTOR_BYTES) return 'the boot sector, with the partition table';
  const bootSector = await source.read(0, SECTOR_BYTES);
  const { layout, bootFs, rootFs } = await openNanosDisk(source, bootSector);
  const rootAt = layout.root.startSector * SECTOR_BYTES;
  if (offset >= rootAt) return inFileSystem(rootFs, offset - rootAt, 'root file system');
  const bootAt = layout.boot.startSector * SECTOR_BYTES;
  const bootEnd = bootAt + layout.boot.sectors * SECTOR_BYTES;
  if (offset >= bootAt && offset < bootEnd) {
    return inFileSystem(bootFs, offset - bootAt, 'boot file system');
  }
  if (layout.hasEfiSystem && offset >= bootEnd) return 'a gap between partitions';
  return layout.hasEfiSystem ? 'the boot loader or the EFI system partition' : 'the boot loader';
}

function inFileSystem(fs: FileSystem, offset: number, name: string): string {
  const sector = Math.floor(offset / SECTOR_BYTES);
  for (const node of walk(fs)) {
    if (node.kind !== 'file') continue;
    const inside = node.extents.some((one) => sector >= one.offset && sector < one.offset + one.length);
    if (inside) return `the file ${node.path} of the ${name}`;
  }
  return `the ${name}, outside its files: its log, or free space`;
}
