/**
 * `npm run campaign`: schedules that fast-check makes up, by the thousand, in virtual time: deploys of two deployers to
 * two fleets, orders, deaths, alarms, changes by hand, throttling, lost answers, jumps of the clock. Prints each that
 * broke an invariant, and what repeats it; ends with 1 where there is one.
 *
 *   --schedules N  so many (10,000 unless told otherwise), 50 in a region
 *   --seed N       of the first region; the others have the numbers after it
 *   --path P       with --seed: the one schedule at this path, in a region of its own
 *   --workers N    processes side by side; one for each core unless told otherwise
 */
import { type ChildProcess, fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { packageStack } from '../../tour/package-stack.ts';
import { type Broken, type Campaign, playSchedules } from './kit/schedules/run.ts';

interface Share {
  readonly seed: number;
  readonly count: number;
  readonly path?: string;
}

const schedulesARegion = 50;

function asWorker(): void {
  process.on('message', ({ seed, count, path }: Share) => {
    void playSchedules(seed, count, path).then(
      (campaign) => process.send?.(campaign),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.on('disconnect', () => process.exit(0));
}

function asked(child: ChildProcess, share: Share): Promise<Campaign> {
  return new Promise((resolve, reject) => {
    const broke = (code: number | null): void => reject(new Error(`seed ${share.seed} ended with ${code}`));
    child.once('exit', broke);
    child.once('message', (campaign: Campaign) => {
      child.off('exit', broke);
      resolve(campaign);
    });
    child.send(share);
  });
}

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
  const { values } = parseArgs({
    options: {
      schedules: { type: 'string', default: '10000' },
      seed: { type: 'string', default: '1' },
      path: { type: 'string' },
      workers: { type: 'string', default: String(availableParallelism()) },
    },
  });
  const { path } = values;
  const count = path === undefined ? Number(values.schedules) : 1;
  const shares: Share[] = Array.from({ length: Math.ceil(count / schedulesARegion) }, (_, index) => ({
    seed: Number(values.seed) + index,
    count: Math.min(schedulesARegion, count - index * schedulesARegion),
    ...(path === undefined ? {} : { path }),
  }));
  await packageStack();
  let next = 0;
  let played = 0;
  const broken: Broken[] = [];
  const run = async (): Promise<void> => {
    const child = fork(import.meta.filename, ['--worker'], {
      execArgv: ['--max-semi-space-size=64', '--disable-warning=ExperimentalWarning'],
      env: { ...process.env, POWERTOOLS_LOG_LEVEL: 'SILENT' },
    });
    try {
      while (next < shares.length) {
        const share = shares[next] as Share; // in range: checked above
        next += 1;
        const campaign = await asked(child, share);
        played += campaign.schedules;
        process.stderr.write(`${played} of ${count}\n`);
        if (campaign.broken === undefined) continue;
        broken.push(campaign.broken);
        tell(campaign.broken);
      }
    } finally {
      if (child.connected) child.disconnect();
    }
  };
  await Promise.all(Array.from({ length: Math.min(Number(values.workers), shares.length) }, run));
  console.log(`${played} schedules played; ${broken.length} broke something, and ended their region`);
  process.exitCode = broken.length === 0 ? 0 : 1;
}

if (process.argv[2] === '--worker') asWorker();
else await main();
