/** Every fault at every call of a build, in virtual time: how the builds ended, and what was not as it must be. */
import { writeFile } from 'node:fs/promises';
import { among } from '../../support/among.ts';
import { openDoors } from '../kit/build-matrix/builds.ts';
import { faultNames, type MatrixCase, wordsOf } from '../kit/build-matrix/faults.ts';
import { allCases, type CaseResult, tryCase } from '../kit/build-matrix/run.ts';
import { isWhole, type Part } from './options.ts';
import { type Outcome, table } from './table.ts';

const main = new URL('main.ts', import.meta.url).pathname;
const pageFile = new URL('../../../docs/build-matrix.md', import.meta.url);

/** A region takes so many builds before the next one begins with nothing. */
const casesARegion = 20;

/** What a worker does with a share: the cases of one region, one after the other. */
export async function tryShare(cases: readonly MatrixCase[]): Promise<CaseResult[]> {
  const doors = await openDoors();
  const results: CaseResult[] = [];
  for (const one of cases) results.push(await tryCase(doors, one));
  await doors.close();
  return results;
}

/** Prints the table of build × fault, and how the builds ended. @returns whether all was as it must be */
export async function buildMatrix(part: Part): Promise<boolean> {
  const all = (await allCases()).filter((one) => wordsOf(one).includes(part.only));
  const cases = all.filter((_, index) => index % part.every === 0).slice(part.from, part.from + part.cases);
  console.log(`${cases.length} of ${all.length} cases`);
  const shares = Array.from({ length: Math.ceil(cases.length / casesARegion) }, (_, index) =>
    cases.slice(index * casesARegion, (index + 1) * casesARegion),
  );
  let done = 0;
  const processes = {
    file: main,
    args: ['--worker', 'build'],
    workers: part.workers,
  };
  const answers = await among<readonly MatrixCase[], CaseResult[]>(processes, shares, (_, answer) => {
    done += answer.length;
    process.stderr.write(`${done} of ${cases.length}\n`);
    for (const { one, end, wrong } of answer)
      if (wrong.length > 0)
        console.log(`${wordsOf(one)} (${end})\n${wrong.map((words) => `    ${words}\n`).join('')}`);
  });
  const results = answers.flat();
  const lines = table('build', results.map(outcomeOf), faultNames);
  for (const line of lines) console.log(line);
  const ends = endsOf(results);
  for (const [end, count] of ends) console.log(`${String(count).padStart(6)}  ${end}`);
  const wrong = results.filter((result) => result.wrong.length > 0);
  for (const { one } of wrong.slice(0, 20))
    console.log(`npm run crash-matrix -- build --only "${wordsOf(one)}"`);
  if (isWhole(part)) await writeFile(pageFile, page(lines, ends));
  console.log(`${results.length} cases, ${wrong.length} of them wrong`);
  return wrong.length === 0;
}

const outcomeOf = ({ one, wrong }: CaseResult): Outcome => ({
  row: one.build,
  fault: one.fault,
  isBroken: wrong.length > 0,
});

/** How many ended so, the most frequent first. */
function endsOf(results: readonly CaseResult[]): [end: string, count: number][] {
  const ends = new Map<string, number>();
  for (const { end } of results) ends.set(end, (ends.get(end) ?? 0) + 1);
  return [...ends].sort(([, a], [, b]) => b - a);
}

/** `docs/build-matrix.md`. */
function page(lines: readonly string[], ends: readonly (readonly [string, number])[]): string {
  return `# The crash matrix of builds

Written by \`npm run crash-matrix -- build\`; do not edit it by hand.

An image comes to be in three ways: as the first of its fleet, *in full*; *over a parent*, of which only the blocks that
differ are put; and *by config set*: the environment is changed (\`PATCH /fleets/{fleet}/environment\`) and a rollout of the
artifact is asked for, which is not uploaded again. Each is first run without a fault, to see every call that the
functions of the build and of the API make. Then it is run once for each call and each fault, in virtual time.

Whatever happens, the item, the API, the execution, the object's tags and the AMI have to tell the same end; what the API
refuses, it refuses by a name of the catalogue; every snapshot and every AMI has to belong to an image that is written
down as available (an hour later at the latest, when sweepers have been); and the same asked for again has to be built,
with the program on the disk whole, and the new value in its environment.

- *killed before, killed after*: the function's process dies before the call reaches AWS, or once it is done.
- *throttled*, *fails once*: AWS refuses the call, or fails; *for minutes* 60 times, *twenty times* longer than a state tries.
- *refused*: for good, as a wrong checksum is. *answer lost*, *late by half a minute*: done, and its caller gave it up.
- *snapshot gone to error*: EBS loses the snapshot when the call is made, and says so only where it is asked.
- *unknown for a minute*: EC2 does not know the snapshot yet.

Builds, and how many of them were not as they must be:

${lines.join('\n')}

How they ended:

${ends.map(([end, count]) => `- ${count}: ${end}`).join('\n')}
`;
}
