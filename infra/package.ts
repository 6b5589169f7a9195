/**
 * `npm run package`: the CloudFormation template and the functions' zips in `.build/package/`, offline and without
 * an account. A repeated call with the same sources does nothing.
 *
 * With `--stack NAME` for a stack that is not called flotilla.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleFunctions, bundlesDir } from './bundle.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { declaredFunctions, partial, root } from './template/declared.ts';

export const packageDir = join(root, '.build', 'package');
/** The template as osls names it; that of the deployment bucket alone stands beside it. */
export const templateFile = join(packageDir, 'cloudformation-template-update-stack.json');

const digestFile = join(packageDir, 'digest');

function filesUnder(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((entry) => filesUnder(join(path, entry)));
}

/** Of everything that the template and the package are made of. */
function inputsDigest(stack: string): string {
  const hash = createHash('sha256')
    .update(stack)
    .update(partial ? 'partial' : 'whole');
  const paths = ['package-lock.json', 'serverless.yml', 'infra', 'statemachines'];
  const files = paths.flatMap((path) => filesUnder(join(root, path)));
  const zips = declaredFunctions().map(({ name }) => join(bundlesDir, `${name}.zip`));
  for (const file of [...files, ...zips]) hash.update(file).update('\0').update(readFileSync(file));
  return hash.digest('hex');
}

/**
 * Runs osls, the maintained fork of the Serverless Framework, with this very Node.
 * @returns what it wrote to stdout, where that is not inherited
 * @throws Error with all that it said
 */
export function osls(args: readonly string[], stdio: 'inherit' | 'pipe' = 'pipe'): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(root, 'node_modules/osls/bin/serverless.js'), ...args],
    {
      cwd: root,
      stdio: ['ignore', stdio, stdio],
      env: { ...process.env, SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' },
      encoding: 'utf8',
    },
  );
  if (status !== 0) throw new Error(`osls ${args[0]} failed\n${stdout ?? ''}${stderr ?? ''}`);
  return stdout ?? '';
}

/**
 * Makes `.build/package/`: the template, osls's state for deploying it, and the zips.
 * @returns whether anything had to be made.
 * @throws Error where a function or a machine that is declared is missing, or osls refuses the configuration.
 */
export async function packageStack(stack: string, say: (line: string) => void): Promise<boolean> {
  // Two terminals may start their regions at once.
  return oneAtATime(join(root, '.build', 'packaging'), () => packageAlone(stack, say));
}

async function packageAlone(stack: string, say: (line: string) => void): Promise<boolean> {
  await bundleFunctions(say);
  const digest = inputsDigest(stack);
  if (existsSync(digestFile) && readFileSync(digestFile, 'utf8') === digest) return false;
  rmSync(packageDir, { recursive: true, force: true });
  // What scenarios compiled of the former package.
  rmSync(join(root, '.build', 'compiled'), { recursive: true, force: true });
  mkdirSync(packageDir, { recursive: true });
  osls(['package', '--package', packageDir, '--stage', stack]);
  for (const { name } of declaredFunctions())
    copyFileSync(join(bundlesDir, `${name}.zip`), join(packageDir, `${name}.zip`));
  writeFileSync(digestFile, digest);
  return true;
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { stack: { type: 'string', default: 'flotilla' } } });
  const began = performance.now();
  const made = await packageStack(values.stack, (line) => console.error(line));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const names = readdirSync(packageDir).filter((file) => file.endsWith('.zip'));
  console.log(
    made
      ? `Packaged ${names.length} functions and ${basename(templateFile)} into .build/package in ${seconds} s.`
      : `.build/package is up to date (${names.length} functions).`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
