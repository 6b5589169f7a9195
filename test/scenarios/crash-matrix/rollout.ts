/** Every fault at every point of every scenario of rollouts. */
import { writeFile } from 'node:fs/promises';
import { among } from '../../support/among.ts';
import { faultNames, type MatrixCase, wordsOf } from '../kit/rollout-matrix/faults.ts';
import { type CaseResult, casesOf, pointsOf, tryCases } from '../kit/rollout-matrix/run.ts';
import { type ScenarioName, scenarios } from '../kit/rollout-matrix/scenarios.ts';
import { isWhole, type Part } from './options.ts';
import { page } from './page.ts';
import { type Outcome, table } from './table.ts';

const main = new URL('main.ts', import.meta.url).pathname;
const pageFile = new URL('../../../docs/crash-matrix.md', import.meta.url);

/** So many runs share a region: what costs most is bringing one up, with its functions cold. */
const casesARegion = 20;

/** What one region is for. */
interface Share {
  readonly seed: number;
  readonly cases: readonly MatrixCase[];
}

/** Consecutive cases of one scenario. A scenario's shares are the same, whichever others are run with it. */
function sharesOf(cases: readonly MatrixCase[], seed: number): Share[] {
  const byScenario = Map.groupBy(cases, ({ scenario }) => scenario);
  return [...byScenario.values()].flatMap((ofScenario) =>
    Array.from({ length: Math.ceil(ofScenario.length / casesARegion) }, (_, index) => ({
      seed: seed + index,
      cases: ofScenario.slice(index * casesARegion, (index + 1) * casesARegion),
    })),
  );
}

/** What a worker does with a share. */
export const tryShare = ({ cases, seed }: Share): Promise<CaseResult[]> => tryCases(cases, seed);

/** Prints the table of scenario × fault. @returns whether no run broke an invariant */
export async function rolloutMatrix(part: Part): Promise<boolean> {
  const all: MatrixCase[] = [];
  for (const name of Object.keys(scenarios) as ScenarioName[]) {
    // A case that is named in full needs no other scenario's points.
    if (part.only.includes(',') && !part.only.startsWith(name)) continue;
    all.push(...casesOf(name, await pointsOf(name, part.seed)));
  }
  const cases = all
    .filter((one) => wordsOf(one).includes(part.only))
    .filter((_, index) => index % part.every === 0)
    .slice(part.from, part.from + part.cases);
  console.log(`${cases.length} of ${all.length} cases`);
  let done = 0;
  const processes = {
    file: main,
    args: ['--worker', 'rollout'],
    workers: part.workers,
  };
  const answers = await among<Share, CaseResult[]>(processes, sharesOf(cases, part.seed), (share, answer) => {
    done += answer.length;
    process.stderr.write(`${done} of ${cases.length}\n`);
    for (const { one, end, violations } of answer)
      if (violations.length > 0)
        console.log(`${wordsOf(one)} (${end}), seed ${share.seed}\n${indented(violations)}`);
  });
  const results = answers.flat();
  const lines = table('scenario', results.map(outcomeOf), faultNames);
  for (const line of lines) console.log(line);
  const broken = results.filter(({ violations }) => violations.length > 0);
  for (const { one } of broken.slice(0, 20)) console.log(await howToRepeat(one, part));
  if (isWhole(part)) await writeFile(pageFile, page(lines));
  const unstruck = results.filter(({ struck }) => !struck).length;
  console.log(
    `${results.length} runs, in ${unstruck} it never came to the fault; ${broken.length} broke something`,
  );
  return broken.length === 0;
}

const outcomeOf = ({ one, violations }: CaseResult): Outcome => ({
  row: one.scenario,
  fault: one.fault,
  isBroken: violations.length > 0,
});

function indented(lines: readonly string[]): string {
  return lines.map((words) => `    ${words}\n`).join('');
}

/** Flags that run the case again: alone in a region of its own, or with those that shared its region before it. */
async function howToRepeat(one: MatrixCase, part: Part): Promise<string> {
  const [alone] = await tryCases([one], part.seed);
  const words = `--only "${wordsOf(one)}" --seed ${part.seed}`;
  if (isBroken(alone)) return `npm run crash-matrix -- rollout ${words}`;
  const { only, from, cases, every, seed } = part;
  const flags = [
    ...(only === '' ? [] : [`--only "${only}"`]),
    ...(from === 0 ? [] : [`--from ${from}`]),
    ...(Number.isFinite(cases) ? [`--cases ${cases}`] : []),
    ...(every === 1 ? [] : [`--every ${every}`]),
    `--seed ${seed}`,
  ];
  return `not when it is alone in a region: npm run crash-matrix -- rollout ${flags.join(' ')}`;
}

function isBroken(result: CaseResult | undefined): boolean {
  return result !== undefined && result.violations.length > 0;
}
