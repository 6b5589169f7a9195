/** Keeps two programs of one checkout from writing the same files at once. */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const lookEveryMilliseconds = 200;
/** Much longer than any work: the process id belongs to another program by now. */
const tooOldMilliseconds = 10 * 60_000;

/**
 * Runs `work` while no other process does, by a file that holds the process id of whoever works. One whose
 * process is gone, or who came long ago, does not count.
 */
export async function oneAtATime<T>(lockFile: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(lockFile), { recursive: true });
  while (!taken(lockFile)) {
    const holder = holderOf(lockFile);
    if (holder !== undefined && (!runs(Number(holder)) || tooOld(lockFile))) forget(lockFile, holder);
    else await sleep(lookEveryMilliseconds);
  }
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

function taken(lockFile: string): boolean {
  try {
    writeFileSync(lockFile, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined where it was given back meanwhile, or its holder is just writing it. */
function holderOf(lockFile: string): string | undefined {
  try {
    return readFileSync(lockFile, 'utf8') || undefined;
  } catch {
    return undefined;
  }
}

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process runs as well.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function tooOld(lockFile: string): boolean {
  const since = statSync(lockFile, { throwIfNoEntry: false })?.mtimeMs;
  return since !== undefined && Date.now() - since > tooOldMilliseconds;
}

/** Two who wait may both see a holder that is gone: what is moved aside is put back if it is another's by now. */
function forget(lockFile: string, holder: string): void {
  const aside = `${lockFile}.${process.pid}`;
  try {
    renameSync(lockFile, aside);
    if (readFileSync(aside, 'utf8') === holder) rmSync(aside);
    else renameSync(aside, lockFile);
  } catch {
    // Somebody else was quicker.
  }
}
