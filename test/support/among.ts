/** The matrix's cases in shares of one region each, spread over processes. */
import { type ChildProcess, fork } from 'node:child_process';
import type { MatrixCase } from './faults.ts';
import { type CaseResult, tryCases } from './run.ts';

/** What one region is for; whoever has its answer asks for the next. */
export interface Share {
  readonly seed: number;
  readonly cases: readonly MatrixCase[];
}

/** So many runs share a region: what costs most is bringing one up, with its functions cold. */
const casesARegion = 20;

/**
 * So many regions a process: what functions leave behind in a region that has ended, some 75 MB, is collected late or
 * not at all, and two processes that ran two hundred held 19 GB.
 */
const sharesAProcess = 12;

/** Consecutive cases of one scenario. A scenario's shares are the same, whichever others are run with it. */
export function sharesOf(cases: readonly MatrixCase[], seed: number): Share[] {
  const byScenario = Map.groupBy(cases, ({ scenario }) => scenario);
  return [...byScenario.values()].flatMap((ofScenario) =>
    Array.from({ length: Math.ceil(ofScenario.length / casesARegion) }, (_, index) => ({
      seed: seed + index,
      cases: ofScenario.slice(index * casesARegion, (index + 1) * casesARegion),
    })),
  );
}

/** In a process that {@link among} made: answers shares until nobody asks any more. */
export function asWorker(): void {
  process.on('message', ({ cases, seed }: Share) => {
    void tryCases(cases, seed).then(
      (results) => process.send?.(results),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.on('disconnect', () => process.exit(0));
}

/**
 * Hands the shares to processes, each to the next that is free.
 * @param file that calls {@link asWorker} where its first argument is `--worker`
 * @param done hears of each share that is done
 * @returns the results in the order of the shares
 */
export async function among(
  file: string,
  workers: number,
  shares: readonly Share[],
  done: (share: Share, results: readonly CaseResult[]) => void,
): Promise<CaseResult[]> {
  const answers = new Map<number, CaseResult[]>();
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < shares.length) {
      const child = fork(file, ['--worker'], {
        execArgv: ['--max-semi-space-size=64', '--disable-warning=ExperimentalWarning'],
        env: { ...process.env, POWERTOOLS_LOG_LEVEL: 'SILENT' },
      });
      try {
        for (let left = sharesAProcess; left > 0 && next < shares.length; left -= 1) {
          const index = next;
          next += 1;
          const share = shares[index] as Share; // in range: checked above
          const results = await asked(child, share);
          answers.set(index, results);
          done(share, results);
        }
      } finally {
        if (child.connected) child.disconnect();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, shares.length) }, run));
  return shares.flatMap((_, index) => answers.get(index) ?? []);
}

function asked(child: ChildProcess, share: Share): Promise<CaseResult[]> {
  return new Promise((resolve, reject) => {
    const broke = (code: number | null): void =>
      reject(new Error(`a worker ended with ${code} over ${share.cases[0]?.scenario}, seed ${share.seed}`));
    child.once('exit', broke);
    child.once('message', (results: CaseResult[]) => {
      child.off('exit', broke);
      resolve(results);
    });
    child.send(share);
  });
}
