/** Processes of the bench that tell what they have spent, and end when they are told to. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** What such a process is asked, and what it answers. */
export const usage = 'usage';

/** CPU seconds of a process so far, in user and system mode. @throws where it has ended */
export async function spentBy(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const broke = (): void => reject(new Error('A process of the bench has ended too early'));
    const hear = (answer: Partial<NodeJS.CpuUsage>): void => {
      if (answer.user === undefined || answer.system === undefined) return;
      child.off('message', hear).off('exit', broke);
      resolve((answer.user + answer.system) / 1e6);
    };
    child.on('message', hear).once('exit', broke);
    child.send(usage);
  });
}

export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}
