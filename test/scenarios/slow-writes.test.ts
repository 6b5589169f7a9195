/** Builds with the shipped machine and functions, in virtual time, while EBS is unwilling. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Doors, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const action = 'ebs:PutSnapshotBlock';
let doors: Doors;

describe.skipIf(notPackaged !== undefined)('writing an image', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    doors = await Doors.open({ deployOnUpload: false });
  }, 120_000);
  afterAll(() => doors?.close());

  async function built(name: string) {
    const key = `web/${name}`;
    const began = doors.world.clock.now();
    const upload = await doors.uploadEnded(key, await doors.upload(key, program(name)));
    return { upload, seconds: (doors.world.clock.now() - began) / 1_000 };
  }

  it('waits out minutes of throttling, over more than one try of its function', async () => {
    const { id } = doors.world.region.faults.inject({ kind: 'throttle', action, times: 1_000_000 });
    const throttledMs = 5 * 60_000;
    doors.world.clock.after(throttledMs, () => doors.world.region.faults.remove(id ?? ''));
    const { upload, seconds } = await built('throttled');
    expect(upload).toMatchObject({ state: 'built' });
    expect(seconds).toBeGreaterThan(throttledMs / 1_000);
    expect(seconds).toBeLessThan(throttledMs / 1_000 + 120);
  });

  it('puts a block in the end whose put fails twenty times', async () => {
    doors.world.region.faults.inject({
      kind: 'fail',
      action,
      code: 'InternalServerException',
      status: 500,
      times: 20,
    });
    const { upload } = await built('failing');
    expect(upload).toMatchObject({ state: 'built' });
  });

  it('puts a block again whose answer was lost', async () => {
    doors.world.region.faults.inject({ kind: 'lose-answer', action, nth: 2, times: 3 });
    const { upload, seconds } = await built('unanswered');
    expect(upload).toMatchObject({ state: 'built' });
    expect(seconds).toBeLessThan(60);
  });

  it('puts a block into a snapshot that was unknown in its first minute', async () => {
    const fault = { kind: 'fail', action, code: 'ResourceNotFoundException', status: 404 } as const;
    const { id } = doors.world.region.faults.inject({ ...fault, times: 1_000_000 });
    doors.world.clock.after(60_000, () => doors.world.region.faults.remove(id ?? ''));
    const { upload } = await built('unknown');
    expect(upload).toMatchObject({ state: 'built' });
  });

  it('ends by name, and leaves nothing, where a put is refused for good', async () => {
    const { Snapshots: before } = await doors.world.call('ec2', 'DescribeSnapshots', { OwnerIds: ['self'] });
    // A difference to an earlier image is given up first, and the whole is refused then.
    doors.world.region.faults.inject({ kind: 'fail', action, code: 'ValidationException', times: 1_000_000 });
    const { upload, seconds } = await built('refused');
    expect(upload).toMatchObject({ state: 'failed', error: { name: 'SnapshotFailed' } });
    doors.world.region.faults.clear();
    expect(seconds).toBeLessThan(60);
    await doors.world.seconds(10);
    const { Snapshots: after } = await doors.world.call('ec2', 'DescribeSnapshots', { OwnerIds: ['self'] });
    expect(after).toEqual(before);
  });
});
