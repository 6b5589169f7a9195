/** How a kernel bundle lies in the store: `kernels/<version>/…`, described by its `bundle.json`. */
import * as z from 'zod';
import { type Architecture, architecture, sha256Hex } from './ids.ts';

export const kernelVersion = z
  .string()
  .regex(/^[0-9A-Za-z][0-9A-Za-z.+-]*$/)
  .max(64);

/** `kernels/<version>/bundle.json`, written after the files that it names. */
export const kernelBundle = z.strictObject({
  version: kernelVersion,
  /** What kernel.img is for. */
  architecture: architecture.default('x86_64'),
  /** Over names and digests of all files, see kernelDigest in src/image/identity.ts. */
  digest: sha256Hex,
  files: z
    .array(z.strictObject({ name: z.string().min(1), sizeBytes: z.number().int().min(1), sha256: sha256Hex }))
    .min(2),
});
export type KernelBundle = z.infer<typeof kernelBundle>;

/** `kernels/latest.json`, or `latest-arm64.json`: the version that fleets of the architecture get which name none. */
export const latestKernel = z.strictObject({ version: kernelVersion });

/** Keys in the store. */
export const kernelKeys = {
  latest: (wanted: Architecture) =>
    wanted === 'x86_64' ? 'kernels/latest.json' : `kernels/latest-${wanted}.json`,
  bundle: (version: string) => `kernels/${version}/bundle.json`,
  file: (version: string, name: string) => `kernels/${version}/${name}`,
} as const;
