/**
 * `npm start`: a local region in the foreground, and a tour of it.
 *
 *   --exit       ends after the tour, with 0 only if everything held
 *   --json       prints the story (without a tour, the region's addresses) as one JSON object on the last line of stdout
 *   --no-tour    only the region
 *   --port N     the region's port; a free one unless given
 *   --data DIR   where the region keeps its bytes and its state, for the next start; a temporary folder unless given
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Caretaker, scratchFolder } from './caretaker.ts';
import { whenToldToEnd } from './lifeline.ts';
import { createNarrator } from './narrator.ts';
import { packageStack } from './package-stack.ts';
import { requirePrerequisites } from './prerequisites.ts';
import type { LocalRegion } from './up.ts';
import { whereNext } from './where-next.ts';

const usage = 'usage: npm start -- [--exit] [--json] [--no-tour] [--port N] [--data DIR]';

function options() {
  try {
    const { values } = parseArgs({
      options: {
        exit: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        'no-tour': { type: 'boolean', default: false },
        port: { type: 'string', default: '0' },
        data: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      console.log(usage);
      process.exit(0);
    }
    const port = Number(values.port);
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw new Error(`--port ${values.port} is no port`);
    return { ...values, port };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
}

const { exit, json, port, data, 'no-tour': noTour } = options();
const say = createNarrator(json ? process.stderr : process.stdout, () => Date.now());
const caretaker = new Caretaker();
let local: LocalRegion | undefined;
let ending = false;
let finished = false;

/** What closes in order does so; the caretaker sees to the rest, such as a region that was only half up. */
async function end(code: number): Promise<never> {
  await local?.close().catch((error: unknown) => say.print(String(error)));
  await caretaker.end();
  process.exit(code);
}

whenToldToEnd((why) => {
  if (ending) return;
  ending = true;
  say.print(`\nEnding (${why}) …`);
  void end(exit || !finished ? 130 : 0);
});

const scratchDir = await scratchFolder(caretaker);
try {
  if (!noTour) await requirePrerequisites(caretaker);
  say.chapter('A local region');
  const tour = noTour ? undefined : await import('./tour.ts');
  const programs = tour?.startBuilding(scratchDir, caretaker);
  say.status('packaging the stack');
  // The region's own modules are read meanwhile.
  const [{ startLocal }] = await Promise.all([import('./up.ts'), packageStack(caretaker)]);
  say.fact('packaged: a CloudFormation template, one bundle and one role a function');
  say.status('starting');
  const dataDir = data === undefined ? join(scratchDir, 'region') : resolve(data);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  local = await startLocal({ port, dataDir, keepState: data !== undefined, caretaker });
  say.fact(
    `up at ${local.endpoint}, ${local.region.restored ? 'as it was left' : 'made from the packaged template'}`,
  );
  const told = programs && (await tour?.tell(local, programs, say));
  finished = true;
  const { endpoint, apiUrl, balancerUrl, uploadBucket, storeBucket } = local;
  const places = { endpoint, apiUrl, balancerUrl, uploadBucket, storeBucket };
  if (json) console.log(JSON.stringify(told?.story ?? places));
  if (exit) {
    ending = true;
    await end(told === undefined || told.held ? 0 : 1);
  }
  whereNext(local, say, told !== undefined, process.env);
  // Nothing else keeps the process up: the region's own timers and sockets may be quiet.
  setInterval(() => {}, 3_600_000);
} catch (error) {
  if (!ending) {
    ending = true;
    say.print(`\n${error instanceof Error ? error.message : String(error)}`);
    if (process.env.FLOTILLA_DEBUG !== undefined) console.error(error);
    await end(1);
  }
}
