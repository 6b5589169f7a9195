/** What a deploy costs: two deploys through the doors that people use, counted by the region. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { type ApiClient, openApi } from '../cli/api-client.ts';
import { costOf, describeExecution, type ExecutionCost } from '../test/scenarios/kit/execution-cost.ts';
import { buildExample } from '../tour/build-example.ts';
import type { LocalRegion } from '../tour/up.ts';

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
        await costOf(local.region, `${what}: build`, build),
        await costOf(local.region, `${what}: rollout`, rollout),
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
  while ((await describeExecution(local.region, executionArn)).stopDate === undefined)
    await local.region.context.clock.sleep(50);
}
