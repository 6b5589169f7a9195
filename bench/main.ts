/**
 * `npm run bench`: sizes and cold starts of the functions, what a deploy costs, how fast an image is written and
 * uploaded, how soon a region is up and what it takes when idle. It brings up local regions of its own, and leaves
 * nothing behind. Ends with 1 where a goal of rollouts was missed: those are counts, and the same on every machine.
 *
 *   --json     prints the measurements as one JSON object on the last line of stdout
 *   --quick    one round of everything: whether it works, not how fast
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { whenToldToEnd } from '../tour/lifeline.ts';
import { packageStack } from '../tour/package-stack.ts';
import { type LocalRegion, startLocal } from '../tour/up.ts';
import { bundleSizes } from './bundles.ts';
import { measureColdStarts } from './cold-start.ts';
import { measureDeltas } from './deltas.ts';
import { measureFirstTraffic } from './first-traffic.ts';
import { measureFourSteps } from './four-step-rollout.ts';
import { measureImageWriting } from './image-writing.ts';
import { describeMachine } from './machine.ts';
import { measureRegionStart } from './region-start.ts';
import { report } from './report.ts';
import { missedGoals } from './rollout-report.ts';
import { measureRollouts } from './rollouts.ts';
import { measureRolloutsAtOnce } from './rollouts-at-once.ts';
import { measureUploading } from './uploading.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } },
});
const rounds = values.quick ? 1 : 7;
const say = (line: string): void => console.error(line);

const scratchDir = await mkdtemp(join(tmpdir(), 'flotilla-bench-'));
let local: LocalRegion | undefined;
async function end(code: number): Promise<never> {
  await local?.close();
  await rm(scratchDir, { recursive: true, force: true });
  process.exit(code);
}
whenToldToEnd(() => void end(130));

try {
  const machine = describeMachine();
  say('packaging the stack');
  await packageStack();
  say('writing images');
  const imageWriting = await measureImageWriting(rounds);
  const deltas = await measureDeltas();
  const uploading = await measureUploading(values.quick ? 1 : 3, scratchDir, say);
  const region = await measureRegionStart(rounds, scratchDir, say);
  say('a four-step rollout, first traffic');
  const seed = 1;
  const fourSteps = [await measureFourSteps(60, seed), await measureFourSteps(7_200, seed)];
  const firstTraffic = await measureFirstTraffic(seed);
  say('rollouts at once');
  // A tenth of the rollouts at a tenth of the rates is the same question, with coarser numbers.
  const atOnce = await measureRolloutsAtOnce(values.quick ? 10 : 100, values.quick ? 0.1 : 1, seed);
  const rollouts = { fourSteps, firstTraffic, atOnce };
  say('starting a local region');
  local = await startLocal({ port: 0 });
  // Deploys come first: a cold start's call of a function would be among what they count.
  const executions = await measureRollouts(local, scratchDir, say);
  const bundles = bundleSizes();
  const coldStarts = await measureColdStarts(
    local.region,
    bundles.map(({ name }) => name),
    rounds,
    say,
  );
  const measurements = {
    machine,
    bundles,
    coldStarts,
    executions,
    rollouts,
    imageWriting,
    deltas,
    uploading,
    region,
  };
  console.log(report(measurements));
  if (values.json) console.log(JSON.stringify(measurements));
  const missed = missedGoals(rollouts);
  for (const goal of missed) say(`missed: ${goal}`);
  await end(missed.length === 0 ? 0 : 1);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  await end(1);
}
