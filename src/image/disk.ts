/** A program, a kernel bundle and a manifest become a disk. */
import { FlotillaError } from '../errors.ts';
import { planEfiSystem } from './efi-system.ts';
import type { Architecture } from './elf.ts';
import { type DiskExtent, type DiskPlan, makePlan } from './extents.ts';
import { uuidFrom } from './identity.ts';
import {
  BOOT_FS_SECTORS,
  EFI_SYSTEM_SECTORS,
  emptyBootSector,
  type PartitionPlaces,
  partitionType,
  placePartitions,
  withPartitions,
} from './layout.ts';
import { type Manifest, manifestTuple, mountPoints } from './manifest.ts';
import { SECTOR_BYTES } from './tfs/log.ts';
import { type FileEntry, type FileSystemPlan, planFileSystem } from './tfs/plan.ts';

/** Names of the sources that a plan reads from. */
export const planSource = {
  program: 'program',
  kernel: 'kernel',
  efiLoader: 'efi-loader',
  klib: (name: string) => `klib/${name}`,
} as const;

/**
 * What a disk must have left over for the running kernel, which reserves two log extensions of 512 KiB before
 * its first write; the double of that was found to be enough.
 */
const slackBytes = 2 * 1_048_576;

export interface DiskInput {
  readonly kernel: {
    /** The whole of boot.img: it is small, and its first sector is changed. Absent on arm64, which has no BIOS. */
    readonly bootImg?: Uint8Array | undefined;
    /** The loader for UEFI: given where the disk is to have an EFI system partition. */
    readonly efiLoader?: { readonly architecture: Architecture; readonly sizeBytes: number } | undefined;
    readonly kernelImgBytes: number;
    /** Modules of the bundle by name; those that the manifest names are put in. */
    readonly klibs?: readonly { readonly name: string; readonly sizeBytes: number }[];
    readonly digest: string;
  };
  readonly programBytes: number;
  readonly manifest: Manifest;
  readonly volumeBytes: number;
  /** See imageIdentity: the UUIDs follow from it. */
  readonly identity: string;
}

/**
 * Plans the disk of an image: what lies where, and where it comes from. Nothing is read but `bootImg`; the bytes
 * of kernel and program are asked for when the plan is read.
 *
 * Deterministic: equal input gives equal bytes. A change of arguments or environment changes one block of 512
 * KiB, another program one more and its own, another kernel only blocks of the boot file system, of the EFI system
 * partition, and the first.
 *
 * A disk with an EFI system partition boots by UEFI and, where it has a boot.img, by BIOS as well.
 *
 * @throws FlotillaError ArtifactTooLarge, KernelInvalid (does not fit), ManifestInvalid (a klib that is missing)
 */
export function planDisk(input: DiskInput): DiskPlan {
  const { kernel, volumeBytes } = input;
  const bootImg = kernel.bootImg ?? emptyBootSector();
  const places = placePartitions(bootImg.length, kernel.efiLoader !== undefined);
  const efiSystem = planEfi(input, places);
  const bootFs = planBootFs(input);
  const rootFs = planRootFs(input);
  const room = volumeBytes - places.rootFs;
  if (rootFs.usedBytes + slackBytes > room) {
    throw new FlotillaError('ArtifactTooLarge', 'Program and files do not fit on a volume of the fleet.', {
      neededBytes: places.rootFs + rootFs.usedBytes + slackBytes,
      volumeBytes,
    });
  }
  const partition = (type: number, offset: number, sectors: number) => ({
    type,
    startSector: offset / SECTOR_BYTES,
    sectors,
  });
  const bootSector = withPartitions(bootImg, [
    ...(places.efiSystem === undefined
      ? []
      : [partition(partitionType.efiSystem, places.efiSystem, EFI_SYSTEM_SECTORS)]),
    partition(partitionType.linux, places.bootFs, BOOT_FS_SECTORS),
    partition(partitionType.linux, places.rootFs, Math.floor(room / SECTOR_BYTES)),
  ]);
  return makePlan(volumeBytes, [
    { offset: 0, sizeBytes: SECTOR_BYTES, from: { bytes: bootSector } },
    {
      offset: SECTOR_BYTES,
      sizeBytes: bootImg.length - SECTOR_BYTES,
      from: { bytes: bootImg.subarray(SECTOR_BYTES) },
    },
    ...moved(efiSystem, places.efiSystem ?? 0),
    ...moved(bootFs.extents, places.bootFs),
    ...moved(rootFs.extents, places.rootFs),
  ]);
}

/** @throws FlotillaError KernelInvalid where the disk could not boot, or the loader does not fit */
function planEfi({ kernel }: DiskInput, { efiSystem }: PartitionPlaces): DiskExtent[] {
  if (efiSystem === undefined || kernel.efiLoader === undefined) {
    if (kernel.bootImg !== undefined) return [];
    throw new FlotillaError('KernelInvalid', 'The kernel has neither a loader for BIOS nor one for UEFI.');
  }
  try {
    return planEfiSystem({
      architecture: kernel.efiLoader.architecture,
      loaderBytes: kernel.efiLoader.sizeBytes,
      loader: { source: planSource.efiLoader, offset: 0 },
      startSector: efiSystem / SECTOR_BYTES,
      serial: uuidFrom(`efi ${kernel.digest}`),
    });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new FlotillaError(
      'KernelInvalid',
      `The kernel bundle is not usable: ${cause.message}.`,
      {},
      { cause },
    );
  }
}

function moved(extents: readonly DiskExtent[], offset: number): DiskExtent[] {
  return extents.map((extent) => ({ ...extent, offset: extent.offset + offset }));
}

/** Its UUID follows from the kernel alone, so that an image's boot blocks are the same for all manifests. */
function planBootFs({ kernel, manifest }: DiskInput): FileSystemPlan {
  const klibs = manifest.klibs.map((name): FileEntry => {
    const klib = kernel.klibs?.find((candidate) => candidate.name === name);
    if (klib === undefined) {
      const present = kernel.klibs?.map((candidate) => candidate.name).join(', ') ?? '';
      throw new FlotillaError(
        'ManifestInvalid',
        `The kernel bundle has no klib ${name}; it has ${present === '' ? 'none' : present}.`,
        { klib: name },
      );
    }
    return {
      path: `/klib/${name}`,
      sizeBytes: klib.sizeBytes,
      from: { source: planSource.klib(name), offset: 0 },
    };
  });
  const kernelImg = {
    path: '/kernel',
    sizeBytes: kernel.kernelImgBytes,
    from: { source: planSource.kernel, offset: 0 },
  };
  const plan = planFileSystem({
    uuid: uuidFrom(`boot ${kernel.digest}`),
    attributes: new Map(),
    mainPath: kernelImg.path,
    files: [kernelImg, ...klibs],
  });
  const mostBytes = BOOT_FS_SECTORS * SECTOR_BYTES;
  if (plan.usedBytes > mostBytes) {
    throw new FlotillaError('KernelInvalid', 'Kernel and klibs do not fit into the boot file system.', {
      neededBytes: plan.usedBytes,
      mostBytes,
    });
  }
  return plan;
}

function planRootFs({ manifest, programBytes, identity }: DiskInput): FileSystemPlan {
  const files = Object.entries(manifest.files).map(([path, text]): FileEntry => {
    const bytes = Buffer.from(text, 'utf8');
    return { path, sizeBytes: bytes.length, from: { bytes } };
  });
  const program = {
    path: manifest.program,
    sizeBytes: programBytes,
    from: { source: planSource.program, offset: 0 },
  };
  return planFileSystem({
    uuid: uuidFrom(`root ${identity}`),
    attributes: manifestTuple(manifest),
    mainPath: program.path,
    directories: mountPoints(manifest),
    files: [program, ...files],
  });
}
