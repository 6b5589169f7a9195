/** Images in an account that encrypts what EBS keeps by default: a block that is not put would be garbage there. */
import { afterEach, describe, expect, it } from 'vitest';
import { readBootPlan } from '../../local/machines/disk-reader.ts';
import { eventItem, type ImageItem, imageItem } from '../../src/contracts/items.ts';
import { keys } from '../../src/lineage/keys.ts';
import { Doors, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

let doors: Doors;
afterEach(() => doors.close());

async function encryptByDefault(): Promise<void> {
  await doors.world.call('ec2', 'EnableEbsEncryptionByDefault', {});
}

type Built = ImageItem & { readonly snapshotId: string };

async function build(environment: Record<string, string> = {}): Promise<Built> {
  await doors.apply({ deployOnUpload: false, image: { environment } });
  const upload = await doors.uploadEnded('web/one', await doors.upload('web/one', program('one')));
  const image = await doors.table.get(keys.image(upload.identity ?? ''), imageItem);
  if (image?.state !== 'available' || image.snapshotId === undefined) throw new Error(JSON.stringify(upload));
  return { ...image, snapshotId: image.snapshotId };
}

function recordOf(image: Built) {
  const found = doors.world.region.parts.ebs.snapshots.all.get(image.snapshotId);
  if (found === undefined) throw new Error(`there is no ${image.snapshotId}`);
  return found;
}

/** As a machine would: unwritten blocks are not zeros. */
async function environmentAtBoot(image: Built): Promise<unknown> {
  const { snapshots } = doors.world.region.parts.ebs;
  const boot = await readBootPlan(snapshots.disk(recordOf(image)));
  const pieces: Uint8Array[] = [];
  for await (const piece of boot.programPieces()) pieces.push(piece);
  expect(Buffer.concat(pieces)).toEqual(program('one'));
  return boot.environment;
}

const blocksOfGiB = 2_048;

describe.skipIf(notPackaged !== undefined)(
  'an account that encrypts by default',
  { timeout: 180_000 },
  () => {
    // One after the other in one region: to write a whole volume takes seconds of a core.
    it('gets every block of the volume, zeros too, and then a difference to that', async () => {
      doors = await Doors.open({ deployOnUpload: false });
      const before = await build();
      expect(recordOf(before).kmsKeyArn).toBeUndefined();
      expect(before.blocksWritten).toBeLessThan(100);

      await encryptByDefault();
      const whole = await build({ GREETING: 'hello' });
      expect(recordOf(whole).kmsKeyArn).toMatch(/^arn:aws:kms:/);
      expect(recordOf(whole).written.size).toBe(blocksOfGiB);
      expect(whole).toMatchObject({ blocks: before.blocks, blocksWritten: blocksOfGiB });
      expect(await environmentAtBoot(whole)).toEqual({ GREETING: 'hello' });
      // Its parent is of the time before.
      expect(whole.parent).toBeUndefined();
      expect(whole.parentRefused).toMatch(new RegExp(`refuses the parent ${before.snapshotId}`));
      const events = await doors.table.queryAll(keys.event(`image/${whole.identity}`, '').pk, '', eventItem);
      expect(events.map(({ kind }) => kind)).toContain('image-parent-refused');

      const next = await build({ GREETING: 'good day' });
      expect(next).toMatchObject({ blocksWritten: 1, parent: { snapshotId: whole.snapshotId } });
      expect(recordOf(next).kmsKeyArn).toBe(recordOf(whole).kmsKeyArn);
      expect(await environmentAtBoot(next)).toEqual({ GREETING: 'good day' });
      const { Images } = await doors.world.call('ec2', 'DescribeImages', { ImageIds: [next.imageId] });
      expect(Images[0].BlockDeviceMappings[0].Ebs).toMatchObject({ Encrypted: true });
    });
  },
);
