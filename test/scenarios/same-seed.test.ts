/** A region repeats itself: the same seed, the same history, byte for byte, however much goes wrong. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { Fleet, minute } from './kit/fleet.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

interface Told {
  /** Histories, the table, every call with its time and answer, every line that a function wrote. */
  readonly everything: string;
  /** When which call came, without names that follow from the seed. */
  readonly order: string;
}

/** Two fleets are deployed at once while calls are throttled, late, lost and refused, and functions crash. */
async function run(seed: number): Promise<Told> {
  const web = await Fleet.create({}, { seed });
  const { world } = web;
  const shop = await web.beside('shop');
  for (const fleet of [web, shop]) {
    const end = await fleet.deploy(await fleet.image(`${fleet.name}-one`));
    expect(end).toMatchObject({ status: 'SUCCEEDED' });
  }
  const asked = [
    await web.ask(await web.image('web-two')),
    await shop.ask(await shop.image('shop-two', { healthy: false })),
    await web.ask(await web.image('web-three')),
  ];
  const { faults } = world.region;
  faults.inject({ kind: 'throttle', action: 'elasticloadbalancing:*', times: 4, nth: 3 });
  faults.inject({ kind: 'throttle', action: 'dynamodb:*', times: 3, nth: 7 });
  faults.inject({ kind: 'delay', action: 'autoscaling:*', seconds: 3, times: 3 });
  faults.inject({ kind: 'lose-answer', action: 'dynamodb:TransactWriteItems', times: 2, nth: 4 });
  faults.inject({ kind: 'crash', function: 'flotilla-shift-traffic', when: 'after', nth: 2 });
  faults.inject({ kind: 'double-event', source: 'aws.states', times: 5 });
  faults.inject({ kind: 'drop-event', source: 'aws.autoscaling', times: 1 });
  for (const [index, answer] of asked.entries()) await (index === 1 ? shop : web).ended(answer);
  await world.seconds(15 * minute);

  const { Items } = await world.call('dynamodb', 'Scan', { TableName: 'flotilla' });
  const histories = [];
  const { stateMachines } = await world.call('states', 'ListStateMachines', {});
  for (const { stateMachineArn } of stateMachines) {
    const { executions } = await world.call('states', 'ListExecutions', { stateMachineArn });
    for (const { executionArn } of executions)
      histories.push(await world.call('states', 'GetExecutionHistory', { executionArn, maxResults: 1000 }));
  }
  const { logGroups } = await world.call('logs', 'DescribeLogGroups', { limit: 50 });
  const lines = logGroups.map(({ logGroupName }: { logGroupName: string }) =>
    world.region.parts.logs.messages(logGroupName),
  );
  // Only how long a call really took is the machine's.
  const calls = world.region.log.list().map(({ ms: _real, ...call }) => call);
  expect(calls.some((call) => 'struck' in call || call.outcome === 'error')).toBe(true);
  const order = calls.map(({ at, action, outcome }) => `${at} ${action} ${outcome}`).join('\n');
  await world.close();
  return {
    everything: JSON.stringify({ histories, Items, calls, lines, invoked: world.invoked }, undefined, 1),
    order,
  };
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

it.skipIf(notPackaged !== undefined)(
  'the same seed gives the same history, another seed another',
  async () => {
    const first = await run(11);
    const again = await run(11);
    // The digests first: a difference of megabytes is no message.
    if (digest(again.everything) !== digest(first.everything)) {
      const lines = again.everything.split('\n');
      const at = first.everything.split('\n').findIndex((line, index) => line !== lines[index]);
      expect(lines.slice(at - 3, at + 3)).toEqual(first.everything.split('\n').slice(at - 3, at + 3));
    }
    expect(digest(again.everything)).toBe(digest(first.everything));
    expect(digest((await run(12)).order)).not.toBe(digest(first.order));
  },
  180_000,
);
