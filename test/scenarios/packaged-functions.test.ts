/** The bundles that are deployed, from upload to rollback, in virtual time. */
import { afterEach, expect, it } from 'vitest';
import { Doors } from './doors-in-virtual-time.ts';
import { notPackaged } from './fleet-in-virtual-time.ts';

let doors: Doors | undefined;
afterEach(async () => {
  await doors?.close();
  doors = undefined;
});

it.skipIf(notPackaged !== undefined)('the packaged functions deploy twice and roll back', async () => {
  doors = await Doors.open({}, {}, 'packaged');
  await doors.deploy('one');
  expect(await doors.fleet()).toMatchObject({ live: { release: 1 } });
  await doors.deploy('two');
  expect(await doors.fleet()).toMatchObject({ live: { release: 2 }, warm: { release: 1 } });
  const { status, body } = await doors.api('POST /fleets/web/rollback', {});
  expect(status).toBe(202);
  expect(await doors.rolloutEnded(body.rollout)).toMatchObject({ status: 'succeeded' });
  expect(await doors.fleet()).toMatchObject({ live: { release: 1 } });
  expect(doors.world.invoked).toContain('shift-traffic');
});
