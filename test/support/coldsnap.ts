/** awslabs/coldsnap, where it is installed: `cargo install coldsnap`, as .ci/run does it. */
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** The program, or why the tests that need it are skipped. */
export type Coldsnap = { readonly program: string } | { readonly skip: string };

/** Looks where COLDSNAP points, then on the PATH, then where cargo installs. */
export function findColdsnap(env: NodeJS.ProcessEnv = process.env): Coldsnap {
  const folders = [
    ...(env.PATH ?? '').split(delimiter),
    join(env.CARGO_HOME ?? join(homedir(), '.cargo'), 'bin'),
  ];
  const places = env.COLDSNAP ? [env.COLDSNAP] : folders.map((folder) => join(folder, 'coldsnap'));
  const program = places.find(isProgram);
  return program === undefined ? { skip: 'coldsnap is not installed (cargo install coldsnap)' } : { program };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
