/** The disk of a recipe: its plan, and its bytes out of the two buckets. */
import type { Objects } from '../aws/objects.ts';
import type { Recipe } from '../contracts/build.ts';
import { FlotillaError } from '../errors.ts';
import { planDisk, planSource } from '../image/disk.ts';
import { efiLoaderFile } from '../image/efi-system.ts';
import { type DiskPlan, RAW_DISK_SOURCE, rawDiskPlan, readPlan } from '../image/extents.ts';
import type { ByteSource } from '../image/source.ts';
import type { Config } from './config.ts';
import { type Kernel, openKernel } from './kernel-bundle.ts';

export interface Disk {
  readonly plan: DiskPlan;
  /** The whole volume; reads become ranged GETs. */
  readonly bytes: ByteSource;
}

const gib = 1_073_741_824;

/**
 * Opens the disk that a recipe describes.
 * @throws FlotillaError ArtifactTooLarge, KernelInvalid, ManifestInvalid, KernelNotFound, KernelStandIn
 */
export async function openDisk(
  objects: Objects,
  config: Pick<Config, 'storeBucket' | 'standInKernel'>,
  recipe: Recipe,
): Promise<Disk> {
  const { built } = recipe;
  if (built === undefined) return describeDisk(objects, recipe, undefined);
  const { architecture } = recipe.artifact;
  const kernel = await openKernel(objects, config, { version: built.kernel.version, architecture });
  if (kernel.digest !== built.kernel.digest) {
    throw new FlotillaError('KernelInvalid', `The bundle ${kernel.version} was replaced during the build`, {
      version: kernel.version,
    });
  }
  return describeDisk(objects, recipe, kernel);
}

/** As {@link openDisk}, with the kernel at hand. */
export function describeDisk(objects: Objects, recipe: Recipe, kernel: Kernel | undefined): Disk {
  const { artifact, built, identity } = recipe;
  const volumeBytes = recipe.volumeSizeGiB * gib;
  const uploaded = objects.source(artifact, artifact.sizeBytes);
  if (built === undefined || kernel === undefined) {
    if (artifact.sizeBytes > volumeBytes) {
      throw new FlotillaError(
        'ArtifactTooLarge',
        `The disk has ${artifact.sizeBytes} bytes, a volume of the fleet ${volumeBytes}`,
        { sizeBytes: artifact.sizeBytes, volumeBytes },
      );
    }
    const plan = rawDiskPlan(artifact.sizeBytes, volumeBytes);
    return { plan, bytes: readPlan(plan, { [RAW_DISK_SOURCE]: uploaded }) };
  }
  const efiLoader = wantedLoader(recipe, kernel);
  const plan = planDisk({
    kernel: {
      bootImg: kernel.bootImg,
      efiLoader: efiLoader && { architecture: kernel.architecture, sizeBytes: efiLoader.sizeBytes },
      kernelImgBytes: kernel.kernelImg.sizeBytes,
      klibs: [...kernel.klibs].map(([name, { sizeBytes }]) => ({ name, sizeBytes })),
      digest: kernel.digest,
    },
    programBytes: artifact.sizeBytes,
    manifest: built.manifest,
    volumeBytes,
    identity,
  });
  const sources = {
    [planSource.program]: uploaded,
    [planSource.kernel]: kernel.kernelImg,
    ...(efiLoader && { [planSource.efiLoader]: efiLoader }),
    ...Object.fromEntries([...kernel.klibs].map(([name, source]) => [planSource.klib(name), source])),
  };
  return { plan, bytes: readPlan(plan, sources) };
}

/** The loader that goes into the disk. @throws FlotillaError KernelInvalid where it is wanted and missing */
function wantedLoader({ bootMode }: Recipe, kernel: Kernel): Kernel['efiLoader'] {
  if (bootMode === 'legacy-bios') return undefined;
  if (kernel.efiLoader !== undefined) return kernel.efiLoader;
  throw new FlotillaError(
    'KernelInvalid',
    `The fleet's image.bootMode is ${bootMode}, and the bundle ${kernel.version} has no ${efiLoaderFile[kernel.architecture]}`,
    { version: kernel.version },
  );
}
