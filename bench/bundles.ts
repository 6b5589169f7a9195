/** How large the functions' bundles are, as they are shipped. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { bundlesDir } from '../infra/bundle.ts';
import { declaredFunctions } from '../infra/template/declared.ts';

export interface BundleSize {
  readonly name: string;
  /** What Lambda fetches. */
  readonly zipBytes: number;
  /** What Node reads and compiles. */
  readonly codeBytes: number;
  /** What Node reads when an error's stack is wanted. */
  readonly sourceMapBytes: number;
}

export function bundleSizes(): BundleSize[] {
  const size = (file: string): number => statSync(join(bundlesDir, file)).size;
  return declaredFunctions()
    .map(({ name }) => ({
      name,
      zipBytes: size(`${name}.zip`),
      codeBytes: size(`${name}.mjs`),
      sourceMapBytes: size(`${name}.mjs.map`),
    }))
    .sort((a, b) => b.codeBytes - a.codeBytes);
}
