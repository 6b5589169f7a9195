/**
 * `npm run simulate`: the packaged stack in virtual time, for long. Prints what happened, how long it took, and a
 * digest that the same seed repeats; ends with 1 where something was not as it should be afterwards.
 *
 *   --rollouts N       so many rollouts, 25 in a region (1000 unless told otherwise)
 *   --month            thirty days of ten fleets instead
 *   --days N           with --month: so many days
 *   --sweep-minutes N  with --month: how often the sweepers run instead of as shipped
 *   --seed N           what every id and every choice follows from
 *   --workers N        processes side by side; one for each core unless told otherwise
 */
import { createHash } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { manyRollouts, monthOfFleets, type Simulated } from '../test/scenarios/kit/simulation.ts';
import { among, answerShares } from '../test/support/among.ts';
import { readFlags, wholeNumber } from '../test/support/flags.ts';
import { packageStack } from '../tour/package-stack.ts';

/** One region's share; whoever has its answer asks for the next. */
type Share =
  | { readonly what: 'rollouts'; readonly count: number; readonly seed: number }
  | {
      readonly what: 'month';
      readonly days: number;
      readonly sweepMinutes: number | undefined;
      readonly seed: number;
    };

interface Done {
  readonly result: Simulated;
  readonly cpuSeconds: number;
}

const rolloutsARegion = 25;

async function work(share: Share): Promise<Done> {
  const before = process.cpuUsage();
  const result =
    share.what === 'month'
      ? await monthOfFleets(share.seed, share.sweepMinutes, share.days)
      : await manyRollouts(share.count, share.seed);
  const { user, system } = process.cpuUsage(before);
  return { result, cpuSeconds: (user + system) / 1e6 };
}

async function main(): Promise<void> {
  const number = (fallback: number) => ({ type: 'string', default: String(fallback) }) as const;
  const { values } = readFlags({
    options: {
      rollouts: number(1000),
      month: { type: 'boolean', default: false },
      days: number(30),
      'sweep-minutes': { type: 'string' },
      seed: number(1),
      workers: number(availableParallelism()),
    },
  });
  const seed = wholeNumber('seed', values.seed, 0);
  const count = wholeNumber('rollouts', values.rollouts);
  const { 'sweep-minutes': sweep } = values;
  const shares: Share[] = values.month
    ? [
        {
          what: 'month',
          days: wholeNumber('days', values.days),
          sweepMinutes: sweep === undefined ? undefined : wholeNumber('sweep-minutes', sweep),
          seed,
        },
      ]
    : Array.from({ length: Math.ceil(count / rolloutsARegion) }, (_, index) => ({
        what: 'rollouts',
        count: Math.min(rolloutsARegion, count - index * rolloutsARegion),
        seed: seed + index,
      }));
  await packageStack();
  const began = performance.now();
  let ended = 0;
  const processes = {
    file: import.meta.filename,
    args: ['--worker'],
    workers: wholeNumber('workers', values.workers),
  };
  const done = await among<Share, Done>(processes, shares, (_, { cpuSeconds }) => {
    ended += 1;
    process.stderr.write(`${ended} of ${shares.length} regions (${cpuSeconds.toFixed(1)} s of CPU)\n`);
  });
  const seconds = (performance.now() - began) / 1000;
  const results = done.map(({ result }) => result);
  const sum = (of: (one: Simulated) => number): number => results.reduce((total, one) => total + of(one), 0);
  const ends = new Map<string, number>();
  for (const one of results)
    for (const [end, many] of Object.entries(one.ends)) ends.set(end, (ends.get(end) ?? 0) + many);
  const cpuSeconds = done.reduce((total, one) => total + one.cpuSeconds, 0);
  const rollouts = sum((one) => one.rollouts);
  const digest = createHash('sha256').update(results.map((one) => one.digest).join());
  const troubles = results.flatMap((one, index) =>
    one.unrest.map((words) => `seed ${shares[index]?.seed}: ${words}`),
  );
  for (const line of [
    `${rollouts} rollouts: ${[...ends].map(([end, many]) => `${many} ${end}`).join(', ')}`,
    `${(sum((one) => one.virtualSeconds) / 86_400).toFixed(1)} days of virtual time, ${sum((one) => one.invocations)} invocations, ${sum((one) => one.calls)} calls`,
    `${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU, ${(cpuSeconds / rollouts).toFixed(2)} s a rollout, ${(rollouts / seconds).toFixed(1)} rollouts a second`,
    `seed ${seed}: ${digest.digest('hex').slice(0, 16)}`,
    troubles.length === 0
      ? 'At the end every fleet is at rest, and nothing is left over.'
      : troubles.join('\n'),
  ])
    console.log(line);
  process.exitCode = troubles.length === 0 && !ends.has('unexpected') ? 0 : 1;
}

if (process.argv[2] === '--worker') answerShares(work);
else await main();
