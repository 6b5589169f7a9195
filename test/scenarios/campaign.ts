/**
 * `npm run campaign`: schedules that fast-check makes up, by the thousand, in virtual time: deploys of two deployers to
 * two fleets, orders, deaths, alarms, changes by hand, throttling, lost answers, late calls, killed functions, lost and
 * doubled events, jumps of the clock. Prints each that broke an invariant, and what repeats it; ends with 1 where there
 * is one.
 *
 *   --schedules N  so many (10,000 unless told otherwise), 50 in a region
 *   --seed N       of the first region; the others have the numbers after it
 *   --path P       with --seed: the one schedule at this path, in a region of its own
 *   --workers N    processes side by side; one for each core unless told otherwise
 */
import { availableParallelism } from 'node:os';
import { packageStack } from '../../tour/package-stack.ts';
import { among, answerShares } from '../support/among.ts';
import { readFlags, wholeNumber } from '../support/flags.ts';
import { type Broken, type Campaign, playSchedules } from './kit/schedules/run.ts';

interface Share {
  readonly seed: number;
  readonly count: number;
  readonly path?: string;
}

const schedulesARegion = 50;

function tell({ seed, path, happenings, violations }: Broken): void {
  console.log(`seed ${seed}, path ${path}:`);
  for (const { after, deed } of happenings) console.log(`    after ${after} s: ${JSON.stringify(deed)}`);
  for (const words of violations) console.log(`  ${words}`);
  console.log(`  alone:       npm run campaign -- --seed ${seed} --path ${path}`);
  console.log(
    `  as it came:  npm run campaign -- --seed ${seed} --schedules ${Number(path.split(':')[0]) + 1}`,
  );
}

async function main(): Promise<void> {
  const { values } = readFlags({
    options: {
      schedules: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      path: { type: 'string' },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const { path } = values;
  const count = path === undefined ? wholeNumber('schedules', values.schedules) : 1;
  const firstSeed = wholeNumber('seed', values.seed, 0);
  const shares: Share[] = Array.from({ length: Math.ceil(count / schedulesARegion) }, (_, index) => ({
    seed: firstSeed + index,
    count: Math.min(schedulesARegion, count - index * schedulesARegion),
    ...(path === undefined ? {} : { path }),
  }));
  await packageStack();
  let played = 0;
  const broken: Broken[] = [];
  const processes = {
    file: import.meta.filename,
    args: ['--worker'],
    workers: wholeNumber('workers', values.workers),
  };
  await among<Share, Campaign>(processes, shares, (_, campaign) => {
    played += campaign.schedules;
    process.stderr.write(`${played} of ${count}\n`);
    if (campaign.broken === undefined) return;
    broken.push(campaign.broken);
    tell(campaign.broken);
  });
  console.log(`${played} schedules played; ${broken.length} broke something, and ended their region`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

if (process.argv[2] === '--worker')
  answerShares(({ seed, count, path }: Share) => playSchedules(seed, count, path));
else await main();
