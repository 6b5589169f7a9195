/** What a rollout that failed leaves in its release. */
import { expect, test } from 'vitest';
import { eventItem, releaseItem, rolloutItem } from '../../../src/contracts/items.ts';
import { keys } from '../../../src/lineage/keys.ts';
import { readFleet } from '../../../src/runtime/rollout/hold.ts';
import { writeFailure } from '../../../src/runtime/rollout/record-failure.ts';
import { tableInRegion } from '../../support/table-in-region.ts';
import { by, fleet, lease, live, release } from '../fleet/views.ts';

const world = tableInRegion();

const at = '2026-11-23T12:00:00.000Z';
const clock = { now: () => new Date(at) };

const executionOf = (name: string) =>
  `arn:aws:states:us-east-1:000000000000:execution:flotilla-swap-fleet:${name}-5`;

/** Rollout 5, of a release that served before, of a fleet of its own. */
async function rollingOut(name: string, more: object = {}, asked: object = {}): Promise<void> {
  const rollout = {
    ...{ type: 'rollout', fleet: name, number: 5, kind: 'deploy', release: 1, from: 2 },
    ...{ executionArn: executionOf(name), status: 'running', phase: 'planning', requestedAt: at, by },
    ...asked,
  };
  const served = release(1, { fleet: name, state: 'candidate', servedAt: at, createdAt: at });
  await world.table.commit({
    writes: [
      {
        kind: 'put',
        key: keys.fleet(name),
        item: { ...fleet, fleet: name, createdAt: at, updatedAt: at, ...more },
      },
      { kind: 'put', key: keys.release(name, 1), item: served },
      { kind: 'put', key: keys.rollout(name, 5), item: rollout },
    ],
  });
}

test.each([
  ['stays as it was where it is what serves', 1, 'candidate'],
  ['is retired where another serves', 2, 'retired'],
])('a release that served before %s', async (_, serving, state) => {
  const name = `web${serving}`;
  await rollingOut(name, { live: { ...live, release: serving } });
  const failure = { name: 'AwsRefused', message: 'no', details: {} };
  await writeFailure(
    { fleet: name, rollout: 5, execution: executionOf(name), fence: 0, rolledBack: true, failure },
    world.table,
    clock,
  );
  expect(await world.table.get(keys.release(name, 1), releaseItem)).toMatchObject({ state });
});

test('a fleet that needs attention shows the newest reason, one that comes back included, each with an event', async () => {
  const name = 'stuck';
  await rollingOut(name, { lease: lease({ rollout: 5, fence: 3, since: at }) });
  const failure = { name: 'RolloutInterrupted', message: 'it ended', details: {} };
  const call = {
    fleet: name,
    rollout: 5,
    execution: executionOf(name),
    fence: 3,
    rolledBack: false,
    failure,
  };
  const reasons = [
    'live has 0 healthy targets',
    'the rule is gone',
    'the rule is gone',
    'live has 0 healthy targets',
  ];
  for (const attention of reasons) {
    await writeFailure({ ...call, attention }, world.table, clock);
    const held = await readFleet(world.table, name);
    expect(held.lease).toMatchObject({ state: 'needs-attention', reason: attention });
  }
  const told = await world.table.queryAll(keys.event(`fleet/${name}`, '').pk, 'rollout-5/', eventItem);
  expect(told.map(({ kind }) => kind)).toEqual(Array(3).fill('rollout-needs-attention'));
  expect(await world.table.get(keys.rollout(name, 5), rolloutItem)).toMatchObject({
    status: 'needs-attention',
    error: { name: 'RolloutInterrupted', message: 'it ended' },
  });
});

test.each([
  ['is marked, and warm still, where its own deploy had taken it up', 'warm', at],
  ['is not marked where its own deploy was to launch it anew', 'launch', undefined],
  ['is not marked where its own deploy ended before', 'no', undefined],
])('a warm release %s', async (_, way, failedAt) => {
  const name = `${way}-way`;
  await rollingOut(name, { live: { ...live, release: 2 } });
  const event = { type: 'event', subject: `fleet/${name}`, kind: 'rollout-planned', at, data: { way } };
  const key = 'rollout-5/planned';
  await world.table.commit({
    writes: [
      {
        kind: 'put',
        key: keys.release(name, 1),
        item: release(1, { fleet: name, state: 'warm', servedAt: at, createdAt: at }),
      },
      ...(way === 'no'
        ? []
        : [{ kind: 'put' as const, key: keys.event(`fleet/${name}`, key), item: { ...event, key } }]),
    ],
  });
  const failure = { name: 'AlarmRang', message: 'it rang', details: {} };
  await writeFailure(
    { fleet: name, rollout: 5, execution: executionOf(name), fence: 0, rolledBack: true, failure },
    world.table,
    clock,
  );
  const after = await world.table.get(keys.release(name, 1), releaseItem);
  expect(after).toMatchObject({ state: 'warm' });
  expect(after?.failedAt).toBe(failedAt);
});

test.each([
  ['is marked where its own deploy fails', 'deploy', 'failed', at],
  ['is not marked where going back to it fails', 'rollback', 'retired', undefined],
])('a release that served before %s', async (_, kind, state, failedAt) => {
  const name = `back-${kind}`;
  await rollingOut(name, { live: { ...live, release: 2 } }, { kind });
  const failure = { name: 'CandidateUnhealthy', message: 'no', details: {} };
  await writeFailure(
    { fleet: name, rollout: 5, execution: executionOf(name), fence: 0, rolledBack: true, failure },
    world.table,
    clock,
  );
  const after = await world.table.get(keys.release(name, 1), releaseItem);
  expect(after).toMatchObject({ state });
  expect(after?.failedAt).toBe(failedAt);
});
