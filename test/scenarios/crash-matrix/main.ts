/**
 * `npm run crash-matrix`: every fault at every call and every state, in virtual time. `-- build` and `-- rollout` run
 * one of the two matrices. Prints how the runs ended, and each after which something was not as it must be; ends with 1
 * where there is one. A whole matrix writes its page: docs/crash-matrix.md, docs/build-matrix.md.
 *
 *   --only WORDS        the cases whose words contain them, such as "rollback, roll-back" or "throttled"
 *   --from N, --cases N a part of them, in their order
 *   --every N           each Nth of them
 *   --seed N            what every id and every choice follows from (1 unless told otherwise)
 *   --workers N         processes side by side; one for each core unless told otherwise
 */
import { availableParallelism } from 'node:os';
import { packageStack } from '../../../tour/package-stack.ts';
import { answerShares } from '../../support/among.ts';
import { readFlags, refuse, wholeNumber } from '../../support/flags.ts';
import { buildMatrix, tryShare as tryBuilds } from './build.ts';
import { rolloutMatrix, tryShare as tryRollouts } from './rollout.ts';

const matrices = { build: buildMatrix, rollout: rolloutMatrix };

async function main(): Promise<void> {
  const { values, positionals } = readFlags({
    allowPositionals: true,
    options: {
      only: { type: 'string', default: '' },
      from: { type: 'string', default: '0' },
      cases: { type: 'string' },
      every: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const part = {
    only: values.only,
    from: wholeNumber('from', values.from, 0),
    cases: values.cases === undefined ? Number.POSITIVE_INFINITY : wholeNumber('cases', values.cases),
    every: wholeNumber('every', values.every),
    seed: wholeNumber('seed', values.seed, 0),
    workers: wholeNumber('workers', values.workers),
  };
  const wanted = positionals.length === 0 ? Object.keys(matrices) : positionals;
  const chosen = wanted.map(
    (name) =>
      (matrices as Readonly<Record<string, typeof buildMatrix>>)[name] ??
      refuse(`There is no matrix ${name}; there are: ${Object.keys(matrices).join(', ')}.`),
  );
  await packageStack();
  for (const matrix of chosen) if (!(await matrix(part))) process.exitCode = 1;
}

const [asked, matrix] = process.argv.slice(2);
if (asked !== '--worker') await main();
else if (matrix === 'rollout') answerShares(tryRollouts);
else answerShares(tryBuilds);
