/**
 * Tools from PyPI for tests that check our work with other people's programs, each set in a virtual environment of
 * its own under `.build/venv`, made once.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '.build', 'venv');

/** Where the programs are, or why the tests that need them are skipped. */
export type PythonTool = { readonly bin: string } | { readonly skip: string };

/** After this long another process that was installing is taken for dead. */
const patienceMs = 5 * 60_000;

/**
 * Installs pinned packages (`awscli==1.46.3`) and tells the folder of their programs. May be called from several
 * test files at once. With `CI=true` nothing is skipped: what is missing there is an error.
 */
export async function pythonTool(packages: readonly string[]): Promise<PythonTool> {
  try {
    return { bin: await install(packages) };
  } catch (error) {
    const reason = `${packages.join(', ')}: ${(error as Error).message.split('\n').slice(0, 3).join(' ')}`;
    if (process.env.CI === 'true') throw new Error(`In CI nothing is skipped. ${reason}`, { cause: error });
    return { skip: reason };
  }
}

async function install(packages: readonly string[]): Promise<string> {
  const { stdout } = await run('python3', ['--version']).catch(() => {
    throw new Error('there is no python3');
  });
  const identity = createHash('sha256')
    .update([stdout.trim(), ...packages].join('\n'))
    .digest('hex');
  const folder = join(root, identity.slice(0, 16));
  const ready = join(folder, 'ready');
  const lock = `${folder}.lock`;
  await mkdir(root, { recursive: true });
  for (;;) {
    if (existsSync(ready)) return join(folder, 'bin');
    if (await acquired(lock)) break;
    // Another process installs the same: there is no event to wait for, only its mark.
    await pause(200);
  }
  try {
    if (existsSync(ready)) return join(folder, 'bin');
    await rm(folder, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages];
    await run(join(folder, 'bin', 'python3'), pip, { maxBuffer: 1 << 24 });
    await writeFile(ready, packages.join('\n'));
    return join(folder, 'bin');
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function acquired(lock: string): Promise<boolean> {
  try {
    await mkdir(lock);
    return true;
  } catch {
    const { mtimeMs } = await stat(lock).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > patienceMs) await rm(lock, { recursive: true, force: true });
    return false;
  }
}
