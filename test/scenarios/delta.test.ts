/** Images written as differences to the fleet's last one: how many blocks are put, and what becomes of bad parents. */
import { afterEach, describe, expect, it } from 'vitest';
import { readBootPlan } from '../../local/machines/disk-reader.ts';
import { effectiveBlocks } from '../../local/services/ebs/snapshots.ts';
import type { FleetSpecInput } from '../../src/contracts/fleet-spec.ts';
import { eventItem, type ImageItem, imageItem, type UploadItem } from '../../src/contracts/items.ts';
import { blockChecksum, isZero } from '../../src/image/blocks.ts';
import { standInKernel } from '../../src/image/kernel-bundle.ts';
import { keys } from '../../src/lineage/keys.ts';
import { findBlockMap, readDigests } from '../../src/runtime/block-map.ts';
import { Doors, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';
import { addKernel } from './kit/kernels.ts';

const opened: Doors[] = [];
afterEach(async () => {
  for (const doors of opened.splice(0)) await doors.close();
});

async function open(): Promise<Doors> {
  const doors = await Doors.open({ deployOnUpload: false });
  opened.push(doors);
  return doors;
}

interface Wish {
  readonly image?: FleetSpecInput['image'];
  readonly program?: string;
  /** Bytes behind the program. */
  readonly padding?: number;
}

async function sent(doors: Doors, wish: Wish = {}): Promise<UploadItem> {
  const { image = {}, program: name = 'one', padding = 0 } = wish;
  const bytes = Buffer.concat([program(name), Buffer.alloc(padding, 7)]);
  await doors.apply({ deployOnUpload: false, image });
  return await doors.uploadEnded(`web/${name}`, await doors.upload(`web/${name}`, bytes));
}

type Built = ImageItem & { readonly snapshotId: string };

async function build(doors: Doors, wish: Wish = {}): Promise<Built> {
  const upload = await sent(doors, wish);
  const image = await doors.table.get(keys.image(upload.identity ?? ''), imageItem);
  if (image?.state !== 'available' || image.snapshotId === undefined) throw new Error(JSON.stringify(upload));
  return { ...image, snapshotId: image.snapshotId };
}

function snapshot(doors: Doors, snapshotId: string) {
  const found = doors.world.region.parts.ebs.snapshots.all.get(snapshotId);
  if (found === undefined) throw new Error(`there is no ${snapshotId}`);
  return found;
}

/** A snapshot's blocks that are not zero, read back: everything else of the volume is zero. */
async function content(doors: Doors, snapshotId: string): Promise<Map<number, Uint8Array>> {
  const { snapshots } = doors.world.region.parts.ebs;
  const blocks = new Map<number, Uint8Array>();
  for (const [index] of effectiveBlocks(snapshot(doors, snapshotId))) {
    const bytes = await snapshots.block(snapshot(doors, snapshotId), index);
    if (bytes !== undefined && !isZero(bytes)) blocks.set(index, bytes);
  }
  return blocks;
}

/** Digests suffice to compare them, and say by their index what differs. */
async function digestsOf(doors: Doors, snapshotId: string): Promise<Record<string, string>> {
  const blocks = await content(doors, snapshotId);
  return Object.fromEntries([...blocks].map(([index, bytes]) => [`${index}`, blockChecksum(bytes)]));
}

/** Why the parent was given up, as lineage tells. */
async function refusals(doors: Doors, identity: string): Promise<unknown[]> {
  const events = await doors.table.queryAll(keys.event(`image/${identity}`, '').pk, '', eventItem);
  return events.filter(({ kind }) => kind === 'image-parent-refused').map(({ data }) => data.reason);
}

async function snapshotsOf(doors: Doors, identity: string): Promise<string[]> {
  const { Snapshots } = await doors.world.call('ec2', 'DescribeSnapshots', { OwnerIds: ['self'] });
  return Snapshots.filter(({ Description }: { Description: string }) => Description.includes(identity)).map(
    ({ SnapshotId }: { SnapshotId: string }) => SnapshotId,
  );
}

async function expectInFull(doors: Doors, image: Built, why: RegExp): Promise<void> {
  expect(image.parent).toBeUndefined();
  expect(image.blocksWritten).toBe(image.blocks);
  expect(image.parentRefused).toMatch(why);
  expect(await refusals(doors, image.identity)).toEqual([expect.stringMatching(why)]);
  expect(await snapshotsOf(doors, image.identity)).toEqual([image.snapshotId]);
}

const environment = { image: { environment: { GREETING: 'hello' } } };

describe.skipIf(notPackaged !== undefined)(
  'an image after the first of its fleet',
  { timeout: 180_000 },
  () => {
    it('is written as a difference: what changed, and nothing else', async () => {
      const doors = await open();
      const kernel = Buffer.concat([
        Buffer.from(standInKernel().files[0]?.bytes ?? []),
        Buffer.from('newer'),
      ]);
      await addKernel(doors, '9.9.0', [{ name: 'kernel.img', bytes: new Uint8Array(kernel) }]);

      const first = await build(doors);
      expect(first).toMatchObject({ blocks: first.blocksWritten });
      expect(first.parent).toBeUndefined();
      const cases: [string, Wish, number][] = [
        ['environment', environment, 1],
        ['arguments', { image: { ...environment.image, arguments: ['-v', 'more'] } }, 1],
        // The log of the root file system, and the program's only block.
        ['program', { image: environment.image, program: 'other' }, 2],
        // The log of the boot file system, the kernel's block, and the log of the root with the image's identity.
        ['kernel', { image: { ...environment.image, kernel: '9.9.0' }, program: 'other' }, 3],
      ];
      let parent = first;
      const made: { readonly wish: Wish; readonly image: Built }[] = [];
      for (const [what, wish, put] of cases) {
        const image = await build(doors, wish);
        expect(image.blocksWritten, what).toBe(put);
        expect(image.parent, what).toMatchObject({
          identity: parent.identity,
          snapshotId: parent.snapshotId,
          depth: made.length,
        });
        expect(snapshot(doors, image.snapshotId).written.size, what).toBe(put);
        const { body } = await doors.api(`GET /lineage/${image.snapshotId}`);
        expect(body.images, what).toMatchObject([
          { blocks: image.blocks, blocksWritten: put, parentSnapshotId: parent.snapshotId },
        ]);
        made.push({ wish, image });
        parent = image;
      }

      // Somewhere else the same is written in full: the same identity, the same bytes.
      const last = made.at(-1);
      const elsewhere = await open();
      await addKernel(elsewhere, '9.9.0', [{ name: 'kernel.img', bytes: new Uint8Array(kernel) }]);
      const full = await build(elsewhere, last?.wish);
      expect(full).toMatchObject({ identity: parent.identity, blocksWritten: parent.blocks });
      expect(await digestsOf(doors, parent.snapshotId)).toEqual(await digestsOf(elsewhere, full.snapshotId));

      // It starts: the region's own reader finds the program in it, and it is the one that was uploaded.
      const { snapshots } = doors.world.region.parts.ebs;
      const boot = await readBootPlan(snapshots.disk(snapshot(doors, parent.snapshotId)));
      const pieces: Uint8Array[] = [];
      for await (const piece of boot.programPieces()) pieces.push(piece);
      expect(Buffer.concat(pieces)).toEqual(program('other'));
      expect(boot.environment).toEqual({ GREETING: 'hello' });
    });

    it('needs no parent any more once it stands', async () => {
      const doors = await open();
      const first = await build(doors);
      const second = await build(doors, environment);
      const before = await digestsOf(doors, second.snapshotId);
      await doors.world.call('ec2', 'DeregisterImage', { ImageId: first.imageId });
      await doors.world.call('ec2', 'DeleteSnapshot', { SnapshotId: first.snapshotId });
      expect(await digestsOf(doors, second.snapshotId)).toEqual(before);
    });

    it('puts zeros where the parent has something and it has nothing', async () => {
      const doors = await open();
      const first = await build(doors, { padding: 1_500_000 });
      const second = await build(doors);
      expect(second.parent).toMatchObject({ snapshotId: first.snapshotId });
      const zeros = (first.blocks ?? 0) - (second.blocks ?? 0);
      expect(zeros).toBeGreaterThan(1);
      expect(second.blocksWritten).toBeGreaterThan(zeros);
      const elsewhere = await open();
      const full = await build(elsewhere);
      expect(await digestsOf(doors, second.snapshotId)).toEqual(await digestsOf(elsewhere, full.snapshotId));
    });

    it('is written in full where the parent is gone', async () => {
      const doors = await open();
      const first = await build(doors);
      await doors.world.call('ec2', 'DeregisterImage', { ImageId: first.imageId });
      await doors.world.call('ec2', 'DeleteSnapshot', { SnapshotId: first.snapshotId });
      await expectInFull(doors, await build(doors, environment), /refuses the parent snap-/);
    });

    it('is written in full where the digests of the parent are gone', async () => {
      const doors = await open();
      const first = await build(doors);
      await doors.world.call('s3', 'DeleteObject', {
        Bucket: doors.storeBucket,
        Key: `digests/${first.identity}/1/000000.json`,
      });
      await expectInFull(doors, await build(doors, environment), /is not what its writer left/);
    });

    it('is written in full on a volume of another size', async () => {
      const doors = await open();
      await build(doors);
      const second = await build(doors, { image: { volumeSizeGiB: 2 } });
      expect(second.parent).toBeUndefined();
      expect(second.parentRefused).toBeUndefined();
      expect(second.blocksWritten).toBe(second.blocks);
    });

    it('is written in full where a block of the parent is not what was recorded, and says which', async () => {
      const doors = await open();
      const first = await build(doors);
      const { snapshots } = doors.world.region.parts.ebs;
      // Block 1 belongs to the boot file system, which a change of environment leaves alone.
      await snapshots.flipByte(first.snapshotId, 524_288 + 17);
      const second = await build(doors, environment);
      await expectInFull(doors, second, /Block 1 of snap-\w+ is not what was built/);
      const elsewhere = await open();
      const full = await build(elsewhere, environment);
      expect(await digestsOf(doors, second.snapshotId)).toEqual(await digestsOf(elsewhere, full.snapshotId));
    });

    it('is written in full where the parent has a block that was never put', async () => {
      const doors = await open();
      const first = await build(doors);
      await doors.world.region.parts.ebs.snapshots.flipByte(first.snapshotId, 1_000_000_000);
      const second = await build(doors, environment);
      await expectInFull(doors, second, new RegExp(`Block ${Math.floor(1_000_000_000 / 524_288)} of`));
    });

    it('has a map of all its blocks, which says what its snapshot holds', async () => {
      const doors = await open();
      await build(doors);
      const second = await build(doors, environment);
      const objects = {
        bytes: async ({ bucket: Bucket, key: Key }: { bucket: string; key: string }) => {
          const { Body } = await doors.world.call('s3', 'GetObject', { Bucket, Key });
          return new Uint8Array(await new Response(Body).arrayBuffer());
        },
      };
      const map = await findBlockMap(objects, doors.storeBucket, second.identity);
      expect(map).toMatchObject({ depth: 1, put: 1, nonZero: second.blocks, snapshotId: second.snapshotId });
      if (map === undefined) throw new Error('there is no map');
      const digests = await readDigests(objects, doors.storeBucket, map);
      expect([...digests.keys()]).toEqual([...(await content(doors, second.snapshotId)).keys()]);
    });
  },
);
