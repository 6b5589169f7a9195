/**
 * `npm start`: a local region in the foreground, and a tour of it.
 *
 *   --exit       ends after the tour, with 0 only if everything held
 *   --json       prints the story as one JSON object on the last line of stdout
 *   --no-tour    only the region
 *   --port N     the region's port; a free one unless given
 *   --data DIR   where the region keeps its bytes and its state, for the next start; a temporary folder unless given
 */
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { S3Client } from '@aws-sdk/client-s3';
import { openApi } from '../cli/api-client.ts';
import { Caretaker } from './caretaker.ts';
import { journey, type Programs, startBuilding } from './journey.ts';
import { whenToldToEnd } from './lifeline.ts';
import { createNarrator } from './narrator.ts';
import { type Story, tellStory, whatDidNotHold } from './story.ts';
import { type LocalRegion, packageStack, scratchFolder, startLocal } from './up.ts';
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
  say.chapter('A local region');
  const programs = noTour ? undefined : startBuilding(scratchDir, caretaker);
  say.status('packaging the stack');
  await packageStack(caretaker);
  say.fact('packaged: a CloudFormation template, one bundle and one role a function');
  say.status('starting');
  const dataDir = data === undefined ? join(scratchDir, 'region') : resolve(data);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  local = await startLocal({ port, dataDir, keepState: data !== undefined, caretaker });
  say.fact(
    `up at ${local.endpoint}, ${local.region.restored ? 'as it was left' : 'made from the packaged template'}`,
  );
  const story = programs === undefined ? undefined : await tour(local, programs);
  finished = true;
  const reasons = story === undefined ? [] : whatDidNotHold(story);
  if (story !== undefined) tellStory(story, say);
  for (const reason of reasons) say.print(`  Not as promised: ${reason}.`);
  if (json && story !== undefined) console.log(JSON.stringify(story));
  if (exit) {
    ending = true;
    await end(reasons.length === 0 ? 0 : 1);
  }
  whereNext(local, say);
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

async function tour(region: LocalRegion, programs: Programs): Promise<Story> {
  const { accessKeyId, secretAccessKey } = region.operator;
  const credentials = { accessKeyId, secretAccessKey };
  const regionName = region.region.context.regionName;
  const api = openApi(
    { apiUrl: region.apiUrl, region: regionName, endpoint: region.endpoint, credentials },
    { userAgent: 'flotilla-tour' },
  );
  const objects = new S3Client({
    endpoint: region.endpoint,
    region: regionName,
    credentials,
    forcePathStyle: true,
  });
  try {
    return await journey({
      say,
      api,
      objects,
      uploadBucket: region.uploadBucket,
      balancerUrl: region.balancerUrl,
      callsFor: (executionArn) => region.region.log.callsOf(executionArn),
      programs,
      now: () => Date.now(),
    });
  } finally {
    objects.destroy();
  }
}
