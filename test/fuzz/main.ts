/**
 * `npm run fuzz`: mutated and random programs and disks, given to everything that reads uploads. Ends with 1 at the
 * first that breaks a promise, and prints how to have it again.
 *
 *   --cases N   100000 unless told otherwise
 *   --seed N    of the first case; the next ones follow
 */
import { readFlags, wholeNumber } from '../support/flags.ts';
import { fuzz } from './fuzz.ts';
import { makeSeeds } from './seeds.ts';

/** Seeds, Node itself, and one log of the largest size allowed, decoded. */
const mostResidentMiB = 768;

const { values } = readFlags({
  options: { cases: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const cases = wholeNumber('cases', values.cases);
const seed = wholeNumber('seed', values.seed, 0);
const seeds = await makeSeeds();
console.log(`From ${seeds.length} files: ${seeds.map(({ name }) => name).join(', ')}`);
const began = process.cpuUsage();
try {
  const told = await fuzz(seeds, seed, cases);
  const { user } = process.cpuUsage(began);
  for (const [outcome, count] of [...told.outcomes].sort(([a], [b]) => (a < b ? -1 : 1)))
    console.log(`${String(count).padStart(8)}  ${outcome}`);
  const residentMiB = process.resourceUsage().maxRSS / 1024;
  console.log(
    `${told.cases} cases, ${Math.round(told.cases / (user / 1e6))} a second of CPU; at most ${told.mostReads} reads and ${told.mostBytes} bytes a case`,
  );
  console.log(
    `The slowest took ${Math.round(told.slowest.ms)} ms (--seed ${told.slowest.seed} --cases 1); the process took ${Math.round(residentMiB)} MiB at most`,
  );
  if (residentMiB > mostResidentMiB) throw new Error(`more than ${mostResidentMiB} MiB were resident`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
