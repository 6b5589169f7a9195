/** The roles that a fleet's instances may have: those that the operator has set aside for programs, and no other. */
import { afterEach, describe, expect, it } from 'vitest';
import type { UploadItem } from '../../src/contracts/items.ts';
import { Doors, program } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

const opened: Doors[] = [];
afterEach(async () => {
  for (const doors of opened.splice(0)) await doors.close();
});

/** A program whose fleet names the instance profile `app`, of this role. */
async function sent(role: string, smokeBoot: boolean, parameters = {}): Promise<[Doors, UploadItem]> {
  const image = smokeBoot ? { smokeBoot: { deadlineSeconds: 60 } } : {};
  const doors = await Doors.open({ instances: { profile: 'app' }, image }, parameters);
  opened.push(doors);
  doors.world.region.parts.ec2.instances.roleOfProfile = () => role;
  return [doors, await doors.uploadEnded('web/one', await doors.upload('web/one', program('one')))];
}

async function launched({ world }: Doors): Promise<number> {
  const { Reservations } = await world.call('ec2', 'DescribeInstances', {});
  return Reservations.length;
}

describe.skipIf(notPackaged !== undefined)('a role of a program', { timeout: 120_000 }, () => {
  it.each([
    ['below the path that the stack may hand on', 'flotilla/app', {}],
    ['that the operator has set aside', 'app', { InstanceRoles: 'app' }],
  ])('%s is given to its instances', async (_which, role, parameters) => {
    const [doors, upload] = await sent(role, true, parameters);
    expect(upload).toMatchObject({ state: 'deploying' });
    expect(await doors.rolloutEnded(`web-${upload.rollout}`)).toMatchObject({ status: 'succeeded' });
  });

  it.each([
    ['elsewhere', 'administrator'],
    ['whose path begins alike', 'flotilla-admin/app'],
  ])('%s is given to no smoke boot, and the uploader is told what to do', async (_which, role) => {
    const [doors, upload] = await sent(role, true);
    expect(upload).toMatchObject({ state: 'failed', error: { name: 'AwsDenied' } });
    expect(upload.error?.message).toContain(
      `iam:PassRole on resource: arn:aws:iam::000000000000:role/${role}`,
    );
    expect(upload.error?.advice).toContain('InstanceRoles');
    expect(await launched(doors)).toBe(0);
  });

  it('elsewhere is given to no candidate', async () => {
    const [doors, upload] = await sent('administrator', false);
    const end = await doors.rolloutEnded(`web-${upload.rollout}`);
    expect(end).toMatchObject({ status: 'failed', error: { name: 'AwsDenied' } });
    expect(await launched(doors)).toBe(0);
  });
});
