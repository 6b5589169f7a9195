/** What an uploader was told stands; and an upload that came is built, although nobody could begin that at first. */
import { afterEach, describe, expect, it } from 'vitest';
import { Doors, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

describe.skipIf(notPackaged !== undefined)('an upload', () => {
  let doors: Doors;
  afterEach(async () => {
    await doors?.close();
  });

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

      world.fault = () => undefined;
      await world.call('states', 'RedriveExecution', { executionArn });
      const end = await doors.until(async () => {
        const execution = await world.call('states', 'DescribeExecution', { executionArn });
        return execution.status === 'RUNNING' ? undefined : execution;
      });
      expect(end).toMatchObject({ status: 'FAILED', error: 'UploadEnded' });
      expect((await doors.uploads())[0]).toMatchObject({
        state: 'failed',
        error: { name: 'ImageBuildFailed' },
      });
      const { Images } = await world.call('ec2', 'DescribeImages', { Owners: ['self'] });
      expect(Images).toEqual([]);
    },
  );

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
