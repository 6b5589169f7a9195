/** Work in shares that need nothing of each other, spread over processes. */
import { type ChildProcess, fork } from 'node:child_process';

/**
 * In a process that {@link among} made: answers shares until nobody asks any more. What a share left is freed at its
 * end: V8 does so by itself only once the heap is a multiple of what lived in it, and had grown to 1.7 GB by then where
 * shares were regions of some 75 MB. Collected after each, a process stays below 0.7 GB, for 0.2 s a region.
 *
 * A share that waits for what nobody will do (time that nobody lets pass) ends the process: while it is at work, to be
 * handed the next one does not keep it alive.
 */
export function answerShares<Share, Answer>(work: (share: Share) => Promise<Answer>): void {
  process.on('message', (share: Share) => {
    process.channel?.unref();
    void work(share).then(
      (answer) => {
        process.channel?.ref();
        process.send?.(answer);
        globalThis.gc?.();
      },
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.on('disconnect', () => process.exit(0));
}

export interface Among {
  /** Calls {@link answerShares} where its arguments are these. */
  readonly file: string;
  readonly args: readonly string[];
  readonly workers: number;
}

/**
 * Hands the shares to processes, each to the next that is free. What is handed over and back is JSON.
 * @param done hears of each share that is done
 * @returns the answers in the order of the shares
 * @throws Error where a process ends over its share
 */
export async function among<Share, Answer>(
  { file, args, workers }: Among,
  shares: readonly Share[],
  done: (share: Share, answer: Answer) => void,
): Promise<Answer[]> {
  const answers = new Map<number, Answer>();
  let next = 0;
  const run = async (): Promise<void> => {
    const child = fork(file, [...args], {
      execArgv: [
        // Much is made and dropped at once: a larger nursery saves a tenth of the time.
        '--max-semi-space-size=64',
        '--expose-gc',
        '--disable-warning=ExperimentalWarning',
      ],
      env: { ...process.env, POWERTOOLS_LOG_LEVEL: 'SILENT' },
    });
    try {
      while (next < shares.length) {
        const index = next;
        next += 1;
        const share = shares[index] as Share; // in range: checked above
        const answer = await asked<Share, Answer>(child, share);
        answers.set(index, answer);
        done(share, answer);
      }
    } finally {
      if (child.connected) child.disconnect();
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, shares.length) }, run));
  return shares.map((_, index) => answers.get(index) as Answer); // each was answered, or we are not here
}

function asked<Share, Answer>(child: ChildProcess, share: Share): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const broke = (code: number | null): void =>
      reject(
        new Error(
          `a worker ended with ${code}${code === 0 ? ', waiting for nothing,' : ''} over ${JSON.stringify(share).slice(0, 500)}`,
        ),
      );
    child.once('exit', broke);
    child.once('message', (answer: Answer) => {
      child.off('exit', broke);
      resolve(answer);
    });
    child.send(share as object);
  });
}
