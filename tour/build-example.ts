/** Builds examples/hello, statically, as a person would. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
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
export async function buildExample(file: string, variant: Variant): Promise<void> {
  const settings = Object.entries({ ...variant }).map(([name, value]) => `-X main.${name}=${value}`);
  // Version control is stamped only where there is a repository to ask; a tarball has none.
  const stamped = existsSync(join(root, '.git')) ? 'true' : 'auto';
  try {
    await run(
      'go',
      [
        'build',
        '-trimpath',
        `-buildvcs=${stamped}`,
        '-ldflags',
        `-s -w ${settings.join(' ')}`,
        '-o',
        file,
        '.',
      ],
      {
        cwd: join(root, 'examples', 'hello'),
        env: { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: 'amd64', GOFLAGS: '-mod=mod' },
      },
    );
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string };
    if (code === 'ENOENT')
      throw new Error('Go is not installed: see https://go.dev/doc/install', { cause: error });
    throw new Error(`examples/hello could not be built:\n${stderr ?? String(error)}`, { cause: error });
  }
}
