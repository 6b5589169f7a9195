/** Two regions never share a folder. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { RegionStateError } from './errors.ts';

/** Lets the folder go. */
export type Unlock = () => Promise<void>;

/**
 * Takes a folder for this process. The lock is a socket in Linux's abstract namespace, named after the folder's
 * device and inode: taken at one stroke, and free again when its process is gone, however it went. A file beside
 * the state tells who has it.
 * @throws RegionStateError naming the process that has it.
 */
export async function lockFolder(folder: string): Promise<Unlock> {
  const { dev, ino } = statSync(folder);
  const note = join(folder, 'pid');
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRINUSE') reject(error);
      else
        reject(
          new RegionStateError(
            'in-use',
            `${folder} belongs to a region that runs as process ${holderOf(note)}: end that one, or choose another folder.`,
          ),
        );
    });
    server.listen(`\0flotilla-region-${dev}-${ino}`, resolve);
  });
  server.unref();
  writeFileSync(note, `${process.pid}\n`);
  return () => closed(server);
}

function holderOf(note: string): string {
  try {
    return readFileSync(note, 'utf8').trim();
  } catch {
    return 'that has just begun';
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
