/** Packages of the stack in which a few functions are mutants. */
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { bundleOptions, zip } from '../../../../infra/bundle.ts';
import { packageDir } from '../fleet-in-virtual-time.ts';
import type { Mutant } from './mutants.ts';

const root = new URL('../../../../', import.meta.url).pathname;
const mutantsDir = join(root, '.build', 'mutants');

/** Bundles the mutant's functions beside the shipped ones. @returns the package's folder */
export async function packageMutant(mutant: Mutant): Promise<string> {
  const folder = join(mutantsDir, mutant.name.replaceAll(' ', '-'));
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const file of readdirSync(packageDir)) {
    if (!mutant.functions.includes(file.replace('.zip', '')))
      symlinkSync(join(packageDir, file), join(folder, file));
  }
  const outdir = join(folder, 'bundles');
  await build({
    ...bundleOptions,
    plugins: [...bundleOptions.plugins, mutating(mutant)],
    absWorkingDir: root,
    entryPoints: mutant.functions.map((name) => `functions/${name}.ts`),
    outdir,
  });
  for (const name of mutant.functions)
    writeFileSync(
      join(folder, `${name}.zip`),
      zip({ [`${name}.mjs`]: readFileSync(join(outdir, `${name}.mjs`)) }),
    );
  return folder;
}

/** @throws Error, as esbuild tells it, where a text does not stand once in its file */
function mutating({ name, edits }: Mutant): Plugin {
  return {
    name: 'mutating',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, async ({ path }) => {
        const mine = edits.filter(({ file }) => path === join(root, file));
        if (mine.length === 0) return undefined;
        let contents = await readFile(path, 'utf8');
        for (const { file, text, instead } of mine) {
          const parts = contents.split(text);
          if (parts.length !== 2)
            throw new Error(`${name}: its text stands ${parts.length - 1} times in ${file}: ${text}`);
          contents = parts.join(instead);
        }
        return { contents, loader: 'ts' };
      });
    },
  };
}
