/**
 * The shipped bundles and the shipped machine in a local region: what becomes of an upload, good or bad, and that
 * nothing is left of what fails.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTable, type Table } from '../../src/aws/table.ts';
import { buildKeys } from '../../src/contracts/build.ts';
import { type FleetSpecInput, fleetSpec } from '../../src/contracts/fleet-spec.ts';
import {
  type FleetItem,
  imageItem,
  refItem,
  type UploadItem,
  uploadItem,
} from '../../src/contracts/items.ts';
import { planDisk } from '../../src/image/disk.ts';
import { readPlan } from '../../src/image/extents.ts';
import { amiName } from '../../src/image/identity.ts';
import { standInKernel } from '../../src/image/kernel-bundle.ts';
import { makeManifest } from '../../src/image/manifest.ts';
import { bytesSource } from '../../src/image/source.ts';
import { keys, lists } from '../../src/lineage/keys.ts';
import { fleetPlace } from '../../src/lineage/places.ts';
import { packageStack } from '../../tour/package-stack.ts';
import { type LocalRegion, startLocal } from '../../tour/up.ts';

// Two cores may be shared with other work: what takes ten seconds alone may take a minute.
vi.setConfig({ testTimeout: 180_000 });

const example = fileURLToPath(new URL('../../examples/hello', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'flotilla-build-'));
let local: LocalRegion;
let table: Table;
let hello: Buffer;

beforeAll(async () => {
  execFileSync('go', ['build', '-trimpath', '-o', join(folder, 'hello'), '.'], {
    cwd: example,
    env: { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: 'amd64', GOFLAGS: '' },
  });
  hello = readFileSync(join(folder, 'hello'));
  await packageStack();
  local = await startLocal({ port: 0 });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: local.endpoint,
    AWS_REGION: local.region.context.regionName,
    AWS_ACCESS_KEY_ID: local.operator.accessKeyId,
    AWS_SECRET_ACCESS_KEY: local.operator.secretAccessKey,
  });
  table = openTable('flotilla');
  await makeFleet('web');
  await makeFleet('shop');
  await makeFleet('tarm', { architecture: 'arm64' });
}, 300_000);

afterAll(async () => {
  await local?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A fleet that deploys nothing by itself: here ends the way of an upload with its image. */
async function makeFleet(fleet: string, spec: Partial<FleetSpecInput> = {}): Promise<void> {
  const at = new Date().toISOString();
  const arn = (rest: string) => `arn:aws:elasticloadbalancing:us-east-1:000000000000:${rest}`;
  const item: FleetItem = {
    type: 'fleet',
    fleet,
    spec: fleetSpec.parse({
      rule: { paths: [`/${fleet}`] },
      healthCheck: { path: '/healthz' },
      deployOnUpload: false,
      ...spec,
    }),
    specVersion: 1,
    fixed: {
      listenerArn: arn('listener/app/x'),
      ruleArn: arn('listener-rule/app/x'),
      priority: 1,
      blueArn: arn('targetgroup/blue'),
      greenArn: arn('targetgroup/green'),
      launchTemplateId: 'lt-1',
    },
    live: null,
    candidate: null,
    warm: null,
    weights: { blue: 0, green: 0 },
    served: false,
    lease: null,
    fence: 0,
    gate: null,
    orders: [],
    pins: [],
    nextRelease: 1,
    nextRollout: 1,
    nextUpload: 1,
    newestUpload: 0,
    queue: [],
    createdAt: at,
    updatedAt: at,
    revision: 1,
  };
  await table.commit({ writes: [{ kind: 'put', key: keys.fleet(fleet), item, list: fleetPlace(fleet) }] });
}

const call = <T>(service: string, operation: string, input: object) =>
  local.region.call(service, operation, input) as Promise<T>;

/** Uploads, and gives the version that S3 made of it. */
async function upload(key: string, body: Uint8Array): Promise<string> {
  const answer = await call<{ VersionId: string }>('s3', 'PutObject', {
    Bucket: local.uploadBucket,
    Key: key,
    Body: body,
  });
  return answer.VersionId;
}

async function uploads(): Promise<readonly UploadItem[]> {
  return (await table.list(lists.uploads, uploadItem)).items;
}

/** The end of the upload's way, as its item tells it. */
function outcome(key: string, versionId: string): Promise<UploadItem> {
  return vi.waitFor(
    async () => {
      const found = (await uploads()).find((one) => one.key === key && one.versionId === versionId);
      if (found?.endedAt === undefined) throw new Error(`${key} is ${found?.state ?? 'not received'}`);
      return found;
    },
    { timeout: 90_000, interval: 100 },
  );
}

/** Name and cause with which the execution failed; it ends right after its report. */
function executionEnd(executionArn: string) {
  return vi.waitFor(
    async () => {
      const end = await call<{ status: string; error?: string; cause?: string }>(
        'states',
        'DescribeExecution',
        { executionArn },
      );
      if (end.status === 'RUNNING') throw new Error('still running');
      return end;
    },
    { timeout: 15_000, interval: 50 },
  );
}

async function made() {
  const own = { Owners: ['self'] };
  const { Images } = await call<{ Images: { ImageId: string }[] }>('ec2', 'DescribeImages', own);
  const { Snapshots } = await call<{ Snapshots: { SnapshotId: string }[] }>('ec2', 'DescribeSnapshots', {
    OwnerIds: ['self'],
  });
  return {
    images: Images.map((image) => image.ImageId).sort(),
    snapshots: Snapshots.map((snapshot) => snapshot.SnapshotId).sort(),
  };
}

async function tags(key: string, versionId: string): Promise<Record<string, string>> {
  const { TagSet } = await call<{ TagSet: { Key: string; Value: string }[] }>('s3', 'GetObjectTagging', {
    Bucket: local.uploadBucket,
    Key: key,
    VersionId: versionId,
  });
  return Object.fromEntries(TagSet.map((tag) => [tag.Key, tag.Value]));
}

/** The program with one byte changed. */
function patched(at: number, value: number): Buffer {
  const copy = Buffer.from(hello);
  copy[at] = value;
  return copy;
}

/** The program, its note segment said to be the path of a dynamic linker. */
function dynamicallyLinked(): Buffer {
  const first = Number(hello.readBigUInt64LE(32));
  for (let index = 0; index < hello.readUInt16LE(56); index += 1) {
    const at = first + index * hello.readUInt16LE(54);
    if (hello.readUInt32LE(at) === 4) return patched(at, 3);
  }
  throw new Error('the program has no note segment');
}

/** The first MiB of a disk that our own writer made. */
async function truncatedDisk(): Promise<Uint8Array> {
  const [kernelImg, bootImg] = standInKernel().files.map((file) => file.bytes);
  if (kernelImg === undefined || bootImg === undefined) throw new Error('the stand-in has two files');
  const plan = planDisk({
    kernel: { bootImg, kernelImgBytes: kernelImg.length, digest: 'd'.repeat(64) },
    programBytes: hello.length,
    manifest: makeManifest({}, '/hello'),
    volumeBytes: 1_073_741_824,
    identity: 'e'.repeat(64),
  });
  const disk = readPlan(plan, { program: bytesSource(hello), kernel: bytesSource(kernelImg) });
  return disk.read(0, 1_048_576);
}

/** A boot sector with a table of partitions, as any PC's disk has. */
function foreignDisk(): Buffer {
  const disk = Buffer.alloc(1_048_576);
  disk.set([0x80, 0, 0, 0, 0x07, 0, 0, 0, 1, 0, 0, 0, 100, 0, 0, 0], 0x1be);
  disk.set([0x55, 0xaa], 0x1fe);
  return disk;
}

describe('an upload that cannot become an image', () => {
  const bad: [string, string, string, () => Uint8Array | Promise<Uint8Array>][] = [
    ['an empty file', 'web/empty', 'ArtifactEmpty', () => new Uint8Array(0)],
    ['a text', 'web/notes.txt', 'ArtifactNotRecognised', () => Buffer.from('not a program\n'.repeat(100))],
    ['a dynamically linked program', 'web/dynamic', 'ArtifactDynamicallyLinked', dynamicallyLinked],
    ['a 32-bit program', 'web/short', 'ArtifactNot64Bit', () => patched(4, 1)],
    ['a program for another architecture', 'tarm/hello', 'ArtifactArchitectureMismatch', () => hello],
    ['a truncated disk', 'web/truncated.img', 'DiskTruncated', truncatedDisk],
    ["a disk that is not Nanos'", 'web/foreign.img', 'DiskNotNanos', foreignDisk],
    ['a key that names no fleet', 'hello', 'UploadKeyInvalid', () => hello],
    ['a key that names a fleet which is not there', 'nobody/hello', 'FleetNotFound', () => hello],
    ['a key as long as S3 takes', `web/${'n'.repeat(1020)}`, 'ArtifactEmpty', () => new Uint8Array(0)],
  ];

  it.each(bad)('%s (%s) ends in %s, and nothing is left of it', async (_what, key, name, bytes) => {
    const before = await made();
    const versionId = await upload(key, await bytes());
    const item = await outcome(key, versionId);
    expect(item).toMatchObject({ state: 'rejected', error: { name } });
    expect(item.error?.advice).not.toBe('');
    expect(await executionEnd(item.executionArn)).toMatchObject({ status: 'FAILED', error: name });
    await vi.waitFor(async () => expect((await tags(key, versionId))['flotilla:error']).toBe(name));
    const told = await call<{ ContentLength: number }>('s3', 'HeadObject', {
      Bucket: local.storeBucket,
      Key: buildKeys.result(key),
    });
    expect(told.ContentLength).toBeGreaterThan(0);
    expect(await made()).toEqual(before);
  });
});

describe('a good upload', () => {
  it('becomes an image, which everything leads to', async () => {
    const versionId = await upload('web/hello', hello);
    const item = await outcome('web/hello', versionId);
    expect(item).toMatchObject({ state: 'built', fleet: 'web' });
    expect(item.number).toBeGreaterThan(0);
    expect(await executionEnd(item.executionArn)).toMatchObject({ status: 'SUCCEEDED' });
    const image = await table.get(keys.image(item.identity ?? ''), imageItem);
    expect(image).toMatchObject({ state: 'available', attempt: 1, imageId: item.imageId });
    expect(await made()).toEqual({ images: [image?.imageId], snapshots: [image?.snapshotId] });
    expect(await tags('web/hello', versionId)).toMatchObject({
      'flotilla:outcome': 'built',
      'flotilla:image': item.imageId,
    });
  });

  it('is adopted when it comes again, under any name and from any fleet with the same settings', async () => {
    const before = await made();
    const again = await upload('web/hello', hello);
    const other = await upload('shop/renamed', hello);
    const first = await outcome('web/hello', again);
    const second = await outcome('shop/renamed', other);
    expect(first.state).toBe('built');
    expect(second.imageId).toBe(first.imageId);
    expect(await made()).toEqual(before);
  });

  it('is built once when two fleets bring it at once', async () => {
    const before = await made();
    const bytes = Buffer.concat([hello, Buffer.from('at once')]);
    const [web, shop] = await Promise.all([upload('web/twice', bytes), upload('shop/twice', bytes)]);
    const [first, second] = [await outcome('web/twice', web), await outcome('shop/twice', shop)];
    expect(first.state).toBe('built');
    expect(second).toMatchObject({ state: 'built', imageId: first.imageId });
    const after = await made();
    expect(after.images).toHaveLength(before.images.length + 1);
    expect(after.snapshots).toHaveLength(before.snapshots.length + 1);
  });

  it('is built once when S3 tells of it twice, and a late older event does not win', async () => {
    const key = 'web/events';
    const older = await upload(key, Buffer.from('older'));
    await outcome(key, older);
    const newer = await upload(key, Buffer.from('newer'));
    const item = await outcome(key, newer);
    const count = (await uploads()).length;
    const event = (versionId: string, sequencer: string) => ({
      FunctionName: 'flotilla-receive-upload',
      Payload: Buffer.from(
        JSON.stringify({
          Records: [
            {
              eventName: 'ObjectCreated:Put',
              eventTime: item.receivedAt,
              userIdentity: { principalId: item.by.principal },
              requestParameters: { sourceIPAddress: item.by.sourceIp ?? '127.0.0.1' },
              s3: {
                bucket: { name: item.bucket },
                object: { key, size: item.sizeBytes, versionId, sequencer },
              },
            },
          ],
        }),
      ),
    });
    await call('lambda', 'Invoke', event(newer, item.sequencer));
    expect(await uploads()).toHaveLength(count);
    // An event of a version that S3 made before the newest, and that comes only now.
    await call('lambda', 'Invoke', event('late-version', '00'));
    expect(await outcome(key, 'late-version')).toMatchObject({
      state: 'superseded',
      error: { name: 'SupersededUpload' },
    });
  });
});

describe('a build that fails half-way', () => {
  it('removes its snapshot, says why, and is built anew by the next upload', async () => {
    const before = await made();
    const bytes = Buffer.concat([hello, Buffer.from('half-way')]);
    const first = await upload('web/half', bytes);
    const identity = await vi.waitFor(
      async () => {
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        const item = (await uploads()).find((one) => one.versionId === first);
        if (item?.artifactSha256 !== sha256) throw new Error('not inspected yet');
        const [ref] = await table.queryAll(`REF#${item.executionArn}`, '', refItem);
        const image = ref && (await table.get(keys.image(ref.to), imageItem));
        if (image?.snapshotId === undefined) throw new Error('no snapshot yet');
        return image.identity;
      },
      { timeout: 20_000, interval: 20 },
    );
    // Somebody registers an image of the name that this one is to have.
    const foreign = await call<{ ImageId: string }>('ec2', 'RegisterImage', {
      Name: amiName('flotilla', identity),
      VirtualizationType: 'hvm',
      Architecture: 'x86_64',
      EnaSupport: true,
      RootDeviceName: '/dev/sda1',
      BlockDeviceMappings: [{ DeviceName: '/dev/sda1', Ebs: { SnapshotId: before.snapshots[0] } }],
    });
    const item = await outcome('web/half', first);
    expect(item).toMatchObject({ state: 'failed', error: { name: 'ImageBuildFailed' } });
    expect(item.error?.message).toContain(foreign.ImageId);
    await call('ec2', 'DeregisterImage', { ImageId: foreign.ImageId });
    expect(await executionEnd(item.executionArn)).toMatchObject({
      status: 'FAILED',
      error: item.error?.name,
    });
    expect(await made()).toEqual(before);
    expect(await table.get(keys.image(identity), imageItem)).toMatchObject({ state: 'failed', attempt: 1 });

    const second = await upload('web/half', bytes);
    expect(await outcome('web/half', second)).toMatchObject({ state: 'built', identity });
    expect(await table.get(keys.image(identity), imageItem)).toMatchObject({
      state: 'available',
      attempt: 2,
    });
  });
});
