/** Smoke boots (`image.smokeBoot`): one instance of each new image, asked for its health before it may be released. */
import { afterEach, describe, expect, it } from 'vitest';
import type { MachineScript } from '../../local/machines/scripted.ts';
import type { FleetSpecInput } from '../../src/contracts/fleet-spec.ts';
import {
  eventItem,
  type ImageItem,
  imageItem,
  smokeBootItem,
  type UploadItem,
} from '../../src/contracts/items.ts';
import { amiName } from '../../src/image/identity.ts';
import { keys, lists } from '../../src/lineage/keys.ts';
import { Doors, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const opened: Doors[] = [];
afterEach(async () => {
  for (const doors of opened.splice(0)) await doors.close();
});

const asking: FleetSpecInput['image'] = { smokeBoot: { deadlineSeconds: 60 } };

async function open(script: MachineScript = {}, spec: Partial<FleetSpecInput> = {}): Promise<Doors> {
  const doors = await Doors.open({ deployOnUpload: false, image: asking, ...spec });
  opened.push(doors);
  doors.world.region.parts.ec2.instances.machines = () => script;
  return doors;
}

async function sent(doors: Doors, name = 'one', fleet = 'web'): Promise<UploadItem> {
  const key = `${fleet}/${name}`;
  return await doors.uploadEnded(key, await doors.upload(key, program(name)));
}

/** Every instance that a smoke boot ever launched, as EC2 shows it within the hour. */
// biome-ignore lint/suspicious/noExplicitAny: what EC2 answers
async function booted(doors: Doors): Promise<any[]> {
  const { Reservations = [] } = await doors.world.call('ec2', 'DescribeInstances', {
    Filters: [{ Name: 'tag-key', Values: ['flotilla:smoke-boot'] }],
  });
  return Reservations.flatMap(({ Instances }: { Instances: unknown[] }) => Instances);
}

async function expectAllEnded(doors: Doors): Promise<void> {
  for (const one of await booted(doors)) expect(one.State.Name).toMatch(/^(shutting-down|terminated)$/);
}

function imageOf(
  doors: Doors,
  { identity = '' }: Pick<UploadItem, 'identity'>,
): Promise<ImageItem | undefined> {
  return doors.table.get(keys.image(identity), imageItem);
}

async function consoleOf(doors: Doors, key: unknown): Promise<string> {
  const { Body } = await doors.world.call('s3', 'GetObject', { Bucket: doors.storeBucket, Key: key });
  return Buffer.from(Body).toString();
}

// biome-ignore lint/suspicious/noExplicitAny: the data of an event
async function bootEvents(doors: Doors, { identity }: Pick<UploadItem, 'identity'>): Promise<any[]> {
  const events = await doors.table.queryAll(keys.event(`image/${identity}`, '').pk, 'booted/', eventItem);
  return events.map(({ kind, data }) => ({ kind, ...data }));
}

describe.skipIf(notPackaged !== undefined)('a smoke boot', { timeout: 180_000 }, () => {
  it('passes once the instance is healthy, and is over before the image is recorded', async () => {
    const doors = await open({ bootMs: 8_000, console: ['listening on :8080'] });
    const upload = await sent(doors);
    expect(upload).toMatchObject({ state: 'built' });
    const [instance, ...others] = await booted(doors);
    expect(others).toEqual([]);
    expect(instance).toMatchObject({
      ImageId: upload.imageId,
      InstanceLifecycle: 'spot',
      MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
    });
    await expectAllEnded(doors);
    const image = await imageOf(doors, upload);
    expect(image?.boots).toMatchObject([
      { fleet: 'web', port: 8080, path: '/health', instanceId: instance.InstanceId },
    ]);
    const [event] = await bootEvents(doors, upload);
    expect(event).toMatchObject({ kind: 'image-booted', market: 'spot', imageId: upload.imageId });
    expect(await consoleOf(doors, event.console)).toBe('listening on :8080\n');
  });

  it('is asked for by a fleet alone that wants one', async () => {
    const doors = await open({}, { image: {} });
    expect(await sent(doors)).toMatchObject({ state: 'built' });
    expect(await booted(doors)).toEqual([]);
  });

  it.each<[string, MachineScript, RegExp]>([
    ['is never healthy', { healthy: 503, console: ['no ledger'] }, /not healthy within 60 s: answered 503/],
    [
      'refuses connections',
      { bootMs: 3_600_000 },
      /not healthy within 60 s: did not answer: connect ECONNREFUSED/,
    ],
    ['never answers', { healthy: 'timeout' }, /not healthy within 60 s: did not answer within 2 s/],
    [
      'ends by itself',
      { crashAtMs: 4_000, consoleOnExit: ['panic: no ledger'] },
      /The instance is (shutting-down|terminated)/,
    ],
  ])(
    'fails where the program %s: the image is gone, and the uploader is told',
    async (_what, script, why) => {
      const doors = await open(script);
      const upload = await sent(doors);
      expect(upload).toMatchObject({ state: 'rejected', error: { name: 'SmokeBootFailed' } });
      expect(upload.error?.message).toMatch(why);
      expect(upload.error?.message).toMatch(/ledger|i-0/);
      const { Images } = await doors.world.call('ec2', 'DescribeImages', { Owners: ['self'] });
      const { Snapshots } = await doors.world.call('ec2', 'DescribeSnapshots', { OwnerIds: ['self'] });
      expect([...Images, ...Snapshots]).toEqual([]);
      const [instance, ...others] = await booted(doors);
      expect(others).toEqual([]);
      await expectAllEnded(doors);
      const { Value: identity } = instance.Tags.find(
        ({ Key }: { Key: string }) => Key === 'flotilla:identity',
      );
      expect(await imageOf(doors, { identity })).toMatchObject({ state: 'failed' });
      const [event] = await bootEvents(doors, { identity });
      expect(event).toMatchObject({ kind: 'image-boot-failed', instanceId: instance.InstanceId });
      if (script.console !== undefined) expect(await consoleOf(doors, event.console)).toContain('no ledger');
      const { TagSet } = await doors.world.call('s3', 'GetObjectTagging', {
        Bucket: doors.uploadBucket,
        Key: 'web/one',
      });
      expect(TagSet).toContainEqual({ Key: 'flotilla:error', Value: 'SmokeBootFailed' });
    },
  );

  it('falls back to On-Demand where there is no Spot capacity', async () => {
    const doors = await open();
    doors.world.region.parts.ec2.outages.withhold({ market: 'spot' });
    expect(await sent(doors)).toMatchObject({ state: 'built' });
    const [instance, ...others] = await booted(doors);
    expect(others).toEqual([]);
    expect(instance.InstanceLifecycle).toBeUndefined();
    await expectAllEnded(doors);
  });

  it('never uses Spot where the fleet says so', async () => {
    const doors = await open({}, { image: { smokeBoot: { spot: false } } });
    expect(await sent(doors)).toMatchObject({ state: 'built' });
    const [instance] = await booted(doors);
    expect(instance.InstanceLifecycle).toBeUndefined();
  });

  it('fails where EC2 has no capacity at all, and says so', async () => {
    const doors = await open();
    doors.world.region.parts.ec2.outages.withhold({});
    const upload = await sent(doors);
    expect(upload).toMatchObject({ error: { name: 'SmokeBootFailed' } });
    expect(upload.error?.message).toMatch(/EC2 launches none: .*InsufficientInstanceCapacity/);
    expect(await booted(doors)).toEqual([]);
    doors.world.region.parts.ec2.outages.release({});
    expect(await sent(doors)).toMatchObject({ state: 'built' });
  });

  it('is remembered with the image: who asks the same needs no other, who asks more does', async () => {
    let path = '';
    const doors = await open({
      healthy: (_since, asked) => {
        path = asked;
        return asked === '/health';
      },
    });
    await doors.apply({ deployOnUpload: false, image: asking }, 'same');
    await doors.apply({ deployOnUpload: false, image: asking, healthCheck: { path: '/deep' } }, 'more');
    const first = await sent(doors, 'one', 'web');
    expect(await sent(doors, 'one', 'same')).toMatchObject({ state: 'built', imageId: first.imageId });
    expect(await booted(doors)).toHaveLength(1);

    // The image stands for the others; this fleet may not release it.
    const refused = await sent(doors, 'one', 'more');
    expect(path).toBe('/deep');
    expect(refused).toMatchObject({ state: 'rejected', error: { name: 'SmokeBootFailed' } });
    expect(await booted(doors)).toHaveLength(2);
    await expectAllEnded(doors);
    expect(await imageOf(doors, first)).toMatchObject({ state: 'available', imageId: first.imageId });
    const deploy = (fleet: string) => doors.api(`POST /fleets/${fleet}/rollouts`, { image: first.imageId });
    expect((await deploy('more')).body).toMatchObject({ type: expect.stringContaining('RequestRefused') });
    expect((await deploy('same')).status).toBe(202);
  });

  it('of an adopted image is asked for by a fleet that wants it, where the first did not', async () => {
    const doors = await open({}, { image: {} });
    const first = await sent(doors);
    await doors.apply({ deployOnUpload: false, image: asking });
    const { body } = await doors.api('POST /fleets/web/rollouts', { image: first.imageId });
    expect(body).toMatchObject({ type: expect.stringContaining('RequestRefused') });
    // By its artifact it goes the way of an upload once more, and boots there.
    const again = await doors.api('POST /fleets/web/rollouts', { artifact: first.artifactSha256 });
    expect(again.body).toMatchObject({ outcome: 'building' });
    await doors.until(async () => ((await imageOf(doors, first))?.boots === undefined ? undefined : true));
    expect(await booted(doors)).toHaveLength(1);
    await expectAllEnded(doors);
    expect((await doors.api('POST /fleets/web/rollouts', { image: first.imageId })).status).toBe(202);
  });

  it('is ended by the sweeper where its execution was stopped', async () => {
    const doors = await open({ bootMs: 3_600_000 }, { image: { smokeBoot: { deadlineSeconds: 900 } } });
    const versionId = await doors.upload('web/one', program('one'));
    const running = await doors.until(async () => {
      const [one] = await booted(doors);
      return one?.State.Name === 'running' ? one : undefined;
    });
    expect(running.State.Name).toBe('running');
    const [upload] = await doors.uploads();
    await doors.world.call('states', 'StopExecution', { executionArn: upload?.executionArn });
    const ended = await doors.uploadEnded('web/one', versionId);
    expect(ended.error?.name).toBe('ImageBuildFailed');
    await expectAllEnded(doors);
    const { Images } = await doors.world.call('ec2', 'DescribeImages', {
      Owners: ['self'],
      Filters: [{ Name: 'name', Values: [amiName('flotilla', ended.identity ?? '')] }],
    });
    expect(Images).toEqual([]);
  });

  it('leaves no instance, whatever call of it is the last of its function', async () => {
    const doors = await open();
    const { log, faults } = doors.world.region;
    const before = log.total;
    await sent(doors, 'clean');
    const counts = new Map<string, number>();
    for (const { who, action } of log.list().slice(before - log.total)) {
      const by = /flotilla-((?:launch|check|end)-smoke-boot)$/.exec(who)?.[1];
      if (by === undefined || action.startsWith('logs:')) continue;
      counts.set(`${by} ${action}`, (counts.get(`${by} ${action}`) ?? 0) + 1);
    }
    expect(counts.size).toBeGreaterThan(8);
    for (const [call, times] of counts) {
      const [by = '', action = ''] = call.split(' ');
      for (let nth = 1; nth <= times; nth += 1) {
        for (const when of ['before', 'after'] as const) {
          const words = `${when} ${call} ${nth}`;
          const launched = (await booted(doors)).length;
          faults.inject({ kind: 'crash', function: `flotilla-${by}`, when, action, nth });
          const upload = await sent(doors, words.replaceAll(/[^a-z]+/gi, '-').toLowerCase() + nth);
          faults.clear();
          expect(upload, words).toMatchObject({ state: 'built' });
          expect((await booted(doors)).length, words).toBe(launched + 1);
          await expectAllEnded(doors);
        }
      }
    }
  });

  it.each([
    ['launch-smoke-boot', 'ec2:RunInstances'],
    ['end-smoke-boot', 'ec2:TerminateInstances'],
    ['end-smoke-boot', 'dynamodb:TransactWriteItems'],
  ])('leaves no instance where the answers to %s of %s are lost for good', async (by, action) => {
    const doors = await open();
    // Longer than the state machine tries, sweeps included.
    for (let nth = 1; nth <= 60; nth += 1)
      doors.world.region.faults.inject({ kind: 'lose-answer', by, action, nth: 1 });
    await sent(doors);
    doors.world.region.faults.clear();
    // Past its deadline by the time after which EC2 would show it, and a sweep.
    await doors.world.seconds(1200);
    await expectAllEnded(doors);
    const { items } = await doors.table.list(lists.smokeBoots, smokeBootItem);
    expect(items).toEqual([]);
  });
});
