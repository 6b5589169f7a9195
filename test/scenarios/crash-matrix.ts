/**
 * `npm run crash-matrix -- build`: every fault at every call of a build, in virtual time. Prints how the builds ended,
 * and each case after which something was not as it must be; ends with 1 where there is one.
 *
 *   --only WORDS  the cases whose words contain them, such as "write-blocks" or "throttled"
 *   --from N, --cases N  a part of them, in their order
 */
import { parseArgs } from 'node:util';
import { packageStack } from '../../tour/package-stack.ts';
import { allCases, openDoors, tryCase, wordsOf } from './kit/build-matrix.ts';

/** A region takes so many builds before the next one begins with nothing. */
const casesARegion = 20;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string', default: '' },
    from: { type: 'string', default: '0' },
    cases: { type: 'string', default: 'Infinity' },
  },
});
if (positionals.join() !== 'build') throw new Error('Which matrix? There is: build');
await packageStack();
const all = (await allCases()).filter((one) => wordsOf(one).includes(values.only));
const cases = all.slice(Number(values.from)).slice(0, Number(values.cases));
console.log(`${cases.length} of ${all.length} cases`);
const ends = new Map<string, number>();
let wrongCases = 0;
for (let at = 0; at < cases.length; at += casesARegion) {
  const doors = await openDoors();
  for (const one of cases.slice(at, at + casesARegion)) {
    const { end, wrong } = await tryCase(doors, one);
    ends.set(end, (ends.get(end) ?? 0) + 1);
    if (wrong.length === 0) continue;
    wrongCases += 1;
    console.log(`${wordsOf(one)} (${end})\n${wrong.map((words) => `    ${words}\n`).join('')}`);
  }
  await doors.close();
  console.error(`${Math.min(at + casesARegion, cases.length)} of ${cases.length}`);
}
for (const [end, count] of ends) console.log(`${String(count).padStart(6)}  ${end}`);
const { user } = process.cpuUsage();
console.log(`${cases.length} cases, ${wrongCases} of them wrong, ${Math.round(user / 1e6)} s of CPU`);
process.exitCode = wrongCases === 0 ? 0 : 1;
