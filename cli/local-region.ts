/**
 * How the command finds a local region that runs on this machine: each leaves a note in the user's own runtime
 * folder while it lives.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';

/**
 * `region-<port>.json`, mode 0600: it holds a key pair. The region writes it once the stack stands, and removes
 * it when it ends.
 */
export const regionNote = z.object({
  /** `http://127.0.0.1:4566` */
  endpoint: z.url(),
  /** `us-east-1` */
  region: z.string().min(1),
  /** Of the HTTP API, without a slash at the end. */
  apiUrl: z.url(),
  uploadBucket: z.string().min(1),
  storeBucket: z.string().min(1),
  accessKeyId: z.string().min(1),
  secretAccessKey: z.string().min(1),
  /** Of the region's process: a note whose process is gone is stale. */
  pid: z.number().int().positive(),
});
export type RegionNote = z.infer<typeof regionNote>;

/** `$XDG_RUNTIME_DIR/flotilla-<uid>`, or below the folder for temporary files where there is none. */
export function noteFolder(env: Readonly<Record<string, string | undefined>>, uid: number): string {
  const base = env.XDG_RUNTIME_DIR;
  return join(base === undefined || base === '' ? tmpdir() : base, `flotilla-${uid}`);
}

/** Signal 0 asks whether a process is there; EPERM says yes, it is somebody else's. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * The notes of the regions that run, newest first. Files of somebody else, stale ones and ones that are no note
 * are passed over: they are nothing that the person asked about.
 */
export function runningRegions(folder: string, uid: number): RegionNote[] {
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => /^region-\d+\.json$/.test(name));
  } catch {
    return [];
  }
  const found = names.flatMap((name) => {
    try {
      const path = join(folder, name);
      const { uid: owner, mtimeMs } = statSync(path);
      const note = regionNote.safeParse(JSON.parse(readFileSync(path, 'utf8')));
      return owner === uid && note.success && isAlive(note.data.pid) ? [{ note: note.data, mtimeMs }] : [];
    } catch {
      return [];
    }
  });
  return found.sort((a, b) => b.mtimeMs - a.mtimeMs).map(({ note }) => note);
}
