/**
 * The tour itself: a stranger with an operator's keys makes a fleet, puts a first version into the bucket, then a
 * second while requests flow, and looks at what was made. Everything goes through the doors that people use.
 */
import { fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { parse } from 'yaml';
import type { ApiClient } from '../cli/api-client.ts';
import type { LineageView, RolloutDetailView, UploadDetailView } from '../src/contracts/api-views.ts';
import { buildExample, type Variant } from './build-example.ts';
import type { Caretaker } from './caretaker.ts';
import type { Narrator } from './narrator.ts';
import type { Story } from './story.ts';
import type { Traffic } from './traffic.ts';

export interface Stage {
  readonly say: Narrator;
  readonly api: ApiClient;
  readonly objects: S3Client;
  readonly uploadBucket: string;
  /** Of the load balancer: `http://127.0.0.1:<port>`. */
  readonly balancerUrl: string;
  /** Calls of AWS's APIs that the control plane made for an execution, as the region's log has it. */
  readonly callsFor: (executionArn: string) => number;
  /** The two programs, which are being built. */
  readonly programs: Programs;
  readonly now: () => number;
}

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const fleet = 'hello';
const requestsPerSecond = 150;
/** What the traffic client sends at least while the second version takes over. */
const enoughRequests = 2000;

/** A file for each version, by what makes it. */
export type Programs = Readonly<Record<'1' | '2', Promise<string>>>;

/** Starts to build both versions of examples/hello: Go's first build takes its time, and nothing waits for it yet. */
export function startBuilding(folder: string, caretaker: Caretaker): Programs {
  const build = async (variant: Variant): Promise<string> => {
    const file = join(folder, `hello-${variant.version}`);
    await buildExample(file, variant, caretaker);
    return file;
  };
  const first = build({ version: '1', colour: 'blue' });
  // After the first, from whose compiled packages it gains. A failure is told where it is awaited.
  const second = first.then(() => build({ version: '2', colour: 'green' }));
  for (const build of [first, second]) build.catch(() => {});
  return { '1': first, '2': second };
}

export async function journey(stage: Stage): Promise<Story> {
  const { say } = stage;
  say.chapter('A fleet');
  const { fleet: _name, ...spec } = parse(
    await readFile(join(root, 'examples', 'hello', 'fleet.yml'), 'utf8'),
  ) as { fleet: string };
  await stage.api.call('applyFleet', { params: { fleet }, body: spec });
  say.fact(`fleet ${fleet}: two target groups, a rule on the load balancer, a launch template`);

  say.chapter('Version 1, into an empty fleet');
  const first = await deliver(stage, '1');

  say.chapter('Version 2, while requests flow');
  const traffic = startTraffic(stage.balancerUrl);
  const second = await deliver(stage, '2', traffic.line);
  const requests = await traffic.end(enoughRequests, (seen) => say.status(`${seen.sent} requests sent`));
  for (const failure of requests.failures.slice(0, 20)) say.fact(`failed request: ${failure}`);
  say.fact(
    `${requests.sent} requests sent during the swap, ${requests.failed} failed; answers ${shares(requests)}`,
  );

  return gather(stage, [first, second], requests);
}

/** Uploads a version it to the bucket and follows it until its rollout has ended. */
async function deliver(
  stage: Stage,
  version: keyof Programs,
  aside: () => string = () => '',
): Promise<RolloutDetailView> {
  const { say } = stage;
  say.status('building examples/hello');
  const file = await stage.programs[version];
  const key = `${fleet}/hello-${version}`;
  const { VersionId } = await stage.objects.send(
    new PutObjectCommand({ Bucket: stage.uploadBucket, Key: key, Body: await readFile(file) }),
  );
  say.fact(`uploaded s3://${stage.uploadBucket}/${key}`);

  const found = await stage.api.call('listUploads', {
    query: { key, versionId: VersionId, waitSeconds: 20 },
  });
  const received = found.items[0];
  if (received === undefined) throw new Error(`The upload of ${key} was not noticed within 20 seconds.`);
  const upload = await follow(
    stage,
    (poll) => stage.api.call('getUpload', { params: { id: received.id }, ...poll }),
    (view) => {
      say.status(`build-image: ${lastStep(view.steps) ?? view.state}${aside()}`);
      return view.ended || view.rollout !== undefined;
    },
  );
  const rolloutId = upload.rollout ?? (await again(stage, upload));
  const release = upload.release === undefined ? '' : `release v${upload.release}, `;
  say.fact(`image ${upload.imageId} stands; ${release}rollout ${rolloutId}`);

  let told = '';
  const rollout = await follow(
    stage,
    (poll) => stage.api.call('getRollout', { params: { id: rolloutId }, ...poll }),
    (view) => {
      const now = `swap-fleet: ${view.phase}`;
      if (now !== told) say.fact(`${now}${aside()}`);
      else say.status(`${now}${aside()}`);
      told = now;
      return view.ended;
    },
  );
  if (rollout.status !== 'succeeded') {
    throw new Error(
      `Rollout ${rollout.id} ${rollout.status}: ${rollout.error?.name} ${rollout.error?.message}`,
    );
  }
  say.fact(`v${rollout.release} is live in slot ${rollout.live?.slot}`);
  return rollout;
}

/** What is live already leads to no rollout by itself: a region that was kept may be so from a tour before. */
async function again({ api }: Stage, { error, identity, state }: UploadDetailView): Promise<string> {
  if (error !== undefined || identity === undefined) {
    const { name, message, advice } = error ?? { name: state, message: '', advice: '' };
    throw new Error(`The upload was not deployed: ${name}. ${message} ${advice}`);
  }
  const answer = await api.call('requestRollout', {
    params: { fleet },
    body: { image: identity, force: true },
  });
  if (answer.rollout === undefined) throw new Error(`The image was not deployed: ${answer.message}`);
  return answer.rollout;
}

interface Poll {
  readonly query: { readonly waitSeconds: number; readonly since?: string };
}

/** Long polls until `done` says so; each answer waits at the server for the next change. */
async function follow<View extends { version: string }>(
  stage: Stage,
  ask: (poll: Poll) => Promise<View>,
  done: (view: View) => boolean,
): Promise<View> {
  const giveUpAt = stage.now() + 10 * 60_000;
  for (let since: string | undefined; ; ) {
    // Short waits, so that the figures shown aside stay fresh.
    const view = await ask({ query: { waitSeconds: 2, ...(since === undefined ? {} : { since }) } });
    if (done(view)) return view;
    if (stage.now() > giveUpAt) throw new Error('Nothing ended within ten minutes; see flotilla status.');
    since = view.version;
  }
}

function lastStep(steps: readonly { kind: string }[]): string | undefined {
  return steps.at(-1)?.kind;
}

function startTraffic(url: string): {
  line: () => string;
  end: (atLeast: number, progress: (seen: Traffic) => void) => Promise<Traffic>;
} {
  const child = fork(new URL('./traffic.ts', import.meta.url), [`${url}/`, String(requestsPerSecond)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let seen: Traffic = { sent: 0, ok: 0, failed: 0, byRelease: {}, failures: [] };
  let stopAt: number | undefined;
  let watch: (seen: Traffic) => void = () => {};
  const ended = new Promise<Traffic>((resolve, reject) => {
    child.on('message', (message: { kind: 'progress' | 'end'; traffic: Traffic }) => {
      seen = message.traffic;
      watch(seen);
      if (message.kind === 'end') resolve(seen);
      else if (stopAt !== undefined && seen.sent >= stopAt) child.send('stop');
    });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`The traffic client ended with ${code}.`)));
  });
  ended.catch(() => {}); // reported where it is awaited
  return {
    line: () => ` · ${seen.sent} requests, ${seen.failed} failed, ${shares(seen)}`,
    end: (atLeast, progress) => {
      watch = progress;
      stopAt = atLeast;
      return ended;
    },
  };
}

function shares(traffic: Traffic): string {
  const parts = Object.entries(traffic.byRelease).map(([release, answers]) => `${release}: ${answers}`);
  return parts.join(', ') || 'none yet';
}

async function gather(
  stage: Stage,
  rollouts: readonly RolloutDetailView[],
  requests: Traffic,
): Promise<Story> {
  const view = await stage.api.call('getFleet', { params: { fleet } });
  const lineage: LineageView[] = [];
  for (const rollout of rollouts) {
    lineage.push(await stage.api.call('getLineage', { params: { id: `${fleet}/v${rollout.release}` } }));
  }
  const own = <T>(pick: (view: LineageView) => T | undefined): T[] =>
    lineage.map(pick).filter((found) => found !== undefined);
  return {
    fleet,
    artifacts: own((l) => l.artifacts[0]).map((artifact) => ({
      sha256: artifact.sha256,
      kind: artifact.kind,
      goVersion: artifact.goVersion ?? null,
      module: artifact.module ?? null,
      vcsRevision: artifact.vcsRevision ?? null,
    })),
    images: own((l) => l.images[0]).map((image) => ({
      imageId: image.imageId ?? '',
      snapshotId: image.snapshotId ?? '',
      identity: image.identity,
      blocksWritten: image.blocksWritten ?? 0,
    })),
    releases: rollouts.flatMap(({ release }, i) => {
      const found = lineage[i]?.releases.find(({ number }) => number === release);
      return found === undefined ? [] : [{ number: release, imageId: found.imageId, state: found.state }];
    }),
    rollouts: rollouts.map((rollout) => ({
      executionArn: rollout.executionArn,
      status: rollout.status,
      seconds: secondsBetween(rollout.startedAt ?? rollout.requestedAt, rollout.endedAt),
      awsCalls: stage.callsFor(rollout.executionArn),
    })),
    requests: { sent: requests.sent, ok: requests.ok, failed: requests.failed },
    live: { release: view.live?.release ?? 0, weight: view.live?.weight ?? 0 },
  };
}

function secondsBetween(start: string, end: string | undefined): number {
  return end === undefined ? 0 : Math.round((Date.parse(end) - Date.parse(start)) / 100) / 10;
}
