/** Runs a helper program to its end, and sees to it that it does not outlive the tour. */
import { spawn } from 'node:child_process';
import type { Caretaker } from './caretaker.ts';

export interface Ended {
  readonly code: number | null;
  /** Everything that it said, on both streams. */
  readonly said: string;
}

/** @throws Error where it cannot be started, with the system's code (`ENOENT`) */
export async function runHelper(
  command: string,
  words: readonly string[],
  options: {
    readonly cwd: string;
    readonly env?: NodeJS.ProcessEnv;
    readonly caretaker?: Caretaker | undefined;
  },
): Promise<Ended> {
  const { caretaker, ...where } = options;
  // A group of its own: whoever ends the tour ends the program's own helpers too.
  const child = spawn(command, words, { ...where, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const { pid } = child;
  if (pid !== undefined) caretaker?.finally({ kill: pid });
  let said = '';
  const hear = (chunk: Buffer): void => {
    said += chunk.toString('utf8');
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  if (pid !== undefined) caretaker?.finally({ spare: pid });
  return { code, said };
}
