/** Kernels for scenarios: bundles of the stand-in's form in the store of a stack. */
import { createHash } from 'node:crypto';
import { type KernelBundle, kernelKeys } from '../../../src/contracts/kernel-bundle.ts';
import { kernelDigest } from '../../../src/image/identity.ts';
import { standInKernel } from '../../../src/image/kernel-bundle.ts';
import type { Doors } from './doors.ts';

export interface KernelFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Puts the stand-in's files, those of `more` instead of its own or beside them, under a version of their own. */
export async function addKernel(doors: Doors, version: string, more: readonly KernelFile[]): Promise<void> {
  const replaced = new Set(more.map(({ name }) => name));
  const files = [...standInKernel().files.filter(({ name }) => !replaced.has(name)), ...more];
  const put = (Key: string, body: Uint8Array | string) =>
    doors.world.call('s3', 'PutObject', { Bucket: doors.storeBucket, Key, Body: Buffer.from(body) });
  const described = files.map(({ name, bytes }) => ({
    name,
    sizeBytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  const bundle: KernelBundle = {
    version,
    architecture: 'x86_64',
    digest: kernelDigest(described),
    files: described,
  };
  for (const { name, bytes } of files) await put(kernelKeys.file(version, name), bytes);
  await put(kernelKeys.bundle(version), JSON.stringify(bundle));
}
