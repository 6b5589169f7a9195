import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One line to the janitor. */
export type Duty =
  | { readonly kill: number }
  | { readonly spare: number }
  | { readonly remove: string }
  | { readonly removeIfEmpty: string };

/**
 * Sees to it that nothing is left of this process, even where it is killed and can do nothing itself: a small
 * process waits for its end and clears up (tour/janitor.ts).
 */
export class Caretaker {
  readonly #janitor: ChildProcess;

  constructor() {
    const script = fileURLToPath(new URL('./janitor.ts', import.meta.url));
    // In a session of its own, so that a Ctrl-C does not end it first.
    this.#janitor = spawn(process.execPath, ['--no-warnings', script], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {},
      cwd: '/',
    });
    this.#janitor.on('error', () => undefined);
    this.#janitor.stdin?.on('error', () => undefined);
    this.#janitor.unref();
  }

  /** At the end, and not before, this is done. */
  finally(duty: Duty): void {
    this.#janitor.stdin?.write(`${JSON.stringify(duty)}\n`);
  }

  /** Has it all done now, and waits for that. Nothing may be asked of it afterwards. */
  async end(): Promise<void> {
    const janitor = this.#janitor;
    if (janitor.exitCode !== null || janitor.signalCode !== null) return;
    const gone = new Promise((resolve) => janitor.once('exit', resolve));
    janitor.ref();
    janitor.stdin?.end();
    await gone;
  }
}

/** A temporary folder that goes when this process does. */
export async function scratchFolder(caretaker: Caretaker): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-tour-'));
  caretaker.finally({ remove: folder });
  return folder;
}
