/** What inspect-artifact saw, in full: `artifacts/<sha256>.json` in the store. Too long for an item of the table. */
import * as z from 'zod';
import { architecture, sha256Hex } from './ids.ts';

export const advice = z.strictObject({
  name: z.enum(['StartsProcesses', 'OpensPlugins', 'NoRootCertificates', 'MissingFile', 'PortMismatch']),
  message: z.string(),
});

const moduleFields = { path: z.string(), version: z.string(), sum: z.string().optional() };
const goModule = z.strictObject({ ...moduleFields, replace: z.strictObject(moduleFields).optional() });

export const goBuildInfo = z.strictObject({
  goVersion: z.string(),
  path: z.string(),
  main: goModule.optional(),
  deps: z.array(goModule),
  settings: z.record(z.string(), z.string()),
  vcs: z
    .strictObject({
      system: z.string(),
      revision: z.string().optional(),
      time: z.string().optional(),
      modified: z.boolean().optional(),
    })
    .optional(),
});

export const storedArtifact = z.strictObject({
  sha256: sha256Hex,
  kind: z.enum(['go-elf', 'nanos-disk']),
  architecture,
  program: z.string(),
  /** SHA-256 of the program inside a disk. */
  programSha256: sha256Hex.optional(),
  /** Absent where the program is not Go's. */
  buildInfo: goBuildInfo.optional(),
  /** What the program itself tells, whatever the fleet's settings. */
  advice: z.array(advice),
});
export type StoredArtifact = z.infer<typeof storedArtifact>;
