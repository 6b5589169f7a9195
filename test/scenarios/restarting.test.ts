/** A region ends in the middle of rollouts, and the next one on its folder takes them to their end. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../local/random.ts';
import { Doors, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'restarting-'));
});

afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

const rollout = {
  steps: [{ weight: 50, bakeSeconds: 60 }, { weight: 100 }],
  keepWarmSeconds: 300,
  drainSeconds: 5,
};

describe.skipIf(notPackaged !== undefined)('a region that is restarted', { timeout: 240_000 }, () => {
  it('tells of everything what it told before', async () => {
    const doors = await Doors.open({ rollout }, {}, 7, dataDir);
    await doors.deploy('one');
    const before = await everythingTold(doors);
    await doors.world.restart('stop');
    expect(await everythingTold(doors)).toEqual(before);
    await doors.world.restart('kill');
    expect(await everythingTold(doors)).toEqual(before);
    await doors.close();
  });

  it.each([1, 2, 3, 15])('takes a rollout to its end, whenever it goes down (seed %i)', async (seed) => {
    const random = new Random(seed);
    const doors = await Doors.open({ rollout }, {}, seed, dataDir);
    await doors.deploy('one');
    const key = 'web/two';
    const version = await doors.upload(key, program('two'));
    for (let times = 0; times < 6; times += 1) {
      await doors.world.clock.advance(random.integer(40_000));
      await doors.world.restart(random.next() < 0.5 ? 'stop' : 'kill');
    }
    const upload = await doors.uploadEnded(key, version);
    const end = await doors.rolloutEnded(`web-${upload.rollout}`);
    expect(end).toMatchObject({ status: 'succeeded' });
    expect(await doors.fleet()).toMatchObject({ live: { release: 2, weight: 100 }, candidate: null });
    await doors.world.seconds(600);
    await expectOneFleetAlone(doors);
    await doors.close();
  });
});

/** After the retirement there is one group with its instances, and no target that serves for another. */
async function expectOneFleetAlone(doors: Doors): Promise<void> {
  const { AutoScalingGroups: groups } = await doors.world.call(
    'autoscaling',
    'DescribeAutoScalingGroups',
    {},
  );
  expect(groups).toHaveLength(1);
  const { Reservations } = await doors.world.call('ec2', 'DescribeInstances', {
    Filters: [{ Name: 'instance-state-name', Values: ['running'] }],
  });
  const ids = Reservations.flatMap((one: { Instances: { InstanceId: string }[] }) =>
    one.Instances.map(({ InstanceId }) => InstanceId),
  );
  expect(groups[0].Instances.map((one: { InstanceId: string }) => one.InstanceId).sort()).toEqual(ids.sort());
}

/** What the describing operations answer that need no input. */
async function everythingTold(doors: Doors): Promise<Record<string, unknown>> {
  const told: Record<string, unknown> = {};
  for (const service of doors.world.region.services.values())
    for (const operation of Object.keys(service.operations).filter((name) =>
      /^(Describe|List|Scan)/.test(name),
    ))
      told[`${service.id}:${operation}`] = await doors.world.call(service.id, operation, {}).then(
        (output: object) => output,
        (error: Error) => error.name,
      );
  const { Buckets } = await doors.world.call('s3', 'ListBuckets', {});
  for (const { Name: Bucket } of Buckets) {
    const { Versions } = await doors.world.call('s3', 'ListObjectVersions', { Bucket });
    told[Bucket] = Versions;
  }
  told.table = await doors.world.call('dynamodb', 'Scan', { TableName: 'flotilla' });
  const { stateMachines } = await doors.world.call('states', 'ListStateMachines', {});
  for (const { stateMachineArn } of stateMachines) {
    const { executions } = await doors.world.call('states', 'ListExecutions', { stateMachineArn });
    for (const { executionArn } of executions)
      told[executionArn] = await doors.world.call('states', 'GetExecutionHistory', { executionArn });
  }
  return told;
}
