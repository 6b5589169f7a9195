/** What a rollout that failed leaves in its release. */
import { expect, test } from 'vitest';
import { releaseItem } from '../../../src/contracts/items.ts';
import { keys } from '../../../src/lineage/keys.ts';
import { writeFailure } from '../../../src/runtime/rollout/record-failure.ts';
import { tableInRegion } from '../../support/table-in-region.ts';
import { by, fleet, live, release } from '../fleet/views.ts';

const world = tableInRegion();

const at = '2026-11-23T12:00:00.000Z';
const clock = { now: () => new Date(at) };

test.each([
  ['stays as it was where it is what serves', 1, 'candidate'],
  ['is retired where another serves', 2, 'retired'],
])('a release that served before %s', async (_, serving, state) => {
  const name = `web${serving}`;
  const execution = `arn:aws:states:us-east-1:000000000000:execution:flotilla-swap-fleet:${name}-5`;
  const rollout = {
    ...{ type: 'rollout', fleet: name, number: 5, kind: 'deploy', release: 1, from: serving },
    ...{ executionArn: execution, status: 'running', phase: 'planning', requestedAt: at, by },
  };
  const served = release(1, { fleet: name, state: 'candidate', servedAt: at, createdAt: at });
  await world.table.commit({
    writes: [
      {
        kind: 'put',
        key: keys.fleet(name),
        item: { ...fleet, fleet: name, live: { ...live, release: serving }, createdAt: at, updatedAt: at },
      },
      { kind: 'put', key: keys.release(name, 1), item: served },
      { kind: 'put', key: keys.rollout(name, 5), item: rollout },
    ],
  });
  const failure = { name: 'AwsRefused', message: 'no', details: {} };
  await writeFailure(
    { fleet: name, rollout: 5, execution, fence: 0, rolledBack: true, failure },
    world.table,
    clock,
  );
  expect(await world.table.get(keys.release(name, 1), releaseItem)).toMatchObject({ state });
});
