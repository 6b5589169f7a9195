/** Kernel bundles as they lie in the store. */
import type { ObjectSource, Objects } from '../aws/objects.ts';
import type { Architecture } from '../contracts/ids.ts';
import { kernelBundle, kernelKeys, latestKernel } from '../contracts/kernel-bundle.ts';
import { FlotillaError } from '../errors.ts';
import { efiLoaderFile } from '../image/efi-system.ts';
import { kernelFile, klibFolder, refuseStandIn, requireKernelBundle } from '../image/kernel-bundle.ts';
import type { Config } from './config.ts';

/** A bundle that may be used here: what planning a disk needs of it, and its kernel by ranges. */
export interface Kernel {
  readonly version: string;
  readonly digest: string;
  readonly architecture: Architecture;
  /** Absent on arm64. */
  readonly bootImg: Uint8Array | undefined;
  /** The loader for UEFI, where the bundle has one. */
  readonly efiLoader: ObjectSource | undefined;
  readonly kernelImg: ObjectSource;
  /** Its modules by name, without the folder. */
  readonly klibs: ReadonlyMap<string, ObjectSource>;
}

type Settings = Pick<Config, 'storeBucket' | 'standInKernel'>;

async function json(objects: Objects, bucket: string, key: string): Promise<unknown> {
  const bytes = await objects.bytes({ bucket, key });
  return bytes === undefined ? undefined : JSON.parse(Buffer.from(bytes).toString('utf8'));
}

/** The version that is meant where a fleet names none. @throws FlotillaError KernelNotFound */
async function newestVersion(objects: Objects, bucket: string, wanted: Architecture): Promise<string> {
  const latest = await json(objects, bucket, kernelKeys.latest(wanted));
  if (latest === undefined) {
    throw new FlotillaError('KernelNotFound', `No kernel bundle for ${wanted} was ever added to the store`, {
      bucket,
      architecture: wanted,
    });
  }
  return latestKernel.parse(latest).version;
}

/**
 * Opens the bundle of this version, or the newest of the architecture.
 * @throws FlotillaError KernelNotFound, KernelInvalid, KernelStandIn
 */
export async function openKernel(
  objects: Objects,
  { storeBucket, standInKernel }: Settings,
  {
    version: wanted,
    architecture,
  }: { readonly version?: string | undefined; readonly architecture: Architecture },
): Promise<Kernel> {
  const version = wanted ?? (await newestVersion(objects, storeBucket, architecture));
  const described = await json(objects, storeBucket, kernelKeys.bundle(version));
  if (described === undefined) {
    throw new FlotillaError('KernelNotFound', `The store has no kernel bundle ${version}`, { version });
  }
  const bundle = kernelBundle.safeParse(described);
  if (!bundle.success) {
    throw new FlotillaError('KernelInvalid', `${kernelKeys.bundle(version)} does not describe a bundle`, {
      version,
    });
  }
  if (bundle.data.architecture !== architecture) {
    throw new FlotillaError(
      'KernelInvalid',
      `The bundle ${version} is for ${bundle.data.architecture}, and the fleet runs ${architecture}`,
      { version },
    );
  }
  const ref = (name: string) => ({ bucket: storeBucket, key: kernelKeys.file(version, name) });
  const size = (name: string) => bundle.data.files.find((file) => file.name === name)?.sizeBytes ?? 0;
  const bootImg = size(kernelFile.boot) === 0 ? undefined : await objects.bytes(ref(kernelFile.boot));
  if (size(kernelFile.kernel) === 0) {
    throw new FlotillaError('KernelInvalid', `The bundle ${version} lacks kernel.img`, { version });
  }
  const kernelImg = objects.source(ref(kernelFile.kernel), size(kernelFile.kernel));
  const start = await kernelImg.read(0, 4096);
  const loaderBytes = size(efiLoaderFile[architecture]);
  const efiLoader =
    loaderBytes === 0 ? undefined : objects.source(ref(efiLoaderFile[architecture]), loaderBytes);
  if (standInKernel === 'refused') refuseStandIn(version, start, ...(bootImg === undefined ? [] : [bootImg]));
  requireKernelBundle({
    architecture,
    kernelImgStart: start,
    kernelImgBytes: kernelImg.sizeBytes,
    bootImg,
    efiLoader: efiLoader && { start: await efiLoader.read(0, 4096), sizeBytes: loaderBytes },
  });
  const klibs = new Map(
    bundle.data.files
      .filter(({ name }) => name.startsWith(klibFolder))
      .map(({ name, sizeBytes }) => [name.slice(klibFolder.length), objects.source(ref(name), sizeBytes)]),
  );
  return { version, digest: bundle.data.digest, architecture, bootImg, efiLoader, kernelImg, klibs };
}
