/** A program, a kernel bundle and a manifest become a disk. */
import { FlotillaError } from '../errors.ts';
import { type DiskExtent, type DiskPlan, makePlan } from './extents.ts';
import { uuidFrom } from './identity.ts';
import { BOOT_FS_SECTORS, partitionType, placePartitions, withPartitions } from './layout.ts';
import { type Manifest, manifestTuple } from './manifest.ts';
import { SECTOR_BYTES } from './tfs/log.ts';
import { type FileEntry, type FileSystemPlan, planFileSystem } from './tfs/plan.ts';

/** Names of the sources that a plan reads from. */
export const planSource = {
  program: 'program',
  kernel: 'kernel',
  klib: (name: string) => `klib/${name}`,
} as const;

/**
 * What a disk must have left over for the running kernel, which reserves two log extensions of 512 KiB before
 * its first write; the double of that was found to be enough.
 */
const slackBytes = 2 * 1_048_576;

export interface DiskInput {
  readonly kernel: {
    /** The whole of boot.img: it is small, and its first sector is changed. */
    readonly bootImg: Uint8Array;
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
 * KiB, another program one more and its own, another kernel only blocks of the boot file system and the first.
 *
 * @throws FlotillaError ArtifactTooLarge, KernelInvalid (does not fit), ManifestInvalid (a klib that is missing)
 */
export function planDisk(input: DiskInput): DiskPlan {
  const { kernel, volumeBytes } = input;
  const places = placePartitions(kernel.bootImg.length, false);
  const bootFs = planBootFs(input);
  const rootFs = planRootFs(input);
  const room = volumeBytes - places.rootFs;
  if (rootFs.usedBytes + slackBytes > room) {
    throw new FlotillaError('ArtifactTooLarge', 'Program and files do not fit on a volume of the fleet.', {
      neededBytes: places.rootFs + rootFs.usedBytes + slackBytes,
      volumeBytes,
    });
  }
  const bootSector = withPartitions(kernel.bootImg, [
    { type: partitionType.linux, startSector: places.bootFs / SECTOR_BYTES, sectors: BOOT_FS_SECTORS },
    {
      type: partitionType.linux,
      startSector: places.rootFs / SECTOR_BYTES,
      sectors: Math.floor(room / SECTOR_BYTES),
    },
  ]);
  return makePlan(volumeBytes, [
    { offset: 0, sizeBytes: SECTOR_BYTES, from: { bytes: bootSector } },
    {
      offset: SECTOR_BYTES,
      sizeBytes: kernel.bootImg.length - SECTOR_BYTES,
      from: { bytes: kernel.bootImg.subarray(SECTOR_BYTES) },
    },
    ...moved(bootFs, places.bootFs),
    ...moved(rootFs, places.rootFs),
  ]);
}

function moved({ extents }: FileSystemPlan, offset: number): DiskExtent[] {
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
    files: [program, ...files],
  });
}
