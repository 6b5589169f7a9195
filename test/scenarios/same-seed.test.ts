/** A region repeats itself: the same seed, the same history, with the bundles that are deployed. */
import { expect, it } from 'vitest';
import { Doors } from './kit/doors.ts';
import { notPackaged } from './kit/fleet-in-virtual-time.ts';

async function run(): Promise<string> {
  const doors = await Doors.open();
  try {
    await doors.deploy('one');
    await doors.deploy('two');
    const { world } = doors;
    const { Items } = await world.call('dynamodb', 'Scan', { TableName: 'flotilla' });
    const histories = [];
    const { stateMachines } = await world.call('states', 'ListStateMachines', {});
    for (const { stateMachineArn } of stateMachines) {
      const { executions } = await world.call('states', 'ListExecutions', { stateMachineArn });
      for (const { executionArn } of executions)
        histories.push(await world.call('states', 'GetExecutionHistory', { executionArn, maxResults: 1000 }));
    }
    expect(histories.length).toBeGreaterThan(1);
    return JSON.stringify({ histories, Items, invoked: world.invoked }, undefined, 1);
  } finally {
    await doors.close();
  }
}

it.skipIf(notPackaged !== undefined)('the same seed gives the same history and the same table', async () => {
  const first = await run();
  expect(await run()).toBe(first);
});
