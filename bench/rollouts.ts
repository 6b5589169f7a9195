/** What a deploy costs: two deploys through the doors that people use, counted by the region. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type ApiClient, openApi } from '../cli/api-client.ts';
import { traceRoot } from '../local/trace.ts';
import { buildExample } from '../tour/build-example.ts';
import type { LocalRegion } from '../tour/up.ts';

export interface ExecutionCost {
  readonly what: string;
  readonly machine: string;
  readonly executionArn: string;
  readonly seconds: number;
  /** StateEntered events in the execution's history. */
  readonly transitions: number;
  /** Functions that the execution invoked, tries that were repeated among them. */
  readonly invocations: number;
  /** Calls of AWS's APIs that those functions made, without the polls. */
  readonly calls: number;
  /** Calls of the function that looks whether the candidate is healthy: they grow with the time it takes. */
  readonly healthPolls: {
    readonly looks: number;
    readonly calls: number;
    readonly intervalSeconds: number;
  } | null;
  /** Counts by service and action, polls among them. */
  readonly byAction: Readonly<Record<string, number>>;
}

const fleet = 'bench';
const bakeSeconds = 1;
const spec = {
  rule: { paths: ['/*'] },
  healthCheck: { path: '/healthz', intervalSeconds: 5, healthyThreshold: 2 },
  instances: { minimum: 2, desired: 2, maximum: 4 },
  rollout: {
    steps: [
      { weight: 10, bakeSeconds },
      { weight: 50, bakeSeconds },
      { weight: 100, bakeSeconds },
    ],
  },
};

export async function measureRollouts(
  local: LocalRegion,
  scratchDir: string,
  say: (line: string) => void,
): Promise<ExecutionCost[]> {
  const { accessKeyId, secretAccessKey } = local.operator;
  const settings = {
    endpoint: local.endpoint,
    region: local.region.context.regionName,
    credentials: { accessKeyId, secretAccessKey },
  };
  const api = openApi({ ...settings, apiUrl: local.apiUrl }, { userAgent: 'flotilla-bench' });
  const s3 = new S3Client({ ...settings, forcePathStyle: true });
  try {
    await api.call('applyFleet', { params: { fleet }, body: spec });
    const costs: ExecutionCost[] = [];
    for (const [what, version] of [
      ['first deploy', '1'],
      ['second deploy, three steps', '2'],
    ] as const) {
      say(what);
      const { build, rollout } = await deploy(local, api, s3, scratchDir, version);
      costs.push(
        await costOf(local, `${what}: build`, build),
        await costOf(local, `${what}: rollout`, rollout),
      );
    }
    return costs;
  } finally {
    s3.destroy();
  }
}

/** Uploads a version and follows it until it is live. @returns the ARNs of the two executions */
async function deploy(
  local: LocalRegion,
  api: ApiClient,
  s3: S3Client,
  scratchDir: string,
  version: string,
): Promise<{ build: string; rollout: string }> {
  const file = join(scratchDir, `bench-${version}`);
  await buildExample(file, { version, colour: 'grey' });
  const key = `${fleet}/hello-${version}`;
  const { VersionId } = await s3.send(
    new PutObjectCommand({ Bucket: local.uploadBucket, Key: key, Body: await readFile(file) }),
  );
  const { items } = await api.call('listUploads', { query: { key, versionId: VersionId, waitSeconds: 20 } });
  const uploadId = items[0]?.id;
  if (uploadId === undefined) throw new Error(`The upload of ${key} was not noticed`);
  const upload = await follow((query) => api.call('getUpload', { params: { id: uploadId }, query }));
  const rolloutId = upload.rollout;
  if (rolloutId === undefined)
    throw new Error(`The upload of ${key} was not deployed: ${JSON.stringify(upload.error ?? upload.state)}`);
  const rollout = await follow((query) => api.call('getRollout', { params: { id: rolloutId }, query }));
  if (rollout.status !== 'succeeded')
    throw new Error(`The rollout ${rolloutId} ${rollout.status}: ${JSON.stringify(rollout.error)}`);
  await executionEnd(local, upload.executionArn);
  await executionEnd(local, rollout.executionArn);
  return { build: upload.executionArn, rollout: rollout.executionArn };
}

/** Long polls until it has ended; each answer waits at the server for the next change. */
async function follow<View extends { version: string; ended: boolean }>(
  ask: (query: { waitSeconds: number; since?: string }) => Promise<View>,
): Promise<View> {
  for (let since: string | undefined; ; ) {
    const view = await ask({ waitSeconds: 10, ...(since === undefined ? {} : { since }) });
    if (view.ended) return view;
    since = view.version;
  }
}

/** What is followed ends a few states before its execution does. */
async function executionEnd(local: LocalRegion, executionArn: string): Promise<void> {
  while ((await describe(local, executionArn)).stopDate === undefined)
    await local.region.context.clock.sleep(50);
}

async function describe(local: LocalRegion, executionArn: string) {
  return (await local.region.call('states', 'DescribeExecution', { executionArn })) as {
    stateMachineArn: string;
    startDate: Date;
    stopDate?: Date;
  };
}

async function costOf(local: LocalRegion, what: string, executionArn: string): Promise<ExecutionCost> {
  const { region } = local;
  const { stateMachineArn, startDate, stopDate = startDate } = await describe(local, executionArn);
  const made = region.log.list().filter(({ trace }) => trace?.includes(traceRoot(executionArn)));
  const calls = made.filter(({ action }) => action !== 'lambda:Invoke');
  // The session of a function's credentials has the function's name.
  const polls = calls.filter(({ who }) => who.endsWith('/flotilla-check-health'));
  const byAction = new Map<string, number>();
  for (const { action } of calls) byAction.set(action, (byAction.get(action) ?? 0) + 1);
  const entered = await statesEntered(local, executionArn);
  const looks = entered.filter((name) => name === 'CheckHealth').length;
  const intervalSeconds = await healthInterval(local, stateMachineArn);
  return {
    what,
    machine: stateMachineArn.split(':').at(-1) ?? '',
    executionArn,
    seconds: (stopDate.getTime() - startDate.getTime()) / 1000,
    transitions: entered.length,
    invocations: made.length - calls.length,
    calls: calls.length - polls.length,
    healthPolls: intervalSeconds === undefined ? null : { looks, calls: polls.length, intervalSeconds },
    byAction: Object.fromEntries([...byAction].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

async function statesEntered(local: LocalRegion, executionArn: string): Promise<string[]> {
  const names: string[] = [];
  for (let nextToken: string | undefined; ; ) {
    const page = (await local.region.call('states', 'GetExecutionHistory', {
      executionArn,
      maxResults: 1000,
      includeExecutionData: false,
      nextToken,
    })) as { events: { stateEnteredEventDetails?: { name?: string } }[]; nextToken?: string };
    for (const { stateEnteredEventDetails } of page.events)
      if (stateEnteredEventDetails?.name !== undefined) names.push(stateEnteredEventDetails.name);
    nextToken = page.nextToken;
    if (nextToken === undefined) return names;
  }
}

/** As the deployed machine states it; undefined where the machine looks at no health. */
async function healthInterval(local: LocalRegion, stateMachineArn: string): Promise<number | undefined> {
  const { definition } = (await local.region.call('states', 'DescribeStateMachine', { stateMachineArn })) as {
    definition: string;
  };
  const { States } = JSON.parse(definition) as { States: Record<string, { Seconds?: number }> };
  return States.WaitForHealth?.Seconds;
}
