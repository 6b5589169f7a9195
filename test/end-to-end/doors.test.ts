/**
 * The doors as people use them: the flotilla command and the signed API, over real sockets, against the packaged
 * stack in a local region in wall time.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { run } from '../../cli/run.ts';
import { standInKernel } from '../../src/image/kernel-bundle.ts';
import { buildExample } from '../../tour/build-example.ts';
import { packageStack } from '../../tour/package-stack.ts';
import { type LocalRegion, startLocal } from '../../tour/up.ts';

const folder = mkdtempSync(join(tmpdir(), 'flotilla-doors-'));
const fleetFile = fileURLToPath(new URL('../../examples/hello/fleet.yml', import.meta.url));
let local: LocalRegion;

interface Ended {
  readonly code: number;
  // biome-ignore lint/suspicious/noExplicitAny: what the command printed; each test says what it expects of it
  readonly json: any;
  readonly text: string;
}

/** Runs the command as in a terminal, with `--json`. */
async function flotilla(...words: string[]): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  const code = await run([...words, '--json', '--endpoint', local.endpoint], {
    env: process.env,
    uid: process.getuid?.() ?? 0,
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
  });
  return { code, json: stdout === '' ? undefined : JSON.parse(stdout), text: stderr };
}

beforeAll(async () => {
  await packageStack();
  local = await startLocal({ port: 0 });
  await buildExample(join(folder, 'good'), { version: '1', colour: 'blue' });
  await buildExample(join(folder, 'bad'), { version: '2', colour: 'red', trouble: 'crashes' });
}, 300_000);

afterAll(async () => {
  await local?.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the doors', { timeout: 240_000 }, () => {
  it('make a fleet, and find it as it is the second time', async () => {
    const made = await flotilla('fleet', 'apply', fleetFile);
    expect(made.code).toBe(0);
    expect(made.json).toMatchObject({ outcome: 'created', fleet: { fleet: 'hello', state: 'empty' } });
    expect((await flotilla('fleet', 'apply', fleetFile)).json).toMatchObject({
      outcome: 'unchanged',
      made: [],
    });
  });

  it('refuse a fleet whose rule overlaps, and name the other', async () => {
    const file = join(folder, 'clash.yml');
    writeFileSync(file, 'rule: {paths: ["/api/*"]}\nhealthCheck: {path: /}\n');
    const refused = await flotilla('fleet', 'apply', file, '--fleet', 'clash');
    expect(refused.code).toBe(3);
    expect(refused.json.error).toMatchObject({ name: 'RuleConflict', status: 409 });
    expect(refused.json.error.detail).toContain('fleet hello');
  });

  it('deploy a program to live traffic', async () => {
    const deployed = await flotilla('deploy', join(folder, 'good'), '--fleet', 'hello');
    expect(deployed.text, JSON.stringify(deployed.json)).toContain('upload received');
    expect(deployed.json).toMatchObject({
      rollout: { id: 'hello-1', status: 'succeeded', live: { release: 1, weight: 100 } },
    });
    expect(deployed.code).toBe(0);
    const { json } = await flotilla('status', '--fleet', 'hello');
    expect(json).toMatchObject({ state: 'serving', needsAttention: [], live: { release: 1 } });
  });

  it('read an image back, and tell by its bytes what is inside and what differs', async () => {
    const { json: status } = await flotilla('status', '--fleet', 'hello');
    const { imageId, artifactSha256 } = status.live;
    const verified = await flotilla('image', 'verify', imageId);
    expect(verified, verified.text).toMatchObject({ code: 0, json: { matches: true, differences: [] } });
    const { listed, read, built } = verified.json.blocks;
    expect([listed, read]).toEqual([built, built]);

    const seen = await flotilla('image', 'inspect', imageId);
    expect(seen, seen.text).toMatchObject({
      code: 0,
      json: {
        agrees: true,
        kind: 'nanos-disk',
        program: { path: '/bin/hello', sha256: artifactSha256 },
        buildInfo: { main: { path: 'flotilla.example/hello' } },
        disk: { environmentNames: ['GREETING'] },
      },
    });
    expect(JSON.stringify(seen.json)).not.toContain('ahoy');
    expect((await flotilla('image', 'inspect', imageId, '--values')).json.disk.environment).toEqual({
      GREETING: 'ahoy',
    });
    expect((await flotilla('image', 'inspect', 'hello/v1', '--sbom')).json).toMatchObject({
      bomFormat: 'CycloneDX',
    });
    expect(await flotilla('image', 'diff', join(folder, 'good'), imageId)).toMatchObject({ code: 0 });
    const differs = await flotilla('image', 'diff', imageId, join(folder, 'bad'));
    expect(differs).toMatchObject({ code: 1, json: { same: false } });
    expect(JSON.stringify(differs.json.changes)).toContain('the program is another one');

    // One byte of the program, as no AWS should ever change it.
    const { snapshotId } = verified.json;
    const { snapshots } = local.region.parts.ebs;
    const offset = 30 * 524_288 + 77;
    await snapshots.flipByte(snapshotId, offset);
    const broken = await flotilla('image', 'verify', imageId);
    expect(broken).toMatchObject({
      code: 1,
      json: {
        matches: false,
        differences: [{ index: 30, kind: 'changed' }],
        first: { offset, place: 'the file /bin/hello of the root file system' },
      },
    });
    await snapshots.flipByte(snapshotId, offset);
  });

  it('show on the region page what a rollout called, and nothing else', async () => {
    const page = await fetch(`${local.endpoint}/_region?format=json&rollout=hello-1`);
    const { calls, exists, executions } = (await page.json()) as {
      executions: { steps: string }[];
      calls: { who: string; action: string }[];
      exists: Record<string, { name?: string; status?: string }[]>;
    };
    expect(exists.executions).toContainEqual(
      expect.objectContaining({ name: 'hello-1', status: 'SUCCEEDED' }),
    );
    expect(executions[0]?.steps).toMatch(
      /^SUCCEEDED .*\n {2}AcquireLease[\s\S]*PromoteRelease[\s\S]*Succeed/,
    );
    const seen = new Set(calls.map(({ action }) => action));
    expect(seen).toContain('elasticloadbalancing:ModifyRule');
    expect(seen).toContain('autoscaling:CreateAutoScalingGroup');
    expect(calls.filter(({ who }) => /api-|receive-upload|register-image/.test(who))).toEqual([]);
  });

  it('lead from a running instance back to the upload, and from the digest forward to the instance', async () => {
    const { json: status } = await flotilla('status', '--fleet', 'hello');
    const digest: string = status.live.artifactSha256;
    const forward = await flotilla('lineage', digest);
    const [instance] = forward.json.instances;
    expect(instance).toMatchObject({ fleet: 'hello', release: 'v1' });
    const back = await flotilla('lineage', instance.id);
    expect(back.json).toMatchObject({
      what: 'instance',
      artifacts: [{ sha256: digest, module: 'flotilla.example/hello' }],
      releases: [{ number: 1 }],
      uploads: [{ key: 'hello/good' }],
    });
    expect((await flotilla('lineage', 'i-0123456789abcdef0')).code).toBe(3);
  });

  it('deploy nothing for what is live already', async () => {
    const again = await flotilla('deploy', '--release', 'v1', '--fleet', 'hello');
    expect(again).toMatchObject({ code: 0, json: { outcome: 'already-live', release: 1 } });
  });

  it('tell why a crashing version was undone, with its last words, and live stays', async () => {
    const failed = await flotilla('deploy', join(folder, 'bad'), '--fleet', 'hello');
    expect(failed.code).toBe(1);
    const { rollout } = failed.json;
    expect(rollout).toMatchObject({ status: 'failed', live: { release: 1, weight: 100 } });
    expect(['CandidateUnhealthy', 'CandidateLaunchFailed']).toContain(rollout.error.name);
    expect(rollout.error.details.instance).toMatch(/^i-/);
    expect(rollout.error.details.console).toMatch(/\S/);
  });

  it('tell at once why a file cannot be an image, and keep it among the uploads', async () => {
    const file = join(folder, 'notes.txt');
    writeFileSync(file, 'no program');
    const rejected = await flotilla('deploy', file, '--fleet', 'hello');
    expect(rejected.code).toBe(1);
    expect(rejected.json.upload).toMatchObject({
      state: 'rejected',
      error: { name: 'ArtifactNotRecognised' },
    });
    // The list is read through an index, which lags.
    await vi.waitFor(
      async () => {
        const { json } = await flotilla('uploads', '--fleet', 'hello');
        expect(json.uploads[0]).toMatchObject({ id: rejected.json.upload.id, state: 'rejected' });
      },
      { timeout: 30_000, interval: 500 },
    );
  });

  it('show among all fleets what names none', async () => {
    await local.region.call('s3', 'PutObject', {
      Bucket: local.uploadBucket,
      Key: 'nobody/hello',
      Body: Buffer.from('no program'),
    });
    const refused = await vi.waitFor(
      async () => {
        const { code, json } = await flotilla('status');
        expect(code).toBe(0);
        const found = json.refusedUploads.find((one: { key: string }) => one.key === 'nobody/hello');
        if (found === undefined) throw new Error('not there yet');
        return found;
      },
      { timeout: 60_000, interval: 500 },
    );
    expect(refused).toMatchObject({ state: 'rejected', error: { name: 'FleetNotFound' } });
    expect(refused.error.advice).toContain('flotilla fleet apply');
  });

  it('add a kernel once, and never another under its version', async () => {
    const bundle = join(folder, '9.1.0');
    mkdirSync(join(bundle, 'klibs'), { recursive: true });
    for (const { name, bytes } of standInKernel().files) writeFileSync(join(bundle, name), bytes);
    writeFileSync(join(bundle, 'klibs', 'ntp'), 'a module');
    const added = await flotilla('kernel', 'add', bundle, '--not-latest');
    expect(added).toMatchObject({ code: 0, json: { version: '9.1.0', added: true, latest: false } });
    expect((await flotilla('kernel', 'add', bundle, '--not-latest')).json).toMatchObject({ added: false });
    const { json } = await flotilla('kernel', 'list');
    expect(json.kernels).toContainEqual(
      expect.objectContaining({ version: '9.1.0', latest: false, digest: added.json.digest }),
    );
    expect(json.kernels.filter(({ latest }: { latest: boolean }) => latest)).toHaveLength(2);

    writeFileSync(join(bundle, 'klibs', 'ntp'), 'another module');
    expect((await flotilla('kernel', 'add', bundle)).code).toBe(3);
    rmSync(join(bundle, 'boot.img'));
    expect((await flotilla('kernel', 'add', bundle)).code).toBe(3);
    writeFileSync(join(bundle, 'boot.img'), 'no boot sector');
    const wrong = await flotilla('kernel', 'add', bundle);
    expect(wrong.json.error).toMatchObject({ name: 'KernelInvalid' });
    expect([2, 3]).toContain(wrong.code);
  });

  it('let calls fail on purpose, show which faults wait, and take them back', async () => {
    const made = await flotilla(
      ...'fault call dynamodb:Query --by api-read --fail Broken --times 99'.split(' '),
    );
    expect(made).toMatchObject({ code: 0, json: { id: expect.stringMatching(/^fault-/) } });
    const broken = await flotilla('status');
    expect(broken.code).not.toBe(0);
    expect((await flotilla('fault', 'list')).json.faults).toMatchObject([{ id: made.json.id, kind: 'fail' }]);
    expect((await flotilla('fault', 'clear')).json).toEqual({ faults: [] });
    expect((await flotilla('status')).code).toBe(0);
    expect((await flotilla('fault', 'call', 'ec2:RunInstances')).code).toBe(2);
    expect((await flotilla('fault', 'instance', 'i-0123456789abcdef0')).code).toBe(3);
  });

  it('keep an unsigned request out', async () => {
    const answer = await fetch(`${local.apiUrl}/fleets`);
    expect(answer.status).toBe(403);
  });

  it('remove a serving fleet only when told so twice', async () => {
    const refused = await flotilla('fleet', 'delete', 'hello');
    expect(refused).toMatchObject({ code: 3, json: { error: { name: 'FleetInUse' } } });
    const removed = await flotilla('fleet', 'delete', 'hello', '--force', '--confirm', 'hello');
    expect(removed).toMatchObject({ code: 0, json: { outcome: 'removed' } });
    expect((await flotilla('status', '--fleet', 'hello')).code).toBe(3);
    // Its lineage stays.
    expect((await flotilla('lineage', 'hello/v1')).json.releases).toMatchObject([{ state: 'retired' }]);
  });
});
