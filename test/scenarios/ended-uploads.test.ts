/** What an uploader was told stands; and an upload that came is built, although nobody could begin that at first. */
import { afterEach, describe, expect, it } from 'vitest';
import { Doors, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

describe.skipIf(notPackaged !== undefined)('an upload', () => {
  let doors: Doors;
  afterEach(async () => {
    await doors?.close();
  });

  /** Redrives an execution that was stopped. @returns how it ended. */
  async function redriven(executionArn: string | undefined) {
    const { world } = doors;
    world.fault = () => undefined;
    await world.call('states', 'RedriveExecution', { executionArn });
    return doors.until(async () => {
      const execution = await world.call('states', 'DescribeExecution', { executionArn });
      return execution.status === 'RUNNING' ? undefined : execution;
    });
  }

  it.each(['inspect-artifact', 'claim-image'])(
    'that was told as failed is not built by an execution that is redriven from %s',
    async (begins) => {
      doors = await Doors.open();
      const { world } = doors;
      world.fault = (name) => (name === begins ? 'crash' : undefined);
      const versionId = await doors.upload('web/one', program('one'));
      const [upload] = await doors.until(async () =>
        world.invoked.includes(begins) ? await doors.uploads() : undefined,
      );
      const { executionArn = '' } = upload ?? {};
      await world.call('states', 'StopExecution', { executionArn });
      expect(await doors.uploadEnded('web/one', versionId)).toMatchObject({ state: 'failed' });

      expect(await redriven(executionArn)).toMatchObject({ status: 'FAILED', error: 'UploadEnded' });
      expect((await doors.uploads())[0]).toMatchObject({
        state: 'failed',
        error: { name: 'ImageBuildFailed' },
      });
      const { Images } = await world.call('ec2', 'DescribeImages', { Owners: ['self'] });
      expect(Images).toEqual([]);
    },
  );

  it('that was told as ended is not deployed by an execution that is redriven from request-rollout', async () => {
    doors = await Doors.open();
    const { world } = doors;
    world.fault = (name) => (name === 'request-rollout' ? 'crash' : undefined);
    const versionId = await doors.upload('web/one', program('one'));
    await doors.until(async () => (world.invoked.includes('request-rollout') ? true : undefined));
    const [upload] = await doors.uploads();
    await world.call('states', 'StopExecution', { executionArn: upload?.executionArn });
    expect(await doors.uploadEnded('web/one', versionId)).toMatchObject({
      state: 'built',
      error: { name: 'ImageBuildFailed' },
    });

    const end = await redriven(upload?.executionArn);
    expect(end).toMatchObject({ status: 'FAILED', error: 'UploadEnded' });
    expect(await doors.fleet()).toMatchObject({ live: null, queue: [] });
    expect((await doors.uploads())[0]).toMatchObject({ state: 'built' });
  });

  it('that led to a rollout leads to no second one, although the answer was lost', async () => {
    doors = await Doors.open();
    const { world } = doors;
    const asked = () => world.invoked.filter((name) => name === 'request-rollout').length;
    // The rollout is written, and the call that wrote it dies; none after it gets anywhere.
    world.region.faults.inject({
      ...{ kind: 'crash', function: 'flotilla-request-rollout' },
      ...{ action: 'states:StartExecution', when: 'after' },
    });
    world.fault = (name, count) => (name === 'request-rollout' && count > 1 ? 'crash' : undefined);
    const versionId = await doors.upload('web/one', program('one'));
    await doors.until(async () => (asked() > 1 ? true : undefined));
    const [upload] = await doors.uploads();
    await world.call('states', 'StopExecution', { executionArn: upload?.executionArn });
    await doors.api('POST /rollouts/web-1/abort', {});
    expect(await doors.rolloutEnded('web-1')).toMatchObject({ status: 'aborted' });
    expect(await doors.uploadEnded('web/one', versionId)).toMatchObject({ state: 'aborted', rollout: 1 });

    const end = await redriven(upload?.executionArn);
    expect(end.status).toBe('SUCCEEDED');
    expect(JSON.parse(end.output)).toMatchObject({ rollout: { rollout: 1, release: 1 } });
    expect((await doors.uploads())[0]).toMatchObject({ state: 'aborted', rollout: 1 });
    expect((await doors.api('GET /rollouts/web-2')).status).toBe(404);
  });

  it('is built although its execution could not be started when it came', async () => {
    doors = await Doors.open({ deployOnUpload: false });
    doors.world.region.faults.inject({
      kind: 'fail',
      action: 'states:StartExecution',
      by: 'receive-upload',
      code: 'InvalidName',
      times: 3,
    });
    const versionId = await doors.upload('web/one', program('one'));
    expect(await doors.uploadEnded('web/one', versionId)).toMatchObject({ state: 'built' });
    expect(doors.world.invoked.filter((name) => name === 'receive-upload')).toHaveLength(3);
  });
});
