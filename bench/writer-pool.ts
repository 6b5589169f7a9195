/** Processes that write segments, and what they spend. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { endProcess, spentBy } from './child-process.ts';
import type { DiskToUpload } from './disk-to-upload.ts';
import type { SegmentToWrite, SegmentWritten } from './segment-writer.ts';

export type Segment = Omit<SegmentToWrite, 'number'>;

export interface WriterPool {
  /** Each segment by a writer of its own, in the process whose turn it is. @returns in the order of the segments */
  write(segments: readonly Segment[]): Promise<SegmentWritten[]>;
  /** Of all its processes so far. */
  cpuSeconds(): Promise<number>;
  close(): Promise<void>;
}

/** So many puts, and the machine code of a put has been made. */
const warmBlocks = 1_024;

/**
 * As many processes as there are cores. In AWS each segment has a function with a CPU of its own; here more processes
 * would only share the cores, and each would first compile the same code at the expense of the others.
 *
 * @param warmUp what each process writes before its time is taken, as a function that has written an image before;
 *   undefined leaves it cold
 */
export async function openWriters(
  env: NodeJS.ProcessEnv,
  processes = availableParallelism(),
  warmUp?: { readonly disk: DiskToUpload; readonly snapshotId: string },
): Promise<WriterPool> {
  const children = await Promise.all(Array.from({ length: processes }, () => startProcess(env)));
  const ask = async (child: ChildProcess, segment: SegmentToWrite): Promise<SegmentWritten> =>
    new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        child.off('message', hear).off('exit', broke);
        settle();
      };
      const broke = (): void => end(() => reject(new Error('A writer ended before its segment')));
      const hear = (written: SegmentWritten): void => {
        if (written.number === segment.number) end(() => resolve(written));
      };
      child.on('message', hear).on('exit', broke);
      child.send(segment);
    });
  const pool: WriterPool = {
    write: (segments) =>
      Promise.all(
        segments.map((segment, number) =>
          ask(children[number % children.length] as ChildProcess, { ...segment, number }),
        ),
      ),
    cpuSeconds: async () => (await Promise.all(children.map(spentBy))).reduce((sum, one) => sum + one, 0),
    close: async () => {
      await Promise.all(children.map(endProcess));
    },
  };
  if (warmUp !== undefined) {
    const segment = { number: 0, first: 0, count: warmBlocks };
    await pool.write(children.map(() => ({ ...warmUp, segment, writers: children.length })));
  }
  return pool;
}

async function startProcess(env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  const child = fork(new URL('segment-writer.ts', import.meta.url), { env });
  await once(child, 'message');
  return child;
}
