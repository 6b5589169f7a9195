/** A live image whose snapshot is no longer what was built: seen within the hour, vetoed, told of once. */
import { afterEach, describe, expect, it } from 'vitest';
import { eventItem, imageItem } from '../../src/contracts/items.ts';
import { subjects } from '../../src/lineage/events.ts';
import { keys } from '../../src/lineage/keys.ts';
import { Doors, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const hour = 3_600;

describe.skipIf(notPackaged !== undefined)('the hourly look at live images', { timeout: 180_000 }, () => {
  let doors: Doors | undefined;
  afterEach(async () => {
    await doors?.close();
    doors = undefined;
  });

  /** A fleet with one live release, and what a rule of the account heard of mismatches. */
  async function live() {
    doors = await Doors.open();
    const opened = doors;
    const upload = await opened.deploy('one');
    const identity = upload.identity ?? '';
    const image = await opened.table.get(keys.image(identity), imageItem);
    const told: unknown[] = [];
    opened.world.region.parts.events.faults.watch((event) => {
      if (event['detail-type'] === 'Flotilla Image Mismatch') told.push(event.detail);
      return undefined;
    });
    const item = () => opened.table.get(keys.image(identity), imageItem);
    return {
      opened,
      identity,
      imageId: image?.imageId ?? '',
      snapshotId: image?.snapshotId ?? '',
      told,
      item,
    };
  }

  it('finds nothing where nothing changed', async () => {
    const { opened, told, item, imageId } = await live();
    expect(await opened.world.invoke('verify-images', {})).toEqual({
      images: [
        { imageId, releases: ['web/v1'], outcome: 'matches', read: expect.any(Number), hoursForAll: 1 },
      ],
      left: 0,
    });
    await opened.world.seconds(2 * hour);
    expect(opened.world.invoked.filter((name) => name === 'verify-images').length).toBeGreaterThanOrEqual(2);
    expect([(await item())?.state, told]).toEqual(['available', []]);
  });

  it('vetoes an image of which one byte changed, tells of it once, and leaves what runs alone', async () => {
    const { opened, identity, imageId, snapshotId, told, item } = await live();
    opened.world.region.faults.inject({ kind: 'corrupt-block', snapshot: snapshotId, offset: 524_288 + 5 });
    await opened.world.seconds(3 * hour);

    const detail = { imageId, identity, snapshotId, differences: [{ index: 1, kind: 'changed' }] };
    expect(told).toEqual([expect.objectContaining({ ...detail, releases: ['web/v1'] })]);
    expect(await item()).toMatchObject({ state: 'vetoed', veto: { by: { through: 'schedule' } } });
    const events = await opened.table.queryAll(
      keys.event(subjects.image(identity), '').pk,
      'vetoed/',
      eventItem,
    );
    expect(events).toMatchObject([{ kind: 'image-vetoed', data: detail }]);

    const fleet = await opened.fleet();
    expect(fleet).toMatchObject({ state: 'needs-attention', live: { release: 1, weight: 100 } });
    expect(fleet.needsAttention).toEqual([
      expect.stringContaining(`v1 is live on ${imageId}, which was vetoed`),
    ]);
    const groups = await opened.world.call('autoscaling', 'DescribeAutoScalingGroups', {});
    expect(groups.AutoScalingGroups).toMatchObject([{ Instances: [{ LifecycleState: 'InService' }] }]);

    // Nothing deploys it any more, and the way out is another release.
    await opened.apply({}, 'shop');
    const asked = await opened.api('POST /fleets/shop/rollouts', { image: imageId });
    expect(asked).toMatchObject({ status: 409, body: { name: 'ImageVetoed' } });
    const again = await opened.uploadEnded('web/again', await opened.upload('web/again', program('one')));
    expect(again).toMatchObject({ error: { name: 'ImageVetoed' } });
    await opened.deploy('two');
    expect(await opened.fleet()).toMatchObject({
      state: 'serving',
      needsAttention: [],
      live: { release: 2 },
    });
  });

  it('is not fooled by digests in the store that were changed with the snapshot', async () => {
    const { opened, identity, item, told } = await live();
    const { Contents } = await opened.world.call('s3', 'ListObjectsV2', {
      Bucket: opened.storeBucket,
      Prefix: `digests/${identity}/1/0`,
    });
    await opened.world.call('s3', 'PutObject', {
      Bucket: opened.storeBucket,
      Key: Contents[0].Key,
      Body: Buffer.from('{"nonZero":[],"put":[]}'),
    });
    const { images } = (await opened.world.invoke('verify-images', {})) as { images: unknown[] };
    expect(images).toMatchObject([{ outcome: 'unverifiable' }]);
    expect([(await item())?.state, told]).toEqual(['available', []]);
  });

  it('takes the word of a person for an image, until it is taken back', async () => {
    const { opened, imageId, identity, item } = await live();
    const vetoed = await opened.api(`POST /images/${imageId}/veto`, { reason: 'it leaks' });
    expect(vetoed).toMatchObject({ status: 200, body: { identity, imageId, state: 'vetoed' } });
    expect((await opened.fleet()).needsAttention).toEqual([expect.stringContaining('it leaks')]);
    expect((await opened.api(`GET /lineage/${imageId}`)).body.images).toMatchObject([
      { state: 'vetoed', veto: { reason: 'it leaks' } },
    ]);
    await opened.apply({}, 'shop');
    expect((await opened.api('POST /fleets/shop/rollouts', { image: imageId })).status).toBe(409);

    // The first reason stays, and one without a reason is none.
    await opened.api(`POST /images/${identity}/veto`, { reason: 'something else' });
    expect((await item())?.veto?.reason).toBe('it leaks');
    expect((await opened.api(`POST /images/${imageId}/veto`, {})).status).toBe(400);

    expect(await opened.api(`POST /images/${imageId}/unveto`, {})).toMatchObject({
      body: { state: 'available' },
    });
    expect(await opened.fleet()).toMatchObject({ state: 'serving', needsAttention: [] });
    expect((await opened.api('POST /fleets/shop/rollouts', { image: imageId })).status).toBe(202);
    expect((await opened.api(`POST /images/ami-0123456789abcdef0/veto`, { reason: 'x' })).status).toBe(404);
  });
});
