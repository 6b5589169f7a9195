/** Builds examples/hello, statically, as a person would. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Caretaker } from './caretaker.ts';
import { type Ended, runHelper } from './helper-program.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

export interface Variant {
  readonly version: string;
  readonly colour: string;
  /** One of the troubles that examples/hello/main.go knows. */
  readonly trouble?: 'crashes' | 'never-healthy' | 'fails-later';
}

/**
 * Writes the program to `file`. May be repeated.
 * @throws Error with Go's own words, or with what to install
 */
export async function buildExample(file: string, variant: Variant, caretaker?: Caretaker): Promise<void> {
  const settings = Object.entries({ ...variant }).map(([name, value]) => `-X main.${name}=${value}`);
  // Version control is stamped only where there is a repository to ask; a tarball has none.
  const stamped = existsSync(join(root, '.git')) ? 'true' : 'auto';
  const flags = ['-trimpath', `-buildvcs=${stamped}`, '-ldflags', `-s -w ${settings.join(' ')}`];
  let ended: Ended;
  try {
    ended = await runHelper('go', ['build', ...flags, '-o', file, '.'], {
      cwd: join(root, 'examples', 'hello'),
      // GOFLAGS says something harmless, as an empty one would not hide what `go env -w` has set.
      env: { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: 'amd64', GOFLAGS: '-mod=mod' },
      caretaker,
    });
  } catch (error) {
    throw new Error('Go is not installed: see https://go.dev/doc/install', { cause: error });
  }
  if (ended.code !== 0) throw new Error(`examples/hello could not be built:\n${ended.said}`);
}
