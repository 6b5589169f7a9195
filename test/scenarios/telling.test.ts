/** Who only uses the bucket finds there how the rollout ended: in tags, and in a file of the store. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MachineScript } from '../../local/machines/scripted.ts';
import type { UploadItem } from '../../src/contracts/items.ts';
import { Doors, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

describe.skipIf(notPackaged !== undefined)('the end of a rollout', { timeout: 120_000 }, () => {
  let doors: Doors;
  /** How the machines of images behave that are launched from now on. */
  let script: MachineScript = {};
  beforeAll(async () => {
    doors = await Doors.open({
      healthCheck: { path: '/health', deadlineSeconds: 60, gracePeriodSeconds: 20 },
    });
    const scripts = new Map<string, MachineScript>();
    doors.world.region.parts.ec2.instances.machines = ({ ImageId = '' }) => {
      if (!scripts.has(ImageId)) scripts.set(ImageId, script);
      return scripts.get(ImageId);
    };
  }, 120_000);
  afterAll(() => doors?.close());

  /** What the bucket and the store say of an upload once it has come to this state. */
  async function told(key: string, versionId: string, state: UploadItem['state']) {
    await doors.until(async () => {
      const upload = (await doors.uploads()).find((one) => one.key === key && one.versionId === versionId);
      return upload?.state === state ? upload : undefined;
    });
    const { TagSet } = await doors.world.call('s3', 'GetObjectTagging', {
      Bucket: doors.uploadBucket,
      Key: key,
      VersionId: versionId,
    });
    const { Body } = await doors.world.call('s3', 'GetObject', {
      Bucket: doors.storeBucket,
      Key: `results/${key}.json`,
    });
    return {
      tags: Object.fromEntries(
        (TagSet as { Key: string; Value: string }[]).map((tag) => [tag.Key, tag.Value]),
      ),
      result: JSON.parse(Buffer.from(Body as Uint8Array).toString()) as UploadItem,
    };
  }

  it('is told when the release is live', async () => {
    const { tags, result } = await told('web/one', await doors.upload('web/one', program('one')), 'live');
    expect(tags).toMatchObject({
      'flotilla:outcome': 'live',
      'flotilla:release': 'v1',
      'flotilla:rollout': 'web-1',
    });
    expect(result).toMatchObject({ state: 'live', release: 1, rollout: 1 });
    expect(result.error).toBeUndefined();
  });

  it('is told by the most important tags where the uploader has left room for no more', async () => {
    const { VersionId } = await doors.world.call('s3', 'PutObject', {
      Bucket: doors.uploadBucket,
      Key: 'web/tagged',
      Body: program('tagged'),
      Tagging: Array.from({ length: 9 }, (_, index) => `own-${index}=x`).join('&'),
    });
    const { tags } = await told('web/tagged', VersionId, 'live');
    expect(Object.keys(tags)).toHaveLength(10);
    expect(tags).toMatchObject({ 'own-0': 'x', 'own-8': 'x', 'flotilla:outcome': 'live' });
  });

  it('is told when it was rolled back, with the reason', async () => {
    script = { healthy: false, console: ['the ledger does not answer'] };
    const { tags, result } = await told(
      'web/two',
      await doors.upload('web/two', program('two')),
      'rolled-back',
    );
    expect(tags).toMatchObject({ 'flotilla:outcome': 'rolled-back', 'flotilla:error': 'CandidateUnhealthy' });
    expect(tags['flotilla:cause']).not.toBe('');
    expect(result.error?.name).toBe('CandidateUnhealthy');
    expect(result.error?.message).toContain('the ledger does not answer');
    const steps = (await doors.api(`GET /uploads/${result.id}`)).body.steps as { kind: string }[];
    expect(steps.map(({ kind }) => kind)).toEqual([
      'upload-received',
      'upload-accepted',
      'upload-deploying',
      'upload-rolled-back',
    ]);
  });

  it('is told by the sweep when the execution was stopped', async () => {
    script = { bootMs: 40_000 };
    const versionId = await doors.upload('web/three', program('three'));
    const upload = await doors.uploadEnded('web/three', versionId);
    await doors.phase(`web-${upload.rollout}`, 'checking health');
    const { body } = await doors.api(`GET /rollouts/web-${upload.rollout}`);
    await doors.world.call('states', 'StopExecution', { executionArn: body.executionArn });
    const { tags } = await told('web/three', versionId, 'rolled-back');
    expect(tags).toMatchObject({ 'flotilla:outcome': 'rolled-back', 'flotilla:error': 'RolloutInterrupted' });
  });
});
