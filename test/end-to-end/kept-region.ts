/** A region in a process of its own that keeps its state, as a person starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type RegionNote, regionNote } from '../../cli/local-region.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export interface Up {
  readonly note: RegionNote;
  readonly said: string;
  readonly parent: ChildProcess;
}

export class KeptRegion {
  /** All temporary files, the note and the state are below it. */
  readonly folder: string;
  readonly #started: ChildProcess[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<KeptRegion> {
    return new KeptRegion(await mkdtemp(join(tmpdir(), 'kept-region-')));
  }

  /** @throws Error with what the process said where it ends before it is up */
  async up(): Promise<Up> {
    const parent = spawn(
      process.execPath,
      [join(root, 'bin', 'with-node.mjs'), 'tour/main.ts', '--no-tour', '--data', join(this.folder, 'data')],
      {
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...process.env, TMPDIR: this.folder, XDG_RUNTIME_DIR: this.folder },
      },
    );
    this.#started.push(parent);
    let said = '';
    for (const stream of [parent.stdout, parent.stderr])
      stream.on('data', (chunk) => (said += String(chunk)));
    while (!said.includes('Ctrl-C ends the region')) {
      if (parent.exitCode !== null) throw new Error(said);
      await pause(50);
    }
    const notes = join(this.folder, `flotilla-${process.getuid?.()}`);
    const [name = ''] = await readdir(notes);
    return { note: regionNote.parse(JSON.parse(await readFile(join(notes, name), 'utf8'))), said, parent };
  }

  /** Ends a region by a signal: to its parent, which passes it on, or to itself where nobody can see it coming. */
  async end({ parent, note }: Up, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (signal === 'SIGTERM') parent.kill(signal);
    else process.kill(note.pid, signal);
    while (parent.exitCode === null && parent.signalCode === null) await pause(20);
  }

  async close(): Promise<void> {
    for (const one of this.#started.splice(0)) one.kill('SIGKILL');
    await pause(200); // the janitor removes what the region had
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
