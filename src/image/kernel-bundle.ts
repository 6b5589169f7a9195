/**
 * Kernel bundles: the files of a Nanos release that an image needs, kept in the store under `kernels/<version>/`.
 */
import { createHash } from 'node:crypto';
import type { KernelBundle } from '../contracts/kernel-bundle.ts';
import { FlotillaError } from '../errors.ts';
import { efiLoaderFile, mostLoaderBytes } from './efi-system.ts';
import { type Architecture, elfArchitecture } from './elf.ts';
import { kernelDigest } from './identity.ts';
import { BOOT_FS_SECTORS, hasBootSignature, readBootRegion, writeBootRegion } from './layout.ts';
import { SECTOR_BYTES } from './tfs/log.ts';

/** Names of a bundle's files, as an Ops release has them. */
export const kernelFile = { kernel: 'kernel.img', boot: 'boot.img' } as const;

/** Modules lie in this folder of a bundle, one file each. */
export const klibFolder = 'klibs/';

/**
 * The boot file system has 12 MiB. Its log takes the first 512 KiB, the second is for small modules, and the
 * kernel reserves as much again for a log that grows.
 */
const mostKernelBytes = BOOT_FS_SECTORS * SECTOR_BYTES - 4 * 524_288;
/** A real boot.img has about 50 KB; the region that it is loaded into ends at 0x80000 minus its base. */
const mostBootBytes = 0x80000 - 0x8000;

/** What stands in the store beside a bundle's files: `bundle.json`. */
export function describeBundle(
  version: string,
  architecture: Architecture,
  files: readonly KernelBundleFile[],
): KernelBundle {
  const described = files.map(({ name, bytes }) => ({
    name,
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  return { version, architecture, digest: kernelDigest(described), files: described };
}

/** What of a bundle has to be looked at. */
export interface BundleFacts {
  readonly architecture: Architecture;
  /** The first bytes of kernel.img, 64 at least. */
  readonly kernelImgStart: Uint8Array;
  readonly kernelImgBytes: number;
  /** Absent on arm64, which has no BIOS. */
  readonly bootImg?: Uint8Array | undefined;
  /** The loader for UEFI: its first bytes, 512 at least, and how many it has. On x86-64 it may be absent. */
  readonly efiLoader?: { readonly start: Uint8Array; readonly sizeBytes: number } | undefined;
}

/**
 * Checks the files that every bundle must have: kernel.img, and boot.img on x86-64 or bootaa64.efi on arm64.
 *
 * @throws FlotillaError KernelInvalid
 */
export function requireKernelBundle(bundle: BundleFacts): void {
  const { architecture, bootImg, efiLoader } = bundle;
  if (elfArchitecture(bundle.kernelImgStart) !== architecture)
    throw invalid(`kernel.img is no ELF for ${architecture}`);
  if (bundle.kernelImgBytes > mostKernelBytes) {
    throw invalid(`kernel.img has ${bundle.kernelImgBytes} bytes, at most ${mostKernelBytes} fit`);
  }
  if (efiLoader !== undefined) requireLoader(efiLoader, architecture);
  if (architecture === 'arm64') {
    if (efiLoader === undefined)
      throw invalid(`${efiLoaderFile.arm64} is missing, and arm64 boots by UEFI alone`);
    return;
  }
  if (bootImg === undefined) throw invalid('boot.img is missing');
  requireBootImg(bootImg);
}

function requireBootImg(bootImg: Uint8Array): void {
  if (bootImg.length < 2 * SECTOR_BYTES || bootImg.length % SECTOR_BYTES !== 0) {
    throw invalid(`boot.img has ${bootImg.length} bytes, which is no number of sectors`);
  }
  if (bootImg.length > mostBootBytes) throw invalid(`boot.img has ${bootImg.length} bytes`);
  if (!hasBootSignature(bootImg)) throw invalid('boot.img does not start with a boot sector');
  const region = readBootRegion(bootImg);
  if (region === undefined) throw invalid('boot.img has no region record');
  if (region.sizeBytes !== bootImg.length - SECTOR_BYTES) {
    throw invalid(
      `boot.img says that ${region.sizeBytes} bytes follow, and ${bootImg.length - SECTOR_BYTES} do`,
    );
  }
}

/** Machine types of PE images. https://learn.microsoft.com/windows/win32/debug/pe-format#machine-types */
const peMachine = { x86_64: 0x8664, arm64: 0xaa64 } as const satisfies Record<Architecture, number>;

function requireLoader(
  { start, sizeBytes }: NonNullable<BundleFacts['efiLoader']>,
  architecture: Architecture,
): void {
  const name = efiLoaderFile[architecture];
  const view = Buffer.from(start.buffer, start.byteOffset, start.byteLength);
  if (sizeBytes > mostLoaderBytes)
    throw invalid(`${name} has ${sizeBytes} bytes, at most ${mostLoaderBytes} fit`);
  const at = view.length >= 64 && view.readUInt16LE(0) === 0x5a4d ? view.readUInt32LE(60) : undefined;
  const isPe = at !== undefined && at + 6 <= view.length && view.readUInt32LE(at) === 0x4550;
  if (!isPe || view.readUInt16LE(at + 4) !== peMachine[architecture])
    throw invalid(`${name} is no UEFI program for ${architecture}`);
}

/** The version under which the stand-in lies in the store; a real release has a number of its own. */
export const STAND_IN_VERSION = '0.0.0-stand-in';
const standInMarker = 'flotilla stand-in kernel: boots nowhere outside a local region';

export interface KernelBundleFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/**
 * A bundle for the local region, which runs the program of an image as a process and needs no kernel to do so.
 * It has the form of a bundle, so that the whole path is walked, and says in plain text what it is. On a real
 * machine it halts.
 */
export function standInKernel(architecture: Architecture = 'x86_64'): {
  version: string;
  files: KernelBundleFile[];
} {
  const kernel = { name: kernelFile.kernel, bytes: standInKernelImg(architecture) };
  return architecture === 'x86_64'
    ? { version: STAND_IN_VERSION, files: [kernel, { name: kernelFile.boot, bytes: standInBootImg() }] }
    : {
        version: `${STAND_IN_VERSION}-${architecture}`,
        files: [kernel, { name: efiLoaderFile[architecture], bytes: standInLoader(architecture) }],
      };
}

/** An ELF header that names no segment, then the marker. */
function standInKernelImg(architecture: Architecture): Uint8Array {
  const text = Buffer.from(`${standInMarker}\n`, 'utf8');
  const bytes = Buffer.alloc(64 + text.length);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(architecture === 'x86_64' ? 62 : 183, 18);
  bytes.writeUInt32LE(1, 20);
  bytes.writeUInt16LE(64, 52);
  bytes.set(text, 64);
  return new Uint8Array(bytes);
}

/** The two headers of a PE image that names no section, then the marker. */
function standInLoader(architecture: Architecture): Uint8Array {
  const bytes = Buffer.alloc(SECTOR_BYTES);
  bytes.writeUInt16LE(0x5a4d, 0);
  bytes.writeUInt32LE(64, 60);
  bytes.writeUInt32LE(0x4550, 64);
  bytes.writeUInt16LE(peMachine[architecture], 68);
  bytes.set(Buffer.from(standInMarker, 'utf8'), 96);
  return new Uint8Array(bytes);
}

/** `cli; hlt; jmp` back to the `hlt`, then the marker, and a second sector without content. */
function standInBootImg(): Uint8Array {
  const bytes = new Uint8Array(2 * SECTOR_BYTES);
  bytes.set([0xfa, 0xf4, 0xeb, 0xfd]);
  bytes.set(Buffer.from(standInMarker, 'utf8'), 16);
  bytes.set([0x55, 0xaa], 0x1fe);
  writeBootRegion(bytes, bytes.length);
  return bytes;
}

/** True for the stand-in's kernel.img or boot.img, by the text inside and not by the name of its folder. */
export function isStandIn(fileStart: Uint8Array): boolean {
  return Buffer.from(fileStart.buffer, fileStart.byteOffset, Math.min(fileStart.length, 4096)).includes(
    standInMarker,
  );
}

/**
 * Refuses the stand-in where it would be booted for real.
 *
 * @throws FlotillaError KernelStandIn
 */
export function refuseStandIn(version: string, ...fileStarts: readonly Uint8Array[]): void {
  if (version.startsWith(STAND_IN_VERSION) || fileStarts.some(isStandIn)) {
    throw new FlotillaError('KernelStandIn', `The kernel bundle ${version} boots nowhere.`, { version });
  }
}

function invalid(why: string): FlotillaError {
  return new FlotillaError('KernelInvalid', `The kernel bundle is not usable: ${why}.`);
}
