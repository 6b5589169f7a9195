/**
 * One bundle and one zip for each function, the same bytes from the same sources: `.build/bundles/<name>.zip`
 * holds `<name>.mjs` and its source map. Nothing is built again while none of the inputs has changed.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { zipSync } from 'fflate';
import { shakeSchemas } from './shake-schemas.ts';
import { declaredFunctions, mismatches, partial, root } from './template/declared.ts';

export const bundlesDir = join(root, '.build', 'bundles');
const recordFile = join(bundlesDir, 'record.json');

/** What the last build was made of. */
interface BuildRecord {
  readonly names: readonly string[];
  /** Digests of the sources by path from the root; what comes from packages is covered by the lock file. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** How every function is bundled. */
export const bundleOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  // Without these, packages' CommonJS builds would be taken, which cannot be shaken.
  mainFields: ['module', 'main'],
  minify: true,
  // Names of errors are literals, but names of classes still help whoever reads a stack.
  keepNames: true,
  sourcemap: true,
  sourcesContent: false,
  // Licences stay with the packages; the bundles are not distributed.
  legalComments: 'none',
  plugins: [shakeSchemas],
  metafile: true,
  logLevel: 'error',
  // CommonJS packages inside an ES module ask for `require` of Node's own modules.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
} as const satisfies BuildOptions;

const digestOf = (file: string): string =>
  existsSync(file) ? createHash('sha256').update(readFileSync(file)).digest('hex') : 'absent';

/** Inputs that every bundle depends on: the packages' versions, and how bundles are made. */
const always = ['package-lock.json', 'infra/bundle.ts', 'infra/shake-schemas.ts'];

function unchanged(names: readonly string[]): boolean {
  if (!existsSync(recordFile)) return false;
  const last = JSON.parse(readFileSync(recordFile, 'utf8')) as BuildRecord;
  return (
    JSON.stringify(last.names) === JSON.stringify(names) &&
    names.every((name) => existsSync(join(bundlesDir, `${name}.zip`))) &&
    Object.entries(last.inputs).every(([file, digest]) => digestOf(join(root, file)) === digest)
  );
}

/** A moment that a zip can hold; the archive's bytes must not depend on when it was made. */
const epoch = new Date(1980, 0, 1);

/** An archive whose bytes depend on its files alone. */
export function zip(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, [bytes, {}]])), {
    mtime: epoch,
    level: 6,
    os: 3,
    // A regular file that all may read: Lambda runs as another user than the one who zipped.
    attrs: 0o100644 << 16,
  });
}

/** Stands where a function is not written yet, in a partial build alone. */
function placeholder(name: string): Uint8Array {
  return Buffer.from(
    `export const handler = async () => { throw new Error(${JSON.stringify(`functions/${name}.ts is not written`)}); };\n`,
  );
}

/**
 * Bundles and zips every declared function.
 * @returns whether anything was built.
 * @throws Error where a declared function has no file (with FLOTILLA_PARTIAL=1, a warning), or a file no declaration.
 */
export async function bundleFunctions(say: (line: string) => void): Promise<boolean> {
  const { missing, undeclared } = mismatches();
  const complaints = [
    ...(missing.length > 0
      ? [`declared in infra/functions, without a file in functions/: ${missing.join(', ')}`]
      : []),
    ...(undeclared.length > 0
      ? [`in functions/, but not declared in infra/functions: ${undeclared.join(', ')}`]
      : []),
  ];
  if (complaints.length > 0 && !partial) throw new Error(complaints.join('\n'));
  for (const complaint of complaints) say(`warning: ${complaint}`);

  const all = declaredFunctions().map(({ name }) => name);
  const names = all.filter((name) => !missing.includes(name));
  const key = [...names, ...missing.map((name) => `${name} (missing)`)];
  if (unchanged(key)) return false;

  rmSync(bundlesDir, { recursive: true, force: true });
  mkdirSync(bundlesDir, { recursive: true });
  const inputs = new Set<string>(always);
  const result = await build({
    ...bundleOptions,
    absWorkingDir: root,
    entryPoints: names.map((name) => `functions/${name}.ts`),
    outdir: relative(root, bundlesDir),
  });
  for (const input of Object.keys(result.metafile.inputs))
    if (!input.startsWith('node_modules/') && !input.startsWith('<')) inputs.add(input);
  for (const name of names) {
    const module = `${name}.mjs`;
    writeFileSync(
      join(bundlesDir, `${name}.zip`),
      zip({
        [module]: readFileSync(join(bundlesDir, module)),
        [`${module}.map`]: readFileSync(join(bundlesDir, `${module}.map`)),
      }),
    );
  }
  for (const name of missing)
    writeFileSync(join(bundlesDir, `${name}.zip`), zip({ [`${name}.mjs`]: placeholder(name) }));
  const record: BuildRecord = {
    names: all.filter((name) => existsSync(join(bundlesDir, `${name}.zip`))).length === all.length ? key : [],
    inputs: Object.fromEntries([...inputs].sort().map((file) => [file, digestOf(join(root, file))])),
  };
  writeFileSync(recordFile, JSON.stringify(record, undefined, 1));
  return true;
}
