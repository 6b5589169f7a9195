/** Kernel bundles as they lie in the store. */
import type { ObjectSource, Objects } from '../aws/objects.ts';
import { kernelBundle, kernelKeys, latestKernel } from '../contracts/kernel-bundle.ts';
import { FlotillaError } from '../errors.ts';
import { kernelFile, klibFolder, refuseStandIn, requireKernelBundle } from '../image/kernel-bundle.ts';
import type { Config } from './config.ts';

/** A bundle that may be used here: what planning a disk needs of it, and its kernel by ranges. */
export interface Kernel {
  readonly version: string;
  readonly digest: string;
  readonly bootImg: Uint8Array;
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
async function newestVersion(objects: Objects, bucket: string): Promise<string> {
  const latest = await json(objects, bucket, kernelKeys.latest);
  if (latest === undefined) {
    throw new FlotillaError('KernelNotFound', 'No kernel bundle was ever added to the store', { bucket });
  }
  return latestKernel.parse(latest).version;
}

/**
 * Opens the bundle of this version, or the newest.
 * @throws FlotillaError KernelNotFound, KernelInvalid, KernelStandIn
 */
export async function openKernel(
  objects: Objects,
  { storeBucket, standInKernel }: Settings,
  wanted: string | undefined,
): Promise<Kernel> {
  const version = wanted ?? (await newestVersion(objects, storeBucket));
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
  const ref = (name: string) => ({ bucket: storeBucket, key: kernelKeys.file(version, name) });
  const size = (name: string) => bundle.data.files.find((file) => file.name === name)?.sizeBytes ?? 0;
  const bootImg = await objects.bytes(ref(kernelFile.boot));
  if (bootImg === undefined || size(kernelFile.kernel) === 0) {
    throw new FlotillaError('KernelInvalid', `The bundle ${version} lacks kernel.img or boot.img`, {
      version,
    });
  }
  const kernelImg = objects.source(ref(kernelFile.kernel), size(kernelFile.kernel));
  const start = await kernelImg.read(0, 4096);
  if (standInKernel === 'refused') refuseStandIn(version, start, bootImg);
  requireKernelBundle({ kernelImgStart: start, kernelImgBytes: kernelImg.sizeBytes, bootImg });
  const klibs = new Map(
    bundle.data.files
      .filter(({ name }) => name.startsWith(klibFolder))
      .map(({ name, sizeBytes }) => [name.slice(klibFolder.length), objects.source(ref(name), sizeBytes)]),
  );
  return { version, digest: bundle.data.digest, bootImg, kernelImg, klibs };
}
