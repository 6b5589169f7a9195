/**
 * `npm run crash-matrix`: every fault at every call and every state, in virtual time. `-- build` and `-- rollout` run
 * one of the two matrices. Prints how the runs ended, and each after which something was not as it must be; ends with 1
 * where there is one. The whole matrix of rollouts writes docs/crash-matrix.md.
 *
 *   --only WORDS        the cases whose words contain them, such as "rollback, roll-back" or "throttled"
 *   --from N, --cases N a part of them, in their order
 *   --every N           each Nth of them
 *   --seed N            what every id and every choice follows from (1 unless told otherwise)
 *   --workers N         processes side by side, of rollouts; one for each core unless told otherwise
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { packageStack } from '../../../tour/package-stack.ts';
import { asWorker } from '../kit/rollout-matrix/among.ts';
import { buildMatrix } from './build.ts';
import { rolloutMatrix } from './rollout.ts';

const matrices = { build: buildMatrix, rollout: rolloutMatrix };

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string', default: '' },
      from: { type: 'string', default: '0' },
      cases: { type: 'string', default: 'Infinity' },
      every: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const part = {
    only: values.only,
    from: Number(values.from),
    cases: Number(values.cases),
    every: Number(values.every),
    seed: Number(values.seed),
    workers: Number(values.workers),
  };
  const wanted = positionals.length === 0 ? Object.keys(matrices) : positionals;
  await packageStack();
  for (const name of wanted) {
    const matrix = matrices[name as keyof typeof matrices] as typeof buildMatrix | undefined;
    if (matrix === undefined)
      throw new Error(`There is no matrix ${name}; there are: ${Object.keys(matrices).join(', ')}`);
    if (!(await matrix(part))) process.exitCode = 1;
  }
}

if (process.argv[2] === '--worker') asWorker();
else await main();
