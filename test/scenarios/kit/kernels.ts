/** Kernels for scenarios: bundles of the stand-in's form in the store of a stack. */
import { kernelKeys } from '../../../src/contracts/kernel-bundle.ts';
import { describeBundle, type KernelBundleFile, standInKernel } from '../../../src/image/kernel-bundle.ts';
import type { Doors } from './doors.ts';

/** Puts the stand-in's files, those of `more` instead of its own or beside them, under a version of their own. */
export async function addKernel(
  doors: Doors,
  version: string,
  more: readonly KernelBundleFile[],
): Promise<void> {
  const replaced = new Set(more.map(({ name }) => name));
  const files = [...standInKernel().files.filter(({ name }) => !replaced.has(name)), ...more];
  const put = (Key: string, body: Uint8Array | string) =>
    doors.world.call('s3', 'PutObject', { Bucket: doors.storeBucket, Key, Body: Buffer.from(body) });
  const bundle = describeBundle(version, 'x86_64', files);
  for (const { name, bytes } of files) await put(kernelKeys.file(version, name), bytes);
  await put(kernelKeys.bundle(version), JSON.stringify(bundle));
}
