/** What goes into an image, and on whose behalf: kernels, modules, raw disks, presigned URLs, builds that stop. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { artifactItem, imageItem } from '../../src/contracts/items.ts';
import { planDisk } from '../../src/image/disk.ts';
import { readPlan } from '../../src/image/extents.ts';
import { type KernelBundleFile, standInKernel } from '../../src/image/kernel-bundle.ts';
import { makeManifest } from '../../src/image/manifest.ts';
import { bytesSource } from '../../src/image/source.ts';
import { keys } from '../../src/lineage/keys.ts';
import { makeGoElf } from '../unit/image/elf-maker.ts';
import { Doors, person, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { addKernel as addBundle } from './kit/kernels.ts';

const golden = new URL('../../../shared/fixtures/golden-dummy.img.gz', import.meta.url);
const klib = Buffer.from('a module of the kernel');

let doors: Doors;
beforeAll(async () => {
  if (notPackaged === undefined) doors = await Doors.open();
}, 120_000);
afterAll(() => doors?.close());

/** A bundle with a module. */
function addKernel(version: string, more: readonly KernelBundleFile[] = []): Promise<void> {
  return addBundle(doors, version, [{ name: 'klibs/ntp', bytes: new Uint8Array(klib) }, ...more]);
}

/** The stand-in's loader, with the header of this machine. */
function loader(architecture: 'x86_64'): Uint8Array {
  const bytes = Buffer.from(standInKernel('arm64').files.at(-1)?.bytes ?? []);
  bytes.writeUInt16LE({ x86_64: 0x8664 }[architecture], 68);
  return bytes;
}

async function sent(key: string, bytes: Uint8Array) {
  return await doors.uploadEnded(key, await doors.upload(key, bytes));
}

/** A PUT to a presigned URL: the region of a scenario answers without a socket. */
function sentTo(url: string, headers: Readonly<Record<string, string>>, body: Uint8Array) {
  const { host, pathname, search } = new URL(url);
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return doors.world.region.handle({
    method: 'PUT',
    url: pathname + search,
    headers: { ...Object.fromEntries(lower), host, 'content-length': String(body.length) },
    body,
  });
}

async function live(upload: { fleet?: string | undefined; rollout?: number | undefined }) {
  const end = await doors.rolloutEnded(`${upload.fleet}-${upload.rollout}`);
  expect(end).toMatchObject({ status: 'succeeded' });
  return await doors.fleet(upload.fleet);
}

/** AMIs, snapshots and images under way. */
async function standing() {
  const { Images } = await doors.world.call('ec2', 'DescribeImages', { Owners: ['self'] });
  const { Snapshots } = await doors.world.call('ec2', 'DescribeSnapshots', { OwnerIds: ['self'] });
  return { images: Images.length, snapshots: Snapshots.length };
}

/** All written blocks of a snapshot, one after the other. */
async function snapshotBytes(SnapshotId: string): Promise<Buffer> {
  const { Blocks } = await doors.world.call('ebs', 'ListSnapshotBlocks', { SnapshotId });
  const pieces: Buffer[] = [];
  for (const { BlockIndex, BlockToken } of Blocks) {
    const { BlockData } = await doors.world.call('ebs', 'GetSnapshotBlock', {
      SnapshotId,
      BlockIndex,
      BlockToken,
    });
    for await (const piece of BlockData) pieces.push(Buffer.from(piece));
  }
  return Buffer.concat(pieces);
}

describe.skipIf(notPackaged !== undefined)('an artifact', { timeout: 120_000 }, () => {
  it('gets the kernel that its fleet names, and the modules that it asks for', async () => {
    await addKernel('9.1.0');
    await doors.apply({ image: { kernel: '9.1.0', klibs: ['ntp'] } });
    const upload = await sent('web/with-kernel', program('with-kernel'));
    await live(upload);
    const image = await doors.table.get(keys.image(upload.identity ?? ''), imageItem);
    expect(image).toMatchObject({ kernel: '9.1.0', state: 'available' });
    expect((await snapshotBytes(image?.snapshotId ?? '')).includes(klib)).toBe(true);
  });

  it('is refused early for a module that the kernel lacks', async () => {
    const before = await standing();
    await doors.apply({ image: { kernel: '9.1.0', klibs: ['tls'] } });
    const upload = await sent('web/with-kernel', program('with-kernel'));
    expect(upload).toMatchObject({ state: 'rejected', error: { name: 'ManifestInvalid' } });
    expect(upload.error?.message).toContain('no klib tls; it has ntp');
    expect(upload.error?.advice).toContain('klibs');
    expect(await standing()).toEqual(before);
  });

  it('is refused for a kernel that is not in the store', async () => {
    await doors.apply({ image: { kernel: '9.9.9' } });
    expect(await sent('web/with-kernel', program('with-kernel'))).toMatchObject({
      state: 'rejected',
      error: { name: 'KernelNotFound' },
    });
    await doors.apply();
  });

  it('leaves with its image what is in it, how it was built, and what will probably not work', async () => {
    await doors.apply({ image: { environment: { PORT: '80', TOKEN: 'not for the statement' } } });
    const upload = await sent('web/documented', program('documented'));
    expect(upload.advice).toMatchObject([{ name: 'PortMismatch' }]);
    const { body } = await doors.api(`GET /uploads/${encodeURIComponent(upload.id)}`);
    expect(body.advice).toEqual(upload.advice);
    const stored = async (key: string) => {
      const { Body } = await doors.world.call('s3', 'GetObject', { Bucket: doors.storeBucket, Key: key });
      return new Response(Body).text();
    };
    const identity = upload.identity ?? '';
    const bill = await stored(`images/${identity}/sbom.cdx.json`);
    expect(JSON.parse(bill).components).toMatchObject([
      { name: 'example.com/documented' },
      { name: 'std' },
      { name: 'nanos' },
    ]);
    const text = await stored(`images/${identity}/provenance.json`);
    const { subject, predicate } = JSON.parse(text);
    const image = await doors.table.get(keys.image(identity), imageItem);
    expect(subject).toMatchObject([{ name: image?.imageId }, { name: image?.snapshotId }]);
    expect(image?.parent).toBeDefined();
    expect(predicate.buildDefinition.resolvedDependencies).toContainEqual({
      name: 'parent image',
      digest: { flotillaImageIdentity: image?.parent?.identity },
      annotations: { snapshotId: image?.parent?.snapshotId },
    });
    expect(predicate.runDetails).toMatchObject({
      metadata: { invocationId: image?.owner },
      byproducts: [{ digest: { sha256: createHash('sha256').update(bill).digest('hex') } }],
    });
    expect(predicate.buildDefinition.externalParameters.environmentNames).toEqual(['PORT', 'TOKEN']);
    expect(text).not.toContain('not for the statement');
    expect(await stored('results/web/documented.json')).toContain('PortMismatch');
    await doors.apply();
  });

  it('for arm64 is built on a disk that boots by UEFI, and goes live', async () => {
    await doors.apply({ architecture: 'arm64', instances: { types: ['t4g.nano'] } }, 'arm');
    const bytes = makeGoElf('path\texample.com/arm\n', { machine: 183 });
    const upload = await sent('arm/program', bytes);
    expect(await live(upload)).toMatchObject({ live: { module: 'example.com/arm' } });
    const image = await doors.table.get(keys.image(upload.identity ?? ''), imageItem);
    expect(image).toMatchObject({ architecture: 'arm64', bootMode: 'uefi' });
    const { Images } = await doors.world.call('ec2', 'DescribeImages', { ImageIds: [image?.imageId] });
    expect(Images).toMatchObject([{ Architecture: 'arm64', BootMode: 'uefi' }]);
    expect((await snapshotBytes(image?.snapshotId ?? '')).includes('BOOTAA64EFI')).toBe(true);
  });

  it('boots by UEFI where its fleet asks for it, and the kernel has a loader', async () => {
    await doors.apply({ image: { bootMode: 'uefi-preferred' } });
    const refused = await sent('web/by-uefi', program('by-uefi'));
    expect(refused).toMatchObject({ state: 'rejected', error: { name: 'KernelInvalid' } });
    expect(refused.error?.message).toContain('no bootx64.efi');
    await addKernel('9.2.0', [{ name: 'bootx64.efi', bytes: loader('x86_64') }]);
    await doors.apply({ image: { kernel: '9.2.0', bootMode: 'uefi-preferred' } });
    const upload = await sent('web/by-uefi', program('by-uefi'));
    await live(upload);
    const image = await doors.table.get(keys.image(upload.identity ?? ''), imageItem);
    const { Images } = await doors.world.call('ec2', 'DescribeImages', { ImageIds: [image?.imageId] });
    expect(Images).toMatchObject([{ BootMode: 'uefi-preferred' }]);
    const by = await snapshotBytes(image?.snapshotId ?? '');
    expect(by.includes('BOOTX64 EFI')).toBe(true);
    // By BIOS it is another image: the disk differs, and how it is registered.
    await doors.apply({ image: { kernel: '9.2.0' } });
    const other = await sent('web/by-bios', program('by-uefi'));
    expect(other.identity).not.toBe(upload.identity);
    await live(other);
    await doors.apply();
  });

  it('for arm64 is refused on a kernel for x86-64, and by BIOS', async () => {
    await addKernel('9.3.0');
    await doors.apply(
      { architecture: 'arm64', instances: { types: ['t4g.nano'] }, image: { kernel: '9.3.0' } },
      'arm',
    );
    const bytes = makeGoElf('path\texample.com/arm-again\n', { machine: 183 });
    expect(await sent('arm/again', bytes)).toMatchObject({
      state: 'rejected',
      error: { name: 'KernelInvalid' },
    });
    const spec = { architecture: 'arm64', image: { bootMode: 'legacy-bios' } } as const;
    await expect(doors.apply(spec, 'arm')).rejects.toThrow('arm64 boots by UEFI alone');
  });

  it('that is a disk of its own goes the whole way to live', async () => {
    const [kernelImg, bootImg] = standInKernel().files.map(({ bytes }) => bytes);
    if (kernelImg === undefined || bootImg === undefined) throw new Error('the stand-in has two files');
    const bytes = program('on-a-disk');
    const plan = planDisk({
      kernel: { bootImg, kernelImgBytes: kernelImg.length, digest: 'd'.repeat(64) },
      programBytes: bytes.length,
      manifest: makeManifest({ arguments: ['-v'] }, '/hello'),
      volumeBytes: 32 * 1_048_576,
      identity: 'e'.repeat(64),
    });
    const source = readPlan(plan, { program: bytesSource(bytes), kernel: bytesSource(kernelImg) });
    const disk = await source.read(0, 32 * 1_048_576);
    const upload = await sent('web/disk.img', disk);
    expect(await live(upload)).toMatchObject({ live: { module: 'example.com/on-a-disk' } });
    expect(await doors.table.get(keys.artifact(upload.artifactSha256 ?? ''), artifactItem)).toMatchObject({
      kind: 'nanos-disk',
      program: '/hello',
      programSha256: createHash('sha256').update(bytes).digest('hex'),
    });
    const image = await doors.table.get(keys.image(upload.identity ?? ''), imageItem);
    expect((await snapshotBytes(image?.snapshotId ?? '')).includes(bytes)).toBe(true);
  });

  it.skipIf(!existsSync(golden))('that Ops built goes the whole way to live', async () => {
    const upload = await sent('web/ops.img', gunzipSync(readFileSync(golden)));
    expect(upload).toMatchObject({ state: 'deploying' });
    expect((await live(upload)).live.imageId).toBe(upload.imageId);
  });

  it('sent through a presigned URL is known to be of the person who asked for the URL', async () => {
    const bytes = program('presigned');
    const ticket = await doors.api('POST /fleets/web/uploads', {
      name: 'presigned',
      sizeBytes: bytes.length,
    });
    expect(ticket.status).toBe(201);
    const { url, headers } = ticket.body;
    const forged = await sentTo(url, { ...headers, 'x-amz-meta-flotilla-by': 'somebody else' }, bytes);
    expect(forged.status).toBe(403);
    const put = await sentTo(url, headers, bytes);
    expect(put.status, String(put.body)).toBe(200);
    const upload = await doors.uploadEnded('web/presigned', String(put.headers['x-amz-version-id']));
    expect(upload.by).toMatchObject({ principal: person, through: 'api' });
    await live(upload);
    const { body } = await doors.api(`GET /lineage/${upload.imageId}`);
    expect(body.uploads).toMatchObject([{ by: { principal: person } }]);
  });

  it('that is built again at a request is known to be of the person who asked', async () => {
    await doors.apply({ image: { environment: { COLOUR: 'green' } } });
    const { artifactSha256 } = (await doors.uploads()).find(({ key }) => key === 'web/presigned') ?? {};
    const { body } = await doors.api('POST /fleets/web/rollouts', { artifact: artifactSha256 });
    const upload = await doors.until(async () => {
      const answer = await doors.api(`GET ${body.address}`);
      return answer.status === 200 && answer.body.ended ? answer.body : undefined;
    });
    expect(upload.by).toMatchObject({ principal: person, through: 'api' });
    await doors.rolloutEnded(upload.rollout);
  });

  it('put by somebody who only says so is of the one who put it', async () => {
    const { VersionId } = await doors.world.call('s3', 'PutObject', {
      Bucket: doors.uploadBucket,
      Key: 'web/claimed',
      Body: Buffer.from('no program'),
      Metadata: { 'flotilla-by': 'arn:aws:iam::000000000000:user/somebody-else' },
    });
    const upload = await doors.uploadEnded('web/claimed', VersionId);
    expect(upload.by.principal).not.toContain('somebody-else');
    expect(upload.by.through).toBe('upload');
  });

  it('whose build is stopped midway leaves nothing, and its uploader is told', async () => {
    const before = await standing();
    const versionId = await doors.upload('web/stopped', program('stopped'));
    const building = await doors.until(async () => {
      const found = (await doors.uploads()).find((one) => one.versionId === versionId);
      const made = await standing();
      return made.snapshots > before.snapshots ? found : undefined;
    });
    await doors.world.call('states', 'StopExecution', {
      executionArn: building.executionArn,
      cause: 'a person thought better of it',
    });
    const upload = await doors.uploadEnded('web/stopped', versionId);
    expect(upload).toMatchObject({ state: 'failed', error: { name: 'ImageBuildFailed' } });
    expect(upload.error?.message).toContain('a person thought better of it');
    expect(await standing()).toEqual(before);
    const { TagSet } = await doors.world.call('s3', 'GetObjectTagging', {
      Bucket: doors.uploadBucket,
      Key: 'web/stopped',
      VersionId: versionId,
    });
    expect(TagSet).toContainEqual({ Key: 'flotilla:error', Value: 'ImageBuildFailed' });
    // The same bytes again are built as if nothing had been.
    expect(await sent('web/stopped', program('stopped'))).toMatchObject({ state: 'deploying' });
  });
});

describe.skipIf(notPackaged !== undefined)('a stack outside a local region', { timeout: 120_000 }, () => {
  it('refuses the stand-in kernel under any version, and nothing is left of the upload', async () => {
    await doors.close();
    doors = await Doors.open({}, { AllowStandInKernel: 'no' });
    const before = await standing();
    const refused = { state: 'rejected', error: { name: 'KernelStandIn' } };
    const upload = await sent('web/one', program('one'));
    expect(upload).toMatchObject(refused);
    expect(upload.error?.advice).toContain('flotilla kernel add');
    // The bytes tell, not the name of their folder.
    await addKernel('9.1.0');
    await doors.apply({ image: { kernel: '9.1.0' } });
    expect(await sent('web/one', program('one'))).toMatchObject(refused);
    expect(await standing()).toEqual(before);
    expect(await doors.fleet()).toMatchObject({ state: 'empty', lease: null, recent: { rollouts: [] } });
  });
});
