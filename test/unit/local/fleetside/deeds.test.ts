/** What a fault does at once: to an instance, a zone, events on their way. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FleetRegion } from './fleet-region.ts';

let world: FleetRegion;

beforeEach(async () => {
  world = await FleetRegion.create();
  await world.group('web', await world.template('web'), { MinSize: 3, DesiredCapacity: 3 });
  await world.seconds(30);
});

afterEach(() => world.region.close());

async function zones(): Promise<string[]> {
  const group = await world.describe('web');
  return (group?.Instances ?? [])
    .filter(({ LifecycleState }) => LifecycleState === 'InService')
    .map(({ AvailabilityZone = '' }) => AvailabilityZone)
    .sort((a, b) => a.localeCompare(b));
}

test('an instance whose host died is replaced by its group', async () => {
  const [first] = (await world.describe('web'))?.Instances ?? [];
  const instance = first?.InstanceId ?? '';
  expect(world.region.faults.inject({ kind: 'kill-instance', instance }).words).toContain(instance);
  await world.seconds(120);
  const left = (await world.describe('web'))?.Instances ?? [];
  expect(left.map(({ InstanceId }) => InstanceId)).not.toContain(instance);
  expect(left).toHaveLength(3);
});

test('what is not there cannot be killed', () => {
  expect(() =>
    world.region.faults.inject({ kind: 'kill-instance', instance: 'i-00000000000000000' }),
  ).toThrow('i-00000000000000000');
});

test('a lost zone takes its instances, gets none, and comes back when its time is over', async () => {
  expect(await zones()).toEqual(['us-east-1a', 'us-east-1b', 'us-east-1c']);
  world.region.faults.inject({ kind: 'lose-zone', zone: 'us-east-1b', seconds: 300 });
  await world.seconds(120);
  const without = await zones();
  expect(without).toHaveLength(3);
  expect(without).not.toContain('us-east-1b');
  await world.seconds(300);
  await world.call('autoscaling', 'SetDesiredCapacity', { AutoScalingGroupName: 'web', DesiredCapacity: 4 });
  await world.seconds(60);
  expect(await zones()).toContain('us-east-1b');
});

test.each([
  ['drop-event', 0],
  ['double-event', 2],
] as const)('%s decides how often an event reaches its target', async (kind, times) => {
  const { region } = world;
  const seen: unknown[] = [];
  const hooks = region.context.hooks as { invokeAsync: typeof region.context.hooks.invokeAsync };
  hooks.invokeAsync = (_, payload) => void seen.push(payload);
  await world.call('events', 'PutRule', { Name: 'all', EventPattern: JSON.stringify({ source: ['test'] }) });
  const Arn = 'arn:aws:lambda:us-east-1:000000000000:function:any';
  await world.call('events', 'PutTargets', { Rule: 'all', Targets: [{ Id: 'one', Arn }] });
  region.faults.inject({ kind, source: 'test', detailType: 'Told' });
  region.context.hooks.publish({ source: 'test', detailType: 'Told', detail: {} });
  await world.seconds(2);
  expect(seen).toHaveLength(times);
  region.context.hooks.publish({ source: 'test', detailType: 'Told', detail: {} });
  await world.seconds(2);
  expect(seen).toHaveLength(times + 1);
});

test.each([
  ['drop-event', 0],
  ['double-event', 2],
] as const)('%s decides how often S3 tells of an object', async (kind, times) => {
  const { region } = world;
  const told: unknown[] = [];
  const through = region.faults.aroundNotifications((_, payload) => void told.push(payload));
  const payload = { Records: [{ eventName: 'ObjectCreated:Put' }] };
  region.faults.inject({ kind, source: 'aws.s3' });
  through('arn', payload, 'events.amazonaws.com', 'rule');
  expect(told).toHaveLength(1);
  through('arn', payload, 's3.amazonaws.com', 'bucket');
  expect(told).toHaveLength(1 + times);
});

test('launches find no capacity while it is withheld', async () => {
  const everywhere = { type: 't3.nano' } as const;
  expect(world.region.faults.inject({ kind: 'withhold-capacity', ...everywhere }).words).toContain('t3.nano');
  await world.call('autoscaling', 'SetDesiredCapacity', { AutoScalingGroupName: 'web', DesiredCapacity: 4 });
  await world.seconds(60);
  expect(await zones()).toHaveLength(3);
  expect((await world.activities('web')).map(({ StatusCode }) => StatusCode)).toContain('Failed');
  world.region.faults.inject({ kind: 'release-capacity', ...everywhere });
  await world.seconds(600);
  expect(await zones()).toHaveLength(4);
});

test('an instance whose status checks fail is replaced, and one that is no Spot Instance gets no notice', async () => {
  const [first] = (await world.describe('web'))?.Instances ?? [];
  const instance = first?.InstanceId ?? '';
  expect(() => world.region.faults.inject({ kind: 'interrupt-spot', instance })).toThrow('no Spot Instance');
  world.region.faults.inject({ kind: 'impair-instance', instance });
  await world.seconds(900);
  const left = (await world.describe('web'))?.Instances ?? [];
  expect(left.map(({ InstanceId }) => InstanceId)).not.toContain(instance);
});

test('a byte of a snapshot changes, and changes back', async () => {
  const { faults, parts } = world.region;
  const snapshot = parts.ebs.snapshots.start({ volumeSizeGiB: 1, timeoutMinutes: 60 });
  const corrupt = { kind: 'corrupt-block', snapshot: snapshot.snapshotId, offset: 524_293 } as const;
  const seen = async () => [...(await parts.ebs.snapshots.disk(snapshot).read(524_292, 3))];
  expect(faults.inject(corrupt).words).toContain('Byte 524293');
  await world.seconds(1);
  expect(await seen()).toEqual([0, 255, 0]);
  faults.inject(corrupt);
  await world.seconds(1);
  expect(await seen()).toEqual([0, 0, 0]);
  expect(() => faults.inject({ ...corrupt, offset: 1024 ** 3 })).toThrow('ends before');
  expect(() => faults.inject({ ...corrupt, snapshot: 'snap-00000000000000000' })).toThrow('There is no');
});
